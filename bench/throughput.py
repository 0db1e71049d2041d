"""Reports per second, time to the report and processor time for each image, beside what a user would have without it.

Four subjects in the same run on the same machine, in alternating order: Orthanc with the plugin; the bare model, the same
exported network in a loop; Orthanc alone, storing the same films; and the client way, a script that polls Orthanc's REST
API, once keeping its model and once loading it for each image. docs/performance.md explains the figures.
"""

import argparse
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import product as product_of
from pathlib import Path
from typing import Any

from bench import picture
from bench.answers import FOLDER, machine, percentile, spread, write_json
from bench.attribution import PARTS, attribute, cost, ratio
from bench.clients import MODEL, write_weights
from bench.mixture import MIXTURE, RAW, Film, Mixture
from bench.reading import by_kind
from bench.subjects import Run, bare_model, client_way, orthanc_alone, product
from bench.throughput_tables import judged, quiet, stacks, tables
from orthanc_ai.models.card import load_card
from orthanc_ai.models.prepared import load_prepared
from phantom.progress import progress
from tests.live.orthanc import MODELS_CACHE, ROOT
from tools.serve import NO_DELAY

QUESTION = "Reports per second, time to the report, processor time for each image"

FILMS = 60
"""Films of a round with the plugin: ten seconds' worth."""

CLIENT_FILMS = 6
"""Films of a round of the client way, one of each kind, which takes it as long."""

WARM_UP = 12
"""Films before each round: enough for every worker to get some."""

IDLE_FILMS = 8
"""Images of a round that come one at a time."""

STEADY_FILMS = 24
"""Images of a round that come in a steady stream."""

BARE_S = 8.0
"""Seconds of the bare model's loops in a round."""

READ_TIMES = 5
"""How often a film of each kind is read without a server."""


class Rounds:
    """Runs the subjects and keeps what they did.

    Parameters
    ----------
    share
        Of the films and seconds of a round.
    """

    def __init__(self, folder: Path, share: float) -> None:
        self._server = folder / "server"
        self._reports = folder / "reports"
        self._share = share
        # Whole mixtures.
        number = max(1, round(FILMS * share / len(MIXTURE))) * len(MIXTURE)
        steady = max(1, round(STEADY_FILMS * share / len(MIXTURE))) * len(MIXTURE)
        idle, warm = max(3, round(IDLE_FILMS * share)), number + WARM_UP
        raw = Mixture([RAW], seed=1).write(folder / "films", range(warm + idle))
        mixed = Mixture().write(folder / "films", range(warm + steady))
        self._films = {"raw": raw[:number], "mixture": mixed[:number]}
        self._warm_up = {"raw": raw[number:warm], "mixture": mixed[number:warm]}
        self._idle, self._steady = raw[warm:], mixed[warm:]
        self.kinds: list[Film] = mixed[: len(MIXTURE)]
        self._weights = write_weights(folder / "weights")
        self._onnx = load_prepared(load_card(ROOT / "models", MODEL), MODELS_CACHE).onnx
        self.runs: dict[str, list[Run]] = {}
        self.latencies: dict[str, list[float]] = {"idle": [], "steady": []}
        self.bare: list[dict[str, Any]] = []

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        """The steps of a round; what stores reports anew must come after what makes them."""
        return [
            ("plugin, raw", lambda: self._with_plugin("raw")),
            ("Orthanc alone, raw", lambda: self._alone("raw")),
            ("client way, model kept, raw", lambda: self._client("raw", load_each=False)),
            ("client way, model loaded each time, raw", lambda: self._client("raw", load_each=True)),
            ("bare model", self._bare),
            ("plugin, mixture", lambda: self._with_plugin("mixture")),
            ("Orthanc alone, mixture", lambda: self._alone("mixture")),
            ("client way, model kept, mixture", lambda: self._client("mixture", load_each=False)),
            ("client way, model loaded each time, mixture", lambda: self._client("mixture", load_each=True)),
        ]

    def of(self, name: str) -> list[Run]:
        """What a subject did, round by round."""
        return self.runs[name]

    def _keep(self, name: str, run: Run) -> None:
        self.runs.setdefault(name, []).append(run)
        print(f"  {name}: {run.films / run.seconds:.2f}/s, {1000 * cost(run)['all']:.0f} CPU ms", file=sys.stderr)

    def _with_plugin(self, which: str) -> None:
        reports = self._reports / which
        films, warm_up = self._films[which], self._warm_up[which]
        then = {"idle": self._idle} if which == "raw" else {"steady": self._steady}
        run, latencies = product(self._server, films, warm_up, None if reports.exists() else reports, **then)
        self._keep(f"plugin, {which}", run)
        for arrival in then:
            self.latencies[arrival] += latencies

    def _alone(self, which: str) -> None:
        films, warm_up = self._films[which], self._warm_up[which]
        storing, reports = orthanc_alone(self._server, films, warm_up, self._reports / which)
        self._keep(f"alone, {which}", storing)
        self._keep(f"storing reports, {which}", reports)

    def _client(self, which: str, *, load_each: bool) -> None:
        films, warm_up = self._films[which][:CLIENT_FILMS], self._warm_up[which][:1]
        run = client_way(self._server, films, warm_up, self._weights, load_each=load_each)
        self._keep(f"client, {'loads' if load_each else 'keeps'}, {which}", run)

    def _bare(self) -> None:
        self.bare.append(bare_model(self._onnx, max(2.0, BARE_S * self._share)))


def summary(rounds: Rounds) -> dict[str, Any]:
    """What the rounds say together: medians over the rounds, with their spread."""
    subjects = {name: _subject(runs) for name, runs in rounds.runs.items()}
    each = {name: spread([one["one_on_each"][name] for one in rounds.bare]) for name in ("per_second", "cpu_seconds")}
    single = spread([one["one_at_a_time"]["seconds"] for one in rounds.bare])
    ratios = [
        ratio(run, alone, bare["one_on_each"])
        for run, alone, bare in zip(rounds.of("plugin, raw"), rounds.of("alone, raw"), rounds.bare, strict=True)
    ]
    gains = {}
    for which, client in product_of(("raw", "mixture"), ("client, keeps", "client, loads")):
        pairs = list(zip(rounds.of(f"plugin, {which}"), rounds.of(f"{client}, {which}"), strict=True))
        gains[f"{client}, {which}"] = {
            "per_second": spread([(one.films / one.seconds) / (other.films / other.seconds) for one, other in pairs]),
            "cpu": spread([cost(other)["all"] / cost(one)["all"] for one, other in pairs]),
        }
    starts = {
        plugin: spread([run.start_seconds for name, runs in rounds.runs.items() if name.startswith("plugin") is plugin
                        for run in runs if run.start_seconds])
        for plugin in (False, True)
    }  # fmt: skip
    return {
        "subjects": subjects,
        "bare": {**each, "one_at_a_time_seconds": single},
        "latencies": {
            arrival: {"p50": percentile(taken, 0.5), "p99": percentile(taken, 0.99), "images": len(taken)}
            for arrival, taken in rounds.latencies.items()
        },
        "ratio": spread(ratios),
        "gains": gains,
        "start_seconds": {"without_plugin": starts[False], "with_plugin": starts[True]},
        "others": statistics.median(run.others for runs in rounds.runs.values() for run in runs if run.start_seconds),
        "parts": {which: _parts(rounds, which) for which in ("raw", "mixture")},
    }


def _subject(runs: Sequence[Run]) -> dict[str, Any]:
    costs = [cost(run) for run in runs]
    return {
        "per_second": spread([run.films / run.seconds for run in runs]),
        "cpu_seconds": {name: spread([one[name] for one in costs]) for name in costs[0]},
        "p50": spread([percentile(run.latencies, 0.5) for run in runs]) if runs[0].latencies else None,
        "p99": spread([percentile(run.latencies, 0.99) for run in runs]) if runs[0].latencies else None,
        "peak_mib": {name: max(run.peak_mib[name] for run in runs) for name in runs[0].peak_mib},
    }


def _parts(rounds: Rounds, which: str) -> dict[str, float]:
    names = (f"plugin, {which}", f"alone, {which}", f"storing reports, {which}")
    each = [attribute(*runs) for runs in zip(*(rounds.of(name) for name in names), strict=True)]
    return {part: statistics.median(one[part] for one in each) for part in PARTS}


def main(arguments: list[str]) -> int:
    """Run it; 0 if everything that is required is reached."""
    parser = argparse.ArgumentParser(prog="bench throughput", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="share of each round's films, for a quick look")
    parser.add_argument("--folder", type=Path, default=FOLDER / "throughput.tmp", help="for films and archives")
    parser.add_argument("--name", default="throughput", help="of the files that are written")
    options = parser.parse_args(arguments)

    os.environ.update(NO_DELAY)  # for the senders, as for the server: see ingestion.py
    about = machine()
    shutil.rmtree(options.folder, ignore_errors=True)
    began = time.perf_counter()
    rounds = Rounds(options.folder, options.share)
    todo = []
    for k in range(options.rounds):
        # Backwards every other time, so that what changes slowly on the machine favours nobody.
        steps = rounds.steps()
        todo += steps[::-1] if k % 2 else steps
    for name, step in progress(todo, len(todo), "steps"):
        print(name, file=sys.stderr)
        step()
    kinds = by_kind(rounds.kinds, READ_TIMES)
    shutil.rmtree(options.folder)
    found = summary(rounds)
    shown = tables(found, kinds)
    print("\n\n".join(one.text() for one in shown), quiet(found), sep="\n\n", end="\n\n")
    answer = {
        "question": QUESTION,
        "machine": about | {"seconds": time.perf_counter() - began},
        "rounds": options.rounds,
        "share": options.share,
        "summary": found,
        "kinds": kinds,
        "runs": {name: [asdict(run) for run in runs] for name, runs in rounds.runs.items()},
        "latencies": rounds.latencies,
        "bare": rounds.bare,
    }
    print(write_json(options.name, answer))
    page = FOLDER / f"{options.name}.md"
    page.write_text("\n\n".join((*(one.markdown() for one in shown), quiet(found))) + "\n")
    print(page)
    print(picture.parts(FOLDER / f"{options.name}.svg", stacks(found)))
    return 0 if all(reached for *_, reached in judged(found)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

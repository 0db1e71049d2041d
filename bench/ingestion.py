"""How fast Orthanc takes films while the plugin is busy, compared with the same Orthanc without the plugin.

One server at a time, alternating: each round starts with an empty archive, stores some films outside the timing (with
the plugin: until every worker is at work), then takes a number of films that it has never seen from several clients at
once. With the plugin, work goes on during the whole round. Rounds come in pairs in alternating order; the answer is the
median of the pairs' ratios.
"""

import argparse
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import picture
from bench.answers import FOLDER, machine, spread, table, write_json
from bench.films import Films
from bench.processes import CPUS, cpu_seconds, machine_cpu_seconds, own_cpu_seconds
from bench.senders import CLIENTS, WAYS
from bench.servers import check_busy, ended, fresh_server, wait_until_busy
from phantom.progress import progress
from tests.live.orthanc import Orthanc
from tools.serve import NO_DELAY

QUESTION = "Films per second with the busy plugin, as a share of what the same Orthanc takes without the plugin"

REQUIRED = 0.90
"""Least share of the rate without the plugin."""

AIM = 0.95

QUIET = 0.2
"""Processors that everything else on the machine may use, the kernel's own threads included, in rounds for the record."""

PREFILL = 24
"""Films stored before the timing: the backlog that keeps the workers busy until the round's own films arrive."""


@dataclass(frozen=True, slots=True)
class Size:
    """Films of one size, and how many a round takes: some seconds' worth."""

    name: str
    rows: int
    columns: int
    films: int


SIZES = (Size("10 MB", 2500, 2048, 240), Size("0.4 MB", 512, 420, 1600))
"""A film as a detector sends it, and one that costs more for each film than for each byte."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did in one round.

    Attributes
    ----------
    plugin
        Whether it had the plugin.
    seconds
        Until the last film was acknowledged.
    server_cpu, workers_cpu, senders_cpu
        Processor time in seconds.
    others_cpu
        Processor time of everything else on the machine, the kernel's own threads included.
    analysed
        Jobs that ended meanwhile.
    """

    case: str
    plugin: bool
    films: int
    seconds: float
    server_cpu: float
    workers_cpu: float
    senders_cpu: float
    others_cpu: float
    analysed: int

    @property
    def rate(self) -> float:
        """Films per second."""
        return self.films / self.seconds


def run_round(case: str, way: str, films: Sequence[Path], prefill: Sequence[Path], folder: Path, plugin: bool) -> Round:
    """One round with a server of its own."""
    with fresh_server(folder, plugin=plugin) as orthanc:
        orthanc.upload(prefill)
        if plugin:
            wait_until_busy(orthanc)
        os.sync()  # what earlier rounds have left to be written is not this one's
        done = ended(orthanc) if plugin else 0
        before, started = _cpu(orthanc), time.perf_counter()
        WAYS[way](orthanc, films)
        seconds, after = time.perf_counter() - started, _cpu(orthanc)
        if plugin:
            check_busy(orthanc)
            done = ended(orthanc) - done
        stored = orthanc.get("/statistics")["CountInstances"]
        if stored < len(films) + len(prefill):
            raise RuntimeError(f"only {stored} of {len(films) + len(prefill)} films were stored")
    server, workers, senders, everything = (late - early for early, late in zip(before, after, strict=True))
    others = max(0.0, everything - server - workers - senders)
    return Round(case, plugin, len(films), seconds, server, workers, senders, others, done)


def _cpu(orthanc: Orthanc) -> tuple[float, float, float, float]:
    """Processor time so far: of the server, its workers, the senders, and the whole machine."""
    return cpu_seconds([orthanc.pid]), cpu_seconds(orthanc.workers()), own_cpu_seconds(), machine_cpu_seconds()


def ratios(case: str, rounds: Sequence[Round]) -> list[float]:
    """Rate with the plugin to rate without it, for each pair of a case's rounds."""
    busy, alone = (
        [one.rate for one in rounds if one.case == case and one.plugin is plugin] for plugin in (True, False)
    )
    return [mine / other for mine, other in zip(busy, alone, strict=True)]


def summary(case: str, rounds: Sequence[Round]) -> dict[str, Any]:
    """What the rounds of a case say together."""
    alone = [one for one in rounds if one.case == case and not one.plugin]
    busy = [one for one in rounds if one.case == case and one.plugin]
    return {
        "case": case,
        "without_plugin": spread([one.rate for one in alone]),
        "with_plugin": spread([one.rate for one in busy]),
        "ratio": spread(ratios(case, rounds)),
        "server_cpu_ms_per_film": {
            "without_plugin": 1000 * statistics.median(one.server_cpu / one.films for one in alone),
            "with_plugin": 1000 * statistics.median(one.server_cpu / one.films for one in busy),
        },
        "processors_used_without_plugin": statistics.median(
            (one.server_cpu + one.senders_cpu) / one.seconds for one in alone
        ),
        "processors_of_workers": statistics.median(one.workers_cpu / one.seconds for one in busy),
        "processors_of_others": statistics.median(one.others_cpu / one.seconds for one in (*alone, *busy)),
        "analysed_per_second": statistics.median(one.analysed / one.seconds for one in busy),
    }


def show(summaries: Sequence[dict[str, Any]]) -> str:
    """The answer as a table."""
    header = (
        "",
        "films/s without",
        "films/s with",
        "ratio",
        "quartiles",
        "min-max",
        "server ms/film",
        "workers",
        "others",
    )
    rows = []
    for one in summaries:
        ratio, cpu = one["ratio"], one["server_cpu_ms_per_film"]
        rows.append(
            (
                one["case"],
                f"{one['without_plugin']['median']:.1f}",
                f"{one['with_plugin']['median']:.1f}",
                f"{ratio['median']:.3f}",
                f"{ratio['q1']:.2f}-{ratio['q3']:.2f}",
                f"{ratio['min']:.2f}-{ratio['max']:.2f}",
                f"{cpu['without_plugin']:.1f} -> {cpu['with_plugin']:.1f}",
                f"{one['processors_of_workers']:.2f}",
                f"{one['processors_of_others']:.2f}",
            )
        )
    return table(header, rows)


def main(arguments: list[str]) -> int:
    """Run it; 0 if every way in reaches what is required."""
    parser = argparse.ArgumentParser(prog="bench ingestion", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="pairs of rounds for each way and size")
    parser.add_argument("--share", type=float, default=1.0, help="share of each round's films, for a quick look")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--sizes", nargs="+", choices=[size.name for size in SIZES], default=[s.name for s in SIZES])
    parser.add_argument("--folder", type=Path, default=FOLDER / "ingestion.tmp", help="for films and archives")
    parser.add_argument("--name", default="ingestion", help="of the files that are written")
    options = parser.parse_args(arguments)

    # As the servers do: or both would sleep for most of the time, and the plugin's work would fit into the pauses.
    os.environ.update(NO_DELAY)
    about = machine()
    plan = []
    for size in (size for size in SIZES if size.name in options.sizes):
        films = Films(size.rows, size.columns)
        number = max(CLIENTS, round(size.films * options.share))
        paths = films.write(options.folder / "films", range(number + PREFILL))
        plan += [(f"{way} {size.name}", way, paths[PREFILL:], paths[:PREFILL]) for way in options.ways]
    rounds: list[Round] = []
    todo = [(k, one) for k in range(options.rounds) for one in plan]
    for k, (case, way, paths, prefill) in progress(todo, len(todo), "pairs of rounds"):
        # In alternating order, so that what changes slowly on the machine favours neither.
        for plugin in (False, True) if k % 2 else (True, False):
            rounds.append(run_round(case, way, paths, prefill, options.folder / "server", plugin))
            print(f"  {case}: {rounds[-1].rate:.1f}/s {'with' if plugin else 'without'}", file=sys.stderr)
    shutil.rmtree(options.folder / "films")
    summaries = [summary(case, rounds) for case, *_ in plan]
    quiet = all(one["processors_of_others"] <= QUIET for one in summaries)
    answer = {
        "question": QUESTION,
        "quiet": quiet,
        "machine": about,
        "required": REQUIRED,
        "aim": AIM,
        "clients": CLIENTS,
        "summary": summaries,
        "rounds": [asdict(one) for one in rounds],
    }
    print(show(summaries))
    print(f"workers, others: processors used, of {CPUS}; required {REQUIRED:.2f}, aim {AIM:.2f}")
    if not quiet:
        print(f"The machine was not quiet (others used more than {QUIET} processors): not for the record.")
    print(write_json(options.name, answer))
    by_case = {case: ratios(case, rounds) for case, *_ in plan}
    print(picture.ratios(FOLDER / f"{options.name}.svg", by_case, REQUIRED, AIM))
    return 0 if all(one["ratio"]["median"] >= REQUIRED for one in summaries) else 1

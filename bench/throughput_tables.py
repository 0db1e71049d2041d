"""How the main benchmark's answer is shown: tables, what is required, bars for the picture."""

from itertools import product
from typing import Any

from bench.answers import Table
from bench.attribution import PARTS
from bench.processes import CPUS
from bench.subjects import STEADY_PER_S

QUIET = 0.2
"""Processors that everything else on the machine may use, the kernel's own threads included, in rounds for the record."""

REQUIRED_RATIO = 1.35
"""Most that an image may cost in server and workers, to the sum of its bare parts."""

REQUIRED_KEPT, REQUIRED_LOADED = 5.0, 7.0
"""Least reports per second, and least gain in processor time, compared with the client way."""

REQUIRED_IDLE_S = 0.150
"""Most that an image into an idle server may take beyond the bare inference, median."""

REQUIRED_START_S = 3.0
"""Most that the plugin may add to Orthanc's own start."""


def judged(found: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """What is required: what it is about, what was found, what must be, whether it is."""
    gains, starts, latencies = found["gains"], found["start_seconds"], found["latencies"]
    single = found["bare"]["one_at_a_time_seconds"]["median"]
    beyond = latencies["idle"]["p50"] - single
    more = starts["with_plugin"]["median"] - starts["without_plugin"]["median"]
    rows = [
        (
            "raw films: CPU with the plugin / (Orthanc alone + bare model)",
            _range(found["ratio"], 2),
            f"{REQUIRED_RATIO} at most",
            found["ratio"]["median"] <= REQUIRED_RATIO,
        )
    ]
    clients = (
        ("client, keeps", "the client that keeps its model", REQUIRED_KEPT),
        ("client, loads", "the client that loads it each time", REQUIRED_LOADED),
    )
    for which, (client, title, required) in product(("raw", "mixture"), clients):
        for gain, what in (("per_second", "reports per second"), ("cpu", "CPU for an image")):
            values = gains[f"{client}, {which}"][gain]
            name = f"{which}: {what}, times better than {title}"
            rows.append((name, _range(values, 1), f"{required:g} at least", values["median"] >= required))
    idle = f"{1000 * beyond:.0f} ms"
    name = f"raw, idle server: from C-STORE to report, beyond the bare inference's {1000 * single:.0f} ms, p50"
    rows.append((name, idle, f"{1000 * REQUIRED_IDLE_S:.0f} ms at most", beyond <= REQUIRED_IDLE_S))
    name = f"ready after the start, beyond Orthanc's own {starts['without_plugin']['median']:.2f} s"
    rows.append((name, f"{more:.2f} s", f"{REQUIRED_START_S:g} s at most", more <= REQUIRED_START_S))
    return rows


def stacks(found: dict[str, Any]) -> list[dict[str, dict[str, float]]]:
    """Processor milliseconds for an image, for the picture: the plugin by part, and beside the client way by process."""
    subjects = found["subjects"]

    def used(subject: str, *processes: str) -> dict[str, float]:
        return {name: 1000 * float(subjects[subject]["cpu_seconds"][name]["median"]) for name in processes}

    bare = {
        "receive": used("alone, raw", "server")["server"],
        "infer": 1000 * found["bare"]["cpu_seconds"]["median"],
    }
    by_part = {
        f"plugin, {which}": {part: 1000 * seconds for part, seconds in parts.items()}
        for which, parts in found["parts"].items()
    }
    by_process = {
        "plugin, mixture": used("plugin, mixture", "server", "workers"),
        "client keeps its model": used("client, keeps, mixture", "server", "client"),
        "client loads it each time": used("client, loads, mixture", "server", "client"),
    }
    # The colours of the parts follow the first bar that has them all.
    return [{"plugin, raw": by_part.pop("plugin, raw"), "raw, the bare parts": bare, **by_part}, by_process]


def tables(found: dict[str, Any], kinds: dict[str, dict[str, float]]) -> list[Table]:
    """The answer."""
    verdicts = [(*row[:3], "yes" if row[3] else "NO") for row in judged(found)]
    return [
        _subjects(found),
        _parts(found["parts"]),
        _kinds(kinds, found["parts"]["mixture"]),
        _waits(found["latencies"]),
        Table(("", "found", "required", "reached"), verdicts),
    ]


def quiet(found: dict[str, Any]) -> str:
    """How busy others kept the machine."""
    line = f"everything else on the machine took {found['others']:.2f} of its {CPUS} processors"
    return line if found["others"] <= QUIET else f"{line}: it was not quiet, so this is not for the record"


def _range(values: dict[str, float], digits: int) -> str:
    return f"{values['median']:.{digits}f} ({values['min']:.{digits}f}-{values['max']:.{digits}f})"


SUBJECTS = {
    "plugin, raw": "plugin, raw: reports",
    "plugin, mixture": "plugin, mixture: reports",
    "client, keeps, raw": "client keeps its model, raw: reports",
    "client, loads, raw": "client loads its model each time, raw: reports",
    "client, keeps, mixture": "client keeps its model, mixture: reports",
    "client, loads, mixture": "client loads its model each time, mixture: reports",
    "alone, raw": "Orthanc alone, raw: films stored",
    "alone, mixture": "Orthanc alone, mixture: films stored",
    "storing reports, raw": "Orthanc alone: reports stored",
}
"""Rows of the table, by subject."""


def _subjects(found: dict[str, Any]) -> Table:
    processes = ("all", "server", "workers", "client", "senders")
    header = ("CPU in ms for each", "per second", *processes, "p50 s", "p99 s", "peak MiB")
    rows = []
    for name, title in SUBJECTS.items():
        one = found["subjects"][name]
        cpu = {process: f"{1000 * values['median']:.0f}" for process, values in one["cpu_seconds"].items()}
        waits = [f"{one[p]['median']:.1f}" if one[p] else "" for p in ("p50", "p99")]
        peak = sum(one["peak_mib"].values())
        each = [cpu.get(process, "").removeprefix("0") for process in processes]
        rows.append((title, _range(one["per_second"], 2), *each, *waits, f"{peak:.0f}" if peak else ""))
    bare = found["bare"]
    cpu_ms = f"{1000 * bare['cpu_seconds']['median']:.0f}"
    rows.append(("bare model: tensors", _range(bare["per_second"], 2), cpu_ms, *[""] * 7))
    return Table(header, rows)


def _parts(parts: dict[str, dict[str, float]]) -> Table:
    rows = [
        (f"{which}, CPU ms", *(f"{1000 * one[part]:.1f}" for part in PARTS), f"{1000 * sum(one.values()):.0f}")
        for which, one in parts.items()
    ]
    return Table(("", *PARTS, "all"), rows)


def _kinds(kinds: dict[str, dict[str, float]], parts: dict[str, float]) -> Table:
    """Stages of a worker for each kind, and the share of decoding in all that an image costs."""
    stages = list(next(iter(kinds.values())))
    server = parts["receive"] + parts["queue"] + parts["store"]
    rows = []
    for kind, one in kinds.items():
        worker = sum(one.values())
        shares = (f"{100 * one['decode'] / whole:.0f} %" for whole in (worker, server + worker))
        rows.append((kind, *(f"{1000 * one[stage]:.1f}" for stage in stages), f"{1000 * worker:.0f}", *shares))
    return Table(("worker alone, CPU ms", *stages, "all", "decoding", "decoding of the image's whole cost"), rows)


def _waits(latencies: dict[str, Any]) -> Table:
    titles = {"idle": "raw, one image into an idle server", "steady": f"mixture, {STEADY_PER_S:g} films a second"}
    rows = [
        (titles[arrival], *(f"{1000 * one[p]:.0f}" for p in ("p50", "p99")), str(one["images"]))
        for arrival, one in latencies.items()
    ]
    return Table(("from C-STORE to report", "p50 ms", "p99 ms", "images"), rows)

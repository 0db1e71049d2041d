"""How the main benchmark's answer is shown: tables, what is required, bars for the picture."""

from typing import Any

from bench.answers import table
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
    for client, required in (("client, keeps", REQUIRED_KEPT), ("client, loads", REQUIRED_LOADED)):
        for gain, what in (("per_second", "reports per second"), ("cpu", "CPU for an image")):
            values = gains[client][gain]
            name = f"mixture: {what}, times better than {client} its model"
            rows.append((name, _range(values, 1), f"{required:g} at least", values["median"] >= required))
    idle = f"{1000 * beyond:.0f} ms"
    name = f"raw, idle server: from C-STORE to report, beyond the bare inference's {1000 * single:.0f} ms, p50"
    rows.append((name, idle, f"{1000 * REQUIRED_IDLE_S:.0f} ms at most", beyond <= REQUIRED_IDLE_S))
    name = f"ready after the start, beyond Orthanc's own {starts['without_plugin']['median']:.2f} s"
    rows.append((name, f"{more:.2f} s", f"{REQUIRED_START_S:g} s at most", more <= REQUIRED_START_S))
    return rows


def stacks(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Processor milliseconds for an image by part, for the picture."""
    parts, subjects = found["parts"], found["subjects"]
    bare = found["bare"]["cpu_seconds"]["median"]

    def used(subject: str, process: str) -> float:
        return 1000 * float(subjects[subject]["cpu_seconds"][process]["median"])

    bars = {"raw: its two bare parts": {"receive": used("alone, raw", "all"), "infer": 1000 * bare}}
    bars |= {f"{which}: plugin": {name: 1000 * each for name, each in parts[which].items()} for which in parts}
    for subject, title in (("client, keeps", "client, model kept"), ("client, loads", "client, model loaded")):
        bars[f"mixture: {title}"] = {"server": used(subject, "server"), "client": used(subject, "client")}
    return bars


def show(found: dict[str, Any], kinds: dict[str, dict[str, float]]) -> str:
    """The answer as tables."""
    lines = [_subjects_table(found), "", _parts_table(found["parts"]), "", _kinds_table(kinds), ""]
    named = {"idle": "raw, one image into an idle server", "steady": f"mixture, {STEADY_PER_S:g} films a second"}
    waits = [
        (f"C-STORE to report: {named[arrival]}", *(f"{1000 * one[p]:.0f}" for p in ("p50", "p99")), str(one["images"]))
        for arrival, one in found["latencies"].items()
    ]
    lines += [table(("", "p50 ms", "p99 ms", "images"), waits), ""]
    verdicts = [(*row[:3], "yes" if row[3] else "NO") for row in judged(found)]
    lines += [table(("", "found", "required", "reached"), verdicts), ""]
    lines.append(f"everything else on the machine took {found['others']:.2f} of its {CPUS} processors")
    if found["others"] > QUIET:
        lines.append("The machine was not quiet: not for the record.")
    return "\n".join(lines)


def _range(values: dict[str, float], digits: int) -> str:
    return f"{values['median']:.{digits}f} ({values['min']:.{digits}f}-{values['max']:.{digits}f})"


SUBJECTS = {
    "plugin, raw": "plugin, raw: reports",
    "plugin, mixture": "plugin, mixture: reports",
    "client, keeps": "client keeps its model, mixture: reports",
    "client, loads": "client loads its model each time, mixture: reports",
    "alone, raw": "Orthanc alone, raw: films stored",
    "alone, mixture": "Orthanc alone, mixture: films stored",
    "storing reports, raw": "Orthanc alone: reports stored",
}
"""Rows of the table, by subject."""


def _subjects_table(found: dict[str, Any]) -> str:
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
    return table(header, rows)


def _parts_table(parts: dict[str, dict[str, float]]) -> str:
    rows = [
        (f"{which}: CPU ms", *(f"{1000 * one[part]:.1f}" for part in PARTS), f"{1000 * sum(one.values()):.0f}")
        for which, one in parts.items()
    ]
    return table(("", *PARTS, "all"), rows)


def _kinds_table(kinds: dict[str, dict[str, float]]) -> str:
    stages = list(next(iter(kinds.values())))
    rows = [
        (
            kind,
            *(f"{1000 * one[stage]:.1f}" for stage in stages),
            f"{1000 * sum(one.values()):.0f}",
            f"{100 * one['decode'] / sum(one.values()):.0f} %",
        )
        for kind, one in kinds.items()
    ]
    return table(("worker alone, CPU ms", *stages, "all", "decoding"), rows)

"""How a benchmark's answer is shown and kept: a table, a JSON file, the spread of the rounds."""

import json
import os
import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orthanc_ai import __version__

FOLDER = Path(__file__).resolve().parents[1] / "artifacts" / "bench"
"""Where answers are written."""


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, quartiles and extremes."""
    if len(values) == 1:
        return dict.fromkeys(("median", "q1", "q3", "min", "max"), values[0])
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "q1": low, "q3": high, "min": min(values), "max": max(values)}


def percentile(values: Sequence[float], share: float) -> float:
    """Smallest value that at least this share of all values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def machine() -> dict[str, Any]:
    """The machine, and how busy others keep it."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "processor": model[1] if model else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory[1]) / 1024**2, 1) if memory else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "plugin": __version__,
        "load_at_start": os.getloadavg()[0],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write_json(name: str, answer: dict[str, Any]) -> Path:
    """Write an answer to ``artifacts/bench/NAME.json``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(answer, indent=1) + "\n")
    return path


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """For a terminal."""
        return table(self.header, self.rows)

    def markdown(self) -> str:
        """For a page of docs/."""
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)], *self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first one to the left, the others to the right."""
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)

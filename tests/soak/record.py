"""What the soak leaves behind: a picture and numbers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

from .tally import Tally

mpl.use("svg")
import matplotlib.pyplot as plt

LINES = {"server": ("tab:red", "server killed or stopped"), "worker": ("0.6", "worker killed, crashed or frozen")}
"""Colour of what was done to whom, and its name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How far it was, `seconds` after the beginning; ``None`` for what a server that is away does not say."""

    seconds: float
    tried: int
    acknowledged: int
    reports: int | None


def write_json(
    path: Path,
    numbers: Mapping[str, Any],
    tally: Tally,
    samples: Sequence[Sample],
    deeds: Sequence[tuple[float, str]],
) -> None:
    """Write all numbers, and what was done when, as `draw` takes it."""
    everything = {
        "table": dict(numbers),
        **asdict(tally),
        "deeds": [{"seconds": round(seconds, 3), "what": what} for seconds, what in deeds],
        "samples": [asdict(sample) for sample in samples],
    }
    path.write_text(json.dumps(everything, indent=1) + "\n")


def draw(path: Path, samples: Sequence[Sample], deeds: Sequence[tuple[float, str]], title: str) -> None:
    """Draw what was acknowledged and reported over time, with a line for each kill.

    Parameters
    ----------
    deeds
        Seconds after the beginning, and what was done.
    """
    figure, axes = plt.subplots(figsize=(10, 5))
    for kind, (colour, name) in LINES.items():
        times = [seconds for seconds, what in deeds if what.startswith(kind)]
        for index, seconds in enumerate(times):
            label = f"{name} ({len(times)})" if not index else None
            axes.axvline(seconds, color=colour, linewidth=0.6, alpha=0.7, label=label)
    axes.plot([one.seconds for one in samples], [one.acknowledged for one in samples], label="images acknowledged")
    known = [(one.seconds, one.reports) for one in samples if one.reports is not None]
    axes.plot(*zip(*known, strict=True), label="reports")
    axes.set_xlabel("seconds")
    axes.set_title(title)
    axes.legend(loc="upper left")
    figure.savefig(path)
    plt.close(figure)

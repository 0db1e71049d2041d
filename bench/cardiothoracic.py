"""How well the classical method measures the cardiothoracic ratio of phantoms, and how long it takes.

Usage: ``python3 -m bench.cardiothoracic --count 400`` in the box. The seeds from 1,000,000 on are those that the method's
limits were chosen with; those from 2,000,000 on, the default, have not been used for that.
"""

import argparse
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orthanc_ai.cardiothoracic.classical import measure
from orthanc_ai.cardiothoracic.grid import Gray
from orthanc_ai.cardiothoracic.ratio import RatioError
from phantom.chest import draw_chest, render
from phantom.chest.radiograph import Truth
from phantom.progress import progress

HELD_OUT = 2_000_000
# What the ratio may be off by.
TOLERANCE = 0.02
# Rows and columns of the phantom; each cell that is measured is a mean of four pixels.
_ROWS, _COLUMNS, BLOCK = 624, 512, 2
_LARGEST = 4095.0


@dataclass(frozen=True)
class Trial:
    """One phantom measured.

    Attributes
    ----------
    findings
        What was built in.
    error
        Measured ratio less the true one; NaN where it was refused.
    uncertainty
        What the method said; NaN where it refused.
    heart, thorax
        Measured width by the true one, less one.
    code
        Why it was refused, or ``MEASURED``.
    seconds
        CPU time of the measurement.
    """

    findings: tuple[str, ...]
    error: float
    uncertainty: float
    heart: float
    thorax: float
    code: str
    seconds: float

    @property
    def measured(self) -> bool:
        """Whether a ratio was given."""
        return self.code == "MEASURED"


def film(seed: int, findings: Sequence[str] | Mapping[str, float] | None = None) -> tuple[Gray, Truth, tuple[str, ...]]:
    """A phantom as the method gets it (312 x 256 cells of two pixels), the truth about it, and what was built in."""
    chest = draw_chest(seed, findings)
    radiograph = render(chest, _ROWS, _COLUMNS)
    blocks = radiograph.pixels.reshape(_ROWS // BLOCK, BLOCK, _COLUMNS // BLOCK, BLOCK).mean(axis=(1, 3))
    labels = tuple(sorted(finding.label for finding in chest.findings))
    return (blocks / _LARGEST).astype(np.float32), radiograph.truth, labels


def trial(image: Gray, truth: Truth, findings: tuple[str, ...]) -> Trial:
    """Measure one phantom."""
    start = time.process_time()
    try:
        ratio = measure(image, BLOCK)
    except RatioError as error:
        seconds = time.process_time() - start
        return Trial(findings, math.nan, math.nan, math.nan, math.nan, str(error.code), seconds)
    return Trial(
        findings,
        ratio.value - truth.cardiothoracic_ratio,
        ratio.uncertainty,
        ratio.heart.pixels * truth.pixel_mm / truth.heart_width_mm - 1,
        ratio.thorax.pixels * truth.pixel_mm / truth.thorax_width_mm - 1,
        "MEASURED",
        time.process_time() - start,
    )


def table(trials: Sequence[Trial]) -> Iterator[str]:
    """Lines of a Markdown table: all phantoms, then those with each finding."""
    groups: dict[str, list[Trial]] = defaultdict(list)
    for one in trials:
        groups["all"].append(one)
        for label in one.findings or ("no finding",):
            groups[label].append(one)
    yield "| phantoms | number | refused | within 0.02 | median error | 95 % of errors below | sd of error / uncertainty |"
    yield "|---|---|---|---|---|---|---|"
    for name in ["all", "no finding", *sorted(set(groups) - {"all", "no finding"})]:
        group = groups[name]
        measured = [one for one in group if one.measured]
        if not measured:
            yield f"| {name} | {len(group)} | {1:.0%} | | | | |"
            continue
        errors = np.array([one.error for one in measured])
        scores = errors / np.array([one.uncertainty for one in measured])
        yield (
            f"| {name} | {len(group)} | {1 - len(measured) / len(group):.1%} "
            f"| {(np.abs(errors) <= TOLERANCE).mean():.1%} | {np.median(errors):+.4f} "
            f"| {np.percentile(np.abs(errors), 95):.3f} | {scores.std():.2f} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python3 -m bench.cardiothoracic", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="how many phantoms (400)")
    parser.add_argument("--seed", type=int, default=HELD_OUT, help="seed of the first (2,000,000)")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.count)
    trials = [trial(*film(seed)) for seed in progress(seeds, len(seeds), "phantoms")]
    report(trials)


def report(trials: Sequence[Trial]) -> None:
    """Print all that is to be known."""
    lines = list(table(trials))
    codes: dict[str, int] = defaultdict(int)
    for one in trials:
        codes[one.code] += 1
    measured = [one for one in trials if one.measured]
    lines += ["", *(f"{code}: {count}" for code, count in sorted(codes.items()))]
    lines.append(
        f"widths, median and standard deviation of the relative error: heart {np.median([o.heart for o in measured]):+.3f} "
        f"{np.std([o.heart for o in measured]):.3f}, thorax {np.median([o.thorax for o in measured]):+.3f} "
        f"{np.std([o.thorax for o in measured]):.3f}"
    )
    lines.append(f"CPU time of one measurement: median {1000 * np.median([one.seconds for one in trials]):.1f} ms")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""The table of real series in docs/cardiac-ct.md: what the rules say of each."""

from collections.abc import Iterator
from pathlib import Path

import pydicom

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from tests.expected_ct import REAL_SERIES, RealSeries

HEAD = (
    "| Series | Images | Verdict and codes | Slices | Step, mm | Measured tilt | Tilt tag | What it is |",
    "|---|---:|---|---:|---:|---:|---:|---|",
)


def lines(data: Path) -> Iterator[str]:
    """The table's lines, from the test data."""
    yield from HEAD
    for series in REAL_SERIES:
        yield _line(series, data)


def _line(series: RealSeries, data: Path) -> str:
    headers = [Header.from_dataset(pydicom.dcmread(path, stop_before_pixels=True)) for path in series.paths(data)]
    verdict = judge_series(headers)
    best = verdict.geometry.best if verdict.geometry else None
    tag = verdict.geometry.gantry_tilt_deg if verdict.geometry else None
    decisive, *others = verdict.codes
    cells = (
        f"`{series.folder}` `{series.files}`",
        str(verdict.instances),
        ", ".join([f"**`{decisive}`**", *(f"`{code}`" for code in others)]),
        str(len(best.headers)) if best else "",
        f"{best.spacing_mm:.3f}" if best and best.spacing_mm is not None else "",
        f"{best.tilt_deg:.2f}°" if best and best.spacing_mm is not None else "",
        f"{tag:.2f}°" if tag is not None else "",
        series.reason,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    from tests.conftest import DATA

    print("\n".join(lines(DATA)))

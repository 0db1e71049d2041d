"""What the classical method measures on radiographs, as a table and as a picture to judge by eye.

Usage, in the box: ``python3 -m bench.cardiothoracic_films OUT.png FILE [FILE ...]`` with DICOM, PNG or JPEG files;
``python3 -m bench.cardiothoracic_films OUT.png --phantoms`` shows phantoms, whose ratios are known.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pydicom
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from bench.cardiothoracic import BLOCK, film
from orthanc_ai.cardiothoracic.classical import measure, step_for
from orthanc_ai.cardiothoracic.grid import Gray
from orthanc_ai.cardiothoracic.ratio import Ratio, RatioError
from orthanc_ai.xray.pixels import read_radiograph
from orthanc_ai.xray.reduce import block_means
from phantom.progress import progress

PHANTOMS: dict[int, dict[str, float]] = {
    2_000_000: {},
    2_000_001: {"Cardiomegaly": 0.6},
    2_000_002: {"Pneumothorax": 0.7},
    2_000_003: {"Effusion": 0.35},
    2_000_010: {"Effusion": 0.9},
    2_000_005: {"Edema": 0.9},
}
"""Seeds, and what is built in."""

_DICOM = ".dcm"
_WHITE = np.float32(255)
_COLOURS = {"right_lung": "#4db4ff", "left_lung": "#50e0a0", "heart": "#ff9070"}
_COLUMNS = 6
_DPI = 90


def small(path: Path) -> tuple[Gray, int]:
    """A radiograph as the method gets it, with its step."""
    if path.suffix == _DICOM:
        dataset = pydicom.dcmread(path)
        step = step_for(dataset.Rows, dataset.Columns)
        reduced = read_radiograph(dataset, 224, step=step).small
        assert reduced is not None  # it was asked for
        return reduced, step
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("L"))
    step = step_for(*pixels.shape)
    return block_means(pixels, step) / _WHITE, step


def shown(phantoms: bool, files: list[Path]) -> Iterator[tuple[str, Gray, int]]:
    """Name, image and step of each."""
    if phantoms:
        for seed, findings in PHANTOMS.items():
            image, truth, labels = film(seed, findings)
            yield f"{', '.join(labels) or 'no finding'}, true {truth.cardiothoracic_ratio:.2f}", image, BLOCK
    for path in progress(files, len(files), "films"):
        yield (path.stem, *small(path))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python3 -m bench.cardiothoracic_films", description=__doc__)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("files", type=Path, nargs="*", help="frontal radiographs")
    parser.add_argument("--phantoms", action="store_true", help="six phantoms first")
    options = parser.parse_args()
    films = list(shown(options.phantoms, options.files))
    mpl.use("agg")
    rows = -(-len(films) // _COLUMNS)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(2.1 * _COLUMNS, 2.6 * rows), squeeze=False, layout="tight")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, image, step) in zip(axes.flat, films, strict=False):
        axis.imshow(image, cmap="gray", vmin=0, vmax=1)
        try:
            ratio = measure(image, step)
        except RatioError as refusal:
            said = str(refusal.code)
            print(f"| `{name}` | `{refusal.code}` | {refusal.detail} |")
        else:
            said = f"{ratio.value:.2f} ± {ratio.uncertainty:.3f}"
            print(f"| `{name}` | {said} | |")
            draw(axis, ratio, step)
        axis.set_title(f"{name}\n{said.removeprefix('RATIO_').replace('_', ' ').lower()}", fontsize=7)
    figure.savefig(options.picture, dpi=_DPI)


def draw(axis: Axes, ratio: Ratio, step: int) -> None:
    """Outlines and both lines over the image."""
    for name, colour in _COLOURS.items():
        axis.contour(getattr(ratio.outlines, name), levels=[0.5], colors=colour, linewidths=0.8)
    for line, colour in ((ratio.thorax, "#ffe000"), (ratio.heart, "#ff5040")):
        # Points count from the corner of the first pixel, matplotlib's from its middle.
        (left, row), (right, _) = ((column / step - 0.5, row / step - 0.5) for column, row in (line.start, line.end))
        axis.plot([left, right], [row, row], color=colour, linewidth=1.4)


if __name__ == "__main__":
    main()

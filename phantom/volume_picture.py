"""Draws the picture of docs/volumes.md: the middle slices of a CT phantom, read back from its files as a volume."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from orthanc_ai.volumes.orders import WINDOWS
from orthanc_ai.volumes.read import Series
from orthanc_ai.volumes.slices import shown
from orthanc_ai.volumes.volume import Volume
from phantom.ct import ct_series

FILE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "volume.png"
MATRIX = 256
WINDOW = WINDOWS["cta"]


def phantom_volume(matrix: int = MATRIX) -> Volume:
    """The volume of a coronary CT angiogram's phantom."""
    with TemporaryDirectory() as folder:
        for number, image in enumerate(ct_series("ccta", matrix=matrix)):
            image.save_as(Path(folder) / f"{number}.dcm", enforce_file_format=True)
        series = Series(Path(folder).iterdir())
        return series.read(series.plan.stacks[0]).volume


def draw(volume: Volume, file: Path) -> None:
    """Write the three middle slices, in mm.

    Parameters
    ----------
    volume
        Axial: its axes are those of the patient.
    """
    gray = shown(volume.values, WINDOW)
    slices, rows, columns = gray.shape
    # Edges of the voxels, not their centres.
    x0, y0, z0 = volume.place((-0.5, -0.5, -0.5))
    x1, y1, z1 = volume.place((slices - 0.5, rows - 0.5, columns - 0.5))
    planes = (
        ("axial", gray[slices // 2], (x0, x1, y1, y0), "x (to the left)", "y (to the back)"),
        ("coronal", gray[::-1, rows // 2], (x0, x1, z0, z1), "x (to the left)", "z (to the head)"),
        ("sagittal", gray[::-1, :, columns // 2], (y0, y1, z0, z1), "y (to the back)", "z (to the head)"),
    )
    widths = [abs(extent[1] - extent[0]) for _, _, extent, _, _ in planes]
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), width_ratios=widths, layout="constrained")
    for axis, (title, image, extent, across, down) in zip(axes, planes, strict=True):
        axis.imshow(image, cmap="gray", extent=extent, vmin=0, vmax=255)
        axis.set(title=title, xlabel=across, ylabel=down)
    figure.suptitle(
        f"{slices} x {rows} x {columns} voxels of {' x '.join(f'{spacing:.2f}' for spacing in volume.spacing_mm)} mm; "
        f"window {WINDOW.center:.0f} / {WINDOW.width:.0f} HU; DICOM's patient coordinates, mm",
        fontsize="medium",
    )
    figure.savefig(file, dpi=100)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    draw(phantom_volume(), options.file)


if __name__ == "__main__":
    main()

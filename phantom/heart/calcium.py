"""Calcium inserts whose score is known: blocks of whole voxels with an exact score, and cylinders as in a test object.

The cylinders are those of the QRM cardio phantom's insert: 5, 3 and 1 mm in diameter and length, of 800, 400 and
200 mg/cm3 hydroxyapatite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from phantom.heart.grid import Grid
from phantom.heart.scan import Volume
from phantom.heart.vessels import DENSITY_OFFSET_HU, HU_PER_DENSITY, calcium_hu

BACKGROUND_HU = DENSITY_OFFSET_HU
"""Of the tissue about the inserts, so that what is above it is calcium."""

THRESHOLD_HU = 130
"""Agatston et al., J Am Coll Cardiol 1990; 15:827-832."""

LEAST_AREA_MM2 = 1.0

REFERENCE_MM = 3.0
"""The score is defined for slices of 3 mm; others count by their share."""

CELL = 12
"""Pixels along each side of the field that a block has for itself."""


@dataclass(frozen=True, slots=True)
class Insert:
    """One piece of calcium.

    Attributes
    ----------
    name
        What is special about it.
    centre
        LPS mm.
    agatston
        Its exact score; ``None`` for cylinders, whose score depends on how the slices fall.
    volume_mm3, mass_mg
        Of the body itself, whatever its Hounsfield units. A block that is brighter in one voxel has its mean density.
    """

    name: str
    centre: tuple[float, float, float]
    hu: float
    volume_mm3: float
    mass_mg: float
    agatston: float | None = None


@dataclass(frozen=True, slots=True)
class CalciumPhantom:
    """A volume and what is in it."""

    volume: Volume
    inserts: tuple[Insert, ...]

    @property
    def agatston(self) -> float:
        """Sum of the exact scores."""
        return sum(insert.agatston or 0.0 for insert in self.inserts)

    @property
    def mass_mg(self) -> float:
        """Of all inserts."""
        return sum(insert.mass_mg for insert in self.inserts)


def weight_of(peak_hu: float) -> int:
    """The factor that Agatston's score gives to a lesion by its brightest pixel in a slice: 0 to 4."""
    return int(np.digitize(peak_hu, [THRESHOLD_HU, 200, 300, 400]))


@dataclass(frozen=True, slots=True)
class _Block:
    """Voxels of one brightness: slices, rows, columns; pieces of another brightness or place can be added.

    Attributes
    ----------
    area_pixels
        Of each slice that counts; 0 if none does.
    further
        First slice, first row, first column, their numbers and Hounsfield units, in the block's own coordinates.
    """

    name: str
    size: tuple[int, int, int]
    hu: int
    area_pixels: int
    peak_hu: int | None = None
    further: tuple[tuple[tuple[int, int, int], tuple[int, int, int], int], ...] = ()


_BLOCKS = (
    *(
        _Block(f"{hu} HU", (2, 5, 5), hu, 25 if hu >= THRESHOLD_HU else 0)
        for hu in (129, 130, 199, 200, 299, 300, 399, 400, 1000)
    ),
    _Block("one slice", (1, 6, 4), 450, 24),
    _Block("smaller than 1 mm2", (1, 1, 3), 500, 0),
    _Block("just 1 mm2", (1, 2, 2), 500, 4),
    _Block("pixels that touch at a corner", (1, 1, 2), 500, 4, further=(((0, 1, 2), (1, 1, 2), 500),)),
    _Block("one bright pixel", (1, 5, 5), 150, 25, peak_hu=450, further=(((0, 2, 2), (1, 1, 1), 450),)),
    _Block("long", (6, 3, 3), 350, 9),
)
"""Made for pixels of 0.5 mm, where 4 pixels are 1 mm2."""

PIXEL_MM = 0.5


def blocks(step_mm: float = 3.0) -> CalciumPhantom:
    """Blocks of whole voxels without noise or blur: score, volume and mass are exact.

    Parameters
    ----------
    step_mm
        Distance of the slices.

    Returns
    -------
    CalciumPhantom
        The scores are Agatston's: threshold 130 HU, at least 1 mm2 of pixels that touch at sides or corners, weighted
        by the brightest pixel of each slice, times step by 3 mm.
    """
    columns = 4
    rows = -(-len(_BLOCKS) // columns)
    grid = Grid.about((0, 0, 0), (10, rows * CELL, columns * CELL), (step_mm, PIXEL_MM, PIXEL_MM))
    hu = np.full(grid.shape, BACKGROUND_HU, dtype=np.int16)
    z, y, x = grid.axes()
    voxel, area = step_mm * PIXEL_MM**2, PIXEL_MM**2
    inserts = []
    for number, block in enumerate(_BLOCKS):
        corner = np.array([2, number // columns * CELL + 3, number % columns * CELL + 3])
        pieces = (((0, 0, 0), block.size, block.hu), *block.further)
        filled = np.zeros(grid.shape, dtype=bool)
        for offset, size, value in pieces:
            part = tuple(slice(a + o, a + o + n) for a, o, n in zip(corner, offset, size, strict=True))
            hu[part] = value
            filled[part] = True
        k, j, i = (place.mean() for place in np.nonzero(filled))
        centre = (
            float(np.interp(i, range(len(x)), x)),
            float(np.interp(j, range(len(y)), y)),
            float(np.interp(k, range(len(z)), z)),
        )
        density = (hu[filled].astype(float) - BACKGROUND_HU) / HU_PER_DENSITY
        inserts.append(
            Insert(
                block.name,
                centre,
                block.hu,
                volume_mm3=float(filled.sum() * voxel),
                mass_mg=float(density.sum() * voxel / 1000),
                agatston=block.size[0]
                * block.area_pixels
                * area
                * weight_of(block.peak_hu or block.hu)
                * step_mm
                / REFERENCE_MM,
            )
        )
    return CalciumPhantom(Volume(hu, grid), tuple(inserts))


DIAMETERS_MM = (5.0, 3.0, 1.0)
DENSITIES = (800.0, 400.0, 200.0)
APART_MM = 18.0


def cylinders(
    spacing: tuple[float, float, float] = (3.0, 0.4, 0.4),
    *,
    psf_mm: tuple[float, float] = (0.3, 0.5),
    noise_hu: float = 20.0,
    shift_mm: Sequence[float] = (0.0, 0.0, 0.0),
    seed: int = 0,
) -> CalciumPhantom:
    """Nine cylinders along z, as long as they are wide, in soft tissue.

    Parameters
    ----------
    spacing
        Distances of slices, rows and columns, mm; slices are as thick as they are apart.
    psf_mm
        Standard deviations of the scanner's blur along z and within the slice.
    noise_hu
        Standard deviation.
    shift_mm
        By which all lie beside the middle: x, y, z. The score depends on it, volume and mass do not.
    seed
        Of the noise.
    """
    extent = 3 * APART_MM + 6
    shape = (max(5, round(42 / spacing[0])), round(extent / spacing[1]), round(extent / spacing[2]))
    grid = Grid.about((0, 0, 0), shape, spacing)
    z, y, x = (axis.astype(float) for axis in grid.axes())
    hu = np.full(grid.shape, BACKGROUND_HU)
    inserts = []
    for column, diameter in enumerate(DIAMETERS_MM):
        for row, density in enumerate(DENSITIES):
            centre = (
                (column - 1) * APART_MM + shift_mm[0],
                (row - 1) * APART_MM + shift_mm[1],
                0.0 + shift_mm[2],
            )
            disc = _disc(x - centre[0], y - centre[1], spacing[1:], diameter / 2)
            share = _overlap(z - centre[2], spacing[0], diameter)
            hu += (calcium_hu(density) - BACKGROUND_HU) * share[:, None, None] * disc
            volume = pi * diameter**3 / 4
            inserts.append(
                Insert(
                    f"{diameter:g} mm, {density:g} mg/cm3",
                    centre,
                    calcium_hu(density),
                    volume,
                    volume * density / 1000,
                )
            )
    sigma = [mm / step for mm, step in zip((psf_mm[0], psf_mm[1], psf_mm[1]), spacing, strict=True)]
    hu = gaussian_filter(hu, sigma, mode="nearest")
    if noise_hu:
        noise = gaussian_filter(np.random.default_rng([seed, 4]).standard_normal(hu.shape), (0, 0.8, 0.8), mode="wrap")
        hu += noise_hu * noise / noise.std()
    return CalciumPhantom(Volume(np.rint(hu).astype(np.int16), grid), tuple(inserts))


def _disc(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], spacing: Sequence[float], radius: float
) -> npt.NDArray[np.float64]:
    """Which share of each pixel a disc covers, shape ``(rows, columns)``; exact in the sum over all pixels."""
    parts = 16
    inner = (np.arange(parts) - (parts - 1) / 2) / parts
    fine_x = (x[:, None] + inner * spacing[1]).ravel()
    fine_y = (y[:, None] + inner * spacing[0]).ravel()
    inside = fine_y[:, None] ** 2 + fine_x[None, :] ** 2 < radius**2
    share: npt.NDArray[np.float64] = inside.reshape(len(y), parts, len(x), parts).mean(axis=(1, 3))
    area = pi * radius**2 / (spacing[0] * spacing[1])
    share *= area / share.sum()
    return share


def _overlap(z: npt.NDArray[np.float64], thickness: float, length: float) -> npt.NDArray[np.float64]:
    """Which share of each slice lies within a length about zero."""
    upper = np.minimum(z + thickness / 2, length / 2)
    lower = np.maximum(z - thickness / 2, -length / 2)
    overlap: npt.NDArray[np.float64] = np.clip(upper - lower, 0, None) / thickness
    return overlap

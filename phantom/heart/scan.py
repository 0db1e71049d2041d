"""From a heart to Hounsfield units.

The anatomy is painted layer by layer with soft edges, the arteries and calcium on a finer grid of their own; then come
the slice profile, the scanner's blur and its noise. Slabs of slices are made one after the other, so memory is bounded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from phantom.heart.anatomy import AORTA, AORTA_HU, LUNG, WALL, blood, coats
from phantom.heart.fine import paint_finely
from phantom.heart.grid import Grid
from phantom.heart.heart import ELSEWHERE, ELSEWHERE_DENSITY, Heart
from phantom.heart.solids import Solid, Values, over
from phantom.heart.vessels import calcium_hu
from phantom.progress import progress

THINNEST_MM = 1.0
"""Slices are painted in layers no thicker than this."""

SLAB_VOXELS = 8_000_000
"""About so many are painted at once: 32 MB for each copy."""

LOWEST_HU, HIGHEST_HU = -1024, 3071

NOISE_BANDS = (0.75, 1.6, 0.35)
"""In-plane texture, in pixels: blurred white noise less a share of a wider blur, as of a soft kernel."""


@dataclass(frozen=True, slots=True)
class Scan:
    """How the heart is imaged.

    Attributes
    ----------
    aorta_hu
        Hounsfield units in the ascending aorta, ``None`` for a scan without contrast.
    psf_mm
        Standard deviations of the scanner's blur along z and within the slice, mm; (0, 0) for none. Their full widths
        at half maximum are 2.355 times as much.
    noise_hu
        Standard deviation.
    """

    aorta_hu: float | None = AORTA_HU
    psf_mm: tuple[float, float] = (0.35, 0.35)
    noise_hu: float = 25.0


WITHOUT_CONTRAST = Scan(aorta_hu=None, psf_mm=(0.35, 0.45), noise_hu=18.0)
"""As calcium is scored: a smoother kernel, thicker slices, less noise."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Hounsfield units, int16, shape ``(slices, rows, columns)``, and where they lie."""

    hu: npt.NDArray[np.int16]
    grid: Grid


ANGIOGRAM = Grid.about((5.0, 0.0, 0.0), (300, 512, 512), (0.5, 0.4, 0.4))
"""As real ones: 150 mm, 205 mm of field of view. It takes a quarter of a minute to render."""

SMALL_ANGIOGRAM = Grid.about((5.0, 0.0, 0.0), (166, 128, 128), (0.9, 1.6, 1.6))
"""The same extent in seconds; too coarse to see a stenosis."""

CALCIUM_SCAN = Grid.about((5.0, 0.0, 0.0), (50, 512, 512), (3.0, 0.4, 0.4))

SMALL_CALCIUM_SCAN = Grid.about((5.0, 0.0, 0.0), (50, 128, 128), (3.0, 1.6, 1.6))


def render(heart: Heart, grid: Grid = ANGIOGRAM, scan: Scan | None = None, *, quiet: bool = True) -> Volume:
    """Image a heart.

    Parameters
    ----------
    heart
        From `draw_heart`.
    grid
        Any: the whole heart, or a small box about a lesion with fine voxels.
    scan
        Contrast, blur, noise.
    quiet
        Without progress on stderr.

    Returns
    -------
    Volume
        The same for the same arguments.
    """
    scan = scan or Scan()
    layers = max(1, round(grid.spacing[0] / THINNEST_MM + 0.49))
    step = max(1, SLAB_VOXELS // (layers * grid.shape[1] * grid.shape[2]))
    slabs: Iterable[int] = range(0, grid.shape[0], step)
    if not quiet:
        slabs = progress(slabs, -(-grid.shape[0] // step), "slabs of the heart")
    hu = np.empty(grid.shape, dtype=np.int16)
    for start in slabs:
        stop = min(start + step, grid.shape[0])
        picture = _slab(heart, grid, scan, start, stop, layers)
        if scan.noise_hu:
            picture = picture + scan.noise_hu * _noise(heart.seed, grid.shape[1:], start, stop)
        hu[start:stop] = np.clip(np.rint(picture), LOWEST_HU, HIGHEST_HU)
    return Volume(hu, grid)


def _slab(heart: Heart, grid: Grid, scan: Scan, start: int, stop: int, layers: int) -> Values:
    """Slices from `start` to `stop` without noise, blurred as if all others were there."""
    margin = int(np.ceil(3 * scan.psf_mm[0] / grid.spacing[0]))
    fine = grid.slab(start - margin, stop + margin).finer(layers)
    picture: Values = np.full(fine.shape, LUNG, dtype=np.float32)
    width = float(np.mean(fine.spacing))
    for coat in coats(scan.aorta_hu):
        _paint(picture, fine, coat.solid, coat.hu, coat.growth, width)
    _paint_arteries(picture, fine, heart, scan)
    if any(scan.psf_mm):
        sigma = [mm / step for mm, step in zip((scan.psf_mm[0], *[scan.psf_mm[1]] * 2), fine.spacing, strict=True)]
        picture = gaussian_filter(picture, sigma, truncate=3, mode="nearest")
    if layers > 1:
        picture = picture.reshape(-1, layers, *fine.shape[1:]).mean(axis=1)
    return picture[margin : margin + stop - start]


def _paint(picture: Values, grid: Grid, solid: Solid, hu: float, growth: float, width: float) -> None:
    """Fill a solid, with an edge as soft as a voxel is wide: a voxel half inside is half filled."""
    part, distance = over(solid, grid.axes(), growth + width)
    if 0 in picture[part].shape:
        return
    share = np.clip(0.5 - (distance - np.float32(growth)) / np.float32(width), 0, 1)
    picture[part] += share * (np.float32(hu) - picture[part])


def _paint_arteries(picture: Values, grid: Grid, heart: Heart, scan: Scan) -> None:
    """Walls, lumens and calcium, each where it is not inside the aorta."""
    vessels = list(heart.vessels.values())
    walls: Sequence[Solid] = [vessel.wall for vessel in vessels]
    lumens: Sequence[Solid] = [vessel.lumen for vessel in vessels]
    paint_finely(
        picture,
        grid,
        [
            (walls, WALL),
            *(
                ([lesion.calcification], calcium_hu(lesion.plan.density))
                for vessel in vessels
                for lesion in vessel.lesions
                if lesion.calcification
            ),
            *(([ELSEWHERE[place]], calcium_hu(ELSEWHERE_DENSITY)) for place in heart.elsewhere),
            (lumens, blood("coronary", scan.aorta_hu)),
        ],
        outside=AORTA,
    )


def _noise(seed: int, shape: Sequence[int], start: int, stop: int) -> Values:
    """Noise of unit deviation with the texture of a soft kernel; each slice has its own, wherever a slab begins."""
    narrow, wide, share = NOISE_BANDS
    impulse = np.zeros((33, 33), dtype=np.float32)
    impulse[16, 16] = 1
    gain = float(np.sqrt((_band(impulse, narrow, wide, share) ** 2).sum()))
    slices = [
        _band(np.random.default_rng([seed, 3, index]).standard_normal(shape, dtype=np.float32), narrow, wide, share)
        for index in range(start, stop)
    ]
    return np.stack(slices) / np.float32(gain)


def _band(picture: Values, narrow: float, wide: float, share: float) -> Values:
    soft = gaussian_filter(picture, narrow, truncate=3, mode="wrap")
    answer: Values = soft - np.float32(share) * gaussian_filter(soft, wide, truncate=3, mode="wrap")
    return answer

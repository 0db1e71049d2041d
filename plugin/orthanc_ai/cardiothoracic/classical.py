"""The classical method: outlines of lungs and heart from edges, without anything learnt."""

import numpy as np
import numpy.typing as npt

from ..codes import Code
from .grid import Gray, halved, normalized
from .heart import Heart, find_heart
from .place import Place, find_chest
from .ratio import Mask, Outlines, Ratio, RatioError
from .walls import SIDES, Walls, find_walls
from .widths import ratio_of

METHOD = "edges and paths 1"

# A grid whose shorter side has so many cells is fine enough: 2 mm of a chest of 30 cm.
LARGEST_SIDE = 256
_WORKING_SIDE = 160
_SMALLEST_SIDE = 64


def step_for(rows: int, columns: int) -> int:
    """How many pixels of an image, along rows and columns, make one cell of what `measure` takes."""
    return max(1, -(-min(rows, columns) // LARGEST_SIDE))


def measure(image: Gray, step: int) -> Ratio:
    """Measure the cardiothoracic ratio of a frontal chest radiograph.

    Parameters
    ----------
    image
        Shape (rows, columns), float32, brightness from 0 to 1, bone bright, the patient's right on the left: means of
        blocks of `step` times `step` pixels of the whole image.
    step
        See `step_for`.

    Raises
    ------
    RatioError
        ``RATIO_NOT_FRONTAL``, ``RATIO_LUNGS_NOT_FOUND``, ``RATIO_HEART_BORDER_UNCLEAR``.
    """
    if min(image.shape) < _SMALLEST_SIDE:
        raise RatioError(Code.RATIO_NOT_FRONTAL, f"{image.shape[1]} x {image.shape[0]} cells show no chest")
    coarse, scale = halved(image, _WORKING_SIDE)
    place = find_chest(coarse)
    level = normalized(coarse, 1.2 * place.half_width)
    walls = find_walls(level, place)
    half_width = _half_width(place, walls)
    heart = find_heart(level, place.column, half_width, walls)
    outlines = _outlines(image.shape, step, scale, place, walls, heart)
    return ratio_of(outlines, heart_error=4.0 * step, thorax_error=2.0 * step, method=METHOD)


def _half_width(place: Place, walls: Walls) -> float:
    """Half of the widest inner width above the diaphragm."""
    top = round(place.row) - walls.first_row
    bottom = max(walls.domes) - walls.first_row
    return float(walls.distances.sum(axis=0)[top : max(bottom, top + 1)].max()) / 2


def _outlines(shape: tuple[int, ...], step: int, scale: int, place: Place, walls: Walls, heart: Heart) -> Outlines:
    """The curves as masks in the finer grid."""
    rows, columns = shape
    y = (np.arange(rows) + 0.5) / scale
    x = (np.arange(columns) + 0.5) / scale
    wall_rows = walls.first_row + np.arange(walls.distances.shape[1]) + 0.5
    heart_mask = _heart_mask(x, y, heart)
    lungs: list[Mask] = []
    for side, sign in enumerate(SIDES):
        wall = place.column + sign * np.interp(y, wall_rows, walls.distances[side], left=0.0, right=0.0)
        inside = (sign * (x[None] - place.column) > 0) & (sign * (wall[:, None] - x[None]) > 0)
        inside &= (y[:, None] < walls.domes[side]) & ~heart_mask
        lungs.append(inside)
    return Outlines(lungs[0], lungs[1], heart_mask, step)


def _heart_mask(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], heart: Heart) -> Mask:
    points = heart.points
    borders = [np.interp(y, *_by_row(points[side]), left=heart.column, right=heart.column) for side in (0, 1)]
    return (x[None] > borders[0][:, None]) & (x[None] < borders[1][:, None])


def _by_row(points: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    order = np.argsort(points[:, 1])
    return points[order, 1], points[order, 0]

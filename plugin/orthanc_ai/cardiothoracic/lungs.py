"""The lungs as masks: between walls, diaphragm, heart and mediastinum, below the apices."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter  # type: ignore[import-untyped]

from .diaphragm import SHARES, Diaphragm
from .grid import Gray, steps
from .heart import Heart
from .paths import best_paths
from .place import Place
from .ratio import Mask
from .walls import SIDES, Walls

# Lengths as shares of the half-width where the chest was found.
_EDGE = 0.06
_TALL, _WIDE = 0.06, 0.1
_NEAREST, _FARTHEST = 0.08, 0.6
_STIFFNESS = 0.25
# How far above the domes an apex may lie and usually does, as shares of half of the widest width; how much it costs to
# lie elsewhere; and how round the lung is there.
_LOWEST, _USUAL, _HIGHEST = 0.8, 1.4, 1.8
_USUALLY = 3.0
_ROUND = 2.5


def lung_masks(
    shape: tuple[int, int], scale: int, level: Gray, place: Place, walls: Walls, diaphragm: Diaphragm, heart: Heart
) -> tuple[Mask, Mask, Mask]:
    """Right lung, left lung and heart.

    Parameters
    ----------
    shape
        Rows and columns of the masks.
    scale
        How many cells of the masks, along rows and columns, make one of `level`.
    """
    rows, columns = shape
    y = ((np.arange(rows) + 0.5) / scale).astype(np.float32)
    x = ((np.arange(columns) + 0.5) / scale).astype(np.float32)
    heart_mask = _heart_mask(x, y, heart)
    inner_rows, inner = _inner_borders(level, place, diaphragm)
    apices = _apices(level, place, walls, diaphragm)
    lungs = []
    for side, sign in enumerate(SIDES):
        aside = sign * (x - np.float32(place.column))
        wall = walls.distance(side, y)
        across = float(walls.distance(side, np.array([diaphragm.level]))[0])
        floor = np.interp(aside, SHARES * across, diaphragm.rows[side])
        roof = np.interp(aside, SHARES * across, apices[side])
        mediastinum = np.interp(y, inner_rows, inner[side])
        inside = (aside[None] < wall[:, None]) & (aside[None] > mediastinum[:, None])
        inside &= (y[:, None] < floor[None]) & (y[:, None] > roof[None]) & ~heart_mask
        lungs.append(inside)
    return lungs[0], lungs[1], heart_mask


def _heart_mask(x: npt.NDArray[np.float32], y: npt.NDArray[np.float32], heart: Heart) -> Mask:
    """Between the two borders, from where both begin, on average, to where both end."""
    points = heart.points
    top, bottom = points[:, :, 1].min(axis=1).mean(), points[:, :, 1].max(axis=1).mean()
    borders = []
    for side in points:
        order = np.argsort(side[:, 1])
        borders.append(np.interp(y, side[order, 1], side[order, 0]))
    inside: Mask = (x[None] > borders[0][:, None]) & (x[None] < borders[1][:, None])
    inside &= ((y > top) & (y < bottom))[:, None]
    return inside


def _inner_borders(level: Gray, place: Place, diaphragm: Diaphragm) -> tuple[npt.NDArray[np.float32], Gray]:
    """Rows, and for each the distance of both lungs' inner borders from the midline."""
    w = place.half_width
    first, last = max(0, round(place.row - _HIGHEST * w)), max(round(diaphragm.level), round(place.row) + 2)
    smooth = uniform_filter(level[first:last], (max(1, round(_TALL * w)), 1), mode="nearest")
    edges = steps(smooth, max(2, round(_EDGE * w)))
    reach = np.arange(round(_NEAREST * w), round(_FARTHEST * w))
    at = [np.rint(place.column + sign * reach).astype(np.intp).clip(0, level.shape[1]) for sign in SIDES]
    scores = np.stack([-sign * edges[:, at[side]] for side, sign in enumerate(SIDES)])
    path = best_paths(scores, _STIFFNESS)
    return first + np.arange(path.shape[1], dtype=np.float32) + 0.5, reach[path].astype(np.float32)


def _apices(level: Gray, place: Place, walls: Walls, diaphragm: Diaphragm) -> Gray:
    """Shape (2, shares): the rows where the lungs end above, at `SHARES` of the way to the widest wall."""
    widest = walls.distances.max(axis=1)
    w = float(widest.mean())
    rows, columns = level.shape
    heights = np.arange(round(_LOWEST * w), max(round(_HIGHEST * w), round(_LOWEST * w) + 1))[::-1]
    fall = _USUAL * w * (1 - np.cbrt(1 - SHARES**_ROUND))
    usual = (_USUALLY * (heights / w - _USUAL) ** 2).astype(np.float32)
    scores = np.empty((2, len(SHARES), len(heights)), np.float32)
    edge = max(2, round(_EDGE * w))
    edges = -steps(uniform_filter(level, (1, max(1, round(_WIDE * w))), mode="nearest").T, edge)
    row = np.rint(diaphragm.level - heights + fall[:, None]).astype(np.intp)
    for side, sign in enumerate(SIDES):
        column = np.floor(place.column + sign * SHARES * widest[side]).astype(np.intp).clip(0, columns - 1)
        scores[side] = edges[column[:, None], row.clip(0, rows)] - usual
    path = best_paths(scores, _STIFFNESS, 1)
    return (diaphragm.level - heights[path] + fall).astype(np.float32)

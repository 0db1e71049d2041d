"""The inner borders of the chest wall and the level of the diaphragm."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter  # type: ignore[import-untyped]

from .grid import Gray, steps
from .paths import best_paths
from .place import Place

SIDES = (-1, 1)
"""The patient's right lies on the left of the image."""

# All lengths are shares of the chest's half-width where it was found, which lies between 0.7 and 1 of the widest.
# Rows above and below that place in which the walls are followed.
_ABOVE, _BELOW = 0.6, 2.3
# Distances from the midline at which a wall may lie.
_NEAREST, _FARTHEST = 0.6, 1.6
# A rib shows in so many rows; averaged over that, the wall is what stays.
_TALL = 0.12
_EDGE = 0.07
_STIFFNESS = 0.25
# Beyond the image nothing is known; a wall there costs more than any edge brings.
_OUTSIDE = -5.0
_START = 6.0

# Where between midline and wall the lung's lower end is looked for: beside the heart, before the wall curves in.
_STRIPS = ((0.5, 0.85), (0.6, 0.9))
_DEEP = 0.3


@dataclass(frozen=True, slots=True)
class Walls:
    """Both walls, row by row, and the diaphragm.

    Attributes
    ----------
    first_row
        Row that the first entry of `distances` belongs to.
    distances
        Shape (2, rows): from the midline, right then left, in pixels.
    strengths
        Shape (2, rows): how much brighter the wall is than the lung, in standard deviations.
    domes
        Rows of the diaphragm on both sides, about two thirds of the way to the wall.
    dome_strengths
        How much brighter it is below them than above.
    """

    first_row: int
    distances: npt.NDArray[np.intp]
    strengths: Gray
    domes: tuple[int, int]
    dome_strengths: tuple[float, float]


def find_walls(level: Gray, place: Place) -> Walls:
    """Follow both walls down from where the chest was found.

    Parameters
    ----------
    level
        Shape (rows, columns): normalized brightness.
    """
    rows, columns = level.shape
    w = place.half_width
    smooth = uniform_filter(level, (max(3, round(_TALL * w)), 1), mode="nearest")
    first, last = max(0, round(place.row - _ABOVE * w)), min(rows, round(place.row + _BELOW * w))
    edges = steps(smooth[first:last], max(2, round(_EDGE * w)))
    reach = np.arange(round(_NEAREST * w), round(_FARTHEST * w))
    scores = np.empty((2, last - first, len(reach)), np.float32)
    for side, sign in enumerate(SIDES):
        at = np.rint(place.column + sign * reach).astype(np.intp)
        inside = (at >= 0) & (at <= columns)
        scores[side] = np.where(inside, sign * edges[:, at.clip(0, columns)], np.float32(_OUTSIDE))
    start = np.abs(np.arange(first, last) - place.row) < 0.1 * w
    followed = scores.copy()
    followed[:, start] -= (_START * ((reach - w) / w) ** 2).astype(np.float32)
    path = best_paths(followed, _STIFFNESS)
    strengths = np.take_along_axis(scores, path[..., None], axis=2)[..., 0]
    distances = reach[path]
    domes, found = _domes(level, place, first, distances)
    return Walls(first, distances, strengths, domes, found)


def _domes(
    level: Gray, place: Place, first: int, distances: npt.NDArray[np.intp]
) -> tuple[tuple[int, int], tuple[float, float]]:
    w = place.half_width
    count = distances.shape[1]
    rows = np.arange(first, first + count)
    sums = np.cumsum(np.pad(level[first : first + count], ((0, 0), (1, 0))), axis=1)
    columns = level.shape[1]
    deep = max(3, round(_DEEP * w))
    index = np.arange(count)
    both = []
    for side, sign in enumerate(SIDES):
        ends = [place.column + sign * share * distances[side] for share in _STRIPS[side]]
        low, high = (np.rint(end).astype(np.intp).clip(0, columns) for end in sorted(ends, key=lambda e: float(e[0])))
        high = np.maximum(high, low + 1).clip(0, columns)
        profile = (sums[index, high] - sums[index, low]) / np.maximum(high - low, 1)
        step = steps(profile.astype(np.float32), deep)[:count]
        step[rows < place.row + 0.15 * w] = -9
        step[rows > first + count - 0.1 * w] = -9
        both.append(step)
    # Both halves lie about equally high: a step that is a little smaller, but matches the other side, is the better one.
    apart = (index[:, None] - index[None]) / w
    joint = both[0][:, None] + both[1][None] - 4 * apart.astype(np.float32) ** 2
    r, l = np.unravel_index(int(joint.argmax()), joint.shape)
    return (int(rows[r]), int(rows[l])), (float(both[0][r]), float(both[1][l]))

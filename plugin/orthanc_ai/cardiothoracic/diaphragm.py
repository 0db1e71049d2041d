"""The diaphragm: where the lungs end below."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, uniform_filter  # type: ignore[import-untyped]

from .grid import Gray, steps
from .paths import best_paths
from .place import Place
from .walls import SIDES, Walls

# Shares of the way from the midline to the wall: from beside the spine to where the lung's edge gets thin.
SHARES = np.linspace(0.3, 0.92, 32)
# The dome's top, and how fast it falls towards the wall beyond it, in half-widths per half-width squared.
_TOP, _FALL = 0.5, 1.0
# Lengths as shares of the half-width. What lies that deep below and above is compared.
_DEEP, _THIN = 0.3, 0.08
_HIGHEST = 0.15
_STIFFNESS = 0.3
# The left dome lies a little lower as a rule; what a greater difference costs, per half-width squared.
_LOWER_LEFT, _APART = 0.07, 8.0
_AROUND = 0.16
_HIGH = 25
# On the left, the heart lies before the inner part.
_INNER, _INNER_LEFT = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class Diaphragm:
    """Both halves of the diaphragm.

    Attributes
    ----------
    rows
        Shape (2, 32): right then left, at `SHARES` of the way from the midline to the wall.
    strengths
        Shape (2,): how much brighter it is below than above, in standard deviations.
    """

    rows: npt.NDArray[np.float32]
    strengths: npt.NDArray[np.float32]

    @property
    def tops(self) -> npt.NDArray[np.float32]:
        """Shape (2,): row of the top of each dome, or what is as high as that."""
        out: npt.NDArray[np.float32] = np.percentile(self.rows, _HIGH, axis=1).astype(np.float32)
        return out

    @property
    def level(self) -> float:
        """Row of the tops of both domes, on average."""
        return float(np.median(self.rows[:, (SHARES > 0.4) & (SHARES < 0.6)]))


def find_diaphragm(level: Gray, place: Place, walls: Walls) -> Diaphragm:
    """Find both halves.

    Parameters
    ----------
    level
        Shape (rows, columns): normalized brightness.
    """
    w = place.half_width
    count = walls.distances.shape[1]
    first = walls.first_row
    columns = level.shape[1]
    part = uniform_filter(level[first : first + count], (1, max(1, round(0.1 * w))), mode="nearest").T
    deep = steps(part, max(3, round(_DEEP * w)))[:, :count]
    thin = steps(part, max(2, round(_THIN * w)))[:, :count]
    combined = deep + 0.7 * thin
    index = np.arange(count)
    fall = _FALL * np.maximum(SHARES - _TOP, 0) ** 2 * w
    scores = np.empty((2, len(SHARES), count), np.float32)
    for side, sign in enumerate(SIDES):
        at = place.column + sign * SHARES[:, None] * walls.distances[side]
        row = np.rint(index + fall[:, None]).astype(np.intp)
        inside = (row < count) & (first + index > place.row + _HIGHEST * w)
        row = row.clip(0, count - 1)
        column = np.floor(np.take_along_axis(at, row, axis=1)).astype(np.intp).clip(0, columns - 1)
        scores[side] = np.where(inside, combined[column, row], -3)
    for side, anchor in enumerate(_anchors(scores, w)):
        scores[side][:, np.abs(index - anchor) > _AROUND * w] = -np.inf
    path = best_paths(scores, _STIFFNESS, 1)
    strengths = np.take_along_axis(scores, path[..., None], axis=2)[..., 0]
    rows = (first + path + fall).astype(np.float32)
    return Diaphragm(rows, np.median(strengths, axis=1))


def _anchors(scores: Gray, w: float) -> tuple[int, int]:
    """Where both halves lie, roughly, so that they match each other."""
    weights = np.ones((2, len(SHARES), 1), np.float32)
    weights[1, SHARES < _INNER] = _INNER_LEFT
    weights /= weights.sum(axis=1, keepdims=True)
    right, left = (maximum_filter1d(scores, max(3, round(0.06 * w)), axis=2) * weights).sum(axis=1)
    index = np.arange(scores.shape[2])
    apart = ((index[None] - index[:, None]) / w - _LOWER_LEFT).astype(np.float32)
    joint = right[:, None] + left[None] - _APART * apart**2
    first, second = np.unravel_index(int(joint.argmax()), joint.shape)
    return int(first), int(second)

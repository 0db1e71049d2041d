"""The inner borders of the chest wall."""

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
_EDGE = 0.05
_STIFFNESS = 0.25
# Beyond the image nothing is known; a wall there, or in the frame that many films have, costs more than any edge brings.
_OUTSIDE, _FRAME = -5.0, 0.02
_START = 6.0
# At its outer edge the lung is too thin for the beam to darken the film: the wall begins so much farther out.
_GRAZED = 0.015


@dataclass(frozen=True, slots=True)
class Walls:
    """Both walls, row by row.

    Attributes
    ----------
    first_row
        Row that the first entry of `distances` belongs to.
    distances
        Shape (2, rows): from the midline, right then left, in pixels.
    strengths
        Shape (2, rows): how much brighter the wall is than the lung, in standard deviations.
    """

    first_row: int
    distances: npt.NDArray[np.float32]
    strengths: Gray

    def distance(self, side: int, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Distance of a wall from the midline at some heights, as far as it was followed."""
        out: npt.NDArray[np.float64] = np.interp(
            rows, self.first_row + np.arange(self.distances.shape[1]) + 0.5, self.distances[side]
        )
        return out


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
        inside = (at >= _FRAME * columns) & (at <= columns - _FRAME * columns)
        scores[side] = np.where(inside, sign * edges[:, at.clip(0, columns)], np.float32(_OUTSIDE))
    start = np.abs(np.arange(first, last) - place.row) < 0.1 * w
    followed = scores.copy()
    followed[:, start] -= (_START * ((reach - w) / w) ** 2).astype(np.float32)
    path = best_paths(followed, _STIFFNESS)
    strengths = np.take_along_axis(scores, path[..., None], axis=2)[..., 0]
    distances = (reach[path] * (1 + _GRAZED)).astype(np.float32)
    return Walls(first, distances, strengths)

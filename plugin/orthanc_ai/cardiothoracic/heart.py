"""The borders of the heart, followed along rays from its middle."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates, uniform_filter  # type: ignore[import-untyped]

from .grid import Gray, steps
from .paths import best_paths
from .walls import SIDES, Walls

# Rays from 60 degrees above the horizontal to 40 below, on both sides.
_ANGLES = np.deg2rad(np.arange(-60, 42, 3))
# Lengths as shares of half of the widest inner width of the thorax.
_ABOVE_DOME = 0.28
_NEAREST, _FARTHEST = 0.1, 0.95
_EDGE = 0.08
_STIFFNESS = 0.08


@dataclass(frozen=True, slots=True)
class Heart:
    """What of the heart's outline can be followed.

    Attributes
    ----------
    column, row
        Where the rays start.
    radii
        Shape (2, rays): length of each, right then left, from above to below.
    strengths
        Shape (2, rays): how much brighter the heart is than the lung beside it; 0 where no lung lies beside it.
    """

    column: float
    row: float
    radii: npt.NDArray[np.float32]
    strengths: Gray

    @property
    def points(self) -> npt.NDArray[np.float32]:
        """Shape (2, rays, 2): column and row of each ray's end."""
        sign = np.array(SIDES, np.float32)[:, None]
        columns = self.column + sign * self.radii * np.cos(_ANGLES)
        rows = self.row + self.radii * np.sin(_ANGLES)
        out: npt.NDArray[np.float32] = np.stack([columns, rows], axis=-1).astype(np.float32)
        return out


def find_heart(level: Gray, column: float, half_width: float, walls: Walls) -> Heart:
    """Follow both borders.

    Parameters
    ----------
    level
        Shape (rows, columns): normalized brightness.
    column
        Of the midline.
    half_width
        Half of the widest inner width of the thorax, in pixels.
    """
    w = half_width
    row = sum(walls.domes) / 2 - _ABOVE_DOME * w
    smooth = uniform_filter(level, max(1, round(0.05 * w)), mode="nearest")
    radii = np.arange(round(_NEAREST * w), round(_FARTHEST * w), dtype=np.float32)
    edge = max(2, round(_EDGE * w))
    along = np.arange(radii[0] - edge + 0.5, radii[-1] + edge, dtype=np.float32)
    scores = np.empty((2, len(_ANGLES), len(radii)), np.float32)
    for side, sign in enumerate(SIDES):
        x = column + sign * np.cos(_ANGLES)[:, None] * along - 0.5
        y = row + np.sin(_ANGLES)[:, None] * along - 0.5
        values = map_coordinates(smooth, [y, x], order=1, mode="nearest")
        fall = -steps(values, edge)[:, edge : edge + len(radii)]
        below = row + np.sin(_ANGLES)[:, None] * radii > walls.domes[side] - 0.02 * w
        scores[side] = np.where(below, 0, fall)
    path = best_paths(scores, _STIFFNESS)
    strengths = np.take_along_axis(scores, path[..., None], axis=2)[..., 0]
    return Heart(column, row, radii[path], strengths)

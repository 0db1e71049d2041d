"""The borders of the heart, followed along rays from its middle."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates, uniform_filter  # type: ignore[import-untyped]

from .diaphragm import Diaphragm
from .grid import Gray, steps
from .paths import best_paths
from .walls import SIDES

# Rays from 60 degrees above the horizontal to 30 below, on both sides.
ANGLES = np.deg2rad(np.arange(-60, 31, 3)).astype(np.float32)
_COSINES, _SINES = np.cos(ANGLES), np.sin(ANGLES)
# Pixels between two places on a ray.
_PITCH = 0.5
# Lengths as shares of half of the widest inner width of the thorax.
_NEAREST, _FARTHEST = 0.1, 0.95
_SMOOTH = 0.03
_REFINED = 0.05
# Rays whose ends count for the width: above them lie the great vessels.
WIDEST = np.deg2rad(-21) < ANGLES
# No lung borders on the heart from here on.
_CLEAR = 0.03
_STIFFNESS, _REACH = 0.04, 4
# The heart begins where the beam grazes it: nearer to the lung's brightness than to its own.
_FRACTION = 0.2
# Edges weaker than this (in standard deviations) are left where the path has them.
_REFINABLE = 0.2


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
    def extents(self) -> npt.NDArray[np.float32]:
        """Shape (2,): how far the heart reaches to both sides of the midline, in pixels."""
        out: npt.NDArray[np.float32] = (self.radii * _COSINES)[:, WIDEST].max(axis=1)
        return out

    @property
    def points(self) -> npt.NDArray[np.float32]:
        """Shape (2, rays, 2): column and row of each ray's end."""
        sign = np.array(SIDES, np.float32)[:, None]
        aside = np.minimum(self.radii * _COSINES, self.extents[:, None])
        return np.stack([self.column + sign * aside, self.row + self.radii * _SINES], axis=-1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """How the borders are looked for: lengths as shares of half of the widest inner width of the thorax.

    Attributes
    ----------
    above_dome
        How far above the domes the rays start.
    edge
        How broad an edge is looked for.
    """

    above_dome: float
    edge: float


FIRST_LOOK, SECOND_LOOK = Look(above_dome=0.28, edge=0.03), Look(above_dome=0.2, edge=0.06)
"""Where the two see different borders, neither is to be trusted."""


def find_heart(level: Gray, column: float, half_width: float, diaphragm: Diaphragm, look: Look = FIRST_LOOK) -> Heart:
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
    row = diaphragm.level - look.above_dome * w
    smooth = uniform_filter(level, max(1, round(_SMOOTH * w)), mode="nearest")
    radii = np.arange(round(_NEAREST * w), round(_FARTHEST * w), _PITCH, dtype=np.float32)
    edge, near = max(2, round(look.edge * w / _PITCH)), max(2, round(_REFINED * w / _PITCH))
    margin = max(edge, 2 * near)
    along = radii[0] + np.float32(_PITCH) * (np.arange(-margin, len(radii) + margin, dtype=np.float32) + 0.5)
    sign = np.array(SIDES, np.float32)[:, None, None]
    x = column + sign * _COSINES[:, None] * along
    y = np.broadcast_to(row + _SINES[:, None] * along, x.shape)
    values = map_coordinates(smooth, [y - 0.5, x - 0.5], order=1, mode="nearest")
    scores = -steps(values, edge)[..., margin : margin + len(radii)]
    floor = diaphragm.tops[:, None, None] - _CLEAR * w
    scores = np.where(row + _SINES[:, None] * radii > floor, np.float32(0), scores)
    path = best_paths(scores, _STIFFNESS, _REACH)
    strengths = np.take_along_axis(scores, path[..., None], axis=2)[..., 0]
    moved = np.where(strengths > _REFINABLE, _beginnings(values, path + margin, near), 0)
    refined = radii[path] + np.float32(_PITCH) * moved
    padded = np.pad(refined, ((0, 0), (1, 1)), mode="edge")
    smoothed = np.median(np.stack([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]]), axis=0)
    return Heart(column, row, smoothed.astype(np.float32), strengths)


def _beginnings(values: Gray, path: npt.NDArray[np.intp], near: int) -> npt.NDArray[np.intp]:
    """How many places farther out than the edge the heart begins."""
    length = values.shape[-1]
    sums = np.cumsum(np.pad(values, ((0, 0), (0, 0), (1, 0))), axis=-1)

    def mean(first: int, last: int) -> Gray:
        ends = [
            np.take_along_axis(sums, (path + at).clip(0, length)[..., None], axis=-1)[..., 0] for at in (first, last)
        ]
        return ((ends[1] - ends[0]) / np.float32(last - first)).astype(np.float32)

    heart, lung = mean(-2 * near, 1 - near), mean(near, 2 * near)
    offsets = np.arange(-near, 2 * near)
    around = np.take_along_axis(values, (path[..., None] + offsets).clip(0, length - 1), axis=-1)
    is_lung = around < (lung + np.float32(_FRACTION) * (heart - lung))[..., None]
    return np.where(is_lung.any(axis=-1), offsets[is_lung.argmax(axis=-1)], 0)

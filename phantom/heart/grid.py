"""`Grid`: where the voxels of a volume lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Axes = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Coordinates along z, y and x, mm, each of one dimension."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Axial voxels in the patient's coordinates (LPS, mm).

    Attributes
    ----------
    shape
        Slices, rows, columns.
    spacing
        Distances of slices, rows and columns, mm.
    origin
        Centre of the first voxel: x, y, z.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]

    @classmethod
    def about(cls, centre: Sequence[float], shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> "Grid":
        """A grid with its middle at a place (x, y, z)."""
        x, y, z = (
            float(middle) - (count - 1) / 2 * step
            for middle, count, step in zip(centre, shape[::-1], spacing[::-1], strict=True)
        )
        return cls(shape, spacing, (x, y, z))

    def axes(self) -> Axes:
        """Coordinates of the voxels along z, y and x."""
        z, y, x = (
            (first + np.arange(count) * step).astype(np.float32)
            for first, count, step in zip(self.origin[::-1], self.shape, self.spacing, strict=True)
        )
        return z, y, x

    def index(self, points: npt.ArrayLike) -> Array:
        """Places in mm, shape ``(..., 3)`` as x, y, z, in voxels: slice, row, column."""
        away: Array = np.asarray(points, dtype=float) - np.array(self.origin)
        index: Array = away[..., ::-1] / np.array(self.spacing)
        return index

    def slab(self, start: int, stop: int) -> "Grid":
        """Some of the slices; `start` and `stop` may lie beyond the grid."""
        x, y, z = self.origin
        return Grid((stop - start, *self.shape[1:]), self.spacing, (x, y, z + start * self.spacing[0]))

    def finer(self, slices: int) -> "Grid":
        """The same extent with each slice divided."""
        step = self.spacing[0] / slices
        x, y, z = self.origin
        first = z - self.spacing[0] / 2 + step / 2
        return Grid((self.shape[0] * slices, *self.shape[1:]), (step, *self.spacing[1:]), (x, y, first))

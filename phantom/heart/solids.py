"""Solids by their signed distance: negative inside, mm, exact near the surface.

Coordinates are the patient's (LPS): x to the left, y to the back, z to the head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from phantom.heart.grid import Array, Axes

Values = npt.NDArray[np.floating[Any]]
Slices = tuple[slice, slice, slice]

FAR = np.float32(1e6)


class Solid(Protocol):
    """A body."""

    def at(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distances of places whose coordinates broadcast."""

    def bounds(self) -> tuple[Array, Array]:
        """Two corners of a box about the solid: least and largest x, y, z."""


def window(axes: Axes, least: Array, largest: Array, reach: float) -> Slices:
    """The part of a grid within `reach` of a box."""
    z, y, x = (
        slice(int(np.searchsorted(axis, low - reach)), int(np.searchsorted(axis, high + reach, side="right")))
        for axis, low, high in zip(axes, least[::-1], largest[::-1], strict=True)
    )
    return z, y, x


def over(solid: Solid, axes: Axes, reach: float) -> tuple[Slices, Values]:
    """Signed distances in the part of a grid that lies within `reach` of the solid's box."""
    part = window(axes, *solid.bounds(), reach)
    return part, distances(solid, (axes[0][part[0]], axes[1][part[1]], axes[2][part[2]]), reach)


def distances(solid: Solid, axes: Axes, reach: float) -> Values:
    """Signed distances at all voxels of a grid, shape ``(z, y, x)``; those beyond `reach` may be too large."""
    if isinstance(solid, Tube):
        return solid.within(axes, reach)
    z, y, x = axes
    return solid.at(x[None, None, :], y[None, :, None], z[:, None, None])


def frame_along(direction: npt.ArrayLike) -> Array:
    """Three perpendicular unit vectors as rows, the first along `direction`, shape ``(3, 3)``."""
    first = np.asarray(direction, dtype=float)
    first = first / np.linalg.norm(first)
    # Away from the direction itself, whichever it is.
    helper = np.array([0.0, 0.0, 1.0]) if abs(first[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    second = np.cross(first, helper)
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid.

    Attributes
    ----------
    centre
        x, y, z.
    semi_axes
        Along the rows of `frame`.
    frame
        Rows are the directions of the semi-axes, shape ``(3, 3)``; those of the patient by default.
    """

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    frame: Array | None = None

    def at(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distance to first order: exact at the surface (the gradient's length is divided out)."""
        dx, dy, dz = (axis - np.float32(middle) for axis, middle in zip((x, y, z), self.centre, strict=True))
        along: Sequence[Values] = (dx, dy, dz)
        if self.frame is not None:
            rows = self.frame.astype(np.float32)
            along = [row[0] * dx + row[1] * dy + row[2] * dz for row in rows]
        squares = [(u / np.float32(a)) ** 2 for u, a in zip(along, self.semi_axes, strict=True)]
        scaled = np.sqrt(squares[0] + squares[1] + squares[2])
        a, b, c = (np.float32(1 / axis**2) for axis in self.semi_axes)
        slope = np.sqrt(squares[0] * a + squares[1] * b + squares[2] * c)
        middle = np.float32(-min(self.semi_axes))
        answer: Values = np.where(slope > 0, scaled * (scaled - 1) / np.maximum(slope, np.float32(1e-9)), middle)
        return answer

    def bounds(self) -> tuple[Array, Array]:
        """A box about the ellipsoid, however it is turned."""
        middle = np.array(self.centre)
        frame = np.eye(3) if self.frame is None else self.frame
        extent = np.sqrt(((frame * np.array(self.semi_axes)[:, None]) ** 2).sum(axis=0))
        return middle - extent, middle + extent


@dataclass(frozen=True, slots=True)
class Column:
    """An elliptic cylinder along z without ends, or all that lies outside it."""

    centre: tuple[float, float]
    semi_axes: tuple[float, float]
    outside: bool = False

    def at(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distance, as that of `Ellipsoid`; z has no part in it, and its axis none in the result."""
        flat = Ellipsoid((*self.centre, 0.0), (*self.semi_axes, 1.0)).at(x, y, np.zeros(1, dtype=np.float32))
        return -flat if self.outside else flat

    def bounds(self) -> tuple[Array, Array]:
        """Endless along z."""
        middle, extent = np.array([*self.centre, 0.0]), np.array([*self.semi_axes, np.inf])
        if self.outside:
            extent = np.full(3, np.inf)
        return middle - extent, middle + extent


@dataclass(frozen=True, slots=True)
class Tube:
    """A chain of cones with round ends.

    Attributes
    ----------
    points
        Along the axis, shape ``(n, 3)``.
    radii
        At the points, shape ``(n,)``.
    """

    points: Array
    radii: Array

    def at(self, x: Values, y: Values, z: Values) -> Values:
        """Signed distance to the nearest cone; along its axis the radius changes slowly."""
        nearest: Values = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), FAR, dtype=np.float32)
        for index in range(len(self.points) - 1):
            nearest = np.minimum(nearest, self.segment(index, x, y, z))
        return nearest

    def segment(self, index: int, x: Values, y: Values, z: Values) -> Values:
        """Signed distance to one cone."""
        start, end = self.points[index], self.points[index + 1]
        length = float(np.linalg.norm(end - start))
        ux, uy, uz = ((end - start) / max(length, 1e-9)).astype(np.float32)
        dx, dy, dz = (axis - np.float32(s) for axis, s in zip((x, y, z), start, strict=True))
        along = np.clip(dx * ux + dy * uy + dz * uz, 0, np.float32(length))
        away = np.sqrt((dx - along * ux) ** 2 + (dy - along * uy) ** 2 + (dz - along * uz) ** 2)
        slope = np.float32((self.radii[index + 1] - self.radii[index]) / max(length, 1e-9))
        answer: Values = away - (np.float32(self.radii[index]) + slope * along)
        return answer

    def segment_bounds(self, index: int) -> tuple[Array, Array]:
        """A box about one cone."""
        ends, radius = self.points[index : index + 2], self.radii[index : index + 2].max()
        return ends.min(axis=0) - radius, ends.max(axis=0) + radius

    def within(self, axes: Axes, reach: float) -> Values:
        """As `at` on a grid, but each cone only where it is nearer than `reach`."""
        nearest: Values = np.full([len(axis) for axis in axes], FAR, dtype=np.float32)
        for index in range(len(self.points) - 1):
            part = window(axes, *self.segment_bounds(index), reach)
            z, y, x = (axis[one] for axis, one in zip(axes, part, strict=True))
            if len(x) and len(y) and len(z):
                target = nearest[part]
                np.minimum(
                    target, self.segment(index, x[None, None, :], y[None, :, None], z[:, None, None]), out=target
                )
        return nearest

    def bounds(self) -> tuple[Array, Array]:
        """A box about all cones."""
        widest = self.radii.max()
        return self.points.min(axis=0) - widest, self.points.max(axis=0) + widest


def smooth_tube(points: Sequence[Sequence[float]], radii: Sequence[float], count: int = 40) -> Tube:
    """A tube of `count` points along a line through some places, its corners rounded; radii never overshoot."""
    given, wide = np.asarray(points, dtype=float), np.broadcast_to(np.asarray(radii, dtype=float), len(points))
    place = np.linspace(0, len(given) - 1, count)
    known = np.arange(len(given))
    path = np.stack([np.interp(place, known, given[:, axis]) for axis in range(3)], axis=1)
    width = np.interp(place, known, wide)
    # Means of three neighbours, a few times; the ends stay.
    for _ in range(max(1, count // 12)):
        path[1:-1] = (path[:-2] + path[1:-1] + path[2:]) / 3
        width[1:-1] = (width[:-2] + width[1:-1] + width[2:]) / 3
    return Tube(path, width)

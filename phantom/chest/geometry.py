"""Line integrals on a detector grid: ellipsoids, tubes and smooth random fields.

Coordinates are millimetres on the detector: ``x`` to the right of the image (the patient's left in a frontal view),
``y`` downwards, both from the middle of the detector; ``z`` runs along the beam. The beam is taken as parallel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Maps of the detector are float32 throughout; numpy's types lose that in mixed arithmetic.
type Map = NDArray[np.floating[Any]]
type Mask = NDArray[np.bool_]
type Points = NDArray[np.float64]

# Samples per pixel when a tube is laid down; with bilinear deposit, denser sampling changes nothing visible.
SAMPLES_PER_PIXEL = 1.6
SAMPLES_AT_ONCE = 2_000_000
# Random fields live on a square of this side, so that a phantom keeps its texture at every resolution and crop.
FIELD_EXTENT_MM = 520.0
# Standard deviation of a separable cubic B-spline of unit normal coefficients: the mean square sum of its basis.
BSPLINE_STD = 0.4794


@dataclass(frozen=True)
class Grid:
    """The detector's pixels.

    Parameters
    ----------
    rows, columns : int
        Size of the image.
    pixel_mm : float
        Width and height of a pixel in mm.
    """

    rows: int
    columns: int
    pixel_mm: float

    @property
    def x(self) -> Map:
        """Pixel centres in mm, shape (1, columns)."""
        return ((np.arange(self.columns, dtype=np.float32) - (self.columns - 1) / 2) * np.float32(self.pixel_mm))[None]

    @property
    def y(self) -> Map:
        """Pixel centres in mm, shape (rows, 1)."""
        return ((np.arange(self.rows, dtype=np.float32) - (self.rows - 1) / 2) * np.float32(self.pixel_mm))[:, None]

    def empty(self) -> Map:
        """A map of zeros, shape (rows, columns)."""
        return np.zeros((self.rows, self.columns), np.float32)

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """(row, column) of a point given in mm; fractions count from pixel centres."""
        return y / self.pixel_mm + (self.rows - 1) / 2, x / self.pixel_mm + (self.columns - 1) / 2

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns within `reach` mm of a point; empty slices where that lies outside the image."""
        row, column = self.to_pixel(x, y)
        pixels = reach / self.pixel_mm + 1
        return (
            slice(max(0, int(row - pixels)), max(0, min(self.rows, int(row + pixels) + 2))),
            slice(max(0, int(column - pixels)), max(0, min(self.columns, int(column + pixels) + 2))),
        )


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, turned by `angle` (radians, clockwise on the image) about the beam's direction; lengths in mm."""

    x: float
    y: float
    a: float
    b: float
    depth: float
    angle: float = 0.0

    @property
    def half_width(self) -> float:
        """Half of its extent along x in mm."""
        return float(np.hypot(self.a * np.cos(self.angle), self.b * np.sin(self.angle)))

    @property
    def reach(self) -> float:
        """Radius in mm of a circle that holds its shadow."""
        return max(self.a, self.b)

    def level(self, x: Map, y: Map) -> Map:
        """0 in the middle of the shadow, 1 on its outline."""
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        dx, dy = x - np.float32(self.x), y - np.float32(self.y)
        u, v = (dx * cos + dy * sin) / np.float32(self.a), (dy * cos - dx * sin) / np.float32(self.b)
        level: Map = u * u + v * v
        return level

    def chord(self, x: Map, y: Map) -> Map:
        """Length of the beam's path through it, in mm."""
        return chord_of(self.level(x, y), self.depth)

    def chord_at(self, x: float, y: float) -> float:
        """Length of the beam's path through it at one point, in mm."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        dx, dy = x - self.x, y - self.y
        level = ((dx * cos + dy * sin) / self.a) ** 2 + ((dy * cos - dx * sin) / self.b) ** 2
        return float(2 * self.depth * np.sqrt(max(1 - level, 0)))


def chord_of(level: Map, depth: float) -> Map:
    """Path length through an ellipsoid of half-depth `depth` mm where its shadow has this level."""
    chord: Map = np.float32(2 * depth) * np.sqrt(np.maximum(np.float32(1) - level, np.float32(0)))
    return chord


def smoothstep(value: Map, low: float, high: float) -> Map:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    step: Map = t * t * (3 - 2 * t)
    return step


def _bspline_taps(positions: Map, count: int, step_mm: float) -> tuple[NDArray[np.int64], Map]:
    """First knot and four cubic B-spline weights (shape (4, n)) for each position, knots `step_mm` apart."""
    knots = (positions + FIELD_EXTENT_MM / 2) / step_mm
    base = np.clip(np.floor(knots).astype(np.int64), 1, count - 3)
    t = np.clip(knots - base, 0, 1)
    weights = np.array([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    return base - 1, weights.astype(np.float32)


def random_field(generator: np.random.Generator, grid: Grid, step_mm: float) -> Map:
    """A smooth random field of unit variance whose grain is about `step_mm`, the same at every resolution."""
    count = int(np.ceil(FIELD_EXTENT_MM / step_mm)) + 3
    coefficients = generator.standard_normal((count, count), dtype=np.float32)
    first, weights = _bspline_taps(grid.y[:, 0], count, step_mm)
    lines = np.zeros((grid.rows, count), np.float32)
    for k in range(4):
        lines += weights[k][:, None] * coefficients[first + k]
    first, weights = _bspline_taps(grid.x[0], count, step_mm)
    field: Map = grid.empty()
    for k in range(4):
        field += weights[k] * lines[:, first + k]
    return field / np.float32(BSPLINE_STD)


@dataclass(frozen=True)
class Tubes:
    """Pieces of round tube whose radius and direction change evenly from end to end.

    Parameters
    ----------
    start, end : array of shape (n, 3)
        Ends of the axes, (x, y, z) in mm.
    radius : array of shape (n, 2)
        Outer radius at start and end in mm.
    normal : array of shape (n, 2, 2)
        Unit normals (x, y) of the projected axis at start and end; neighbours that share theirs join without a seam.
    wall : float or None
        Thickness in mm of a wall of its own weight; None for a solid tube.
    """

    start: Points
    end: Points
    radius: Points
    normal: Points
    wall: float | None = None

    @classmethod
    def straight(cls, start: Points, end: Points, radius: Points, wall: float | None = None) -> "Tubes":
        """Pieces without neighbours; `radius` of shape (n,) or (n, 2)."""
        radii = np.stack([radius, radius], axis=1) if radius.ndim == 1 else radius
        normal = _normals(end - start)
        return cls(start, end, radii, np.stack([normal, normal], axis=1), wall)

    @classmethod
    def along(cls, path: Points, radius: float | Points, wall: float | None = None, ends: bool = True) -> "Tubes":
        """The tube along a polyline of shape (n + 1, 3), its radius given at each point, with rounded ends."""
        radii = np.array(np.broadcast_to(np.asarray(radius, np.float64), (len(path),)))
        if ends:
            path, radii = _rounded(path, radii)
        tangent = np.gradient(path, axis=0)
        normal = _normals(tangent)
        pairs = np.stack([radii[:-1], radii[1:]], axis=1)
        return cls(path[:-1], path[1:], pairs, np.stack([normal[:-1], normal[1:]], axis=1), wall)

    @classmethod
    def joined(cls, parts: "list[Tubes]") -> "Tubes":
        """All pieces as one; they must have the same wall."""
        return cls(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.radius for p in parts]),
            np.concatenate([p.normal for p in parts]),
            parts[0].wall,
        )

    def __len__(self) -> int:
        return len(self.radius)


def _normals(tangent: Points) -> Points:
    """Unit normals, in the image, of directions of shape (n, 3); any for one along the beam."""
    length = np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)
    normal: Points = np.stack([-tangent[:, 1] / length, tangent[:, 0] / length], axis=1)
    return normal


def _rounded(path: Points, radii: Points) -> tuple[Points, Points]:
    """Adds a round cap to both ends of a polyline."""
    shares = np.array([0.35, 0.65, 0.85, 0.96, 1.0])
    caps = []
    for tip, inner, radius in ((path[0], path[1], radii[0]), (path[-1], path[-2], radii[-1])):
        outward = (tip - inner) / max(float(np.linalg.norm(tip - inner)), 1e-9)
        caps.append((tip + radius * shares[:, None] * outward, radius * np.sqrt(1 - shares**2)))
    (first, first_radii), (last, last_radii) = caps
    return np.concatenate([first[::-1], path, last]), np.concatenate([first_radii[::-1], radii, last_radii])


def tube_map(grid: Grid, tubes: Tubes, wall_weight: float = 1.0, core_weight: float = 1.0) -> Map:
    """Path length through tubes, weighted: `wall_weight` in the wall, `core_weight` inside it.

    The volume of each piece is laid down on the pixels that its samples fall upon (bilinear), so that the integral is
    kept whatever the angle to the beam: a rib that turns round the chest wall appears dense there by itself.

    Returns
    -------
    array of shape (rows, columns), float32
        Weighted path length in mm.
    """
    total = grid.empty()
    # In parts, so that a large image does not need all its samples in memory at once.
    spacing = grid.pixel_mm / SAMPLES_PER_PIXEL
    axis = tubes.end - tubes.start
    along = np.maximum(1, np.ceil(np.hypot(axis[:, 0], axis[:, 1]) / spacing)).astype(np.int64)
    across = np.maximum(1, np.ceil(2 * tubes.radius.max(axis=1, initial=0) / spacing)).astype(np.int64)
    samples = np.cumsum(along * across)
    begin = 0
    while begin < len(tubes):
        before = samples[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(samples, before + SAMPLES_AT_ONCE, side="right")))
        part = slice(begin, end)
        total += _lay_down(grid, tubes, part, along[part], across[part], wall_weight, core_weight)
        begin = end
    return total


def _lay_down(
    grid: Grid,
    tubes: Tubes,
    part: slice,
    along: NDArray[np.int64],
    across: NDArray[np.int64],
    wall_weight: float,
    core_weight: float,
) -> Map:
    start, axis = tubes.start[part], tubes.end[part] - tubes.start[part]
    length = np.linalg.norm(axis, axis=1)
    samples = along * across
    piece = np.repeat(np.arange(len(samples)), samples)
    within = np.arange(samples.sum()) - np.repeat(np.cumsum(samples) - samples, samples)
    step, offset = within // across[piece], within % across[piece]
    fraction = (step + 0.5) / along[piece]
    first, last = tubes.radius[part, 0][piece], tubes.radius[part, 1][piece]
    radius = first + fraction * (last - first)
    low, high = (offset / across[piece] * 2 - 1) * radius, ((offset + 1) / across[piece] * 2 - 1) * radius
    u = (low + high) / 2
    normal, turn = tubes.normal[part, 0], tubes.normal[part, 1] - tubes.normal[part, 0]
    x = start[piece, 0] + fraction * axis[piece, 0] + u * (normal[piece, 0] + fraction * turn[piece, 0])
    y = start[piece, 1] + fraction * axis[piece, 1] + u * (normal[piece, 1] + fraction * turn[piece, 1])
    # On the outside of a bend the samples lie further apart than on the axis, on the inside closer.
    projected = np.maximum(axis[:, 0] ** 2 + axis[:, 1] ** 2, 1e-9)
    bend = (turn[:, 0] * axis[:, 0] + turn[:, 1] * axis[:, 1]) / projected
    stretch = np.clip(1 + u * bend[piece], 0, 3)
    section = _disc_strip(low, high, radius)
    if tubes.wall is not None:
        core = _disc_strip(low, high, np.maximum(radius - tubes.wall, 0))
        section = (section - core) * wall_weight + core * core_weight
    else:
        section = section * core_weight
    mass = section * stretch * (length / along)[piece] / grid.pixel_mm**2
    return _deposit(grid, x, y, mass)


def _disc_strip(
    low: NDArray[np.float64], high: NDArray[np.float64], radius: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area of the part of a disc that lies between two parallel lines, exactly: thin tubes keep their volume too."""
    safe = np.maximum(radius, 1e-9)
    first, last = np.clip(low / safe, -1, 1), np.clip(high / safe, -1, 1)
    area: NDArray[np.float64] = radius**2 * (
        last * np.sqrt(1 - last**2) + np.arcsin(last) - first * np.sqrt(1 - first**2) - np.arcsin(first)
    )
    return area


def _deposit(grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64], mass: NDArray[np.float64]) -> Map:
    """Shares each sample's mass out among the four pixels around it."""
    column = x / grid.pixel_mm + (grid.columns - 1) / 2
    row = y / grid.pixel_mm + (grid.rows - 1) / 2
    inside = (row > 0) & (row < grid.rows - 1) & (column > 0) & (column < grid.columns - 1)
    row, column, mass = row[inside], column[inside], mass[inside]
    r, c = row.astype(np.int64), column.astype(np.int64)
    fr, fc = row - r, column - c
    flat = r * grid.columns + c
    size = grid.rows * grid.columns
    total = np.bincount(flat, mass * (1 - fr) * (1 - fc), size)
    total += np.bincount(flat + 1, mass * (1 - fr) * fc, size)
    total += np.bincount(flat + grid.columns, mass * fr * (1 - fc), size)
    total += np.bincount(flat + grid.columns + 1, mass * fr * fc, size)
    return total.reshape(grid.rows, grid.columns).astype(np.float32)

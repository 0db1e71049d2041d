"""Heart, great vessels, airways: what stands between the lungs."""

from dataclasses import dataclass, replace

import numpy as np

from phantom.chest.body import APEX_Y, HILUM_Y, Body, stream
from phantom.chest.geometry import Ellipsoid, Grid, Map, Points, Tubes, smoothstep, tube_map
from phantom.chest.lungs import Lung


@dataclass(frozen=True)
class Heart:
    """The heart's silhouette as a left and a right part, and its transverse extents from the midline in mm."""

    left: Ellipsoid
    right: Ellipsoid
    extent_right: float
    extent_left: float

    @property
    def width(self) -> float:
        """Transverse diameter in mm: the greatest extents to both sides of the midline, added."""
        return self.extent_right + self.extent_left

    def path(self, grid: Grid) -> Map:
        """Length of the beam's path through the heart in mm."""
        path: Map = np.maximum(self.left.chord(grid.x, grid.y), self.right.chord(grid.x, grid.y))
        return path


def _heart_of_size(body: Body, left_lung: Lung, size: float, tilt: float, leftness: float) -> Heart:
    base = left_lung.dome + 6
    b = 50 * size
    centre_y = base - 0.62 * b
    mid = body.midline(centre_y)
    left = Ellipsoid(mid + 22 * size * leftness, centre_y, 64 * size, 47 * size, 46 * size**0.7, tilt)
    right = Ellipsoid(mid - 13 * size, centre_y - 8 * size, 36 * size, 46 * size, 40 * size**0.7, -0.15)
    extent_left = left.x + left.half_width - mid
    extent_right = max(mid - right.x + right.half_width, mid - left.x + left.half_width)
    return Heart(left, right, extent_right, extent_left)


def make_heart(body: Body, left_lung: Lung, width: float) -> Heart:
    """The heart whose transverse diameter is `width` mm, resting on the diaphragm."""
    g = stream(body.seed, "heart")
    tilt, leftness = float(g.uniform(0.3, 0.75)), float(g.uniform(0.85, 1.25))
    low, high = 0.3, 3.0
    for _ in range(40):
        size = (low + high) / 2
        if _heart_of_size(body, left_lung, size, tilt, leftness).width < width:
            low = size
        else:
            high = size
    return _heart_of_size(body, left_lung, (low + high) / 2, tilt, leftness)


def great_vessels(body: Body, heart: Heart, half_width: float) -> list[Ellipsoid]:
    """Aortic arch, pulmonary trunk, superior vena cava and the column of the mediastinum, as ellipsoids.

    Parameters
    ----------
    half_width : float
        Half-width of the upper mediastinum in mm.
    """
    g = stream(body.seed, "vessels")
    s, y0 = body.scale, body.shift_y
    knob = g.uniform(0.9, 1.25)

    def at(x: float, y: float, a: float, b: float, depth: float) -> Ellipsoid:
        return Ellipsoid(body.midline(y0 + y * s) + x, y0 + y * s, a, b, depth)

    aorta = half_width + 6 * s * knob
    return [
        at(0, -95, 0.82 * half_width, 120 * s, 42 * s),
        at(-half_width * 0.45, -62, 0.55 * half_width + 2, 62 * s, 24 * s),
        at(aorta - 17 * s, -58, 17 * s * knob, 17 * s * knob, 26 * s),
        at(half_width * 0.62, -16, 17 * s, 26 * s, 26 * s),
        Ellipsoid(heart.right.x + 8, y0 + 5 * s, half_width, 75 * s, 36 * s),
        at(10 * s, 30, 13 * s, 120 * s, 13 * s),
    ]


def mediastinal_path(grid: Grid, heart: Heart, parts: list[Ellipsoid], below: Map) -> Map:
    """Path length through heart and mediastinum in mm; where parts overlap, the longest counts in full.

    `below` says how far each pixel lies below the top of the diaphragm, in mm: the heart rests on that.
    """
    path = heart.path(grid)
    path = path * (1 - smoothstep(below, 0, 8))
    extra = grid.empty()
    for part in parts:
        chord = part.chord(grid.x, grid.y)
        extra = np.maximum(extra, chord)
    total: Map = np.maximum(path, extra) + np.float32(0.35) * np.minimum(path, extra)
    return total


def airways(body: Body) -> Tubes:
    """Trachea and main bronchi."""
    s, y0 = body.scale, body.shift_y
    top, carina = y0 + (APEX_Y - 70) * s, y0 - 48 * s
    t = np.linspace(0, 1, 12)
    y = top + (carina - top) * t
    x = body.shift_x + body.lean * y - 3 * s * np.sin(np.pi * t)
    trachea = Tubes.along(np.stack([x, y, np.zeros_like(x)], axis=1), 8.5 * s)
    parts = [trachea]
    for dx, dy in ((-34, 34), (42, 30)):
        down = np.linspace(0, 1, 8)
        bronchus = np.stack([x[-1] + dx * s * down**1.2, carina - 6 * s + (dy + 6) * s * down, 0 * down], axis=1)
        parts.append(Tubes.along(bronchus, (6.5 - 4.0 * down) * s))
    return Tubes.joined(parts)


def airway_path(body: Body, grid: Grid) -> Map:
    """Length of the beam's path through trachea and main bronchi in mm."""
    # Where the bronchi leave the trachea they overlap it.
    path: Map = np.minimum(tube_map(grid, airways(body)), 15 * body.scale)
    return path


def lung_vessels(body: Body, right: Lung, left: Lung) -> Tubes:
    """Pulmonary vessels as trees that branch from both hila, by fixed rules and the body's own random stream."""
    g = stream(body.seed, "tree")
    s = body.scale
    starts: list[Points] = []
    ends: list[Points] = []
    radii: list[Points] = []
    for lung in (right, left):
        side = lung.side
        hilum_y = body.shift_y + (HILUM_Y - (6 if side > 0 else 0)) * s
        hilum = np.array([body.midline(hilum_y) + side * 34 * s, hilum_y, 0.0])
        angles = np.linspace(-1.35, 1.35, 9) + g.normal(0, 0.08, 9)
        point = np.repeat(hilum[None], 9, axis=0) + g.normal(0, 4, (9, 3))
        direction = np.stack([side * np.cos(angles), np.sin(angles), g.normal(0, 0.5, 9)], axis=1)
        radius = g.uniform(2.6, 4.6, 9) * s
        length = g.uniform(20, 32, 9) * s
        for _ in range(6):
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            tip = point + direction * length[:, None]
            starts.append(point)
            ends.append(tip)
            thin = radius * 0.8
            radii.append(np.stack([radius, thin], axis=1))
            # Each vessel splits in two; areas are kept (Murray's law is near enough: 2 ** (-1 / 3)).
            point = np.repeat(tip, 2, axis=0)
            turn = g.normal(0, 0.36, (len(point), 3))
            direction = np.repeat(direction, 2, axis=0) + turn
            radius = np.repeat(thin, 2) * g.uniform(0.74, 1.0, len(point))
            length = np.repeat(length, 2) * g.uniform(0.68, 0.95, len(point))
            keep = (radius > 0.45 * s) & (g.random(len(point)) < 0.86)
            point, direction, radius, length = point[keep], direction[keep], radius[keep], length[keep]
    return Tubes.straight(np.concatenate(starts), np.concatenate(ends), np.concatenate(radii))


def shifted(parts: list[Ellipsoid], dx: float) -> list[Ellipsoid]:
    """The same parts, moved sideways by `dx` mm."""
    return [replace(part, x=part.x + dx) for part in parts]

"""Thin things are painted on a grid a few times finer than the voxels, in tiles where there are any."""

from collections.abc import Iterator, Sequence

import numpy as np

from phantom.heart.grid import Axes, Grid
from phantom.heart.solids import Solid, Tube, Values, distances, window

FINEST_MM = 0.15
"""Voxels are divided until the parts are about so small."""

MOST_PARTS = 8
"""No voxel is divided into more parts along an axis."""

TILE = 12
"""Voxels along each side of a tile."""

Group = tuple[Sequence[Solid], float]
"""Solids that are one where they touch, and their Hounsfield units."""


def paint_finely(picture: Values, grid: Grid, groups: Sequence[Group], outside: Solid) -> None:
    """Paint groups of solids, later ones over earlier ones, but nothing inside the solid `outside`.

    Parameters
    ----------
    picture
        Hounsfield units, shape ``(slices, rows, columns)``; changed in place.
    groups
        A voxel's share of each is found on the fine grid, with soft edges there.
    """
    parts = tuple(int(np.clip(round(step / FINEST_MM), 1, MOST_PARTS)) for step in grid.spacing)
    steps = [step / count for step, count in zip(grid.spacing, parts, strict=True)]
    width = np.float32(np.mean(steps))
    axes = grid.axes()
    solids = [solid for group, _ in groups for solid in group]
    # A voxel whose centre lies outside may still be partly filled.
    for tile in _tiles(axes, solids, float(width) + max(grid.spacing) / 2):
        box = tuple(axis[part] for axis, part in zip(axes, tile, strict=True))
        fine = _divided((box[0], box[1], box[2]), grid, parts)
        canvas = picture[tile]
        for axis, count in enumerate(parts):
            canvas = canvas.repeat(count, axis=axis)
        free = np.clip(0.5 + distances(outside, fine, float(width)) / width, 0, 1)
        for group, hu in groups:
            near = [solid for solid in group if _meets(solid, fine, float(width))]
            if not near:
                continue
            nearest = np.minimum.reduce([distances(solid, fine, float(width)) for solid in near])
            canvas = canvas + np.clip(0.5 - nearest / width, 0, 1) * free * (np.float32(hu) - canvas)
        nz, ny, nx = picture[tile].shape
        picture[tile] = canvas.reshape(nz, parts[0], ny, parts[1], nx, parts[2]).mean(axis=(1, 3, 5))


def _divided(axes: Axes, grid: Grid, parts: Sequence[int]) -> Axes:
    z, y, x = (
        (axis[:, None] + ((np.arange(count) - (count - 1) / 2) * step / count).astype(np.float32)).ravel()
        for axis, count, step in zip(axes, parts, grid.spacing, strict=True)
    )
    return z, y, x


def _meets(solid: Solid, axes: Axes, reach: float) -> bool:
    part = window(axes, *solid.bounds(), reach)
    return all(one.stop > one.start for one in part)


def _tiles(axes: Axes, solids: Sequence[Solid], reach: float) -> Iterator[tuple[slice, slice, slice]]:
    """Tiles of the grid that meet a solid; of a tube, one of its cones."""
    touched: set[tuple[int, int, int]] = set()
    for solid in solids:
        boxes = (
            [solid.segment_bounds(index) for index in range(len(solid.points) - 1)]
            if isinstance(solid, Tube)
            else [solid.bounds()]
        )
        for least, largest in boxes:
            part = window(axes, least, largest, reach)
            ranges = [range(one.start // TILE, -(-one.stop // TILE)) if one.stop > one.start else () for one in part]
            touched.update((k, j, i) for k in ranges[0] for j in ranges[1] for i in ranges[2])
    for k, j, i in sorted(touched):
        yield slice(k * TILE, (k + 1) * TILE), slice(j * TILE, (j + 1) * TILE), slice(i * TILE, (i + 1) * TILE)

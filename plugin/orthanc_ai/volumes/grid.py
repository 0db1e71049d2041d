"""Where the voxels of a stack lie, from Image Position (Patient) and Image Orientation (Patient) of its images."""

from typing import NamedTuple

import numpy as np

from ..cardiac.stack import SIDEWAYS_TOLERANCE_MM, Stack
from ..codes import Code
from .errors import VolumeError
from .volume import Matrix

POSITION_TOLERANCE_MM = SIDEWAYS_TOLERANCE_MM
"""A grid with its axes at right angles is used as long as it puts no slice further than this from its own position:
positions are written with two or three decimals, and ITK reads no other grid from a NIfTI file."""

NOT_A_GRID = (
    Code.DUPLICATE_POSITIONS,
    Code.MISSING_SLICES,
    Code.NONUNIFORM_SPACING,
    Code.LATERAL_SHIFT,
)
"""What no affine can describe."""


class Grid(NamedTuple):
    """An affine as `volume.Volume` has it, and by how much it misses the position of a slice, at most."""

    affine: Matrix
    deviation_mm: float


def grid_of(stack: Stack) -> Grid:
    """The grid of a stack.

    A stack that is sheared, as by a tilted gantry, has a sheared grid: its affine is right, but its axes are not at right
    angles.

    Raises
    ------
    VolumeError
        ``TOO_FEW_SLICES`` for a single slice, or a code of `NOT_A_GRID`.
    """
    for code in NOT_A_GRID:
        if code in stack.codes:
            raise VolumeError(code)
    positions = np.array([header.image_position for header in stack.headers], dtype=np.float64)
    if len(positions) < 2:
        raise VolumeError(Code.TOO_FEW_SLICES)
    along_row, down_column = _directions(stack)
    between_rows, between_columns = stack.pixel_spacing_mm
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    normal = np.cross(along_row, down_column)
    straight = normal * float(step @ normal)
    deviation = _deviation(positions, straight)
    if deviation <= POSITION_TOLERANCE_MM:
        step = straight
    else:
        deviation = _deviation(positions, step)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = down_column * between_rows
    affine[:3, 2] = along_row * between_columns
    affine[:3, 3] = positions[0]
    return Grid(affine, deviation)


def _directions(stack: Stack) -> tuple[Matrix, Matrix]:
    """Direction of a row (that of growing column indices) and of a column, at a right angle.

    Direction cosines are written with a few decimals, and differ by some of the last between images. The mean is taken, and
    of it the nearest pair of perpendicular unit vectors, by singular value decomposition.
    """
    orientations = np.array([header.image_orientation for header in stack.headers], dtype=np.float64)
    left, _, right = np.linalg.svd(orientations.mean(axis=0).reshape(2, 3), full_matrices=False)
    along_row, down_column = left @ right
    return along_row, down_column


def _deviation(positions: Matrix, step: Matrix) -> float:
    ideal = positions[0] + np.arange(len(positions))[:, None] * step
    return float(np.linalg.norm(positions - ideal, axis=1).max())

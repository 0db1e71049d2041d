"""`Stack`: parallel images of one grid, one at each position, in order: a volume, or what it lacks to be one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..codes import Code
from .header import Header
from .phases import Phase

Array = npt.NDArray[np.float64]

MINIMUM_SLICES = 3
"""Fewer images say nothing about regularity."""

MINIMUM_COVERAGE_MM = 60.0
"""Less cannot hold a heart."""

SPACING_RELATIVE_TOLERANCE = 0.01
"""By this share a step may differ from the others; as highdicom's ``get_volume_from_series``."""

SPACING_TOLERANCE_MM = 0.01
"""By this much a step may differ in any case: positions are written with two or three decimals."""

MULTIPLE_TOLERANCE = 0.05
"""By this share of a step a gap may differ from a multiple of the step."""

TILT_THRESHOLD_DEG = 0.3
"""A smaller shear moves the last of 150 mm of slices by less than a millimetre."""

SIDEWAYS_TOLERANCE_MM = 0.1
"""By this much a slice may lie beside the straight line through the first pixels of all slices."""

GAP_FACTOR = 1.05
"""Steps above thickness times this leave tissue unseen; below its counterpart 0.95, slices overlap."""

OVERLAP_FACTOR = 0.95

THICKNESS_TOLERANCE_MM = 0.01
"""Slice thicknesses that differ by more are different ones."""

AXIAL_LIMIT_DEG = 30.0
"""Gantries tilt by up to 30 degrees; a plane further from the axial one is a reformat."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Slices that are missing between two neighbours.

    Attributes
    ----------
    after, before
        Instance numbers of the neighbours, frame numbers in a multi-frame instance.
    position_mm
        Where the first missing slice should be, along the normal of the slices; for axial slices of a patient lying
        straight this is the patient's z coordinate.
    slices
        How many are missing.
    """

    after: int | None
    before: int | None
    position_mm: float
    slices: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel images in order.

    Attributes
    ----------
    headers
        In the order of their positions along the normal.
    spacing_mm
        Step between neighbours, perpendicular to the slices; the usual one if they differ. ``None`` for one slice.
    pixel_spacing_mm
        Distance between rows, distance between columns.
    thickness_mm
        Slice thickness; the usual one if they differ, ``None`` if not stated.
    coverage_mm
        From the lower face of the first to the upper face of the last slice, ``None`` for one slice.
    tilt_deg
        Angle between the normal and the line along which the slices are stacked, from positions alone.
    gaps
        Missing slices. Those missing at an end cannot be told.
    phase
        Cardiac phase, if known.
    codes
        What is remarkable, in no order of importance.
    """

    headers: tuple[Header, ...]
    spacing_mm: float | None
    pixel_spacing_mm: tuple[float, float]
    rows: int
    columns: int
    thickness_mm: float | None
    coverage_mm: float | None
    tilt_deg: float
    gaps: tuple[Gap, ...]
    phase: Phase | None
    codes: tuple[Code, ...]

    @property
    def missing(self) -> int:
        """Number of slices that are missing between others."""
        return sum(gap.slices for gap in self.gaps)


def stack_of(
    headers: Sequence[Header], positions: Array, normal: Array, phase: Phase | None, grid: tuple[float, float, int, int]
) -> Stack:
    """Judge parallel images, one at each position.

    Parameters
    ----------
    headers
        At least one.
    positions
        Image Position (Patient) of each, mm, shape ``(n, 3)``.
    normal
        Unit vector perpendicular to the images, shape ``(3,)``.
    phase
        Cardiac phase of the images.
    grid
        Distances between rows and columns in mm, numbers of rows and columns.
    """
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    along, ordered = along[order], [headers[index] for index in order]
    codes: list[Code] = []

    # Thousandths of a degree of the arc cosine: 30.0 is still axial although floating point says 30.0000001.
    if round(math.degrees(math.acos(min(1.0, abs(float(normal[2]))))), 3) > AXIAL_LIMIT_DEG:
        codes.append(Code.NOT_AXIAL)
    if len(ordered) < MINIMUM_SLICES:
        codes.append(Code.TOO_FEW_SLICES)

    thickness, mixed = _thickness(ordered)
    if mixed:
        codes.append(Code.MIXED_SLICE_THICKNESS)

    spacing = coverage = None
    tilt = 0.0
    gaps: tuple[Gap, ...] = ()
    if len(ordered) > 1:
        steps = np.diff(along)
        # The lower median is one of the steps, so that a series with slices missing still has its own.
        spacing = float(np.sort(steps)[(len(steps) - 1) // 2])
        coverage = float(along[-1] - along[0]) + spacing
        irregular, gaps = _gaps(ordered, along, steps, spacing)
        if irregular:
            codes.append(Code.MISSING_SLICES if gaps else Code.NONUNIFORM_SPACING)
        tilt, aligned = _tilt(positions[order], along, normal)
        if tilt > TILT_THRESHOLD_DEG:
            codes.append(Code.SHEARED_TILT)
        if not aligned:
            codes.append(Code.LATERAL_SHIFT)
        if thickness and spacing > thickness * GAP_FACTOR:
            codes.append(Code.SLICE_GAP)
        elif thickness and spacing < thickness * OVERLAP_FACTOR:
            codes.append(Code.OVERLAPPING_SLICES)
        if coverage < MINIMUM_COVERAGE_MM:
            codes.append(Code.COVERAGE_SHORT)
    return Stack(
        headers=tuple(ordered),
        spacing_mm=spacing,
        pixel_spacing_mm=grid[:2],
        rows=grid[2],
        columns=grid[3],
        thickness_mm=thickness,
        coverage_mm=coverage,
        tilt_deg=tilt,
        gaps=gaps,
        phase=phase,
        codes=tuple(codes),
    )


def _thickness(headers: Sequence[Header]) -> tuple[float | None, bool]:
    """The usual slice thickness, and whether there are several."""
    stated = sorted(thickness for header in headers if (thickness := header.slice_thickness) and thickness > 0)
    if not stated:
        return None, False
    return stated[(len(stated) - 1) // 2], stated[-1] - stated[0] > THICKNESS_TOLERANCE_MM


def _gaps(headers: Sequence[Header], along: Array, steps: Array, spacing: float) -> tuple[bool, tuple[Gap, ...]]:
    """Whether the steps differ, and the missing slices if each step is a whole number of the usual ones."""
    ratio = steps / spacing
    tolerance = max(SPACING_RELATIVE_TOLERANCE, SPACING_TOLERANCE_MM / spacing)
    if np.all(np.abs(ratio - 1) <= tolerance):
        return False, ()
    whole = np.rint(ratio)
    if whole.min() < 1 or np.any(np.abs(ratio - whole) > max(MULTIPLE_TOLERANCE, tolerance)):
        return True, ()
    return True, tuple(
        Gap(
            headers[index].number,
            headers[index + 1].number,
            float(along[index] + steps[index] / whole[index]),
            int(whole[index]) - 1,
        )
        for index in np.flatnonzero(whole > 1)
    )


def _tilt(positions: Array, along: Array, normal: Array) -> tuple[float, bool]:
    """Angle between stacking direction and normal in degrees, and whether the slices are stacked on a line."""
    lateral = positions - along[:, None] * normal
    lateral = lateral - lateral.mean(axis=0)
    centred = along - along.mean()
    shear = centred @ lateral / (centred @ centred)  # least squares: sideways mm for each mm along the normal
    beside = lateral - centred[:, None] * shear
    aligned = bool(np.all(np.linalg.norm(beside, axis=1) <= SIDEWAYS_TOLERANCE_MM))
    return math.degrees(math.atan(float(np.linalg.norm(shear)))), aligned

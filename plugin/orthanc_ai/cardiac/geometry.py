"""Do the images of a series make a volume? From positions and orientations alone.

Image Position (Patient), projected on the normal of Image Orientation (Patient), is the only measure: Slice Location
and Spacing Between Slices are optional and often wrong, and Slice Thickness is not a distance.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..codes import Code
from .header import Header
from .phases import LADDER, Phase, PhaseSource, phase, phase_label, phase_of
from .stack import Array, Stack, stack_of

ORIENTATION_TOLERANCE = 1e-3
"""Direction cosines that differ by less are one orientation; three decimals are the least that is written."""

UNIT_TOLERANCE = 1e-2
"""Row and column direction may be this far from unit length and from a right angle."""

PIXEL_SPACING_TOLERANCE_MM = 1e-4

SAME_POSITION_MM = 0.01
"""Images closer than this are at one position: no scanner reconstructs at smaller steps than 0.1 mm."""

LARGEST_COORDINATE_MM = 1e5
"""A position beyond 100 m is not one."""

PIXEL_SPACINGS_MM = (1e-3, 1e3)
"""Least and largest distance of pixels: micro CT resolves a micrometre, and no table is a metre wide."""

MINIMUM_POSITIONS_UNLABELLED = 4
"""Repeated positions without phase labels are taken for phases only if there are at least as many positions."""

OF_EACH_IMAGE = frozenset({PhaseSource.NOMINAL, PhaseSource.SCAN_OPTIONS})
"""Sources that scanners write for each image, from its own phase. Where one of them says the same of all images, they are
of one phase; a description, a comment, or a time that is the same everywhere says nothing of single images."""

GANTRY_TILT_TAG_DEG = 0.05
"""A smaller value of Gantry/Detector Tilt is zero, rounded."""

REFUSING = frozenset(
    {
        Code.RESCALE_MISSING,
        Code.MIXED_RESCALE,
        Code.DUPLICATE_POSITIONS,
        Code.TOO_FEW_SLICES,
        Code.NOT_AXIAL,
        Code.MISSING_SLICES,
        Code.NONUNIFORM_SPACING,
        Code.SHEARED_TILT,
        Code.LATERAL_SHIFT,
        Code.SLICE_GAP,
        Code.COVERAGE_SHORT,
    }
)
"""Codes that make a stack unfit for measurement."""

LEAVING_OUT = frozenset({Code.GEOMETRY_TAGS_MISSING, Code.ORIENTATION_INVALID})
"""Codes of images that are left out; they refuse the series if no image remains."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the images of a series make.

    Attributes
    ----------
    stacks
        One for each cardiac phase, in the order of the phases; one if there are no phases, none if no image has
        usable attributes.
    codes
        What is remarkable about the series as a whole and about `best`; refusals first.
    gantry_tilt_deg
        What the header says about the gantry, whatever the positions say; ``None`` if nothing or contradictory.
    left_out
        Images that belong to no stack.
    """

    stacks: tuple[Stack, ...]
    codes: tuple[Code, ...]
    gantry_tilt_deg: float | None
    left_out: int

    @property
    def best(self) -> Stack | None:
        """The stack to be measured: without fault if there is one, else with the most slices."""
        return _best(self.stacks) if self.stacks else None

    @property
    def refusals(self) -> tuple[Code, ...]:
        """Why the series cannot be measured; empty if it can."""
        refusing = REFUSING if self.stacks else LEAVING_OUT
        return tuple(code for code in self.codes if code in refusing)


def geometry(headers: Sequence[Header]) -> Geometry:
    """Judge the geometry of the images of one series.

    Parameters
    ----------
    headers
        In any order; the result does not depend on it. Images of several orientations, grids, kernels or frames of
        reference are taken apart, and the largest group is judged.
    """
    codes: list[Code] = []
    images = _usable(_without_duplicates(headers, codes), codes)
    if not images:
        return Geometry((), tuple(codes), None, len(headers))
    images = _largest_group(images, codes)
    chosen = [image.header for image in images]
    _judge_values(chosen, codes)
    tilts = {header.gantry_tilt for header in chosen}
    stacks = _stacks(images, codes)
    codes += _best(stacks).codes
    if any(not REFUSING.isdisjoint(stack.codes) for stack in stacks) and REFUSING.isdisjoint(codes):
        codes.append(Code.PHASE_INCOMPLETE)
    codes.sort(key=lambda code: code not in REFUSING)
    return Geometry(
        stacks=stacks,
        codes=tuple(dict.fromkeys(codes)),
        gantry_tilt_deg=tilts.pop() if len(tilts) == 1 else None,
        left_out=len(headers) - sum(len(stack.headers) for stack in stacks),
    )


def _best(stacks: Sequence[Stack]) -> Stack:
    return max(stacks, key=lambda stack: (REFUSING.isdisjoint(stack.codes), len(stack.headers)))


def _without_duplicates(headers: Sequence[Header], codes: list[Code]) -> list[Header]:
    """The headers in an order of their own, each SOP instance or frame once. An empty UID is no identity."""
    ordered = sorted(headers, key=_order)
    known: set[tuple[str, int | None]] = set()
    kept = []
    for header in ordered:
        identity = (header.sop_instance_uid, header.frame_number)
        if header.sop_instance_uid and identity in known:
            codes.append(Code.DUPLICATE_INSTANCE)
            continue
        known.add(identity)
        kept.append(header)
    return kept


def _order(header: Header) -> tuple[int, str, int, tuple[float, ...]]:
    numbers = header.instance_number or 0, header.frame_number or 0
    return numbers[0], header.sop_instance_uid, numbers[1], header.image_position or ()


class _Image(NamedTuple):
    """A header with all that geometry needs."""

    header: Header
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    rows: int
    columns: int


def _usable(headers: Sequence[Header], codes: list[Code]) -> list[_Image]:
    """The images with a place, an orientation and a grid."""
    complete = [image for header in headers if (image := _complete(header))]
    if len(complete) < len(headers):
        codes.append(Code.GEOMETRY_TAGS_MISSING)
    if not complete:
        return []
    orientation = np.array([image.orientation for image in complete])
    row, column = orientation[:, :3], orientation[:, 3:]
    with np.errstate(over="ignore", invalid="ignore"):
        valid = (
            (np.abs(np.linalg.norm(row, axis=1) - 1) <= UNIT_TOLERANCE)
            & (np.abs(np.linalg.norm(column, axis=1) - 1) <= UNIT_TOLERANCE)
            & (np.abs(np.sum(row * column, axis=1)) <= UNIT_TOLERANCE)
        )
    if not valid.all():
        codes.append(Code.ORIENTATION_INVALID)
    return [image for image, good in zip(complete, valid, strict=True) if good]


def _complete(header: Header) -> _Image | None:
    position, orientation, spacing = header.image_position, header.image_orientation, header.pixel_spacing
    rows, columns = header.rows, header.columns
    if position is None or orientation is None or spacing is None or rows is None or columns is None:
        return None
    smallest, largest = PIXEL_SPACINGS_MM
    if min(rows, columns) <= 0 or min(spacing) < smallest or max(spacing) > largest:
        return None
    if max(map(abs, position)) > LARGEST_COORDINATE_MM:
        return None
    return _Image(header, position, orientation, spacing, rows, columns)


def _largest_group(images: list[_Image], codes: list[Code]) -> list[_Image]:
    """The largest set of images that share orientation, grid, kernel and frame of reference."""
    orientation = _clusters(np.array([image.orientation for image in images]), ORIENTATION_TOLERANCE)
    spacing = _clusters(np.array([image.spacing for image in images]), PIXEL_SPACING_TOLERANCE_MM)
    grid = [(s, image.rows, image.columns) for s, image in zip(spacing, images, strict=True)]
    kernel = [image.header.convolution_kernel for image in images]
    frame = [image.header.frame_of_reference_uid for image in images]
    parts: list[tuple[Sequence[Hashable], Code]] = [
        (orientation, Code.MIXED_ORIENTATION),
        (grid, Code.MIXED_PIXEL_GRID),
        (kernel, Code.MIXED_KERNEL),
        (frame, Code.MIXED_FRAME_OF_REFERENCE),
    ]
    for part, code in parts:
        if len(set(part)) > 1:
            codes.append(code)
    if len(set(frame)) == len(images):
        # De-identification that gives each image its own UID; the positions still belong together.
        frame = [""] * len(images)
    keys = list(zip(orientation, grid, kernel, frame, strict=True))
    counts = Counter(keys)
    largest = min(counts, key=lambda key: (-counts[key], key))
    return [image for image, key in zip(images, keys, strict=True) if key == largest]


def _clusters(values: Array, tolerance: float) -> list[int]:
    """A number for each row: rows that differ by at most `tolerance` in each column share one."""
    unique, inverse = np.unique(values, axis=0, return_inverse=True)
    numbers = np.full(len(unique), -1)
    for index in range(len(unique)):
        if numbers[index] < 0:
            near = np.all(np.abs(unique - unique[index]) <= tolerance, axis=1)
            numbers[near & (numbers < 0)] = index
    return [int(number) for number in numbers[inverse.ravel()]]


def _judge_values(headers: Sequence[Header], codes: list[Code]) -> None:
    """What the images say beside their places."""
    rescales = {(header.rescale_slope, header.rescale_intercept) for header in headers}
    if any(None in rescale for rescale in rescales):
        codes.append(Code.RESCALE_MISSING)
    elif len(rescales) > 1:
        codes.append(Code.MIXED_RESCALE)
    if any(abs(header.gantry_tilt or 0) > GANTRY_TILT_TAG_DEG for header in headers):
        codes.append(Code.GANTRY_TILT_TAG)
    if any(header.lossy for header in headers):
        codes.append(Code.LOSSY_COMPRESSION)


def _stacks(images: Sequence[_Image], codes: list[Code]) -> tuple[Stack, ...]:
    """The images as one stack, or as one for each phase if positions occur several times."""
    orientation = np.array(images[0].orientation)
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    positions = np.array([image.position for image in images])
    slots = _slots(positions @ normal)
    headers = [image.header for image in images]
    spacing = images[0].spacing
    grid = (spacing[0], spacing[1], images[0].rows, images[0].columns)

    def stack(chosen: Sequence[int], of: Phase | None) -> Stack:
        return stack_of([headers[index] for index in chosen], positions[list(chosen)], normal, of, grid)

    repeats = Counter(slots)
    if max(repeats.values()) == 1:
        return (stack(range(len(images)), phase_of(headers)),)
    phases = _by_label(headers, slots)
    if phases:
        codes.append(Code.MULTIPHASE_SPLIT)
    elif (
        len(set(repeats.values())) == 1
        and len(repeats) >= MINIMUM_POSITIONS_UNLABELLED
        and not _is_doubled(headers, slots)
    ):
        codes.append(Code.MULTIPHASE_UNLABELLED)
        phases = _by_order(slots, lambda index: (headers[index].instance_number or 0, index))
    else:
        one_each = list({slot: index for index, slot in reversed(list(enumerate(slots)))}.values())
        chosen = stack(one_each, phase_of([headers[index] for index in one_each]))
        # The stack bears it, too: without the images that it leaves out it would pass for a volume.
        return (replace(chosen, codes=(Code.DUPLICATE_POSITIONS, *chosen.codes)),)
    return tuple(stack(phases[one], one) for one in sorted(phases, key=lambda one: (one.value, one.label)))


def _slots(along: Array) -> list[int]:
    """A number for each image: images at one position share one."""
    order = np.argsort(along, kind="stable")
    slots = np.empty(len(along), dtype=int)
    slots[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) > SAME_POSITION_MM)])
    return [int(slot) for slot in slots]


def _by_label(headers: Sequence[Header], slots: Sequence[int]) -> dict[Phase, list[int]]:
    """Images by phase, by the first source that takes all positions apart; empty if none does."""
    repeats = max(Counter(slots).values())
    places = len(set(slots))
    for source in LADDER:
        labels = [phase_label(header, source) for header in headers]
        counts = Counter(labels)
        if None in counts or len(counts) != repeats or len(set(zip(slots, labels, strict=True))) < len(headers):
            continue
        # A phase that fills less than half of the positions is a stray image with a label of its own.
        if min(counts.values()) * 2 < places:
            continue
        phases: dict[Phase, list[int]] = {}
        for index, label in enumerate(labels):
            if label is not None:
                phases.setdefault(phase(label, source), []).append(index)
        return phases
    return {}


def _is_doubled(headers: Sequence[Header], slots: Sequence[int]) -> bool:
    """Whether a source tells phases, each at every position, but some of them more than once there.

    Where positions occur equally often and no source takes all of them apart, this is a phase that was stored twice, as by
    another kernel that the header does not name; it is no phase that nobody has labelled.
    """
    places = len(set(slots))
    for source in LADDER:
        labels = [phase_label(header, source) for header in headers]
        different = set(labels)
        if None in different or (len(different) == 1 and source not in OF_EACH_IMAGE):
            continue
        if len(set(zip(slots, labels, strict=True))) == places * len(different):
            return True
    return False


def _by_order(slots: Sequence[int], key: Callable[[int], tuple[int, int]]) -> dict[Phase, list[int]]:
    """Images by phase where no attribute tells it: the numbering runs through one phase after the other."""
    at: dict[int, list[int]] = {}
    for index in sorted(range(len(slots)), key=key):
        at.setdefault(slots[index], []).append(index)
    phases: dict[Phase, list[int]] = {}
    for indices in at.values():
        for number, index in enumerate(indices, start=1):
            phases.setdefault(phase(f"#{number}", PhaseSource.INSTANCE_ORDER), []).append(index)
    return phases

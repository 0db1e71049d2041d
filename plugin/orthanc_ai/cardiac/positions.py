"""Where the slices of a series lie along their normal, all of them: what a picture of a series is drawn from.

The verdict judges one stack for each phase. Here are the images beside it as well, so that a doubled slice or phase can
be seen and not only be read of.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .geometry import LARGEST_COORDINATE_MM, ORIENTATION_TOLERANCE, SAME_POSITION_MM, geometry
from .header import Header
from .phases import LADDER, Phase, PhaseSource, phase, phase_label, phase_of
from .select import image_refusal
from .stack import MULTIPLE_TOLERANCE, SPACING_RELATIVE_TOLERANCE, SPACING_TOLERANCE_MM, Array

HEAD_TO_FEET = 0.8
"""From this component of the normal on, the slices are stacked along the body: 30 degrees of tilt leave 0.87."""


MOST_UNEVEN = 4
"""Phases of one scan are about as long as each other: a doubled one has twice the images, half a one half of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """Two neighbours whose distance is not the usual one, by their places in `Row.positions_mm`."""

    first: int
    second: int
    missing: int
    """Slices that would fit in between at the usual distance; 0 if no whole number of them does."""


@dataclass(frozen=True, slots=True)
class Row:
    """The slices of one phase, or of a series without phases.

    Attributes
    ----------
    label, source
        The phase and the attribute that tells it; empty if none is known.
    headers
        In the order of their positions.
    positions_mm
        Along the normal, ascending, one for each header. Several images may have the same one.
    lateral_mm
        How far each lies beside the others, at right angles to the normal, in the direction in which they differ most. It
        grows steadily in a tilted stack.
    step_mm
        The usual distance of neighbours; ``None`` for a single position.
    steps
        Where it is another one.
    doubled
        Places of the images that lie where another one lies already.
    """

    label: str
    source: PhaseSource | None
    headers: tuple[Header, ...]
    positions_mm: tuple[float, ...]
    lateral_mm: tuple[float, ...]
    step_mm: float | None
    steps: tuple[Step, ...]
    doubled: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Positions:
    """A series along the normal of its slices.

    Attributes
    ----------
    rows
        In the order of the phases; none if no image has a place.
    to_head
        Whether positions grow towards the head (``True``) or the feet (``False``); ``None`` if the slices are not axial.
    elsewhere
        Images without a place on this line: of another orientation, or without position, or no images of a volume.
    """

    rows: tuple[Row, ...]
    to_head: bool | None
    elsewhere: int


def positions(headers: Sequence[Header]) -> Positions:
    """Lay out the images of one series.

    Parameters
    ----------
    headers
        In any order.
    """
    images = [header for header in headers if image_refusal(header) is None] or list(headers)
    shape = geometry(images)
    if shape.best is None:
        return Positions((), None, len(headers))
    orientation = np.array(shape.best.headers[0].image_orientation)
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    parallel = [header for header in images if _parallel(header, orientation)]
    judged = {id(header) for stack in shape.stacks for header in stack.headers}
    groups = [(stack.phase, list(stack.headers)) for stack in shape.stacks]
    complete = all(id(header) in judged for header in parallel)
    labelled = {} if complete and not _is_mere_order(groups[0][0]) else _by_label(parallel)
    if labelled:
        groups = [(phase(*named), members) for named, members in labelled.items()]
    elif not complete:
        groups = [(phase_of(parallel), parallel)]
    rows = tuple(
        _row(one.label if one else "", one.source if one else None, members, normal)
        for one, members in sorted(groups, key=lambda group: group[0].value if group[0] else 0.0)
    )
    along_body = float(normal[2])
    return Positions(
        rows,
        to_head=along_body > 0 if abs(along_body) >= HEAD_TO_FEET else None,
        elsewhere=len(headers) - sum(len(row.headers) for row in rows),
    )


def _parallel(header: Header, orientation: Array) -> bool:
    if header.image_position is None or header.image_orientation is None:
        return False
    if max(map(abs, header.image_position)) > LARGEST_COORDINATE_MM:
        return False
    return bool(np.all(np.abs(np.array(header.image_orientation) - orientation) <= ORIENTATION_TOLERANCE))


def _is_mere_order(one: Phase | None) -> bool:
    """Whether no attribute tells the phases. Labels may still tell some of them apart."""
    return one is not None and one.source is PhaseSource.INSTANCE_ORDER


def _by_label(headers: Sequence[Header]) -> dict[tuple[str, PhaseSource], list[Header]]:
    """Images by the source that tells the most phases apart, though not all images; empty if none tells any."""
    best: dict[tuple[str, PhaseSource], list[Header]] = {}
    for source in LADDER:
        labels = [phase_label(header, source) for header in headers]
        sizes = Counter(labels).values()
        # Labels of single images are no phases: times after the R wave differ from beat to beat.
        if (
            None not in labels
            and max(len(best), 1) < len(sizes)
            and max(sizes) <= MOST_UNEVEN * min(sizes)
            and min(sizes) > 1
        ):
            groups: dict[tuple[str, PhaseSource], list[Header]] = {}
            for header, label in zip(headers, labels, strict=True):
                groups.setdefault((label or "", source), []).append(header)
            best = groups
    return best


def _row(label: str, source: PhaseSource | None, headers: Sequence[Header], normal: Array) -> Row:
    places = np.array([header.image_position for header in headers])
    along = places @ normal
    numbers = np.array([header.instance_number or 0 for header in headers], dtype=float)
    order = np.lexsort((numbers, along))
    lateral = _lateral(places - along[:, None] * normal)[order]
    along = along[order]
    distances = np.diff(along)
    doubled = np.flatnonzero(distances <= SAME_POSITION_MM) + 1
    single = np.setdiff1d(np.arange(len(along)), doubled)
    steps = np.diff(along[single])
    usual = float(np.sort(steps)[(len(steps) - 1) // 2]) if len(steps) else None
    return Row(
        label=label,
        source=source,
        headers=tuple(headers[index] for index in order),
        positions_mm=tuple(float(position) for position in along),
        lateral_mm=tuple(float(distance) for distance in lateral),
        step_mm=usual,
        steps=tuple(_unusual(single, steps, usual)) if usual else (),
        doubled=tuple(int(index) for index in doubled),
    )


def _lateral(beside: Array) -> Array:
    """Distances from their middle, along the direction in which the places differ most."""
    centred = beside - beside.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    # The sign of a direction is nobody's choice: the largest of its components is positive.
    main = directions[0] * np.sign(directions[0][np.argmax(np.abs(directions[0]))])
    return np.asarray(centred @ main, dtype=float)


def _unusual(single: Array, steps: Array, usual: float) -> list[Step]:
    """Steps that differ from the usual one, by the tolerances of the verdict."""
    ratio = steps / usual
    tolerance = max(SPACING_RELATIVE_TOLERANCE, SPACING_TOLERANCE_MM / usual)
    whole = np.rint(ratio)
    found = []
    for index in np.flatnonzero(np.abs(ratio - 1) > tolerance):
        fits = whole[index] > 1 and abs(ratio[index] - whole[index]) <= max(MULTIPLE_TOLERANCE, tolerance)
        found.append(Step(int(single[index]), int(single[index + 1]), int(whole[index]) - 1 if fits else 0))
    return found

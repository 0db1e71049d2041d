"""The slices of a series drawn along their normal: what the SVG of a page consists of, in numbers and words.

A row for each phase. A gap, a doubled slice or phase, and uneven spacing are to be seen at a glance; the number of
elements is bounded, whatever the number of images: the lines of a row are one path, and what a pointer can ask for are
fields over one or several of them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, chain

from ..cardiac.positions import Positions, Row, Step
from ..cardiac.stack import SIDEWAYS_TOLERANCE_MM

WIDTH = 1000.0
LEFT, RIGHT = 96.0, 990.0
"""Where the first and the last position are drawn; the name of the phase stands before them."""

ROW_HEIGHT = 30.0
AXIS_HEIGHT = 34.0

MOST_ROWS = 40
"""Phases that are drawn; more than any scanner reconstructs. The rest is counted."""

MOST_FAULTS = 100
"""Marks of one kind in a row. Where there are more, neighbours share one."""

_RESOLUTION = 0.2
"""Positions closer than this, in a thousandth of the width, are one line on any screen."""

_AXIS_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_AXIS_MARKS = 12

_TOP, _BOTTOM = 6.0, 24.0

_MOST_SLANT = 6.0
"""So far up or down lines are moved, to show that slices lie beside each other; a tilt looks smaller than it is."""


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a row that says what is there when it is pointed at."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One or several faults of a kind: a path, and what it means."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One phase.

    Attributes
    ----------
    y
        Upper edge.
    label
        Cut to fit; whole in the text beside the drawing.
    slices, doubled
        Paths of the lines.
    uneven
        Bands between neighbours at another distance than usual.
    missing
        Crossed boxes where slices should be.
    fields
        Over the slices.
    """

    y: float
    label: str
    slices: str
    doubled: str
    uneven: tuple[Mark, ...]
    missing: tuple[Mark, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class AxisMark:
    """A position in mm with its name."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A series.

    Attributes
    ----------
    height
        Of the whole; the width is `WIDTH`.
    rows_height
        Where the axis begins.
    left, right
        What lies at the ends: feet and head for axial slices, else empty.
    summary
        The same in a sentence, for those who do not see it.
    undrawn_rows
        Phases beyond `MOST_ROWS`.
    """

    height: float
    rows_height: float
    rows: tuple[DrawnRow, ...]
    axis: tuple[AxisMark, ...]
    left: str
    right: str
    summary: str
    undrawn_rows: int


def draw(positions: Positions, fields: int) -> Drawing | None:
    """Draw a series; ``None`` if no image has a place.

    Parameters
    ----------
    fields
        How many fields a row may have; where it has more images, neighbours share one.
    """
    rows = positions.rows[:MOST_ROWS]
    if not rows:
        return None
    low = min(row.positions_mm[0] for row in rows)
    high = max(row.positions_mm[-1] for row in rows)
    scale = _Scale(low, high)
    drawn = tuple(_drawn(row, number * ROW_HEIGHT, scale, fields) for number, row in enumerate(rows))
    ends = {None: ("", ""), True: ("feet", "head"), False: ("head", "feet")}[positions.to_head]
    rows_height = len(drawn) * ROW_HEIGHT
    return Drawing(
        height=rows_height + AXIS_HEIGHT,
        rows_height=rows_height,
        rows=drawn,
        axis=tuple(_axis(low, high, scale)),
        left=ends[0],
        right=ends[1],
        summary=_summary(positions),
        undrawn_rows=len(positions.rows) - len(rows),
    )


class _Scale:
    """Millimetres along the normal to places across the drawing."""

    def __init__(self, low: float, high: float) -> None:
        self._low = low
        self._unit = (RIGHT - LEFT) / (high - low) if high > low else 0.0

    def x(self, position_mm: float) -> float:
        if not self._unit:
            return (LEFT + RIGHT) / 2
        return LEFT + (position_mm - self._low) * self._unit

    def width(self, length_mm: float) -> float:
        return length_mm * self._unit


def _drawn(row: Row, y: float, scale: _Scale, fields: int) -> DrawnRow:
    doubled = set(row.doubled)
    # Both of two images at one position are marked, not the second alone.
    doubled |= {place - 1 for place in row.doubled}
    single = [place for place in range(len(row.headers)) if place not in doubled]
    uneven = [[step] for step in row.steps if not step.missing]
    missing = [[step] for step in row.steps if step.missing]
    return DrawnRow(
        y=y,
        label=_cut(row.label),
        slices=_lines(row, single, scale, 0.0),
        doubled=_lines(row, sorted(doubled), scale, 5.0),
        uneven=tuple(_uneven(row, run, scale) for run in _merged(uneven)),
        missing=tuple(_missing(row, run, scale) for run in _merged(missing)),
        fields=tuple(_fields(row, scale, fields)),
    )


def _cut(label: str) -> str:
    return label if len(label) <= 12 else label[:11] + "\u2026"


def _lines(row: Row, places: Sequence[int], scale: _Scale, longer: float) -> str:
    """A line for each image, as high as the image lies beside the others."""
    farthest = max(map(abs, row.lateral_mm))
    slant = min(scale.width(1.0), _MOST_SLANT / farthest) if farthest > SIDEWAYS_TOLERANCE_MM else 0.0
    lines = {round(scale.x(row.positions_mm[place]) / _RESOLUTION): slant * row.lateral_mm[place] for place in places}
    return "".join(
        f"M{x * _RESOLUTION:.1f} {_TOP - longer - up:.3g}v{_BOTTOM - _TOP + 2 * longer:g}" for x, up in lines.items()
    )


def _merged(runs: list[list[Step]]) -> list[list[Step]]:
    """Steps that follow each other as one run, and at most `MOST_FAULTS` runs."""
    joined: list[list[Step]] = []
    for run in runs:
        if joined and joined[-1][-1].second == run[0].first:
            joined[-1] += run
        else:
            joined.append(list(run))
    share = math.ceil(len(joined) / MOST_FAULTS)
    return [list(chain.from_iterable(part)) for part in batched(joined, share, strict=False)] if joined else []


def _uneven(row: Row, run: Sequence[Step], scale: _Scale) -> Mark:
    lengths = [row.positions_mm[step.second] - row.positions_mm[step.first] for step in run]
    path = "".join(
        f"M{scale.x(row.positions_mm[step.first]):.1f} {_BOTTOM:g}"
        f"h{scale.width(length):.1f}V{_BOTTOM + 4:g}h-{scale.width(length):.1f}z"
        for step, length in zip(run, lengths, strict=True)
    )
    shortest, longest = f"{min(lengths):.3g}", f"{max(lengths):.3g}"
    found = f"{shortest} mm" if shortest == longest else f"{shortest} to {longest} mm"
    steps = "1 step" if len(run) == 1 else f"{len(run)} steps"
    return Mark(path, f"{steps} of {found} instead of {row.step_mm:.3g} mm, {_between(row, run)}")


def _missing(row: Row, run: Sequence[Step], scale: _Scale) -> Mark:
    path = []
    for step in run:
        first, second = row.positions_mm[step.first], row.positions_mm[step.second]
        width = scale.width((second - first) / (step.missing + 1))
        half = min(max(width / 2 - 0.5, 1.5), 5.0)
        if width > _RESOLUTION * 4:
            centres = [scale.x(first) + width * (number + 1) for number in range(step.missing)]
        else:
            # Too many to be told apart: one box over all of them.
            centres, half = [(scale.x(first) + scale.x(second)) / 2], scale.width(second - first) / 2
        path += [_crossed_box(centre, half) for centre in centres]
    count = sum(step.missing for step in run)
    place = row.positions_mm[run[0].first]
    slices = "1 slice" if count == 1 else f"{count} slices"
    return Mark("".join(path), f"{slices} missing {_between(row, run)}, after {place:.2f} mm")


def _crossed_box(centre: float, half: float) -> str:
    """Form, not colour alone, says that something is missing."""
    left, right, height = centre - half, centre + half, _BOTTOM - _TOP
    return (
        f"M{left:.1f} {_TOP:g}H{right:.1f}v{height:g}H{left:.1f}z"
        f"M{left:.1f} {_TOP:g}L{right:.1f} {_BOTTOM:g}M{right:.1f} {_TOP:g}L{left:.1f} {_BOTTOM:g}"
    )


def _between(row: Row, run: Sequence[Step]) -> str:
    first, second = row.headers[run[0].first].instance_number, row.headers[run[-1].second].instance_number
    if first is None or second is None:
        return "between images without a number"
    return f"between images {first} and {second}"


def _fields(row: Row, scale: _Scale, most: int) -> Iterator[Field]:
    places = [scale.x(position) for position in row.positions_mm]
    share = math.ceil(len(places) / max(1, most))
    starts = [start for start in range(0, len(places), share) if start == 0 or places[start] > places[start - 1]]
    # Each field reaches half way to its neighbours, so that there is no need to aim.
    borders = [LEFT - 3, *((places[start - 1] + places[start]) / 2 for start in starts[1:]), RIGHT + 3]
    for number, start in enumerate(starts):
        end = (starts[number + 1] if number + 1 < len(starts) else len(places)) - 1
        yield Field(borders[number], borders[number + 1] - borders[number], _title(row, start, end))


def _title(row: Row, start: int, end: int) -> str:
    phase = f"{row.label}: " if row.label else ""
    numbers = [str(header.instance_number or "without a number") for header in row.headers[start : end + 1]]
    first, last = (f"{row.positions_mm[place]:.2f}" for place in (start, end))
    if start == end:
        return f"{phase}image {numbers[0]} at {first} mm"
    if first == last:
        return f"{phase}images {', '.join(numbers[:4])}{', ...' if len(numbers) > 4 else ''} at {first} mm"
    return f"{phase}images {numbers[0]} to {numbers[-1]}, {first} to {last} mm"


def _axis(low: float, high: float, scale: _Scale) -> Iterator[AxisMark]:
    extent = high - low
    step = next((step for step in _AXIS_STEPS if extent / step <= _AXIS_MARKS), 0)
    if not step:
        step = math.ceil(extent / _AXIS_MARKS)
    first, last = math.ceil(low / step), math.floor(high / step)
    for number in range(first, last + 1):
        yield AxisMark(round(scale.x(number * step), 1), f"{number * step:g}")


def _summary(positions: Positions) -> str:
    images = sum(len(row.headers) for row in positions.rows)
    missing = sum(step.missing for row in positions.rows for step in row.steps)
    uneven = sum(1 for row in positions.rows for step in row.steps if not step.missing)
    doubled = sum(len(row.doubled) for row in positions.rows)
    rows = f" in {len(positions.rows)} phases" if len(positions.rows) > 1 else ""
    parts = [f"{images} image{'' if images == 1 else 's'}{rows}, drawn along their normal"]
    parts += [f"{missing} missing"] if missing else []
    parts += [f"{doubled} at the place of another one"] if doubled else []
    parts += [f"{uneven} uneven step{'' if uneven == 1 else 's'}"] if uneven else []
    if not (missing or doubled or uneven) and images > 2:
        parts.append("evenly spaced, none missing between others")
    beside = max(max(row.lateral_mm) - min(row.lateral_mm) for row in positions.rows)
    parts += [f"up to {beside:.1f} mm beside each other"] if beside > SIDEWAYS_TOLERANCE_MM else []
    return "; ".join(parts)

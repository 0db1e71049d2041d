"""What is drawn of a series: a known gap at the known place, and never too much."""

import re
from dataclasses import replace

import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.positions import positions
from orthanc_ai.pages.drawing import LEFT, MOST_FAULTS, MOST_ROWS, RIGHT, Drawing, DrawnRow, draw

from ..cardiac.examples import stack

FIELDS = 500


def drawn(headers: list[Header], fields: int = FIELDS) -> Drawing:
    found = draw(positions(headers), fields)
    assert found is not None
    return found


def row_of(headers: list[Header]) -> DrawnRow:
    [row] = drawn(headers).rows
    return row


def x_of(index: float, count: int = 200) -> float:
    """Where the slice with this index is drawn."""
    return LEFT + index / (count - 1) * (RIGHT - LEFT)


def lines(path: str) -> list[float]:
    return [float(x) for x in re.findall(r"M([\d.]+) ", path)]


def test_every_slice_is_a_line_at_its_place() -> None:
    row = row_of(stack())
    assert lines(row.slices) == pytest.approx([x_of(index) for index in range(200)], abs=0.15)
    assert (row.doubled, row.uneven, row.missing) == ("", (), ())


def test_a_gap_is_marked_where_the_slices_are_missing() -> None:
    headers = stack()
    [mark] = row_of(headers[:70] + headers[73:]).missing
    boxes = re.findall(r"M([\d.]+) 6H([\d.]+)v", mark.path)
    centres = [(float(left) + float(right)) / 2 for left, right in boxes]
    assert centres == pytest.approx([x_of(70), x_of(71), x_of(72)], abs=0.15)
    assert mark.title == "3 slices missing between images 70 and 74, after -15.50 mm"


def test_a_doubled_slice_is_marked_where_it_lies() -> None:
    headers = stack()
    row = row_of([*headers, replace(headers[30], sop_instance_uid="1.2.99", instance_number=201)])
    assert lines(row.doubled) == pytest.approx([x_of(30)], abs=0.15)
    assert len(lines(row.slices)) == 199
    assert "75%: images 31, 201 at -35.00 mm" in [field.title for field in row.fields]


def test_uneven_steps_are_one_band() -> None:
    headers = stack()
    moved = [
        replace(one, image_position=(-100.0, -90.0, one.image_position[2] + 0.3 * min(index + 1, 10)))
        for index, one in enumerate(headers[100:])
        if one.image_position
    ]
    [mark] = row_of([*headers[:100], *moved]).uneven
    assert mark.title == "10 steps of 0.8 mm instead of 0.5 mm, between images 100 and 110"


def test_a_tilted_stack_is_slanted_and_an_upright_one_is_not() -> None:
    def heights(headers: list[Header]) -> list[float]:
        return [float(y) for y in re.findall(r"M[\d.]+ ([\d.-]+)v", row_of(headers).slices)]

    assert set(heights(stack())) == {6.0}
    tilted = [
        replace(header, image_position=(-100.0, -90.0 + 0.1 * index, -50 + 0.5 * index))
        for index, header in enumerate(stack())
    ]
    slanted = heights(tilted)
    assert slanted == sorted(slanted, reverse=True)
    assert slanted[0] - slanted[-1] == pytest.approx(12, abs=0.1)
    assert drawn(tilted).summary.endswith("up to 19.9 mm beside each other")


def test_pointing_at_a_slice_names_it() -> None:
    row = row_of(stack(nominal_percentage_of_cardiac_phase=75.0))
    assert len(row.fields) == 200
    assert row.fields[41].title == "75%: image 42 at -29.50 mm"
    assert row.fields[41].x < x_of(41) < row.fields[41].x + row.fields[41].width
    ends = [field.x + field.width for field in row.fields[:-1]]
    assert ends == pytest.approx([field.x for field in row.fields[1:]])


def test_many_slices_share_fields_and_lines() -> None:
    headers = stack(8_000, 0.0125)
    row = drawn([replace(one, slice_thickness=0.0125) for one in headers]).rows[0]
    assert len(row.fields) <= FIELDS
    assert len(lines(row.slices)) <= 5000
    assert re.fullmatch(r"75%: images \d+ to \d+, -50.00 to -\d+.\d\d mm", row.fields[0].title)


def test_many_gaps_share_marks() -> None:
    row = row_of([one for index, one in enumerate(stack(3000)) if index % 4 != 3])
    assert len(row.missing) <= MOST_FAULTS
    assert sum(int(mark.title.split()[0]) for mark in row.missing) == 749


def test_more_phases_than_any_scanner_makes_are_counted() -> None:
    headers = [
        replace(one, sop_instance_uid=f"{one.sop_instance_uid}.{phase}", nominal_percentage_of_cardiac_phase=phase)
        for phase in range(60)
        for one in stack(10, 10.0)
    ]
    found = drawn(headers)
    assert (len(found.rows), found.undrawn_rows) == (MOST_ROWS, 20)


def test_the_ends_are_named() -> None:
    assert (drawn(stack()).left, drawn(stack()).right) == ("feet", "head")


def test_the_axis_has_round_numbers_at_their_places() -> None:
    axis = drawn(stack()).axis
    assert [mark.text for mark in axis] == ["-50", "-40", "-30", "-20", "-10", "0", "10", "20", "30", "40"]
    assert axis[5].x == pytest.approx(x_of(100), abs=0.1)


def test_the_summary_says_the_same() -> None:
    headers = stack()
    assert drawn(headers).summary == (
        "200 images, drawn along their normal; evenly spaced, none missing between others"
    )
    assert drawn(headers[:70] + headers[73:]).summary == "197 images, drawn along their normal; 3 missing"


def test_a_single_image() -> None:
    [row] = drawn(stack(1)).rows
    assert lines(row.slices) == pytest.approx([(LEFT + RIGHT) / 2], abs=0.15)


def test_nothing_to_draw() -> None:
    assert draw(positions([replace(one, image_position=None) for one in stack()]), FIELDS) is None
    assert draw(positions([]), FIELDS) is None

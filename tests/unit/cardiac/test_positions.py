"""Where the slices of a series lie, for a picture: nothing is left out because it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.positions import Row, positions
from phantom.ct import Kind, ct_series

from .examples import stack


def read(kind: Kind, damage: str | None = None) -> list[Header]:
    return [Header.from_dataset(image) for image in ct_series(kind, damage=damage)]


def only(headers: list[Header]) -> Row:
    """The only row of a series."""
    [row] = positions(headers).rows
    return row


def test_a_healthy_series() -> None:
    row = only(stack(nominal_percentage_of_cardiac_phase=75.0))
    assert row.label == "75%"
    assert row.positions_mm == pytest.approx(np.arange(200) * 0.5 - 50)
    assert row.step_mm == pytest.approx(0.5)
    assert (row.steps, row.doubled) == ((), ())
    assert positions(stack()).to_head is True


def test_a_gap_is_where_the_slices_were_taken_from() -> None:
    headers = stack()
    [step] = only(headers[:70] + headers[73:]).steps
    row = only(headers[:70] + headers[73:])
    assert step.missing == 3
    assert (row.headers[step.first].instance_number, row.headers[step.second].instance_number) == (70, 74)
    assert row.positions_mm[step.first] == pytest.approx(-50 + 69 * 0.5)


def test_each_phase_has_its_row_and_its_own_gap() -> None:
    headers = read("multiphase")
    gone = next(index for index, one in enumerate(headers) if one.nominal_percentage_of_cardiac_phase == 40) + 10
    found = positions(headers[:gone] + headers[gone + 1 :])
    assert [row.label for row in found.rows] == ["0%", "20%", "40%", "60%", "80%"]
    assert [sum(step.missing for step in row.steps) for row in found.rows] == [0, 0, 1, 0, 0]
    assert found.elsewhere == 0


def test_a_doubled_slice_is_seen_beside_the_one_it_doubles() -> None:
    headers = stack()
    again = replace(headers[30], sop_instance_uid="1.2.99", instance_number=201)
    row = only([*headers, again])
    assert len(row.headers) == 201
    assert [row.headers[place].instance_number for place in row.doubled] == [201]
    assert row.steps == ()


def test_a_doubled_phase_is_doubled_in_its_row_only() -> None:
    headers = read("multiphase")
    twice = [
        replace(one, sop_instance_uid=f"{one.sop_instance_uid}.1")
        for one in headers
        if one.nominal_percentage_of_cardiac_phase == 60
    ]
    found = positions([*headers, *twice])
    assert [row.label for row in found.rows] == ["0%", "20%", "40%", "60%", "80%"]
    assert [len(row.doubled) for row in found.rows] == [0, 0, 0, 31, 0]


def test_uneven_steps_are_no_missing_slices() -> None:
    headers = stack()
    moved = [
        replace(one, image_position=(-100.0, -90.0, one.image_position[2] + 0.3))
        for one in headers[100:]
        if one.image_position
    ]
    [step] = only([*headers[:100], *moved]).steps
    assert (step.first, step.second, step.missing) == (99, 100, 0)


def test_what_lies_in_another_direction_is_counted() -> None:
    turned = [
        replace(one, image_orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0)) if index < 50 else one
        for index, one in enumerate(stack())
    ]
    found = positions(turned)
    assert (len(found.rows[0].headers), found.elsewhere) == (150, 50)
    found = positions(read("ccta", "without_positions"))
    assert (found.rows, found.elsewhere) == ((), 200)


def test_which_way_the_head_is() -> None:
    flipped = [replace(header, image_orientation=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0)) for header in stack()]
    assert positions(flipped).to_head is False
    coronal = [
        replace(
            header,
            image_orientation=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
            image_position=(-100.0, float(index), 90.0),
        )
        for index, header in enumerate(stack())
    ]
    assert positions(coronal).to_head is None


@given(st.permutations(range(60)), st.sets(st.integers(1, 58), max_size=8))
def test_the_order_of_the_images_does_not_matter(order: list[int], missing: set[int]) -> None:
    headers = [header for index, header in enumerate(stack(60)) if index not in missing]
    shuffled = [headers[index] for index in order if index < len(headers)]
    row = only(shuffled)
    assert row == only(headers)
    assert sum(step.missing for step in row.steps) == len(missing)


coordinates = st.none() | st.tuples(*[st.floats(-1e6, 1e6)] * 3)


@given(
    st.lists(
        st.builds(
            lambda index, position, number: replace(
                stack(1)[0], sop_instance_uid=str(index), image_position=position, instance_number=number
            ),
            st.integers(0, 5),
            coordinates,
            st.none() | st.integers(-5, 5),
        ),
        max_size=12,
    )
)
def test_every_image_is_counted_once_wherever_it_is(headers: list[Header]) -> None:
    found = positions(headers)
    assert sum(len(row.headers) for row in found.rows) + found.elsewhere == len(headers)
    for row in found.rows:
        assert list(row.positions_mm) == sorted(row.positions_mm)
        assert len(row.positions_mm) == len(row.headers)

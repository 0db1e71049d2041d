import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.cardiac.geometry import geometry
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.phases import PhaseSource
from orthanc_ai.cardiac.stack import Array
from orthanc_ai.codes import Code
from tests.expected_ct import REAL_SERIES, RealSeries

from .examples import stack


def multiphase(phases: int, count: int = 130, **changes: Any) -> list[Header]:
    """Phase by phase, as scanners number them."""
    return [
        header
        for index in range(phases)
        for header in stack(
            count,
            first=index * count + 1,
            series_description="Function",
            **{name: value(index) if callable(value) else value for name, value in changes.items()},
        )
    ]


def test_a_volume() -> None:
    found = geometry(stack(200))
    assert found.codes == (Code.OVERLAPPING_SLICES,)
    assert found.refusals == ()
    assert found.left_out == 0
    assert found.gantry_tilt_deg == 0.0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image_position": None}, Code.GEOMETRY_TAGS_MISSING),
        ({"pixel_spacing": None}, Code.GEOMETRY_TAGS_MISSING),
        ({"pixel_spacing": (0.0, 0.4)}, Code.GEOMETRY_TAGS_MISSING),
        ({"pixel_spacing": (1e-320, 0.4)}, Code.GEOMETRY_TAGS_MISSING),
        ({"pixel_spacing": (0.4, 1e300)}, Code.GEOMETRY_TAGS_MISSING),
        ({"rows": None}, Code.GEOMETRY_TAGS_MISSING),
        ({"image_position": (0.0, 0.0, 1e300)}, Code.GEOMETRY_TAGS_MISSING),
        ({"image_orientation": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)}, Code.ORIENTATION_INVALID),
        ({"image_orientation": (0.0,) * 6}, Code.ORIENTATION_INVALID),
        ({"image_orientation": (1e300,) * 6}, Code.ORIENTATION_INVALID),
    ],
)
def test_images_without_a_place(changes: dict[str, Any], code: Code) -> None:
    headers = stack(200)
    alone = geometry([replace(header, **changes) for header in headers])
    assert alone.stacks == ()
    assert alone.refusals == (code,)
    some = geometry([*headers, *(replace(header, sop_instance_uid="", **changes) for header in headers[:2])])
    assert code in some.codes
    assert some.refusals == ()
    assert some.left_out == 2


def test_no_images() -> None:
    assert geometry([]).best is None


def test_duplicate_instance_counts_once() -> None:
    headers = stack(200)
    found = geometry([*headers, headers[5]])
    assert Code.DUPLICATE_INSTANCE in found.codes
    assert found.refusals == ()
    assert found.best is not None
    assert len(found.best.headers) == 200


def test_empty_uids_are_no_duplicates() -> None:
    assert geometry([replace(header, sop_instance_uid="") for header in stack(200)]).left_out == 0


def test_duplicate_position() -> None:
    headers = stack(200)
    found = geometry([*headers, replace(headers[5], sop_instance_uid="1.9")])
    assert found.refusals == (Code.DUPLICATE_POSITIONS,)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"image_orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}, Code.MIXED_ORIENTATION),
        ({"pixel_spacing": (0.5, 0.5)}, Code.MIXED_PIXEL_GRID),
        ({"rows": 256}, Code.MIXED_PIXEL_GRID),
        ({"convolution_kernel": "Br64"}, Code.MIXED_KERNEL),
        ({"frame_of_reference_uid": "1.9"}, Code.MIXED_FRAME_OF_REFERENCE),
    ],
)
def test_the_largest_group_is_judged(changes: dict[str, Any], code: Code) -> None:
    headers = stack(200)
    found = geometry([*(replace(header, **changes) for header in headers[:50]), *headers[50:]])
    assert code in found.codes
    assert found.refusals == ()
    assert found.left_out == 50


def test_a_frame_of_reference_for_each_image_is_ignored() -> None:
    found = geometry([replace(header, frame_of_reference_uid=header.sop_instance_uid) for header in stack(200)])
    assert Code.MIXED_FRAME_OF_REFERENCE in found.codes
    assert found.left_out == 0


def test_rescale() -> None:
    headers = stack(200)
    assert Code.MIXED_RESCALE in geometry([replace(headers[0], rescale_intercept=0.0), *headers[1:]]).refusals
    assert Code.RESCALE_MISSING in geometry([replace(headers[0], rescale_slope=None), *headers[1:]]).refusals


def test_gantry_tilt_tag_is_independent_of_the_positions() -> None:
    found = geometry(stack(200, gantry_tilt=12.0))
    assert Code.GANTRY_TILT_TAG in found.codes
    assert Code.SHEARED_TILT not in found.codes
    assert found.gantry_tilt_deg == 12.0


def test_lossy_is_a_flag() -> None:
    found = geometry(stack(200, lossy=True))
    assert Code.LOSSY_COMPRESSION in found.codes
    assert found.refusals == ()


@pytest.mark.parametrize(
    ("changes", "source", "labels"),
    [
        ({"nominal_percentage_of_cardiac_phase": lambda i: 10.0 * i}, PhaseSource.NOMINAL, "0% 10% 20% 30%"),
        ({"scan_options": lambda i: f"TP{i * 5}PC0900"}, PhaseSource.SCAN_OPTIONS, "0% 5% 10% 15%"),
        (
            {"image_comments": lambda i: f"70bpm, {i * 100 + 50}ms"},
            PhaseSource.IMAGE_COMMENTS,
            "50ms 150ms 250ms 350ms",
        ),
        ({"trigger_time": lambda i: i * 90.0}, PhaseSource.TRIGGER_TIME, "0ms 90ms 180ms 270ms"),
        ({"temporal_position_identifier": lambda i: i + 1}, PhaseSource.TEMPORAL_POSITION, "t1 t2 t3 t4"),
    ],
)
def test_phases_by_label(changes: dict[str, Any], source: PhaseSource, labels: str) -> None:
    found = geometry(multiphase(4, **changes))
    assert Code.MULTIPHASE_SPLIT in found.codes
    assert found.refusals == ()
    phases = [one.phase for one in found.stacks]
    assert [phase.label for phase in phases if phase] == labels.split()
    assert {phase.source for phase in phases if phase} == {source}
    assert [len(one.headers) for one in found.stacks] == [130] * 4


def test_a_label_that_is_the_same_everywhere_does_not_hide_the_next_source() -> None:
    found = geometry(multiphase(4, image_comments="75 %", trigger_time=lambda i: i * 90.0))
    assert Code.MULTIPHASE_SPLIT in found.codes
    assert len(found.stacks) == 4


def test_phases_without_labels_are_split_by_numbering() -> None:
    headers = multiphase(5)
    random.Random(0).shuffle(headers)
    found = geometry(headers)
    assert Code.MULTIPHASE_UNLABELLED in found.codes
    assert found.refusals == ()
    assert [one.phase.source for one in found.stacks if one.phase] == [PhaseSource.INSTANCE_ORDER] * 5
    second = sorted(header.instance_number or 0 for header in found.stacks[1].headers)
    assert second == list(range(131, 261))


def test_a_damaged_phase_leaves_the_others() -> None:
    headers = multiphase(4, nominal_percentage_of_cardiac_phase=lambda i: 10.0 * i)
    del headers[200]
    found = geometry(headers)
    assert found.refusals == ()
    assert Code.PHASE_INCOMPLETE in found.codes
    assert [Code.MISSING_SLICES in one.codes for one in found.stacks] == [False, True, False, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"nominal_percentage_of_cardiac_phase": 75.0},
        {"scan_options": "TP75PC0900"},
        {"nominal_percentage_of_cardiac_phase": lambda i: (30.0, 75.0, 75.0)[i]},
        {"image_comments": lambda i: ("30 %", "75 %", "75 %")[i]},
        {"trigger_time": lambda i: (250.0, 700.0, 700.0)[i]},
    ],
)
def test_a_phase_that_is_there_twice_is_no_phase_without_a_label(changes: dict[str, Any]) -> None:
    headers = multiphase(3, **changes)
    random.Random(0).shuffle(headers)
    found = geometry(headers)
    assert found.refusals == (Code.DUPLICATE_POSITIONS,)
    [only] = found.stacks
    assert Code.DUPLICATE_POSITIONS in only.codes
    assert found.left_out == len(headers) - len(only.headers)


@pytest.mark.parametrize(
    "changes",
    [{"image_comments": "75 %"}, {"trigger_time": 0.0}, {"temporal_position_identifier": 1}, {"scan_options": "HELIX"}],
)
def test_what_says_the_same_of_all_images_says_nothing_of_phases(changes: dict[str, Any]) -> None:
    assert Code.MULTIPHASE_UNLABELLED in geometry(multiphase(3, **changes)).codes


def test_beats_that_differ_within_the_stack_are_no_doubled_phases() -> None:
    headers = [
        replace(header, trigger_time=250.0 if (header.image_position or (0, 0, 0))[2] < 0 else 260.0)
        for header in multiphase(4)
    ]
    assert Code.MULTIPHASE_UNLABELLED in geometry(headers).codes


def test_one_stray_label_is_no_phase() -> None:
    headers = stack(200, nominal_percentage_of_cardiac_phase=75.0)
    stray = replace(headers[3], sop_instance_uid="1.9", nominal_percentage_of_cardiac_phase=40.0)
    assert geometry([*headers, stray]).refusals == (Code.DUPLICATE_POSITIONS,)


# Properties


def damaged(kind: str) -> list[Header]:
    headers = stack(130)
    match kind:
        case "missing":
            del headers[60:62]
        case "duplicate":
            headers.append(replace(headers[4], sop_instance_uid="1.9", instance_number=131))
        case "uneven":
            headers = [
                replace(header, image_position=(0.0, 0.0, 0.5 * i + 0.004 * max(0, i - 50) * (i - 50)))
                for i, header in enumerate(headers)
            ]
        case "tilt":
            headers = [replace(header, image_position=(0.0, 0.1 * i, 0.5 * i)) for i, header in enumerate(headers)]
        case "phases":
            headers = multiphase(4, nominal_percentage_of_cardiac_phase=lambda i: 10.0 * i)
        case "unlabelled":
            headers = multiphase(3)
        case "mixed":
            headers = [replace(header, pixel_spacing=(0.5, 0.5)) for header in headers[:40]] + headers[40:]
    return headers


KINDS = ("whole", "missing", "duplicate", "uneven", "tilt", "phases", "unlabelled", "mixed")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_order_of_instances_does_not_matter(kind: str, shuffler: random.Random) -> None:
    headers = damaged(kind)
    expected = geometry(headers)
    shuffler.shuffle(headers)
    assert geometry(headers) == expected


angles = st.floats(-np.pi, np.pi)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), angles, angles, angles, st.tuples(*[st.floats(-1000, 1000)] * 3))
def test_moving_and_turning_the_patient_changes_no_code(
    kind: str, a: float, b: float, c: float, shift: tuple[float, float, float]
) -> None:
    def about(axis: int, angle: float) -> Array:
        i, j = [other for other in range(3) if other != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        return turn

    turn = about(0, a) @ about(1, b) @ about(2, c)

    def moved(header: Header) -> Header:
        assert header.image_position
        assert header.image_orientation
        position = turn @ np.array(header.image_position) + np.array(shift)
        orientation = (np.array(header.image_orientation).reshape(2, 3) @ turn.T).ravel()
        # as the decimal strings of DICOM, which have 16 characters, would have it
        return replace(
            header,
            image_position=tuple(float(f"{value:.9f}") for value in position),
            image_orientation=tuple(float(f"{value:.9f}") for value in orientation),
        )

    headers = damaged(kind)
    before, after = geometry(headers), geometry([moved(header) for header in headers])
    assert set(before.codes) == set(after.codes) - {Code.NOT_AXIAL}
    assert before.best is not None
    assert after.best is not None
    assert after.best.spacing_mm == pytest.approx(before.best.spacing_mm, abs=1e-5)
    assert after.best.tilt_deg == pytest.approx(before.best.tilt_deg, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 400), st.floats(0.25, 10), st.data())
def test_a_missing_slice_is_named(count: int, step: float, data: st.DataObject) -> None:
    lost = data.draw(st.integers(1, count - 2))
    headers = stack(count, step)
    gone = headers.pop(lost)
    found = geometry(headers)
    assert Code.MISSING_SLICES in found.refusals
    assert found.best is not None
    (gap,) = found.best.gaps
    assert gone.instance_number
    assert (gap.after, gap.before, gap.slices) == (gone.instance_number - 1, gone.instance_number + 1, 1)
    assert gone.image_position
    assert gap.position_mm == pytest.approx(gone.image_position[2], abs=0.02)


numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Header,
            sop_instance_uid=st.sampled_from(["", "1", "2"]),
            instance_number=st.none() | st.integers(),
            image_position=st.none() | st.tuples(numbers, numbers, numbers),
            image_orientation=st.none()
            | st.tuples(*[numbers] * 6)
            | st.sampled_from([(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)]),
            pixel_spacing=st.none() | st.tuples(numbers, numbers) | st.just((0.4, 0.4)),
            rows=st.sampled_from([None, 0, 512]),
            columns=st.sampled_from([None, 512]),
            slice_thickness=st.none() | numbers,
            gantry_tilt=st.none() | numbers,
            trigger_time=st.none() | numbers,
        ),
        max_size=8,
    )
)
def test_no_numbers_break_it(headers: list[Header]) -> None:
    found = geometry(headers)
    assert found.left_out + sum(len(one.headers) for one in found.stacks) == len(headers)


# Real scanners


@pytest.mark.parametrize("series", REAL_SERIES, ids=lambda one: f"{one.folder}-{one.files}")
def test_real_series(series: RealSeries, data: Path) -> None:
    files = series.paths(data)
    headers = [Header.from_dataset(pydicom.dcmread(path, stop_before_pixels=True)) for path in files]
    found = geometry(headers)
    assert set(found.codes) == series.geometry
    assert found.best is not None
    assert len(found.best.headers) == series.slices
    assert found.best.spacing_mm == pytest.approx(series.spacing_mm, abs=1e-4)
    assert found.best.tilt_deg == pytest.approx(series.tilt_deg, abs=0.01)
    assert found.best.missing == series.missing

import numpy as np
import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.stack import Array, Gap, Stack, stack_of
from orthanc_ai.codes import Code

from .examples import stack

AXIAL = np.array([0.0, 0.0, 1.0])


def judged(headers: list[Header], normal: Array = AXIAL) -> Stack:
    positions = np.array([header.image_position for header in headers])
    return stack_of(headers, positions, normal, None, (0.4, 0.4, 512, 512))


def test_a_volume() -> None:
    found = judged(stack(200)[::-1])
    assert found.codes == (Code.OVERLAPPING_SLICES,)
    assert (found.spacing_mm, found.coverage_mm, found.tilt_deg) == (0.5, 100.0, 0.0)
    assert [header.instance_number for header in found.headers] == list(range(1, 201))


def test_names_the_missing_slices() -> None:
    headers = stack(200)
    del headers[150], headers[70:73]
    found = judged(headers)
    assert Code.MISSING_SLICES in found.codes
    assert found.gaps == (Gap(70, 74, -15.0, 3), Gap(150, 152, 25.0, 1))
    assert found.missing == 4


def test_half_of_the_slices_may_be_missing() -> None:
    headers = [header for index, header in enumerate(stack(200)) if index % 5 not in {1, 2}]
    found = judged(headers)
    assert found.spacing_mm == pytest.approx(0.5)
    assert found.missing == 80


@pytest.mark.parametrize(("step", "regular"), [(0.5, True), (0.509, True), (0.52, False), (0.7, False)])
def test_tolerance_of_one_step(step: float, regular: bool) -> None:
    headers = stack(100) + stack(1, first=101)
    positions = np.array([[0.0, 0.0, 0.5 * index] for index in range(101)])
    positions[50:, 2] += step - 0.5
    found = stack_of(headers, positions, AXIAL, None, (0.4, 0.4, 512, 512))
    assert (Code.NONUNIFORM_SPACING not in found.codes) is regular


def test_slice_gap_and_overlap() -> None:
    assert Code.SLICE_GAP in judged(stack(100, 1.5, slice_thickness=1.0)).codes
    assert judged(stack(100, 1.04, slice_thickness=1.0)).codes == ()
    assert judged(stack(100, 0.9, slice_thickness=1.0)).codes == (Code.OVERLAPPING_SLICES,)
    assert judged(stack(100, 1.0, slice_thickness=None)).codes == ()


def test_coverage_and_number() -> None:
    assert Code.COVERAGE_SHORT in judged(stack(119)).codes
    assert Code.COVERAGE_SHORT not in judged(stack(120)).codes
    assert judged(stack(2)).codes[0] is Code.TOO_FEW_SLICES
    alone = judged(stack(1))
    assert (alone.spacing_mm, alone.coverage_mm) == (None, None)


@pytest.mark.parametrize("degrees", [0.2, 0.4, 11.3, 18.5, 30.0])
def test_tilt_is_measured(degrees: float) -> None:
    positions = np.array([[0.0, np.tan(np.radians(degrees)) * index, index] for index in range(100)])
    found = stack_of(stack(100, slice_thickness=1.0), positions, AXIAL, None, (0.4, 0.4, 512, 512))
    assert found.tilt_deg == pytest.approx(degrees)
    assert (Code.SHEARED_TILT in found.codes) is (degrees > 0.3)
    assert Code.LATERAL_SHIFT not in found.codes


def test_a_sideways_slice() -> None:
    positions = np.array([[0.0, 0.0, index] for index in range(100)])
    positions[40, 0] = 2.0
    found = stack_of(stack(100, slice_thickness=1.0), positions, AXIAL, None, (0.4, 0.4, 512, 512))
    assert found.codes == (Code.LATERAL_SHIFT,)


@pytest.mark.parametrize(
    ("degrees", "axial"), [(0, True), (18.5, True), (30, True), (31, False), (90, False), (170, True)]
)
def test_axial(degrees: float, axial: bool) -> None:
    angle = np.radians(degrees)
    normal = np.array([0.0, np.sin(angle), np.cos(angle)])
    positions = np.array([normal * index for index in range(100)])
    found = stack_of(stack(100, slice_thickness=1.0), positions, normal, None, (0.4, 0.4, 512, 512))
    assert (Code.NOT_AXIAL not in found.codes) is axial


def test_mixed_thickness() -> None:
    headers = stack(60, 1.0, slice_thickness=1.0) + stack(40, 1.0, first=61, slice_thickness=2.0)
    positions = np.array([[0.0, 0.0, index] for index in range(100)])
    found = stack_of(headers, positions, AXIAL, None, (0.4, 0.4, 512, 512))
    assert found.codes == (Code.MIXED_SLICE_THICKNESS,)
    assert found.thickness_mm == 1.0

"""Whether contrast was given, by the blood in a few slices."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.cardiac.contrast import Array, Seen, blood_in, is_enough, judge_blood, slices_to_look_at
from orthanc_ai.cardiac.geometry import geometry
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.slices import read_slices
from phantom.ct import Kind, ct_series
from phantom.ct.anatomy import AIR, BONE, CALCIUM, thorax

from .examples import stack

FLAT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("blood", "seen"),
    [
        ((380.0, 390.0, 400.0, 370.0, 90.0), Seen.YES),
        ((50.0, 45.0, 60.0, 55.0, 70.0), Seen.NO),
        ((120.0, 110.0, 60.0, 130.0, 100.0), Seen.UNCERTAIN),
        # one slice has metal in it, some have no heart
        ((900.0, 45.0, 60.0), Seen.NO),
        ((None, None, 390.0, 380.0, None), Seen.YES),
        ((None, 390.0), Seen.UNCERTAIN),
        ((), Seen.UNCERTAIN),
    ],
)
def test_the_second_brightest_slice_decides(blood: tuple[float | None, ...], seen: Seen) -> None:
    assert judge_blood(blood)[0] is seen


@pytest.mark.parametrize(
    ("blood", "enough"),
    [
        ((), False),
        ((390.0,), False),
        ((390.0, 60.0, 380.0), True),
        ((50.0, 45.0), False),
        ((50.0, None, 45.0), False),
        ((50.0, None, 45.0, 60.0), True),
        ((50.0, 45.0, 120.0), False),
    ],
)
def test_no_more_slices_are_looked_at_than_needed(blood: tuple[float | None, ...], enough: bool) -> None:
    assert is_enough(blood) is enough


@pytest.mark.parametrize(
    ("kind", "matrix", "seen"),
    [
        ("ccta", 64, Seen.YES),
        ("ccta", 200, Seen.YES),
        ("multiphase", 64, Seen.YES),
        ("calcium_score", 64, Seen.NO),
        ("calcium_score", 200, Seen.NO),
        ("chest", 64, Seen.NO),
    ],
)
def test_phantoms(kind: Kind, matrix: int, seen: Seen) -> None:
    images = {str(image.SOPInstanceUID): image for image in ct_series(kind, matrix=matrix)}
    best = geometry([Header.from_dataset(image) for image in images.values()]).best
    assert best is not None
    chosen = slices_to_look_at(best)
    assert len(chosen) == 5
    blood = []
    for header in chosen:
        stream = BytesIO()
        images[header.sop_instance_uid].save_as(stream, enforce_file_format=True)
        [hu] = read_slices(BytesIO(stream.getvalue()), [header])
        blood.append(blood_in(hu, header))
    assert judge_blood(blood)[0] is seen


def picture(blood: float, *, millimeters: float, size: int, shift: tuple[float, float] = (0, 0)) -> Array:
    axis = (np.arange(size) + 0.5) * millimeters - size * millimeters / 2
    x, y = np.meshgrid(axis + shift[0], axis + shift[1])
    return thorax(x, y, 0.45, blood, None, calcified=True).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([45.0, 380.0]),
    st.floats(0.35, 1.0),
    st.floats(180, 420),
    st.floats(0, 40),
    st.sampled_from([0, 1, 2, 3]),
    st.integers(0, 2**32 - 1),
)
def test_pixel_size_field_of_view_noise_and_orientation_do_not_matter(
    blood: float, millimeters: float, field: float, noise: float, turns: int, seed: int
) -> None:
    hu = picture(blood, millimeters=millimeters, size=int(field / millimeters), shift=(20.0, 0.0))
    hu += np.random.default_rng(seed).normal(0, noise, hu.shape)
    # rows and columns may run in any direction of the patient
    orientation = {
        0: FLAT,
        1: (0.0, 1.0, 0.0, 1.0, 0.0, 0.0),
        2: (1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
        3: (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    }[turns]
    turned = {0: hu, 1: hu.T, 2: hu[::-1], 3: hu[:, ::-1]}[turns]
    header = Header(pixel_spacing=(millimeters, millimeters), image_orientation=orientation)
    found = blood_in(np.ascontiguousarray(turned, dtype=np.float32), header)
    assert found is not None
    assert (found > 200) is (blood > 200)
    assert found < 80 or found > 200


@pytest.mark.parametrize("value", [AIR, BONE * 3, -90.0])
def test_no_heart_in_air_bone_or_fat(value: float) -> None:
    header = Header(pixel_spacing=(0.5, 0.5), image_orientation=FLAT)
    assert blood_in(np.full((300, 300), value, np.float32), header) is None


def test_metal_and_calcium_are_no_blood() -> None:
    hu = picture(45.0, millimeters=0.5, size=400, shift=(20.0, 0.0))
    hu[180:190, 180:190] = 3000
    hu[200:215, 220:235] = CALCIUM
    found = blood_in(hu, Header(pixel_spacing=(0.5, 0.5), image_orientation=FLAT))
    assert found is not None
    assert found < 80


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    header = Header(pixel_spacing=(0.4, 3.0), image_orientation=FLAT)
    assert blood_in(np.full(shape, 50, np.float32), header) is None
    assert blood_in(np.full(shape, 50, np.float32), Header()) is None


def test_short_stacks_are_looked_at_whole() -> None:
    for count in (1, 2, 3, 5):
        best = geometry(stack(count)).best
        assert best is not None
        chosen = slices_to_look_at(best)
        assert len({header.sop_instance_uid for header in chosen}) == len(chosen) <= count


@pytest.mark.parametrize(
    ("file", "least", "most"),
    [
        # chest without contrast: lung cancer screening, and the native scan of a pulmonary angiogram
        ("ct_thorax_lidc0314_every3rd/I0109.dcm", 40, 75),
        ("ct_thorax_lidc0314_every3rd/I0136.dcm", 40, 75),
        ("ct_series_heads_nysbu/A056642_axial_19001229-053.dcm", 30, 60),
        # pulmonary angiograms: chambers of the left heart, the right ventricle
        ("ct_series_heads_nysbu/A002304_axial_19001231-076.dcm", 140, 220),
        ("ct_series_heads_nysbu/A002304_axial_19010112-135.dcm", 170, 230),
        ("ct_series_heads_nysbu/A056642_axial_19010107-111.dcm", 250, 350),
        # below the heart there is liver, in the late arterial phase
        ("ct_upper_abdomen_ts/I0276.dcm", 90, 130),
    ],
)
def test_real_patients(file: str, least: float, most: float, data: Path) -> None:
    content = (data / file).read_bytes()
    header = Header.from_dataset(pydicom.dcmread(BytesIO(content), stop_before_pixels=True))
    [hu] = read_slices(BytesIO(content), [header])
    blood = blood_in(hu, header)
    assert blood is not None
    assert least < blood < most

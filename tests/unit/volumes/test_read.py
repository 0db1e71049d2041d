"""From the files of a series to volumes whose every voxel has the right value at the right place."""

import copy
import errno
import math
import random
from collections.abc import Callable
from io import BytesIO
from typing import Any, BinaryIO

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from orthanc_ai.codes import Code
from orthanc_ai.volumes.errors import VolumeError
from orthanc_ai.volumes.read import Phase, Series
from orthanc_ai.volumes.volume import Volume
from phantom.ct import ct_series
from tests.unit.cardiac.enhanced import enhanced, legacy_converted

from .images import Memory, along, files, image, rotations, stack


def only(datasets: list[Dataset]) -> Phase:
    series = Series(files(datasets))
    [one] = series.plan.stacks
    return series.read(one)


def volume(datasets: list[Dataset]) -> Volume:
    return only(datasets).volume


def every_index(shape: tuple[int, ...]) -> Any:
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)


def test_a_point_is_where_the_scanner_put_it() -> None:
    """One bright voxel: third column, fifth row of the slice at z = 31."""
    slices = stack()
    stored = np.zeros((6, 8), "<u2")
    stored[4, 2] = 2024
    slices[2].PixelData = stored.tobytes()
    made = volume(slices)
    [found] = np.argwhere(made.values == 1000)
    assert found.tolist() == [2, 4, 2]
    assert made.place(found).tolist() == [-10 + 2 * 0.5, -20 + 4 * 0.5, 31.0]
    assert made.index((-9, -18, 31)).tolist() == [2, 4, 2]


def test_slices_run_from_feet_to_head_whatever_the_numbers_say() -> None:
    upwards = stack(field=along(0, 0, 10))
    downwards = stack(field=along(0, 0, 10), first=(-10, -20, 32), step=(0, 0, -0.5))
    for slices in (upwards, downwards):
        made = volume(slices)
        assert made.values[:, 0, 0].tolist() == [300, 305, 310, 315, 320]
        assert made.affine[:3, 3].tolist() == [-10, -20, 30]
        assert made.spacing_mm == (0.5, 0.5, 0.5)


@settings(max_examples=50, deadline=None)
@given(
    rotations(30),
    st.tuples(st.floats(0.3, 1.2), st.floats(0.3, 1.2), st.floats(0.3, 3)),
    st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(-1500, 1500)),
    st.randoms(use_true_random=False),
)
def test_any_grid_in_any_order_of_files(
    axes: Any, spacing: tuple[float, float, float], first: tuple[float, float, float], shuffle: random.Random
) -> None:
    """HU are those of the place, to the rounding of stored values, wherever the grid lies and however it is turned."""
    field = along(1.5, -2.5, 0.75)
    datasets = stack(
        4,
        step=axes[:, 2] * spacing[2],
        first=first,
        orientation=(*axes[:, 0], *axes[:, 1]),
        spacing=spacing[:2],
        field=field,
        intercept=0,
    )
    shuffle.shuffle(datasets)
    made = volume(datasets)
    assert made.values.shape == (4, 6, 8)
    assert made.values.dtype == np.int16
    expected = field(made.place(every_index(made.values.shape)))
    assert np.abs(made.values - expected).max() <= 0.5 + 1e-3
    assert np.linalg.det(made.affine_xyz[:3, :3]) > 0
    assert made.shear_deg == pytest.approx(0, abs=1e-5)


def test_the_affine_is_that_of_highdicom() -> None:
    datasets = ct_series("ccta", slices=12)
    # The same slices, from head to feet.
    reference = highdicom.get_volume_from_series(datasets).flip_spatial(0)
    made = volume(datasets)
    np.testing.assert_allclose(made.affine, reference.affine, atol=1e-9)
    np.testing.assert_array_equal(made.values, reference.array)
    assert made.frame_of_reference_uid == reference.frame_of_reference_uid


def test_a_tilted_gantry_gives_a_sheared_grid_and_right_places() -> None:
    field = along(2, 3, 5)
    tilt = math.radians(18.5)
    made = volume(stack(10, step=(0, math.tan(tilt) * 4, 4), field=field))
    assert made.shear_deg == pytest.approx(18.5)
    assert np.abs(made.values - field(made.place(every_index(made.values.shape)))).max() <= 0.5 + 1e-9


def test_positions_that_are_rounded_give_axes_at_right_angles() -> None:
    datasets = stack(50, step=(0, 0, 0.6))
    for number, dataset in enumerate(datasets):
        dataset.ImagePositionPatient = [-10 + 0.0004 * number, -20, 30 + round(0.6004 * number, 2)]
    made = volume(datasets)
    assert made.shear_deg == 0
    assert made.deviation_mm == pytest.approx(0.0004 * 49, abs=0.01)


def test_phases_are_volumes_of_their_own() -> None:
    datasets = ct_series("multiphase", slices=8)
    random.Random(1).shuffle(datasets)
    series = Series(files(datasets))
    phases = list(series)
    assert [phase.stack.phase.label for phase in phases if phase.stack.phase] == ["0%", "20%", "40%", "60%", "80%"]
    by_uid = {dataset.SOPInstanceUID: dataset for dataset in datasets}
    for phase in phases:
        for header, values in zip(phase.stack.headers, phase.volume.values, strict=True):
            dataset = by_uid[header.sop_instance_uid]
            np.testing.assert_array_equal(values, dataset.pixel_array.astype(int) - 1024)
        assert phase.volume.affine[2, 3] == min(float(one.ImagePositionPatient[2]) for one in datasets)


@pytest.mark.parametrize("convert", [enhanced, legacy_converted])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_frames_make_the_volumes_that_single_images_make(convert: Callable[[Any], Dataset], syntax: UID) -> None:
    datasets = ct_series("multiphase", slices=8)
    expected = {phase.stack.phase: phase.volume for phase in Series(files(datasets))}
    random.Random(1).shuffle(datasets)
    multi_frame = convert(datasets)
    if syntax.is_encapsulated:
        multi_frame.compress(syntax, generate_instance_uid=False)
    found = {phase.stack.phase: phase.volume for phase in Series(files([multi_frame]))}
    assert [phase.label for phase in found if phase] == ["0%", "20%", "40%", "60%", "80%"]
    assert [phase.label for phase in expected if phase] == [phase.label for phase in found if phase]
    for one, other in zip(found.values(), expected.values(), strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_allclose(one.affine, other.affine)


def test_frames_of_another_unit_make_no_volume() -> None:
    multi_frame = enhanced(ct_series("ccta", slices=8))
    shared = multi_frame.SharedFunctionalGroupsSequence[0]
    shared.PixelValueTransformationSequence[0].RescaleType = "EDW"
    with pytest.raises(VolumeError) as error:
        volume([multi_frame])
    assert error.value.code is Code.NOT_HOUNSFIELD


def test_frames_that_say_their_unit_one_by_one_make_no_volume_either() -> None:
    multi_frame = enhanced(ct_series("ccta", slices=8))
    shared = multi_frame.SharedFunctionalGroupsSequence[0]
    frames = multi_frame.PerFrameFunctionalGroupsSequence
    for frame in frames:
        frame.PixelValueTransformationSequence = copy.deepcopy(shared.PixelValueTransformationSequence)
    del shared.PixelValueTransformationSequence
    assert volume([multi_frame]).values.shape[0] == 8
    frames[5].PixelValueTransformationSequence[0].RescaleType = "EDW"
    with pytest.raises(VolumeError) as error:
        volume([multi_frame])
    assert error.value.code is Code.NOT_HOUNSFIELD


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, "int16"), (2, -1024, "int16"), (1, -1024.5, "float32"), (0.25, 0, "float32")],
)
def test_values_are_exact(slope: float, intercept: float, dtype: str) -> None:
    stored = np.arange(48, dtype="<u2").reshape(6, 8) * 7
    datasets = stack(slope=slope, intercept=intercept, field=along(0, 0, 0))
    for dataset in datasets:
        dataset.PixelData = stored.tobytes()
    made = volume(datasets)
    assert made.values.dtype == dtype
    np.testing.assert_array_equal(made.values[3], stored.astype(float) * slope + intercept)


def test_what_int16_cannot_hold_becomes_float() -> None:
    datasets = stack(field=along(0, 0, 0))
    datasets[3].PixelData = np.full((6, 8), 60000, "<u2").tobytes()
    made = volume(datasets)
    assert made.values.dtype == np.float32
    assert made.values[3, 0, 0] == 60000 - 1024
    assert made.values[2, 0, 0] == 0


def test_each_slice_has_the_rescale_of_its_own_header() -> None:
    datasets = [image((0, 0, z), number=z, intercept=-1000 - z, field=along(0, 0, 7)) for z in range(1, 5)]
    assert volume(datasets).values[:, 0, 0].tolist() == [7, 14, 21, 28]


def test_padding_is_said() -> None:
    datasets = stack(PixelPaddingValue=0)
    assert only(datasets).padding == (-1024,)
    assert only(stack()).padding == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RescaleSlope": None}, Code.RESCALE_MISSING),
        ({"RescaleType": "Z_EFF"}, Code.NOT_HOUNSFIELD),
        ({"PixelData": None}, Code.NO_PIXELS),
        ({"BitsAllocated": 32}, Code.PIXELS_UNREADABLE),
        ({"BitsAllocated": None}, Code.PIXELS_UNREADABLE),
        ({"SamplesPerPixel": 3}, Code.PHOTOMETRIC_UNSUPPORTED),
    ],
)
def test_what_is_no_volume_says_why(change: dict[str, Any], code: Code) -> None:
    with pytest.raises(VolumeError) as error:
        only(stack(**change))
    assert error.value.code is code


def test_a_missing_slice_makes_no_volume() -> None:
    datasets = stack(9)
    del datasets[4]
    with pytest.raises(VolumeError) as error:
        only(datasets)
    assert error.value.code is Code.MISSING_SLICES


def test_several_images_at_one_position_make_no_volume() -> None:
    datasets = stack(9)
    again = image((-10, -20, 32), number=10, field=along(0, 0, 7))
    with pytest.raises(VolumeError) as error:
        only([*datasets, again])
    assert error.value.code is Code.DUPLICATE_POSITIONS


def test_one_slice_makes_no_volume() -> None:
    with pytest.raises(VolumeError) as error:
        only(stack(1))
    assert error.value.code is Code.TOO_FEW_SLICES


class Worn:
    """A file on a disk that gives up: it can be opened, but read only so often."""

    def __init__(self, content: bytes, reads: int) -> None:
        self.content = content
        self.reads = reads

    def open(self) -> BinaryIO:
        self.reads -= 1
        return BytesIO(self.content) if self.reads >= 0 else Unreadable()


class Unreadable(BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_a_file_that_opens_and_cannot_be_read_says_so() -> None:
    contents = [file.content for file in files(stack(5))]
    series = Series([Worn(contents[0], 0), *map(Memory, contents[1:])])
    assert [one.code for one in series.unreadable] == [Code.FILE_UNREADABLE]
    series = Series([Worn(contents[0], 1), *map(Memory, contents[1:])])
    assert series.unreadable == ()
    with pytest.raises(VolumeError) as error:
        series.read(series.plan.stacks[0])
    assert error.value.code is Code.FILE_UNREADABLE


def test_what_is_left_out_is_said() -> None:
    whole = stack(9)
    twin = files(whole[2:3])
    other_grid = image((0, 0, 99), shape=(4, 4), number=90)
    turned = image((0, 0, 99), orientation=(0, 1, 0, 0, 0, -1), number=91)
    localizer = image((0, 0, 99), number=92, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    nowhere = image((0, 0, 99), number=93, ImagePositionPatient=None)
    soft = image((0, 0, 99), number=94, ConvolutionKernel="Br40")
    series = Series([*files([*whole, other_grid, turned, localizer, nowhere, soft]), *twin, Memory(b"no DICOM")])
    assert {header.instance_number: code for header, code in series.plan.left_out} == {
        90: Code.MIXED_PIXEL_GRID,
        91: Code.MIXED_ORIENTATION,
        92: Code.LOCALIZER,
        93: Code.GEOMETRY_TAGS_MISSING,
        94: Code.MIXED_KERNEL,
        3: Code.DUPLICATE_INSTANCE,
    }
    assert [one.code for one in series.unreadable] == [Code.HEADER_UNREADABLE]
    [one] = series.plan.stacks
    assert series.read(one).volume.values.shape == (9, 6, 8)

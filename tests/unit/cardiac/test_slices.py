"""Hounsfield units of single slices, however they are stored."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate, encapsulate_extended

from orthanc_ai.cardiac import slices
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.multiframe import frames_of
from orthanc_ai.cardiac.slices import Array, read_slices
from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import FileError, open_file
from orthanc_ai.images.errors import ImageError
from phantom.ct import ct_series

from .enhanced import enhanced, file_of

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom warns of damaged values

IMAGES = ct_series("ccta", matrix=64, slices=6)
TRUTH = [image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept) for image in IMAGES]


def read(content: bytes, header: Header) -> Array:
    [hu] = read_slices(BytesIO(content), [header])
    return hu


def test_a_single_image() -> None:
    for image, truth in zip(IMAGES, TRUTH, strict=True):
        hu = read(file_of(image), Header.from_dataset(image))
        np.testing.assert_array_equal(hu, truth)
        assert hu.dtype == np.float32


@pytest.mark.parametrize("rescale", [(1e36, 0.0), (-1e300, 0.0), (1.0, 1e300), (1e308, -1e308)])
def test_rescaling_that_leads_to_no_number_is_an_error(rescale: tuple[float, float]) -> None:
    slope, intercept = rescale
    header = replace(Header.from_dataset(IMAGES[0]), rescale_slope=slope, rescale_intercept=intercept)
    with pytest.raises(ImageError) as error:
        read(file_of(IMAGES[0]), header)
    assert error.value.code is Code.HEADER_UNREADABLE


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEG2000Lossless,
    ],
)
def test_frames(syntax: uid.UID) -> None:
    whole = enhanced(IMAGES)
    if syntax.is_encapsulated:
        whole.compress(syntax, generate_instance_uid=False)
    else:
        whole.file_meta.TransferSyntaxUID = syntax
    content = file_of(whole)
    headers = frames_of(open_file(content, pixels=False))
    np.testing.assert_array_equal(list(read_slices(BytesIO(content), headers)), TRUTH)
    np.testing.assert_array_equal(list(read_slices(BytesIO(content), headers[::-2])), TRUTH[::-2])


@pytest.mark.parametrize("table", ["none", "extended"])
def test_frames_without_the_basic_offset_table(table: str) -> None:
    whole = enhanced(IMAGES)
    whole.compress(uid.RLELossless, generate_instance_uid=False)
    coded = list(pydicom.encaps.generate_frames(whole.PixelData, number_of_frames=len(IMAGES)))
    if table == "extended":
        whole.PixelData, whole.ExtendedOffsetTable, whole.ExtendedOffsetTableLengths = encapsulate_extended(coded)
    else:
        whole.PixelData = encapsulate(coded, has_bot=False)
    content = file_of(whole)
    for header, truth in zip(frames_of(open_file(content, pixels=False)), TRUTH, strict=True):
        np.testing.assert_array_equal(read(content, header), truth)


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
def test_of_a_large_file_only_the_header_and_the_frame_are_read(
    syntax: uid.UID, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = enhanced(IMAGES)
    if syntax.is_encapsulated:
        whole.compress(syntax, generate_instance_uid=False)
    content = file_of(whole)
    headers = frames_of(open_file(content, pixels=False))
    monkeypatch.setattr(slices, "MAXIMUM_HEADER", content.index(b"\xe0\x7f\x10\x00O") + 13)
    np.testing.assert_array_equal(read(content, headers[4]), TRUTH[4])


def test_real_images_in_many_encodings_are_the_same(data: Path) -> None:
    """One slice of a chest in the lossless transfer syntaxes."""
    expected: Array | None = None
    for name in ("2", "2_1", "2_1_99", "2_2", "2_4_57", "2_4_70", "2_4_80", "2_4_90", "2_5"):
        content = (data / "ct_transfer_syntaxes" / f"CTImage_1_{name}.dcm").read_bytes()
        dataset = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        hu = read(content, Header.from_dataset(dataset))
        expected = hu if expected is None else expected
        np.testing.assert_array_equal(hu, expected)


# What is refused


def without(keyword: str, value: object = None) -> Dataset:
    image = pydicom.dcmread(BytesIO(file_of(IMAGES[0])))
    if value is None:
        delattr(image, keyword)
    else:
        setattr(image, keyword, value)
    return image


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (without("PixelData"), Code.NO_PIXELS),
        (without("PixelData", b"\0" * 20), Code.PIXELS_UNREADABLE),
        (without("Rows", 60_000), Code.HEADER_UNREADABLE),
        (without("Columns"), Code.HEADER_UNREADABLE),
        (without("BitsAllocated", 32), Code.PIXELS_UNREADABLE),
        (without("PhotometricInterpretation", "RGB"), Code.PHOTOMETRIC_UNSUPPORTED),
        (without("SamplesPerPixel", 3), Code.PHOTOMETRIC_UNSUPPORTED),
        (without("PixelRepresentation", 7), Code.HEADER_UNREADABLE),
    ],
)
def test_what_cannot_be_read_has_a_code(image: Dataset, code: Code) -> None:
    with pytest.raises(ImageError) as caught:
        read(file_of(image), Header())
    assert caught.value.code is code


def test_a_frame_that_is_not_there() -> None:
    with pytest.raises(ImageError):
        read(file_of(enhanced(IMAGES)), Header(frame_number=7))


def test_an_item_that_claims_gigabytes() -> None:
    whole = enhanced(IMAGES[:1])
    whole.compress(uid.RLELossless, generate_instance_uid=False)
    content = file_of(whole)
    at = content.rindex(b"\xfe\xff\x00\xe0")
    with pytest.raises(ImageError) as caught:
        read(content[: at + 4] + b"\xff\xff\xff\x7f" + content[at + 8 :], Header(frame_number=1))
    assert caught.value.code is Code.PIXELS_UNREADABLE


RLE = enhanced(IMAGES[:2])
RLE.compress(uid.RLELossless, generate_instance_uid=False)
CONTENT = file_of(RLE)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_breaks_it(data: st.DataObject) -> None:
    spoiled = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(0, 4))):
        spoiled[data.draw(st.integers(132, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(132, len(spoiled)))
    try:
        read(bytes(spoiled[:cut]), Header(frame_number=2))
    except (FileError, ImageError) as error:
        assert error.code  # noqa: PT017 - whether it is raised depends on the damage

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import FileDataset, dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_ai.codes import Code
from orthanc_ai.images.errors import ImageError
from orthanc_ai.xray.pixels import MAXIMUM_PIXELS, Radiograph, read_radiograph

from ..images.builder import change, lut, radiograph, ramp, with_malformed_window, written

SIDE = 64
NATIVE = [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
COMPRESSED = [JPEG2000Lossless, JPEGLSLossless, RLELossless]


def read(dataset: FileDataset, *, voi_lut: bool = True, size: int = SIDE) -> Radiograph:
    return read_radiograph(dataset, size, voi_lut=voi_lut)


def tensor(dataset: FileDataset, **options: Any) -> npt.NDArray[np.float32]:
    """Of a SIDE x SIDE image, pixel for pixel, since it need not be resized."""
    image: npt.NDArray[np.float32] = read(dataset, **options).tensor[0]
    return image


def refusal(dataset: FileDataset) -> Code:
    with pytest.raises(ImageError) as caught:
        read(dataset)
    return caught.value.code


def noise(bits: int, side: int = SIDE) -> npt.NDArray[np.uint16]:
    return np.random.default_rng(bits).integers(0, 2**bits, (side, side)).astype(np.uint16)


def as_stored(pixels: npt.NDArray[np.uint16], bits: int) -> npt.NDArray[np.integer]:
    return pixels.astype(np.uint8) if bits == 8 else pixels


# ---- Brightness -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15, 16])
def test_black_to_white_at_every_depth(bits: int) -> None:
    pixels = as_stored(ramp(SIDE, bits), bits)
    result = read(radiograph(pixels, bits=bits))
    assert result.tensor.shape == (1, SIDE, SIDE)
    assert result.tensor.dtype == np.float32
    assert result.notes == ()
    assert np.abs(result.tensor[0, 0] - np.linspace(-1024, 1024, SIDE)).max() < 2048 / 2**bits


def test_monochrome1_is_a_negative() -> None:
    pixels = noise(12)
    negative = radiograph((4095 - pixels).astype(np.uint16), bits=12, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(tensor(negative) - tensor(radiograph(pixels, bits=12))).max() < 1e-2


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("attributes", [{}, {"WindowCenter": 300, "WindowWidth": 2000}])
def test_signed_values_are_read_as_the_same_picture(photometric: str, attributes: dict[str, Any]) -> None:
    unsigned = radiograph(noise(12), bits=12, PhotometricInterpretation=photometric, **attributes)
    if attributes:
        attributes = {"WindowCenter": 300 - 2048, "WindowWidth": 2000}
    shifted = (noise(12).astype(np.int16) - 2048).astype(np.int16)
    signed = radiograph(shifted, bits=12, PhotometricInterpretation=photometric, **attributes)
    assert np.abs(tensor(signed) - tensor(unsigned)).max() < 1e-2


def test_signed_bytes() -> None:
    pixels = noise(8).astype(np.uint8)
    signed = (pixels.astype(np.int16) - 128).astype(np.int8)
    assert np.abs(tensor(radiograph(signed)) - tensor(radiograph(pixels))).max() < 1e-2


def test_the_first_window_and_the_setting_that_turns_it_off() -> None:
    windowed = radiograph(noise(12), bits=12, WindowCenter=[1000, 3000], WindowWidth=[500, 100])
    plain = radiograph(noise(12), bits=12)
    dark, bright = noise(12) < 740, noise(12) > 1260
    assert (tensor(windowed)[dark] == -1024).all()
    assert (tensor(windowed)[bright] == 1024).all()
    assert (tensor(windowed, voi_lut=False) == tensor(plain)).all()


def test_luts_of_a_file() -> None:
    inverted = lut(list(range(4095, -1, -1)), 0, 12)
    negative = tensor(radiograph(noise(12), bits=12, VOILUTSequence=[inverted]))
    plain = tensor(radiograph(noise(12), bits=12))
    assert np.abs(negative + plain).max() < 1e-2
    assert np.abs(tensor(radiograph(noise(12), bits=12, ModalityLUTSequence=[inverted])) + plain).max() < 1e-2


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_lut_of_words_in_every_byte_order(syntax: str) -> None:
    entries = np.arange(4095, -1, -1)
    item = lut([0], 0, 12)
    item.LUTDescriptor = [4096, 0, 12]
    del item.LUTData
    order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
    item.add_new("LUTData", "OW", entries.astype(order).tobytes())
    negative = tensor(radiograph(noise(12), bits=12, syntax=syntax, VOILUTSequence=[item]))
    assert np.abs(negative + tensor(radiograph(noise(12), bits=12))).max() < 1e-2


def test_padding_is_black() -> None:
    pixels = noise(12)
    pixels[:, :10] = 4095
    film = radiograph(pixels, bits=12, PixelPaddingValue=4095, PhotometricInterpretation="MONOCHROME2")
    assert (tensor(film)[:, :10] == -1024).all()


def test_values_in_the_upper_bits_of_their_cells() -> None:
    upper = radiograph((noise(12) << 4).astype(np.uint16), bits=12, HighBit=15)
    assert np.abs(tensor(upper) - tensor(radiograph(noise(12), bits=12))).max() < 1e-2


def test_a_wrong_high_bit_is_not_believed() -> None:
    wrong = radiograph(noise(12), bits=12, HighBit=15)
    assert (tensor(wrong) == tensor(radiograph(noise(12), bits=12))).all()


# ---- Pixels beyond the range of the header ---------------------------------------------------------------------


def test_one_bright_pixel_changes_itself_only() -> None:
    """Scripts that divide by the image's own maximum make every score depend on it."""
    plain, spot = noise(12), noise(12)
    spot[20, 20] = 65535
    result = read(radiograph(spot, bits=12))
    difference = np.abs(result.tensor[0] - tensor(radiograph(plain, bits=12)))
    assert difference[20, 20] > 0
    difference[20, 20] = 0
    assert difference.max() < 1e-2
    assert result.tensor[0, 20, 20] == 1024
    assert result.notes == (Code.PIXEL_RANGE_EXCEEDED,)


def test_the_brightest_pixel_within_the_range_sets_no_scale() -> None:
    plain, spot = noise(10), noise(10)
    spot[20, 20] = 4095
    difference = np.abs(tensor(radiograph(spot, bits=12)) - tensor(radiograph(plain, bits=12)))
    difference[20, 20] = 0
    assert difference.max() < 1e-2


def test_bits_stored_that_most_pixels_belie() -> None:
    result = read(radiograph(noise(12), bits=10))
    assert result.notes == (Code.PIXEL_RANGE_EXCEEDED,)
    assert np.abs(result.tensor[0] - tensor(radiograph(noise(12), bits=12))).max() < 1e-2


def test_padding_beyond_the_range_is_not_remarkable() -> None:
    pixels = noise(12)
    pixels[:, :30] = 65535
    result = read(radiograph(pixels, bits=12, PixelPaddingValue=65535))
    assert result.notes == ()
    assert (result.tensor[0, :, :30] == -1024).all()


def test_an_overlay_in_the_same_cells_is_not_part_of_the_picture() -> None:
    pixels = noise(12)
    pixels[::2] |= 0x8000
    film = radiograph(pixels, bits=12)
    film.add_new((0x6000, 0x0100), "US", 16)
    film.add_new((0x6000, 0x0102), "US", 15)
    result = read(film)
    assert result.notes == ()
    assert np.abs(result.tensor[0] - tensor(radiograph(noise(12), bits=12))).max() < 1e-2


def test_signed_values_whose_sign_was_not_carried_on() -> None:
    signed = noise(12).astype(np.int16) - np.int16(2048)
    cut = (signed.view(np.uint16) & 0xFFF).view(np.int16)
    result = read(radiograph(cut, bits=12))
    assert result.notes == ()
    assert np.abs(result.tensor[0] - tensor(radiograph(signed, bits=12))).max() < 1e-2


# ---- Transfer syntaxes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [*NATIVE, *COMPRESSED])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_lossless_transfer_syntaxes_give_the_same_tensor(bits: int, syntax: str) -> None:
    pixels = as_stored(noise(bits), bits)
    film = radiograph(pixels, bits=bits, syntax=syntax)
    assert film.file_meta.TransferSyntaxUID == syntax
    assert (tensor(film) == tensor(radiograph(pixels, bits=bits))).all()


@pytest.mark.parametrize("syntax", ["1", "1_99", "2", "4_57", "4_70", "4_80", "4_90", "5"])
def test_lossless_files_from_elsewhere(data: Path, syntax: str) -> None:
    folder = data / "ct_transfer_syntaxes"
    one, other = (dcmread(folder / f"CTImage_1_2{name}.dcm") for name in ("", f"_{syntax}"))
    assert (tensor(other, size=224) == tensor(one, size=224)).all()


@pytest.mark.parametrize(("syntax", "bits"), [("4_50", 8), ("4_51", 12), ("4_81", 16), ("4_91", 16)])
def test_lossy_files_from_elsewhere(data: Path, syntax: str, bits: int) -> None:
    film = dcmread(data / "ct_transfer_syntaxes" / f"CTImage_1_2_{syntax}.dcm")
    assert film.BitsStored == bits
    result = tensor(film, voi_lut=False, size=224)
    assert -1024 <= result.min() < result.max() <= 1024


def test_transfer_syntaxes_without_decoder() -> None:
    film = radiograph(noise(12), syntax=JPEG2000Lossless)
    film.file_meta.TransferSyntaxUID = MPEG4HP41
    assert refusal(film) is Code.TRANSFER_SYNTAX_UNSUPPORTED
    del film.file_meta.TransferSyntaxUID
    assert refusal(film) is Code.HEADER_UNREADABLE


# ---- Size and shape --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns", "notes"), [(80, 64, ()), (64, 200, (Code.IMAGE_CROPPED,))])
def test_the_middle_square_is_read(rows: int, columns: int, notes: tuple[Code, ...]) -> None:
    pixels = np.full((rows, columns), 7, np.uint16)
    top, left = (rows - 64) // 2, (columns - 64) // 2
    pixels[top : top + 64, left : left + 64] = noise(12)
    result = read(radiograph(pixels, bits=12))
    assert (result.tensor[0] == tensor(radiograph(noise(12), bits=12))).all()
    assert result.notes == notes


def test_sizes_are_limited_before_anything_is_decoded() -> None:
    start = time.perf_counter()
    assert refusal(radiograph(noise(12), Rows=65535, Columns=65535)) is Code.IMAGE_TOO_LARGE
    assert refusal(radiograph(noise(12), Rows=MAXIMUM_PIXELS // 1000 + 1, Columns=1000)) is Code.IMAGE_TOO_LARGE
    assert refusal(radiograph(noise(12), Rows=10)) is Code.IMAGE_TOO_SMALL
    assert refusal(radiograph(noise(12), Rows=0)) is Code.IMAGE_TOO_SMALL
    assert time.perf_counter() - start < 1


def test_an_image_without_content() -> None:
    assert refusal(radiograph(np.full((64, 64), 500, np.uint16), bits=12)) is Code.PIXELS_UNIFORM
    # All of it on one side of the window.
    dark = radiograph(noise(8).astype(np.uint16), bits=12, WindowCenter=3000, WindowWidth=100)
    assert refusal(dark) is Code.PIXELS_UNIFORM


# ---- Files that lie --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", COMPRESSED)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_cut_frame_is_refused(syntax: str, share: float) -> None:
    film = radiograph(noise(12, 128), bits=12, syntax=syntax)
    frame = get_frame(film.PixelData, 0, number_of_frames=1)
    film.PixelData = encapsulate([frame[: int(len(frame) * share)] or b"\0\0"])
    assert refusal(written(film)) is Code.PIXELS_UNREADABLE


@pytest.mark.parametrize("syntax", ["4_50", "4_51", "4_57", "4_70", "4_80", "4_90"])
def test_a_cut_frame_from_elsewhere_is_refused(data: Path, syntax: str) -> None:
    film = dcmread(data / "ct_transfer_syntaxes" / f"CTImage_1_2_{syntax}.dcm")
    frame = get_frame(film.PixelData, 0, number_of_frames=1)
    film.PixelData = encapsulate([frame[: len(frame) // 2]])
    assert refusal(film) is Code.PIXELS_UNREADABLE


def test_native_pixels_that_are_too_few() -> None:
    assert refusal(radiograph(noise(12), PixelData=b"\0" * 100)) is Code.PIXELS_UNREADABLE


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_frame_of_another_size_than_the_header_says(syntax: str) -> None:
    assert refusal(radiograph(noise(12, 200), syntax=syntax, Rows=100, Columns=100)) is Code.PIXELS_UNREADABLE
    assert refusal(radiograph(noise(12, 100), syntax=syntax, Rows=200, Columns=200)) is Code.PIXELS_UNREADABLE


def test_a_frame_that_claims_to_be_huge_meets_no_decoder() -> None:
    film = radiograph(noise(12), bits=12, syntax=JPEG2000Lossless)
    frame = bytearray(get_frame(film.PixelData, 0, number_of_frames=1))
    frame[8:16] = (60000).to_bytes(4) * 2
    film.PixelData = encapsulate([bytes(frame)])
    start = time.perf_counter()
    assert refusal(film) is Code.PIXELS_UNREADABLE
    assert time.perf_counter() - start < 1


def test_native_pixels_under_a_compressed_transfer_syntax(data: Path) -> None:
    assert refusal(dcmread(data / "robustness" / "ct_wrong_transfer_syntax.dcm")) is Code.PIXELS_UNREADABLE


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"PixelData": None}, Code.NO_PIXELS),
        ({"NumberOfFrames": 2}, Code.MULTI_FRAME),
        ({"NumberOfFrames": 0}, Code.MULTI_FRAME),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"PhotometricInterpretation": None}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"SamplesPerPixel": 3}, Code.PHOTOMETRIC_UNSUPPORTED),
        ({"Rows": None}, Code.HEADER_UNREADABLE),
        ({"BitsStored": None}, Code.HEADER_UNREADABLE),
        ({"PixelRepresentation": None}, Code.HEADER_UNREADABLE),
        ({"PixelRepresentation": 7}, Code.HEADER_UNREADABLE),
        ({"BitsAllocated": 32}, Code.PIXELS_UNREADABLE),
        ({"BitsAllocated": 12}, Code.PIXELS_UNREADABLE),
        ({"BitsStored": 17}, Code.PIXELS_UNREADABLE),
        ({"BitsStored": 0}, Code.PIXELS_UNREADABLE),
        ({"WindowCenter": 5, "WindowWidth": 0}, Code.HEADER_UNREADABLE),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, Code.HEADER_UNREADABLE),
    ],
)
def test_headers_that_cannot_be_read(attributes: dict[str, Any], code: Code) -> None:
    assert refusal(radiograph(noise(12), **attributes)) is code


def test_a_window_that_is_no_number() -> None:
    film = with_malformed_window(radiograph(noise(12)))
    assert refusal(film) is Code.HEADER_UNREADABLE
    assert read(film, voi_lut=False).notes == ()


def test_messages_name_nobody() -> None:
    film = radiograph(noise(12), PatientName="Doe^Jane", PatientID="4711", WindowCenter=5, WindowWidth=0)
    with pytest.raises(ImageError) as caught:
        read(film)
    assert not re.search("Doe|4711|1.2.3", str(caught.value))


_KEYWORDS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("NumberOfFrames", "PixelPaddingValue", "PixelPaddingRangeLimit", "WindowCenter", "WindowWidth"),
    *("RescaleSlope", "RescaleIntercept"),
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(_KEYWORDS), st.none() | st.integers(0, 200) | st.integers(0, 65535), max_size=4),
    st.binary(max_size=12000),
    st.sampled_from([*NATIVE, *COMPRESSED]),
    st.booleans(),
)
def test_whatever_a_file_says_it_is_read_or_refused_with_a_code(
    attributes: dict[str, Any], pixels: bytes, syntax: str, framed: bool
) -> None:
    film = radiograph(noise(12), bits=12)
    film.PixelData = encapsulate([pixels]) if framed and pixels else pixels
    film.file_meta.TransferSyntaxUID = UID(syntax)
    change(film, attributes)
    try:
        result = read(film).tensor
    except ImageError:
        return
    assert result.shape == (1, SIDE, SIDE)
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= 1024

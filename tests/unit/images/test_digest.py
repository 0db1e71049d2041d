from typing import Any

import numpy as np
import pytest
from pydicom.encaps import encapsulate, fragment_frame, generate_frames, itemize_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_ai.codes import Code
from orthanc_ai.images.errors import ImageError
from orthanc_ai.xray.pixels import pixel_digest

from .builder import lut, radiograph, with_malformed_window, written

PIXELS = np.random.default_rng(0).integers(0, 4096, (65, 67)).astype(np.uint16)
BYTES = np.random.default_rng(0).integers(0, 256, (65, 67)).astype(np.uint8)
COMPRESSED = [JPEG2000Lossless, JPEGLSLossless, RLELossless]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [PIXELS, BYTES[:64]], ids=["16 bits", "8 bits"])
def test_native_transfer_syntaxes_have_one_digest(pixels: np.ndarray[Any, Any], syntax: str) -> None:
    other = radiograph(pixels, syntax=syntax)
    assert other.file_meta.TransferSyntaxUID == syntax
    assert pixel_digest(other) == pixel_digest(radiograph(pixels))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_values_whose_representation_depends_on_the_pixels(syntax: str) -> None:
    signed = PIXELS.astype(np.int16)
    attributes: dict[str, Any] = {"PixelPaddingValue": -2000, "WindowCenter": "40.50", "WindowWidth": [300, 20]}
    here, there = (radiograph(signed, syntax=name, **attributes) for name in (ExplicitVRLittleEndian, syntax))
    assert pixel_digest(here) == pixel_digest(there)


def test_padding_of_native_pixels_does_not_count() -> None:
    odd = radiograph(BYTES, PixelData=BYTES.tobytes() + b"\0")
    padded = radiograph(BYTES, PixelData=BYTES.tobytes() + b"\x99\x07\0")
    assert pixel_digest(odd) == pixel_digest(padded)


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_framing_of_compressed_pixels_does_not_count(syntax: str) -> None:
    dataset = radiograph(PIXELS, bits=12, syntax=syntax)
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    digest = pixel_digest(dataset)
    with_table = encapsulate([frame], has_bot=True)
    without_table = encapsulate([frame], has_bot=False)
    in_pieces = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" + b"".join(itemize_frame(frame, nr_fragments=3))
    assert len({with_table, without_table, in_pieces}) == 3
    assert len(list(fragment_frame(frame, nr_fragments=3))) == 3
    for data in (with_table, without_table, in_pieces):
        dataset.PixelData = data
        assert pixel_digest(written(dataset)) == digest


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, *COMPRESSED])
def test_one_pixel_makes_another_digest(syntax: str) -> None:
    changed = PIXELS.copy()
    changed[30, 30] ^= 1
    one, other = (pixel_digest(radiograph(pixels, bits=12, syntax=syntax)) for pixels in (PIXELS, changed))
    assert one != other


@pytest.mark.parametrize(
    "attributes",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"BitsStored": 13},
        {"WindowCenter": 5, "WindowWidth": 9},
        {"RescaleSlope": -1, "RescaleIntercept": 0},
        {"PixelPaddingValue": 3},
        {"VOILUTSequence": [lut([1, 2, 3], 0, 10)]},
        {"ModalityLUTSequence": [lut([1, 2, 3], 0, 10)]},
    ],
)
def test_what_changes_the_picture_changes_the_digest(attributes: dict[str, Any]) -> None:
    assert pixel_digest(radiograph(PIXELS, bits=12, **attributes)) != pixel_digest(radiograph(PIXELS, bits=12))


def test_what_says_nothing_about_the_picture_does_not() -> None:
    renamed = radiograph(PIXELS, bits=12, PatientName="B", SeriesDescription="x", InstitutionName="y")
    assert pixel_digest(renamed) == pixel_digest(radiograph(PIXELS, bits=12))


def test_malformed_attributes_do_not_stop_it() -> None:
    assert len(pixel_digest(with_malformed_window(radiograph(PIXELS)))) == 64


def test_pixels_that_are_missing_or_not_framed() -> None:
    with pytest.raises(ImageError) as missing:
        pixel_digest(radiograph(PIXELS, PixelData=None))
    assert missing.value.code is Code.NO_PIXELS
    wrong = radiograph(PIXELS)
    wrong.file_meta.TransferSyntaxUID = JPEG2000Lossless
    with pytest.raises(ImageError) as unframed:
        pixel_digest(wrong)
    assert unframed.value.code is Code.PIXELS_UNREADABLE

"""Lossless frames of other encoders give back what was stored, and so do megabytes of native pixel data."""

import struct
import subprocess
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from pydicom import FileDataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import open_file
from orthanc_ai.images.decode import decode
from orthanc_ai.images.digest import pixel_digest
from orthanc_ai.images.errors import ImageError

from .builder import radiograph, written

Stored = npt.NDArray[np.integer]

SHAPE = (67, 93)
DEPTHS = [8, 10, 12, 14, 15, 16]


def noise(bits: int, *, signed: bool = False) -> Stored:
    """Every value that the depth allows may occur, so every difference of neighbours as well."""
    cell = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    low = -(2 ** (bits - 1)) if signed else 0
    return np.random.default_rng(bits).integers(low, low + 2**bits, SHAPE).astype(cell)


def coded(pixels: Stored, bits: int, syntax: UID) -> bytes:
    if syntax == HTJ2KLossless:
        return bytes(imagecodecs.htj2k_encode(pixels, bitspersample=bits, reversible=True))
    if syntax == JPEG2000Lossless:
        return bytes(imagecodecs.jpeg2k_encode(pixels, bitspersample=bits, reversible=True, codecformat="j2k"))
    return bytes(imagecodecs.jpeg8_encode(pixels, bitspersample=bits, lossless=True))


def framed(film: FileDataset, frame: bytes, syntax: UID) -> FileDataset:
    film.PixelData = encapsulate([frame])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = syntax
    return written(film)


def refusal(film: FileDataset) -> Code:
    with pytest.raises(ImageError) as caught:
        decode(film)
    return caught.value.code


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("options", [["+e1"], *(["+el", "+sv", str(predictor)] for predictor in range(1, 8))])
def test_lossless_jpeg_of_dcmtk(tmp_path: Path, bits: int, signed: bool, options: list[str]) -> None:
    pixels = noise(bits, signed=signed)
    raw, compressed = tmp_path / "raw.dcm", tmp_path / "compressed.dcm"
    dcmwrite(raw, radiograph(pixels, bits=bits))
    subprocess.run(["dcmcjpeg", *options, raw, compressed], check=True)
    stored = decode(dcmread(compressed))
    # What lies beside a value's own bits is the encoder's affair: DCMTK leaves signs there out.
    spare = 8 * pixels.itemsize - bits
    assert stored.dtype == pixels.dtype
    assert ((stored << spare) == (pixels << spare)).all()


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless])
def test_reversible_jpeg_2000(bits: int, signed: bool, syntax: UID) -> None:
    pixels = noise(bits, signed=signed)
    stored = decode(framed(radiograph(pixels, bits=bits), coded(pixels, bits, syntax), syntax))
    assert stored.dtype == pixels.dtype
    assert (stored == pixels).all()


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless])
def test_a_codestream_that_has_signs_where_the_header_has_none_and_the_other_way(syntax: UID) -> None:
    for signed in (False, True):
        stated = noise(12, signed=signed)
        film = framed(radiograph(stated, bits=12), coded(noise(12, signed=not signed), 12, syntax), syntax)
        by_pydicom = get_decoder(syntax).as_array(film, index=0, raw=True, decoding_plugin="pylibjpeg")[0]
        stored = decode(film)
        assert stored.dtype == by_pydicom.dtype == stated.dtype
        assert (stored == by_pydicom).all()


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless, HTJ2KLossless])
def test_a_frame_of_larger_values_than_bits_allocated(syntax: UID) -> None:
    film = framed(radiograph(noise(8), bits=8), coded(noise(12), 12, syntax), syntax)
    assert refusal(film) is Code.PIXELS_UNREADABLE


def rle(*segments: bytes) -> bytes:
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("signed", [False, True])
def test_rle(bits: int, signed: bool) -> None:
    pixels = noise(bits, signed=signed)
    pixels[10:20] = 7  # runs, too
    assert (decode(radiograph(pixels, bits=bits, syntax=RLELossless)) == pixels).all()


def test_rle_of_other_lengths_than_the_picture() -> None:
    pixels = noise(16)
    film = radiograph(pixels, bits=16, syntax=RLELossless)
    high, low = (
        bytes(imagecodecs.packbits_encode(plane.astype(np.uint8).tobytes())) for plane in (pixels >> 8, pixels & 0xFF)
    )
    # A padding byte of 0 begins a run of one byte, which is not there; 128 stands for nothing.
    for padding in (b"\0", b"\x80\x80"):
        assert (decode(framed(film, rle(high, low + padding), RLELossless)) == pixels).all()
    more = b"\x81\0"  # 128 bytes of 0
    for segments in ([high], [high, low, low], [high, b"\0\1"], [high, low + more], [high, low + more * 10**6]):
        assert refusal(framed(film, rle(*segments), RLELossless)) is Code.PIXELS_UNREADABLE
    for frame in (b"\2\0\0\0", struct.pack("<16I", 16, *[64] * 15), struct.pack("<16I", 0, *[64] * 15)):
        assert refusal(framed(film, frame, RLELossless)) is Code.PIXELS_UNREADABLE


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_pixel_data_of_megabytes(syntax: UID) -> None:
    """They are read where they lie in the file, not copied."""
    pixels = np.random.default_rng(0).integers(0, 4096, (1800, 1700)).astype(np.uint16)
    film = radiograph(pixels, bits=12, syntax=syntax)
    film.preamble = bytes(128)
    stream = BytesIO()
    dcmwrite(stream, film)
    opened = open_file(stream.getvalue())
    assert (decode(opened) == pixels).all()
    assert pixel_digest(opened) == pixel_digest(radiograph(pixels, bits=12))
    if syntax != DeflatedExplicitVRLittleEndian:
        assert refusal(open_file(stream.getvalue()[:-1000])) is Code.PIXELS_UNREADABLE


def test_megabytes_of_compressed_pixel_data_with_a_length() -> None:
    """The standard leaves their length undefined; some products do not."""
    pixels = np.random.default_rng(0).integers(0, 4096, (1300, 1200)).astype(np.uint16)
    film = radiograph(pixels, bits=12, syntax=JPEG2000Lossless)
    film.preamble = bytes(128)
    film["PixelData"].is_undefined_length = False
    stream = BytesIO()
    dcmwrite(stream, film)
    opened = open_file(stream.getvalue())
    assert (decode(opened) == pixels).all()
    assert pixel_digest(opened) == pixel_digest(film)

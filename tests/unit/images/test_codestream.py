import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless

from orthanc_ai.images.codestream import FrameHeader, is_complete, read_frame_header

from .builder import radiograph

PIXELS = np.random.default_rng(0).integers(0, 4096, (70, 90)).astype(np.uint16)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_size_and_end_of_what_encoders_write(syntax: str) -> None:
    frame = get_frame(radiograph(PIXELS, bits=12, syntax=syntax).PixelData, 0, number_of_frames=1)
    assert read_frame_header(frame) == FrameHeader(70, 90)
    assert is_complete(frame)
    assert is_complete(frame + b"\0")
    assert not is_complete(frame[: len(frame) // 2])


@pytest.mark.parametrize("syntax", ["50", "51", "53", "55", "57", "70", "80", "81", "90", "91"])
def test_size_and_end_of_files_from_elsewhere(data: Path, syntax: str) -> None:
    dataset = dcmread(data / "ct_transfer_syntaxes" / f"CTImage_1_2_4_{syntax}.dcm")
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert read_frame_header(frame) == FrameHeader(512, 512)
    assert is_complete(frame)


def test_a_jp2_file_in_place_of_a_codestream() -> None:
    frame = get_frame(radiograph(PIXELS, bits=12, syntax=JPEG2000Lossless).PixelData, 0, number_of_frames=1)
    boxes = b"".join(
        struct.pack(">I4s", 8 + len(box), kind) + box for kind, box in ((b"ftyp", b"jp2 "), (b"jp2c", frame))
    )
    assert read_frame_header(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + boxes) == FrameHeader(70, 90)


@given(st.binary(max_size=200))
@example(b"\xff\xd8\xff")
@example(b"\xff\xd8\xff\xff\xff\xff")
@example(b"\xff\xd8\xff\xe0\x00\x00\xff\xc0")
@example(b"\xff\x4f\xff\x51\x00")
def test_nonsense_has_no_size(noise: bytes) -> None:
    for start in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\x4f\xff\x51"):
        header = read_frame_header(start + noise)
        assert header is None or all(isinstance(number, int) for number in header)

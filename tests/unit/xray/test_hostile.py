"""Files made to do harm end with a code, and take little memory on the way there.

All of them are read in one child process, which may take only so much memory more than it had before each file: what
wants more ends with a MemoryError or dies, and the test fails.
"""

import json
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_ai.analyses import CARDIAC, Task
from orthanc_ai.cardiac.analysis import StudyReader
from orthanc_ai.codes import Code
from orthanc_ai.settings import AI
from tests.unit.hostile import (
    ANATOMIC_REGION_SEQUENCE,
    ITEM,
    MODALITY_LUT_SEQUENCE,
    PIXEL_DATA,
    PRIVATE,
    SEQUENCE_END,
    UNDEFINED,
    VOI_LUT_SEQUENCE,
    ct_image,
    element,
    file,
    film,
    fragments,
    implicit,
    nested,
    nested_implicit,
    text,
    tiny_elements,
    us,
)

from .reader import read

ALLOWANCE = 300 * 2**20
"""Bytes of address space that reading one hostile file may take; the bombs below ask for 1 to 20 GB."""

ROWS, COLUMNS = 0x00280010, 0x00280011
LARGE = ((ROWS, us(ROWS, 6000)), (COLUMNS, us(COLUMNS, 6000)))

Case = tuple[Code, bytes]


# ---- Codestreams ------------------------------------------------------------------------------------------------


def jpeg(rows: int, columns: int, frame: int = 0xC3, components: int = 1, before: bytes = b"") -> bytes:
    """A JPEG or JPEG-LS image with headers only."""
    parts = b"".join(bytes((number % 256, 0x11, 0)) for number in range(1, components + 1))
    header = struct.pack(">HBHHB", 8 + len(parts), 12, rows, columns, components % 256) + parts
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00"
    return b"\xff\xd8" + before + b"\xff" + bytes([frame]) + header + scan + bytes(64) + b"\xff\xd9"


def jpeg_2000(rows: int, columns: int, *, tile: int | None = None, components: int = 1, precincts: int = 0xFF) -> bytes:
    """A JPEG 2000 codestream with headers only."""
    size = struct.pack(">H8IH", 0, columns, rows, 0, 0, tile or columns, tile or rows, 0, 0, components)
    size += b"\x0b\x01\x01" * components
    style = bytes((1, 0, 0, 1, 0, 0, 2, 2, 0, 0, precincts))
    quantization = b"\x40\x40"
    segments = ((0x51, size), (0x52, style), (0x5C, quantization))
    head = b"".join(b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
    tile_part = b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 0, 0, 1) + b"\xff\x93" + bytes(16)
    return b"\xff\x4f" + head + tile_part + b"\xff\xd9"


def in_jp2(*boxes: tuple[bytes, bytes]) -> bytes:
    """A JP2 file of boxes."""
    content = b"".join(struct.pack(">I4s", 8 + len(body), kind) + body for kind, body in boxes)
    return b"\x00\x00\x00\x0cjP  \r\n\x87\n" + content


def rle(*offsets: int, data: bytes) -> bytes:
    return struct.pack("<16I", len(offsets), *offsets, *[0] * (15 - len(offsets))) + data


def compressed(frame: bytes, syntax: str, *more: tuple[int, bytes]) -> bytes:
    return file(film(*more, (PIXEL_DATA, fragments(frame))), syntax)


def lut(tag: int, count: int, data: bytes, vr: str = "OW") -> bytes:
    return element(tag, "SQ", implicit(ITEM, us(0x00283002, count, 0, 16) + element(0x00283006, vr, data)))


# ---- The cases --------------------------------------------------------------------------------------------------

JPEGS = ((JPEGLossless, 0xC3), (JPEGLosslessSV1, 0xC3), (JPEGBaseline8Bit, 0xC0), (JPEGLSLossless, 0xF7))
RUN = b"\x81\0"
"""Two bytes of RLE that unpack to 128."""
ONE_ITEM = implicit(ITEM, element(0x00080100, "SH", b""))
ENDLESS = element(PIXEL_DATA, "OB", implicit(ITEM, b"") + implicit(ITEM, b"abcd", 0xFFFFFFFE), UNDEFINED)


def sizes() -> Iterator[Case]:
    """More pixels in the DICOM header than any radiograph has."""
    huge = (ROWS, us(ROWS, 65535)), (COLUMNS, us(COLUMNS, 65535))
    yield Code.IMAGE_TOO_LARGE, file(film(*huge))
    for syntax, frame in JPEGS:
        yield Code.IMAGE_TOO_LARGE, compressed(jpeg(65535, 65535, frame), syntax, *huge)
    yield Code.IMAGE_TOO_LARGE, compressed(jpeg_2000(65535, 65535), JPEG2000Lossless, *huge)
    yield Code.IMAGE_TOO_LARGE, compressed(rle(64, 64, data=RUN), RLELossless, *huge)
    for frames in ("1000000000", "9" * 20):
        yield Code.MULTI_FRAME, file(film((0x00280008, text(0x00280008, "IS", frames))))
    yield Code.HEADER_UNREADABLE, file(film((0x00280008, text(0x00280008, "IS", "9" * 5000))))
    yield Code.PHOTOMETRIC_UNSUPPORTED, file(film((0x00280002, us(0x00280002, 65535))))
    for bits in (32, 64, 65535):
        yield Code.PIXELS_UNREADABLE, file(film((0x00280100, us(0x00280100, bits))))
    yield Code.REPORTED, file(film((0x00280006, us(0x00280006, 65535))))  # Planar Configuration of one sample
    palette = text(0x00280004, "CS", "PALETTE COLOR")
    yield Code.PHOTOMETRIC_UNSUPPORTED, file(film((0x00280004, palette), (0x00281101, us(0x00281101, 0, 0, 16))))
    floats = 0x7FE00008, element(0x7FE00008, "OF", bytes(4 * 64 * 64))
    yield Code.NO_PIXELS, file(film(floats, without=[PIXEL_DATA]))
    yield Code.PIXELS_UNREADABLE, file(film(floats))


def codestreams() -> Iterator[Case]:
    """Frames that claim more than the DICOM header."""
    refused = Code.PIXELS_UNREADABLE
    for syntax, kind in JPEGS:
        for frame in (
            jpeg(65535, 65535, kind),
            jpeg(64, 64, kind, components=255),
            jpeg(64, 64, kind, before=jpeg(65535, 65535, kind)[2:21]),
            jpeg(64, 64, kind, before=b"\xff\xde" + jpeg(65535, 65535, kind)[4:21]),
        ):
            yield refused, compressed(frame, syntax)
        yield refused, compressed(jpeg(6000, 6000, kind, 255), syntax, *LARGE)
    for frame in (
        jpeg_2000(65535, 65535),
        jpeg_2000(64, 64, components=16384),
        # The first codestream is in a box that no decoder looks into.
        in_jp2((b"free", jpeg_2000(64, 64)), (b"jp2c", jpeg_2000(65535, 65535))),
        in_jp2((b"jp2h", struct.pack(">I4s", 11, b"pclr") + b"\0\1\xff"), (b"jp2c", jpeg_2000(64, 64))),
    ):
        yield refused, compressed(frame, JPEG2000Lossless)
    for frame in (
        jpeg_2000(6000, 6000, components=255),
        jpeg_2000(6000, 6000, tile=24),
        jpeg_2000(6000, 6000, tile=1),
        jpeg_2000(6000, 6000, precincts=0x11),
        jpeg_2000(6000, 6000, precincts=0x00),
    ):
        yield refused, compressed(frame, JPEG2000Lossless, *LARGE)
    for frame in (
        rle(64, 64 + 2_000_000, data=RUN * 2_000_000),
        rle(*[64] * 15, data=RUN * 2_000_000),
        rle(0xFFFFFFF0, 0, data=RUN),
        rle(data=RUN),
        b"",
    ):
        yield refused, compressed(frame, RLELossless)


def structures() -> Iterator[Case]:
    """Nesting, lengths and numbers of elements."""
    for depth in (1000, 10_000):
        for tag in (ANATOMIC_REGION_SEQUENCE, PRIVATE, VOI_LUT_SEQUENCE):
            # Nobody looks into a sequence of defined length unless the image needs it.
            if tag != VOI_LUT_SEQUENCE:
                yield Code.REPORTED, file(film((tag, nested(depth, tag, defined=True))))
            for vr in ("SQ", "UN"):
                yield (
                    Code.HEADER_UNREADABLE,
                    file(film((tag, nested(depth, tag, defined=False, vr=vr)))),
                )
            yield (
                Code.HEADER_UNREADABLE,
                file(film((tag, element(tag, "UN", nested_implicit(depth, tag), UNDEFINED)))),
            )
    big = element(PIXEL_DATA, "OW", bytes(400 * 2**20))
    yield Code.FILE_TOO_LARGE, file(film((PIXEL_DATA, big)), DeflatedExplicitVRLittleEndian)
    yield (
        Code.HEADER_UNREADABLE,
        file(film((PRIVATE, element(0x00090001, "LO", b"") * 4_000_000)), DeflatedExplicitVRLittleEndian),
    )
    yield Code.HEADER_UNREADABLE, file(film((PRIVATE, element(PRIVATE, "UT", b"x", 0xFFFFFFFE))))
    yield Code.HEADER_UNREADABLE, file(film((PRIVATE, element(PRIVATE, "OB", b"x", UNDEFINED))))
    yield Code.PIXELS_UNREADABLE, file(film((PIXEL_DATA, element(PIXEL_DATA, "OW", b"x", 0xFFFFFFFE))))
    yield Code.HEADER_UNREADABLE, file(film((PIXEL_DATA, ENDLESS)), JPEG2000Lossless)
    for table in (struct.pack("<I", 4_000_000_000), bytes(4_000_000)):
        yield (
            Code.PIXELS_UNREADABLE,
            file(film((PIXEL_DATA, fragments(b"abcd", table=table))), JPEG2000Lossless),
        )
    yield Code.HEADER_UNREADABLE, file({**film(), PRIVATE: b"".join(tiny_elements(500_000))})
    yield Code.HEADER_UNREADABLE, file(film((PIXEL_DATA, fragments(*[b"ab"] * 1_000_000))), JPEG2000Lossless)
    many = element(PRIVATE, "SQ", ONE_ITEM * 1_000_000 + SEQUENCE_END, UNDEFINED)
    yield Code.HEADER_UNREADABLE, file(film((PRIVATE, many)))
    defined = element(ANATOMIC_REGION_SEQUENCE, "SQ", ONE_ITEM * 1_000_000)
    yield Code.REPORTED, file(film((ANATOMIC_REGION_SEQUENCE, defined)))


def found_by_fuzzing() -> Iterator[Case]:
    """Empty elements of a VR that is none."""
    for tag in (PRIVATE, 0x00100020):
        unknown = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"F\0", 0)
        yield Code.REPORTED, file(film((tag, unknown)))


def values() -> Iterator[Case]:
    """LUTs, windows and rescaling beyond reason."""
    for tag in (VOI_LUT_SEQUENCE, MODALITY_LUT_SEQUENCE):
        for item in (lut(tag, 0, bytes(50_000_000)), lut(tag, 0, bytes(50_000_000), "UN"), lut(tag, 4, b"")):
            yield Code.HEADER_UNREADABLE, file(film((tag, item)))
        yield Code.HEADER_UNREADABLE, file(film((tag, element(tag, "SQ", implicit(ITEM, b"")))))
        many = element(tag, "SQ", (ONE_ITEM * 1_000_000))
        yield Code.HEADER_UNREADABLE, file(film((tag, many)))
    window, rescale = ((0x00281050, "10"), (0x00281051, "100")), ((0x00281052, "0"), (0x00281053, "1"))
    for pair in (window, rescale):
        for spoiled in range(2):
            for value in ("nan", "inf", "-inf", "1e999", "9" * 60_000, "abc"):
                chosen = [(tag, value if at == spoiled else sound) for at, (tag, sound) in enumerate(pair)]
                yield (
                    Code.HEADER_UNREADABLE,
                    file(film(*((tag, text(tag, "DS", value)) for tag, value in chosen))),
                )
    for intercept, slope in (("1e308", "1"), ("0", "1e308"), ("1e18", "1e-3"), ("0", "1e-320"), ("0", "0")):
        both = ((0x00281052, text(0x00281052, "DS", intercept)), (0x00281053, text(0x00281053, "DS", slope)))
        expected = Code.REPORTED if slope == "1e-320" else Code.HEADER_UNREADABLE
        yield expected, file(film(*both))


ALL = (sizes, codestreams, structures, found_by_fuzzing, values)


def outcome_of_study(dicom: bytes) -> Code:
    """What becomes of a CT study of which this is the file."""
    tags = {"Modality": "CT", "SOPInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.2"}
    reader = StudyReader(AI.model_validate({}))
    return reader.read(Task(CARDIAC, {"headers": [tags], "file": dicom}, "")).outcome.code


def read_all() -> Iterator[tuple[str, Code, str, str]]:
    """Kind, expected outcome of a radiograph, outcome, and outcome of a study with each file."""
    read(file(film()))  # loads the model
    outcome_of_study(file(ct_image()))
    for kind in ALL:
        for expected, dicom in kind():
            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (taken + ALLOWANCE, resource.RLIM_INFINITY))
            try:
                # Of the file of a study, nothing but structure and length is looked at.
                study = str(outcome_of_study(dicom)) if kind is structures else ""
                found = str(read(dicom).outcome.code), study
            except BaseException as error:  # noqa: BLE001 - whatever escapes is what the test is about
                found = repr(error), ""
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            yield kind.__name__, expected, *found


def test_hostile_files_end_with_a_code_and_take_little_memory() -> None:
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr[-2000:]
    found = [json.loads(line) for line in child.stdout.splitlines()]
    assert {kind for kind, *_ in found} == {kind.__name__ for kind in ALL}
    numbered = [(number, *case) for number, case in enumerate(found)]
    assert [case for case in numbered if case[2] != case[3]] == []
    assert {case[4] for case in numbered if case[1] == structures.__name__} == {
        Code.REPORTED,
        Code.HEADER_UNREADABLE,
        Code.FILE_TOO_LARGE,
    }


if __name__ == "__main__":
    for case in read_all():
        print(json.dumps(case), flush=True)

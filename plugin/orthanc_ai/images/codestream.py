"""What a compressed frame says about itself, read before any decoder sees it.

A decoder allocates what the frame's own header asks for, whatever the DICOM header says, and some return half a
picture for half a frame. So size, components and end of the frame are checked first.
"""

import struct
from typing import NamedTuple

from . import jpeg2000

# Markers of ISO/IEC 10918-1 (JPEG) and 14495-1 (JPEG-LS).
_SOI = b"\xff\xd8"  # start of a JPEG or JPEG-LS image
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000: the same two bytes
_SOF_JPEG_LS = 0xF7
_SOF = {*range(0xC0, 0xD0), _SOF_JPEG_LS} - {0xC4, 0xC8, 0xCC}  # start of frame; the others are DHT, JPG, DAC
_SOS = 0xDA  # start of scan: from here on data, not headers
_DHP = 0xDE  # hierarchical progression: a pyramid of frames, whose largest is stated here
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn, SOI: markers without a length

# Padding behind the end marker: one byte by the standard, up to a 4-byte boundary or a few more in practice.
_LONGEST_PADDING = 16


class FrameHeader(NamedTuple):
    """What a frame states about its picture."""

    rows: int
    columns: int
    components: int = 1


def read_frame_header(frame: bytes) -> FrameHeader | None:
    """What a JPEG, JPEG-LS or JPEG 2000 frame states.

    Returns
    -------
    ``None`` if the frame states nothing that can be relied upon: no size, two sizes, or more parts than a picture of
    this size needs.
    """
    try:
        if frame.startswith(_SOI):
            return _jpeg(frame)
        header = jpeg2000.read_header(frame)
    except (struct.error, IndexError):
        return None
    return None if header is None else FrameHeader(*header)


def is_complete(frame: bytes) -> bool:
    """Whether a JPEG, JPEG-LS or JPEG 2000 frame ends with its end marker, apart from padding."""
    # A frame of odd length is padded to an even one with a byte of no meaning (PS3.5 section A.4).
    return _END in frame[-_LONGEST_PADDING - len(_END) :]


def _jpeg(frame: bytes) -> FrameHeader | None:
    stated: list[FrameHeader] = []
    at = len(_SOI)
    while frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        if marker == _SOS:
            return stated[0] if len(stated) == 1 else None
        if marker == _DHP:
            return None
        if marker in _SOF:
            stated.append(FrameHeader(*struct.unpack_from(">2HB", frame, at + 5)))
        (length,) = struct.unpack_from(">H", frame, at + 2)
        at += 2 + length
    return None

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

# Header byte of PackBits (PS3.5 section G.3.1) that stands for nothing; below are literal runs, above replicate runs.
_RLE_NOTHING = 128

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


def rle_lengths(frame: bytes, limit: int) -> list[int]:
    """How many bytes the segments of an RLE frame unpack to (PS3.5 section G.5), found out without unpacking them.

    Parameters
    ----------
    limit
        Where counting may stop: a segment that unpacks to more is told by a greater number.

    Raises
    ------
    ValueError
        If the frame is malformed.
    """
    try:
        count, *offsets = struct.unpack_from("<16I", frame)
    except struct.error as error:
        raise ValueError("the frame has no RLE header") from error
    if not 1 <= count <= len(offsets):
        raise ValueError(f"the frame claims {count} RLE segments")
    ends = [*offsets[1:count], len(frame)]
    return [_rle_length(frame, start, end, limit) for start, end in zip(offsets[:count], ends, strict=True)]


def is_complete(frame: bytes) -> bool:
    """Whether a JPEG, JPEG-LS or JPEG 2000 frame ends with its end marker, apart from padding."""
    # A frame of odd length is padded to an even one with a byte of no meaning (PS3.5 section A.4).
    return _END in frame[-_LONGEST_PADDING - len(_END) :]


def _rle_length(frame: bytes, start: int, end: int, limit: int) -> int:
    at, length = start, 0
    while at < min(end, len(frame)) and length <= limit:
        header = frame[at]
        if header < _RLE_NOTHING:
            length += min(header + 1, end - at - 1)
            at += header + 2
        elif header > _RLE_NOTHING:
            length += 257 - header
            at += 2
        else:
            at += 1
    return length


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

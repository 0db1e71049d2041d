"""What a compressed frame says about itself, read before any decoder sees it.

A decoder allocates what the frame's own header asks for, whatever the DICOM header says, and some return half a
picture for half a frame. So size and end of the frame are checked first.
"""

import struct

from rle.rle import decode_segment  # type: ignore[import-not-found]  # compiled, without types

# Markers of ISO/IEC 10918-1 (JPEG), 14495-1 (JPEG-LS) and 15444-1 (JPEG 2000).
_SOI = b"\xff\xd8"  # start of a JPEG or JPEG-LS image
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000: the same two bytes
_SOC_SIZ = b"\xff\x4f\xff\x51"  # start of a JPEG 2000 codestream and of its size segment
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"  # a JP2 file, which DICOM forbids and some products store
_SOF_JPEG_LS = 0xF7
_SOF = {*range(0xC0, 0xD0), _SOF_JPEG_LS} - {0xC4, 0xC8, 0xCC}  # start of frame; the others are DHT, JPG, DAC
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTn, SOI: markers without a length

# Padding behind the end marker: one byte by the standard, up to a 4-byte boundary or a few more in practice.
_LONGEST_PADDING = 16


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns as a JPEG, JPEG-LS or JPEG 2000 frame states them, or ``None`` if it states none."""
    if frame.startswith(_JP2_SIGNATURE):
        frame = frame[max(frame.find(_SOC_SIZ), 0) :]
    try:
        if frame.startswith(_SOC_SIZ):
            right, bottom, left, top = struct.unpack_from(">4I", frame, 8)
            return bottom - top, right - left
        if frame.startswith(_SOI):
            return _jpeg_size(frame)
    except (struct.error, IndexError):
        pass
    return None


def is_complete(frame: bytes) -> bool:
    """Whether a JPEG, JPEG-LS or JPEG 2000 frame ends with its end marker, apart from padding."""
    # A frame of odd length is padded to an even one with a byte of no meaning (PS3.5 section A.4).
    return _END in frame[-_LONGEST_PADDING - len(_END) :]


def rle_segments(frame: bytes) -> list[bytes]:
    """The segments of an RLE frame, unpacked (PS3.5 section G.5).

    Raises
    ------
    ValueError
        If the frame is malformed.
    """
    try:
        count, *offsets = struct.unpack_from("<16I", frame)
    except struct.error as error:
        raise ValueError("the frame has no RLE header") from error
    if not 1 <= count <= 15:
        raise ValueError(f"the frame claims {count} RLE segments")
    ends = [*offsets[1:count], len(frame)]
    return [bytes(decode_segment(frame[start:end])) for start, end in zip(offsets[:count], ends, strict=True)]


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    at = len(_SOI)
    while frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _SOF:
            rows, columns = struct.unpack_from(">2H", frame, at + 5)
            return rows, columns
        else:
            (length,) = struct.unpack_from(">H", frame, at + 2)
            at += 2 + length
    return None

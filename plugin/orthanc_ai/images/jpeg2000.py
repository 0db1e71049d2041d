"""The header of a JPEG 2000 codestream (ISO/IEC 15444-1 annex A), as far as it decides how much a decoder allocates.

Beside the picture that is so for every tile and every precinct: a codestream of a hundred bytes can demand millions.
"""

import struct
from collections.abc import Iterator

_SOC_SIZ = b"\xff\x4f\xff\x51"
"""Start of a codestream and of its size segment."""

_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
"""Start of a JP2 file, which DICOM forbids and some products store."""

_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9

MAXIMUM_TILES = 10_000
"""40 million pixels in tiles of 64 x 64 pixels."""

MAXIMUM_PRECINCTS = 200_000
"""40 million pixels at all resolutions in precincts of 16 x 16 pixels; encoders write 128 x 128 or larger ones."""

_PRECINCTS_STATED = 1  # in the coding style of COD and COC; else the largest possible ones


def read_header(frame: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and components of a codestream or JP2 file, ``None`` if it states none or demands too much.

    Raises
    ------
    struct.error, IndexError
        If the frame ends within its header.
    """
    stream = _codestream(frame)
    if stream is None or not stream.startswith(_SOC_SIZ):
        return None
    right, bottom, left, top, tile_columns, tile_rows, tile_left, tile_top, components = struct.unpack_from(
        ">8IH", stream, 8
    )
    if not (tile_left <= left < right and tile_top <= top < bottom and tile_columns and tile_rows):
        return None
    tiles = -((tile_left - right) // tile_columns) * -((tile_top - bottom) // tile_rows)
    rows, columns = bottom - top, right - left
    if tiles > MAXIMUM_TILES:
        return None
    for marker, at, length in _segments(stream):
        if marker == _SIZ and at != 2:
            return None
        if marker in (_COD, _COC) and _precincts(stream[at + 4 : at + 2 + length], marker, rows, columns) > (
            MAXIMUM_PRECINCTS
        ):
            return None
    return rows, columns, components


def _codestream(frame: bytes) -> bytes | None:
    """The codestream of a frame, taken out of its JP2 file; ``None`` if there is none, or a palette for it."""
    if not frame.startswith(_SIGNATURE):
        return frame
    at = 0
    while True:
        length, kind = struct.unpack_from(">I4s", frame, at)
        content = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", frame, content)
            content += 8
        end = len(frame) if length == 0 else at + length
        if kind == b"jp2c":
            return frame[content:end]
        # A palette turns one component into up to 255.
        if end < content or (kind == b"jp2h" and b"pclr" in frame[content:end]):
            return None
        at = end


def _segments(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, place and length of each segment in the main header and in the headers of the tile-parts."""
    at = 2
    tile_part = end = 0
    while True:
        marker, length = struct.unpack_from(">2H", stream, at)
        if marker == _EOC:
            return
        if marker == _SOT:
            (size,) = struct.unpack_from(">I", stream, at + 6)
            tile_part, end = at, (at + size if size else len(stream))
        if marker == _SOD:
            if end <= max(at, tile_part) or end + 4 > len(stream):
                return
            at = end
            continue
        yield marker, at, length
        at += 2 + length


def _precincts(segment: bytes, marker: int, rows: int, columns: int) -> int:
    """How many precincts a coding style asks for, over all resolutions (section B.6)."""
    # COD: style, progression (1), layers (2), transformation (1), levels; COC: component (1), style, levels.
    style, at = (segment[0], 5) if marker == _COD else (segment[1], 2)
    levels = segment[at]
    if not style & _PRECINCTS_STATED:
        return 0
    total = 0
    for resolution, size in enumerate(segment[at + 5 : at + 6 + levels]):
        reduced = levels - resolution
        wide, high = size & 0xF, size >> 4
        total += -(-rows >> reduced + high) * -(-columns >> reduced + wide)
    return total

"""RLE Lossless (PS3.5 annex G): the bytes of a frame's cells, each place of theirs in a segment of its own."""

import struct

import imagecodecs
import numpy as np
import numpy.typing as npt

from ..codes import Code
from .errors import ImageError


def decode_rle(frame: bytes, rows: int, columns: int, cell: np.dtype[np.integer]) -> npt.NDArray[np.integer]:
    """Cells of a frame of one sample per pixel, as they are stored.

    Parameters
    ----------
    cell
        What a cell is: one or two bytes, little-endian.

    Returns
    -------
    Shape (rows, columns) of `cell`.

    Raises
    ------
    ImageError
        ``PIXELS_UNREADABLE`` if the segments are too few, too many, or of another length than the picture has.
    """
    segments = _segments(frame)
    if len(segments) != cell.itemsize:
        raise ImageError(Code.PIXELS_UNREADABLE, f"{len(segments)} RLE segments, not {cell.itemsize}")
    pixels = rows * columns
    cells = np.zeros(pixels, f"<u{cell.itemsize}")
    # The byte that pads a segment to an even length may decode to one more. There is no room for further ones.
    plane = bytearray(pixels + 1)
    for segment in segments:  # from the most significant byte down
        found = len(imagecodecs.packbits_decode(segment, out=plane))
        if found < pixels:
            raise ImageError(Code.PIXELS_UNREADABLE, f"an RLE segment holds {found} bytes, not {pixels}")
        if cell.itemsize > 1:
            cells <<= 8
        cells |= np.frombuffer(plane, np.uint8, pixels)
    return cells.view(cell).reshape(rows, columns)


def _segments(frame: bytes) -> list[bytes]:
    try:
        count, *offsets = struct.unpack_from("<16I", frame)
    except struct.error as error:
        raise ImageError(Code.PIXELS_UNREADABLE, "the frame has no RLE header") from error
    if not 1 <= count <= len(offsets):
        raise ImageError(Code.PIXELS_UNREADABLE, f"the frame claims {count} RLE segments")
    ends = [*offsets[1:count], len(frame)]
    return [frame[start:end] for start, end in zip(offsets[:count], ends, strict=True)]

"""Hounsfield units of single slices: of a whole file, or of one frame of a file that may hold thousands."""

import os
import struct
from io import BytesIO
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..dicom_file import MAXIMUM_READS_OF_FRAMES, open_header
from ..xray.cells import read_cells
from ..xray.decode import decode
from ..xray.errors import ImageError
from .header import Header

MAXIMUM_HEADER = 32 * 2**20
"""Bytes of a file that are read for its header: 20,000 frames with 1.6 kB each."""

MAXIMUM_SIDE = 4096
"""Rows and columns; scanners reconstruct at most 2048."""

MAXIMUM_COMPRESSED = 64 * 2**20
"""Bytes that are read for one compressed frame, its table of offsets included."""

Array = npt.NDArray[np.float32]

_NATIVE_HEADER = 12  # tag, VR, reserved bytes and length of a long element; PS3.5 section 7.1.2


def read_slice(file: BinaryIO, header: Header) -> Array:
    """Decode one image.

    Parameters
    ----------
    file
        The DICOM file, from its beginning.
    header
        Of the image, with its frame number, rescale slope and intercept.

    Returns
    -------
    Hounsfield units, shape (rows, columns).

    Raises
    ------
    FileError, ImageError
        With the code that says why it cannot be read.
    """
    beginning = file.read(MAXIMUM_HEADER)
    dataset, rest = open_header(beginning, reads=MAXIMUM_READS_OF_FRAMES)
    stream: BinaryIO = rest
    if len(beginning) == MAXIMUM_HEADER:
        file.seek(rest.tell())
        stream = file
    try:
        _take_frame(dataset, stream, (header.frame_number or 1) - 1)
    except (ImageError, MemoryError):
        raise
    except (MalformedError, AttributeError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, str(error)) from error
    except Exception as error:  # pydicom raises whatever it likes at malformed fragments
        raise ImageError(Code.PIXELS_UNREADABLE, type(error).__name__) from error
    stored = decode(dataset)
    lowest = int(stored.min())
    cells = read_cells(dataset, stored, lowest, int(stored.max()))
    values: Array = cells.values.astype(np.float32)[stored.astype(np.int64) - lowest]
    slope = 1.0 if header.rescale_slope is None else header.rescale_slope
    values *= np.float32(slope)
    values += np.float32(header.rescale_intercept or 0.0)
    return values


def _take_frame(dataset: Dataset, stream: BinaryIO, index: int) -> None:
    """Make a single-frame image of a header: with the bytes of one frame, read from where the pixel data begin."""
    frames = int(attribute(dataset, "NumberOfFrames") or 1)
    rows, columns = int(attribute(dataset, "Rows") or 0), int(attribute(dataset, "Columns") or 0)
    allocated, stored = int(attribute(dataset, "BitsAllocated") or 0), int(attribute(dataset, "BitsStored") or 0)
    if not (
        0 < rows <= MAXIMUM_SIDE and 0 < columns <= MAXIMUM_SIDE and allocated in (8, 16) and 2 <= stored <= allocated
    ):
        raise ImageError(Code.PIXELS_UNREADABLE, f"{columns} x {rows} pixels of {allocated} bits, {stored} stored")
    photometric = str(attribute(dataset, "PhotometricInterpretation"))
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or attribute(dataset, "SamplesPerPixel") not in (None, 1):
        raise ImageError(Code.PHOTOMETRIC_UNSUPPORTED, f"Photometric Interpretation is {photometric}")
    if int(attribute(dataset, "PixelRepresentation") or 0) not in (0, 1) or not 0 <= index < frames:
        raise ImageError(Code.HEADER_UNREADABLE, "Pixel Representation, or no such frame")
    implicit, little = dataset.original_encoding
    head = stream.read(8 if implicit else _NATIVE_HEADER)
    if head[:4] != struct.pack("<HH" if little else ">HH", 0x7FE0, 0x0010):
        raise ImageError(Code.NO_PIXELS, "there is no Pixel Data (7FE0,0010)")
    if UID(dataset.file_meta.TransferSyntaxUID).is_encapsulated:
        tables = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
        extended = tables if all(isinstance(table, bytes) and table for table in tables) else None
        frame = get_frame(_Bounded(stream), index, extended_offsets=extended, number_of_frames=frames)
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].is_undefined_length = True
    else:
        length = rows * columns * allocated // 8
        stream.seek(index * length, os.SEEK_CUR)
        frame = stream.read(length)
        if len(frame) < length:
            raise ImageError(Code.PIXELS_UNREADABLE, "the file ends within the pixel data")
        dataset.PixelData = frame + b"\0" * (length % 2)
    dataset.NumberOfFrames = 1


class _Bounded(BytesIO):
    """A stream of which only so much is read, whatever lengths its items claim."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._left = MAXIMUM_COMPRESSED

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self._left:
            raise ImageError(Code.PIXELS_UNREADABLE, "an item claims more bytes than a frame takes")
        self._left -= size
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

"""Hounsfield units of single slices: of a whole file, or of one frame of a file that may hold thousands."""

import os
import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..dicom_file import MAXIMUM_READS_OF_FRAMES, open_header
from ..images.cells import read_cells
from ..images.decode import decode
from ..images.errors import ImageError
from .header import Header

MAXIMUM_HEADER = 32 * 2**20
"""Bytes of a file that are read for its header: 20,000 frames with 1.6 kB each."""

MAXIMUM_SIDE = 4096
"""Rows and columns; scanners reconstruct at most 2048."""

LARGEST_HU = 1e9
"""So far no cell may be rescaled, whatever its 16 bits are: gold has some 1e5 HU. Of what is larger by much, single precision
makes infinities."""

MAXIMUM_COMPRESSED = 64 * 2**20
"""Bytes that are read for one compressed frame, its table of offsets included."""

Array = npt.NDArray[np.float32]

_IMAGE_GROUPS = frozenset(
    {0x0028, *range(0x6000, 0x6020, 2)}
)  # Image Pixel Module, and overlays in the pixels' spare bits
_NATIVE_HEADER = 12  # tag, VR, reserved bytes and length of a long element; PS3.5 section 7.1.2


def read_slices(file: BinaryIO, headers: Sequence[Header]) -> Iterator[Array]:
    """Decode images of one file.

    Parameters
    ----------
    file
        The DICOM file, from its beginning.
    headers
        Of the images, with their frame numbers, rescale slopes and intercepts.

    Yields
    ------
    Hounsfield units of each, shape (rows, columns).

    Raises
    ------
    FileError, ImageError
        With the code that says why the file, or the next image, cannot be read.
    """
    beginning = file.read(MAXIMUM_HEADER)
    dataset, stream = open_header(beginning, reads=MAXIMUM_READS_OF_FRAMES)
    start = stream.tell()
    image = _of_image(dataset)
    for header in headers:
        whole: BinaryIO = file if len(beginning) == MAXIMUM_HEADER else stream
        whole.seek(start)
        try:
            _take_frame(image, dataset, whole, (header.frame_number or 1) - 1)
        except (ImageError, MemoryError):
            raise
        except (MalformedError, AttributeError) as error:
            raise ImageError(Code.HEADER_UNREADABLE, str(error)) from error
        except Exception as error:  # pydicom raises whatever it likes at malformed fragments
            raise ImageError(Code.PIXELS_UNREADABLE, type(error).__name__) from error
        yield _hounsfield(image, decode(image), header)


def _hounsfield(image: Dataset, stored: npt.NDArray[np.integer], header: Header) -> Array:
    lowest = int(stored.min())
    try:
        cells = read_cells(image, stored, lowest, int(stored.max()))
    except (ValueError, TypeError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"the pixel cells are malformed: {error}") from error
    slope = 1.0 if header.rescale_slope is None else header.rescale_slope
    intercept = header.rescale_intercept or 0.0
    if abs(slope) * 2**16 + abs(intercept) > LARGEST_HU:
        raise ImageError(Code.HEADER_UNREADABLE, "the rescaling gives no Hounsfield units")
    values: Array = cells.values.astype(np.float32)[stored.astype(np.int64) - lowest]
    values *= np.float32(slope)
    values += np.float32(intercept)
    return values


def _of_image(dataset: FileDataset) -> Dataset:
    """What decoding needs of a header."""
    image = Dataset(
        {
            tag: dataset.get_item(tag, keep_deferred=True)
            for tag in dataset.keys()  # noqa: SIM118 - keys are not parsed
            if tag >> 16 in _IMAGE_GROUPS
        }
    )
    implicit, little = dataset.original_encoding
    image.set_original_encoding(implicit, little, dataset.original_character_set)
    image.file_meta = dataset.file_meta
    return image


def _take_frame(image: Dataset, dataset: FileDataset, stream: BinaryIO, index: int) -> None:
    """Make a single-frame image: with the bytes of one frame, read from where the pixel data begin."""
    frames = int(attribute(dataset, "NumberOfFrames") or 1)
    rows, columns = int(attribute(image, "Rows") or 0), int(attribute(image, "Columns") or 0)
    allocated, stored = int(attribute(image, "BitsAllocated") or 0), int(attribute(image, "BitsStored") or 0)
    if not (min(rows, columns) > 0 and max(rows, columns) <= MAXIMUM_SIDE):
        raise ImageError(Code.HEADER_UNREADABLE, f"{columns} x {rows} pixels")
    if allocated not in (8, 16) or not 2 <= stored <= allocated:
        raise ImageError(Code.PIXELS_UNREADABLE, f"Bits Allocated {allocated} with Bits Stored {stored}")
    photometric = str(attribute(image, "PhotometricInterpretation"))
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or attribute(image, "SamplesPerPixel") not in (None, 1):
        raise ImageError(Code.PHOTOMETRIC_UNSUPPORTED, f"Photometric Interpretation is {photometric}")
    if int(attribute(image, "PixelRepresentation") or 0) not in (0, 1):
        raise ImageError(Code.HEADER_UNREADABLE, "Pixel Representation is neither 0 nor 1")
    if not 0 <= index < frames:
        raise ImageError(Code.PIXELS_UNREADABLE, f"there is no frame {index + 1}")
    implicit, little = dataset.original_encoding
    head = stream.read(8 if implicit else _NATIVE_HEADER)
    if head[:4] != struct.pack("<HH" if little else ">HH", 0x7FE0, 0x0010):
        raise ImageError(Code.NO_PIXELS, "there is no Pixel Data (7FE0,0010)")
    if UID(dataset.file_meta.TransferSyntaxUID).is_encapsulated:
        tables = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
        extended = tables if all(isinstance(table, bytes) and table for table in tables) else None
        frame = get_frame(_Bounded(stream), index, extended_offsets=extended, number_of_frames=frames)
        image.PixelData = encapsulate([frame])
        image["PixelData"].is_undefined_length = True
    else:
        length = rows * columns * allocated // 8
        stream.seek(index * length, os.SEEK_CUR)
        frame = stream.read(length)
        if len(frame) < length:
            raise ImageError(Code.PIXELS_UNREADABLE, "the file ends within the pixel data")
        image.PixelData = frame + b"\0" * (length % 2)
    image.NumberOfFrames = 1


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

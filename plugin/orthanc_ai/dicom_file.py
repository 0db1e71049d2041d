"""DICOM files of unknown origin, opened within bounds of memory and time.

pydicom inflates a deflated file whole and makes an object of every element, however many a small file has: one megabyte
can ask for gigabytes. So files are inflated here, and what pydicom reads is counted.
"""

import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast

import pydicom
from pydicom import FileDataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble, read_sequence_item
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, UncompressedTransferSyntaxes

from .codes import Code

MAXIMUM_INFLATED = 160 * 2**20
"""Bytes that a deflated data set may inflate to: twice the largest radiograph that is read (40 million pixels)."""

MAXIMUM_READS = 400_000
"""How often pydicom may read from a file: once or twice for each element and item. A radiograph takes some hundred
reads, the header of an enhanced CT of 2,000 frames some 160,000; a read costs up to 1 kB and 20 microseconds."""

MAXIMUM_READS_OF_FRAMES = 1_000_000
"""The same for a file that is read for the headers of its frames: those of 6,400 frames take half of it."""

MAXIMUM_REREADING = 4
"""How often over a file may be read. pydicom reads it once, and again from where it has found itself mistaken."""

_META_GROUP = 0x0002
_PIXEL_DATA_GROUP = 0x7FE0
_CHUNK = 2**16
_TAG_AND_LENGTH = 8
# A value of so many bytes is pixel data, or nothing that is looked at (attributes.LONGEST_SEQUENCE).
_LARGE = 2**21 + 1


class FileError(Exception):
    """A file cannot be read as DICOM.

    Attributes
    ----------
    code
        ``HEADER_UNREADABLE`` or ``FILE_TOO_LARGE``; the message says more, without naming the patient.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def open_file(dicom: bytes, *, pixels: bool = True, reads: int = MAXIMUM_READS) -> FileDataset:
    """Read a DICOM file; its values stay as they are written until `attributes.attribute` asks for them.

    Parameters
    ----------
    dicom
        The whole file (PS3.10), with preamble and File Meta Information.
    pixels
        Whether to read on beyond the header. If not, the beginning of the file is enough.
    reads
        How often pydicom may read from it.

    Raises
    ------
    FileError
        ``FILE_TOO_LARGE`` if it inflates to more than `MAXIMUM_INFLATED`; ``HEADER_UNREADABLE`` if it is not DICOM, has
        more elements or deeper sequences than any image has, or ends within an element of the header.
    """
    return _open(_Source(dicom, reads), pixels)


def open_header(beginning: bytes, *, reads: int = MAXIMUM_READS) -> tuple[FileDataset, BytesIO]:
    """Read the header of a DICOM file that may be too large to be read as a whole.

    Parameters
    ----------
    beginning
        Of the file, with the whole header; of a deflated file, all of it.
    reads
        How often pydicom may read from it.

    Returns
    -------
    The header, and what was read, inflated if need be, at the element of the pixel data.

    Raises
    ------
    FileError
        As `open_file`.
    """
    source = _Source(beginning, reads)
    dataset = _open(source, pixels=False)
    rest = BytesIO(source.getvalue())
    rest.seek(source.tell())
    return dataset, rest


def _open(source: "_Source", pixels: bool) -> FileDataset:
    try:
        dataset = _read(source, pixels)
    except (FileError, MemoryError):
        raise
    except Exception as error:  # pydicom raises whatever it likes at a malformed header
        raise FileError(Code.HEADER_UNREADABLE, type(error).__name__) from error
    if source.cut and not any(tag >> 16 == _PIXEL_DATA_GROUP for tag in dataset.keys()):  # noqa: SIM118 - keys are not parsed
        raise FileError(Code.HEADER_UNREADABLE, "an element claims more bytes than the file has")
    return dataset


def header_of(dataset: FileDataset) -> Dataset:
    """The elements before the pixel data, as they were read: those of `dataset` may be looked at meanwhile."""
    # A slice of a dataset would convert empty elements, and raise if their VR is none.
    header = Dataset(
        {
            tag: dataset.get_item(tag, keep_deferred=True)
            for tag in dataset.keys()  # noqa: SIM118 - keys are not parsed
            if tag >> 16 < _PIXEL_DATA_GROUP
        }
    )
    implicit, little = dataset.original_encoding
    header.set_original_encoding(implicit, little, dataset.original_character_set)
    return header


def each_item(dataset: Dataset, keyword: str, reads: int = MAXIMUM_READS_OF_FRAMES) -> Iterator[Dataset]:
    """The items of a sequence that may be longer than `attributes.items` takes, one after the other.

    Raises
    ------
    FileError
        ``HEADER_UNREADABLE`` if it is no sequence, or has more elements than any image has.
    """
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return
    element = cast(DataElement | RawDataElement, dataset.get_item(tag, keep_deferred=True))
    if not isinstance(element, RawDataElement):
        if element.VR != "SQ":
            raise FileError(Code.HEADER_UNREADABLE, f"{keyword} is no sequence")
        yield from element.value
        return
    source = _Source(bytes(element.value or b""), reads)
    # PS3.5 section 6.2.2: what is of unknown VR is in Implicit VR Little Endian.
    unknown = element.VR == "UN"
    implicit, little = element.is_implicit_VR or unknown, element.is_little_endian or unknown
    try:
        while source.tell() < len(source.getvalue()):
            item = read_sequence_item(source, implicit, little, dataset.original_character_set)
            if item is None:
                return
            yield item
    except (FileError, MemoryError):
        raise
    except Exception as error:  # pydicom raises whatever it likes at a malformed header
        raise FileError(Code.HEADER_UNREADABLE, type(error).__name__) from error


def _read(source: "_Source", pixels: bool) -> FileDataset:
    preamble = read_preamble(source, False)
    meta = read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag >> 16 != _META_GROUP)
    syntax = meta.get("TransferSyntaxUID")
    source.native = syntax in UncompressedTransferSyntaxes
    if syntax != DeflatedExplicitVRLittleEndian:
        source.seek(0)
        return pydicom.dcmread(source, stop_before_pixels=not pixels)
    # PS3.5 section A.5: what follows the File Meta Information is deflated.
    source.replace(inflate(memoryview(source.getvalue())[source.tell() :]))
    stop = None if pixels else _at_pixel_data
    inflated = FileDataset(
        source, read_dataset(source, False, True, stop_when=stop), preamble, FileMetaDataset(meta), False, True
    )
    inflated.set_original_encoding(False, True, inflated._character_set)
    return inflated


def _at_pixel_data(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in (0x7FE00008, 0x7FE00009, 0x7FE00010)


def inflate(deflated: memoryview, longest: int = MAXIMUM_INFLATED) -> bytes:
    """Inflate what is not too large, which is found out without keeping it.

    Raises
    ------
    FileError
        ``FILE_TOO_LARGE``.
    zlib.error
        If it is not a deflated stream.
    """
    stream, length = zlib.decompressobj(-zlib.MAX_WBITS), 0
    for start in range(0, len(deflated), _CHUNK):
        rest: bytes | memoryview = deflated[start : start + _CHUNK]
        while len(rest) and not stream.eof:
            length += len(stream.decompress(rest, _CHUNK))
            rest = stream.unconsumed_tail
            if length > longest:
                raise FileError(Code.FILE_TOO_LARGE, f"the file inflates to more than {longest} bytes")
    return zlib.decompress(deflated, -zlib.MAX_WBITS)


class _Source(BytesIO):
    """A file that counts what is read from it.

    Attributes
    ----------
    cut
        Whether a value was read beyond the end.
    native
        Whether pixel data are native: then a large value is no copy of the file's bytes but a view of them. Of
        compressed pixel data pydicom wants bytes.
    """

    def __init__(self, content: bytes, reads: int) -> None:
        super().__init__(content)
        self._maximum = reads
        self.cut = self.native = False
        self._restart()

    def replace(self, content: bytes) -> None:
        """Go on with other content."""
        self.seek(0)
        self.truncate()
        self.write(content)
        self.seek(0)
        self._restart()

    def _restart(self) -> None:
        self._content = self.getvalue()  # the same bytes, no copy
        self._reads_left = self._maximum
        self._bytes_left = MAXIMUM_REREADING * len(self._content) + self._maximum

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            # Only to inflate it, which pydicom is not to do.
            raise FileError(Code.HEADER_UNREADABLE, "the File Meta Information is ambiguous")
        content: bytes = self._view(size) if self.native and size >= _LARGE else super().read(size)
        self._reads_left -= 1
        self._bytes_left -= len(content)
        if self._reads_left < 0 or self._bytes_left < 0:
            raise FileError(Code.HEADER_UNREADABLE, f"more than {self._maximum} elements and items")
        self.cut |= _TAG_AND_LENGTH < size != len(content)
        return content

    def _view(self, size: int) -> Any:
        """The next bytes where they are: to pydicom, which passes a large value on as it is, as good as a copy."""
        start = self.tell()
        end = self.seek(min(start + size, len(self._content)))
        return memoryview(self._content)[start:end]

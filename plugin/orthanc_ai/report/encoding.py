"""Explicit VR Little Endian (PS3.5 section 7.1.2), as far as filling a prepared document needs it.

pydicom encodes everything that is made once. What changes from report to report is some sixty short elements, and
walking thousands of Python objects for them costs ten times more than all the rest.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset

UTF8 = "ISO_IR 192"
"""Specific Character Set of everything that is encoded here."""

_UNDEFINED_LENGTH = 0xFFFFFFFF
_SHORT_LENGTH_MAXIMUM = 0xFFFE
_LONG_LENGTH_VRS = frozenset({"OB", "SQ", "UC", "UN", "UT"})
_PADDING = {"UI": b"\0", "OB": b"\0", "UN": b"\0"}
_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, _UNDEFINED_LENGTH)
_ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
_SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Encode a data element.

    Parameters
    ----------
    tag
        Group and element as one number, e.g. ``0x00100010``.
    vr
        Value representation. A value too long for the length field of its VR becomes UN (PS3.5 section 6.2.2).
    value
        The encoded value; padded here to even length.
    """
    if len(value) % 2:
        value += _PADDING.get(vr, b" ")
    if vr not in _LONG_LENGTH_VRS and len(value) > _SHORT_LENGTH_MAXIMUM:
        vr = "UN"
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    if vr in _LONG_LENGTH_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def item(*elements: bytes) -> bytes:
    """Encode an item of a sequence, of undefined length, from its encoded elements in the order of their tags."""
    return b"".join((_ITEM, *elements, _ITEM_END))


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Encode a sequence, of undefined length unless it is empty, from its encoded items."""
    body = b"".join(items)
    if not body:
        return element(tag, "SQ", b"")
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, _UNDEFINED_LENGTH)
    return b"".join((head, body, _SEQUENCE_END))


def encode_item(dataset: Dataset) -> bytes:
    """Encode a dataset as an item, in UTF-8, with undefined lengths all the way down.

    No length depends on the content then, so that a piece can be replaced by a longer or shorter one.
    """
    _leave_lengths_undefined(dataset)
    buffer = _buffer()
    write_dataset(buffer, dataset, UTF8)
    return item(buffer.getvalue())


def encode_element(data: DataElement) -> bytes:
    """Encode an element in UTF-8, with undefined lengths."""
    if data.VR == "SQ":
        data.is_undefined_length = bool(data.value)
        for child in data.value:
            _leave_lengths_undefined(child)
    buffer = _buffer()
    write_data_element(buffer, data, UTF8)
    return buffer.getvalue()


def _leave_lengths_undefined(dataset: Dataset) -> None:
    dataset.is_undefined_length_sequence_item = True
    for data in dataset:
        if data.VR == "SQ":
            data.is_undefined_length = bool(data.value)
            for child in data.value:
                _leave_lengths_undefined(child)


def _buffer() -> DicomBytesIO:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = False
    return buffer


@dataclass(frozen=True, slots=True)
class Fragment:
    """Encoded bytes with named holes.

    Attributes
    ----------
    texts
        The bytes between the holes, one more than there are holes.
    holes
        Names of the holes, in order. A name may come several times.
    """

    texts: tuple[bytes, ...]
    holes: tuple[str, ...]

    @classmethod
    def cut(cls, encoded: bytes, markers: Mapping[str, bytes]) -> "Fragment":
        """Cut holes where markers are.

        Parameters
        ----------
        encoded
            Bytes that contain each marker at least once.
        markers
            Name of the hole to the bytes that are cut out.

        Raises
        ------
        ValueError
            If a marker is nowhere to be found: the prepared document is not what was expected.
        """
        texts, holes = [encoded], list[str]()
        for name, marker in markers.items():
            if not any(marker in text for text in texts):
                raise ValueError(f"nothing to fill in for {name!r}")
            new_texts, new_holes = list[bytes](), list[str]()
            for position, text in enumerate(texts):
                pieces = text.split(marker)
                new_texts += pieces
                new_holes += [name] * (len(pieces) - 1)
                if position < len(holes):
                    new_holes.append(holes[position])
            texts, holes = new_texts, new_holes
        return cls(tuple(texts), tuple(holes))

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The bytes with every hole filled."""
        pieces = [self.texts[0]]
        for hole, text in zip(self.holes, self.texts[1:], strict=True):
            pieces += (values[hole], text)
        return b"".join(pieces)

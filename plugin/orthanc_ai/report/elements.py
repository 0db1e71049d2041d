"""A strict reader of data elements, for files that may have been forged.

Libraries forgive much, and each in its own way: of an element that comes twice, pydicom takes the last one and DCMTK the
first. What two readers could understand in two ways is refused here, so that one look tells what every reader sees.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from ..dicom_file import inflate

DEEPEST = 32
"""Levels of sequences; a report has six."""

_PREAMBLE = 128
_PREFIX = b"DICM"
_META_GROUP = 0x0002
_TRANSFER_SYNTAX_UID = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DELIMITER_GROUP = 0xFFFE
_UNDEFINED = 0xFFFFFFFF
_VRS = frozenset(str(vr) for vr in VR if len(vr) == 2)
_EXPLICIT = {str(ExplicitVRLittleEndian): True, str(DeflatedExplicitVRLittleEndian): True} | {
    str(ImplicitVRLittleEndian): False
}


class ElementsError(ValueError):
    """Not a well-formed file in one of the little-endian transfer syntaxes without compressed pixel data."""


type Items = tuple[Elements, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """An element as it is written.

    Attributes
    ----------
    vr
        As stated; where it is not stated (Implicit VR, or VR UN), as the dictionary has it, and UN for what that does
        not have.
    value
        Bytes, or the items of a sequence.
    """

    vr: str
    value: "bytes | Items"


type Elements = dict[int, Element]


def read_elements(file: bytes, longest: int) -> Elements:
    """Read the data set of a DICOM file, without its File Meta Information.

    Parameters
    ----------
    longest
        Bytes that the file may have, before and after inflation.

    Raises
    ------
    ElementsError
        If the file is longer, or is not what it should be to the last byte: tags ascend, and lengths fit.
    FileError
        If it inflates to too much.
    """
    if len(file) > longest:
        raise ElementsError("the file is too long")
    if file[_PREAMBLE : _PREAMBLE + len(_PREFIX)] != _PREFIX:
        raise ElementsError("there is no DICOM prefix")
    try:
        meta = _Reader(file, _PREAMBLE + len(_PREFIX))
        syntaxes = []
        while meta.group() == _META_GROUP:
            tag, _, element = meta.element(True, 0)
            if tag == _TRANSFER_SYNTAX_UID and isinstance(element.value, bytes):
                syntaxes.append(element.value)
        syntax = syntaxes[0] if len(syntaxes) == 1 else b""
        name = syntax.rstrip(b"\0 ").decode("ascii", "replace")
        if name not in _EXPLICIT:
            raise ElementsError("the transfer syntax is another one")
        body = file[meta.at :]
        if name == DeflatedExplicitVRLittleEndian:
            body = inflate(memoryview(body), longest)
        return _Reader(body, 0).data_set(len(body), _EXPLICIT[name], 0)
    except struct.error:
        raise ElementsError("the file ends within an element") from None


class _Reader:
    """Reads one element after the other; `at` is where the next one begins."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self.at = at

    def group(self) -> int | None:
        """Group of the next element, ``None`` at the end."""
        return struct.unpack_from("<H", self._content, self.at)[0] if self.at < len(self._content) else None

    def data_set(self, end: int | None, explicit: bool, depth: int) -> Elements:
        """Elements up to a place or, if that is ``None``, to the end of the item."""
        elements: Elements = {}
        last = -1
        while end is None or self.at < end:
            tag, delimiter, element = self.element(explicit, depth)
            if delimiter:
                if end is not None:
                    raise ElementsError("an item ends before its end")
                return elements
            if tag <= last:
                raise ElementsError("the tags do not ascend")
            elements[tag] = element
            last = tag
        if self.at != end:
            raise ElementsError("an element ends beyond its item")
        return elements

    def element(self, explicit: bool, depth: int) -> tuple[int, bool, Element]:
        """Tag, whether it is the end of an item, and the element."""
        tag = self._tag()
        if tag >> 16 == _DELIMITER_GROUP:
            if tag != _ITEM_END or self._length():
                raise ElementsError("a delimiter out of place")
            return tag, True, Element("", b"")
        stated = self._take(2).decode("ascii", "replace") if explicit else ""
        if explicit and stated not in _VRS:
            raise ElementsError("an unknown value representation")
        if not explicit:
            length = self._length()
        elif stated in EXPLICIT_VR_LENGTH_32:
            self._take(2)
            length = self._length()
        else:
            (length,) = struct.unpack("<H", self._take(2))
        vr = stated if stated not in ("", "UN") else _known(tag)
        if vr == "SQ" or length == _UNDEFINED:
            if vr not in ("SQ", "UN"):
                raise ElementsError("a value of undefined length")
            # What stands in an UN is in Implicit VR (PS3.5 section 6.2.2).
            return tag, False, Element("SQ", tuple(self._items(length, explicit and stated != "UN", depth + 1)))
        return tag, False, Element(vr, self._take(length))

    def _items(self, length: int, explicit: bool, depth: int) -> Iterator[Elements]:
        if depth > DEEPEST:
            raise ElementsError("the sequences are too deep")
        end = None if length == _UNDEFINED else self.at + length
        while end is None or self.at < end:
            tag, size = self._tag(), self._length()
            if tag == _SEQUENCE_END and end is None and size == 0:
                return
            if tag != _ITEM:
                raise ElementsError("a sequence of something else than items")
            yield self.data_set(None if size == _UNDEFINED else self.at + size, explicit, depth)
        if self.at != end:
            raise ElementsError("an item ends beyond its sequence")

    def _tag(self) -> int:
        group, number = struct.unpack("<HH", self._take(4))
        return int(group << 16 | number)

    def _length(self) -> int:
        return int(struct.unpack("<I", self._take(4))[0])

    def _take(self, count: int) -> bytes:
        taken = self._content[self.at : self.at + count]
        if len(taken) != count:
            raise ElementsError("the file ends within an element")
        self.at += count
        return taken


def _known(tag: int) -> str:
    """The VR of a tag by the dictionary; UN if it has none or leaves a choice."""
    try:
        vr = str(dictionary_VR(tag))
    except KeyError:
        return "UN"
    return vr if vr in _VRS else "UN"

"""DICOM files made to do harm, written byte by byte: no library writes them."""

import struct
import zlib
from collections.abc import Iterator, Sequence

from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)

_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT"})

ANATOMIC_REGION_SEQUENCE = 0x00082218
VOI_LUT_SEQUENCE = 0x00283010
MODALITY_LUT_SEQUENCE = 0x00283000
PRIVATE = 0x00091001
PIXEL_DATA = 0x7FE00010


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An element in Explicit VR Little Endian, its length as told, true or not."""
    length = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in _LONG:
        return head + struct.pack("<HI", 0, length) + value
    return head + struct.pack("<H", length) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    """An element in Implicit VR Little Endian; also an item, by its tag."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def us(tag: int, *values: int) -> bytes:
    return element(tag, "US", struct.pack(f"<{len(values)}H", *values))


def text(tag: int, vr: str, value: str) -> bytes:
    return element(tag, vr, value.encode() + b" " * (len(value) % 2))


def uid(tag: int, value: str) -> bytes:
    return element(tag, "UI", value.encode() + b"\0" * (len(value) % 2))


def film(
    *more: tuple[int, bytes], side: int = 64, without: Sequence[int] = (), sop_class: str | None = None
) -> dict[int, bytes]:
    """The elements of a sound PA chest film by tag, some replaced, added or left out."""
    elements = {
        0x00080016: uid(0x00080016, sop_class or DigitalXRayImageStorageForPresentation),
        0x00080018: uid(0x00080018, "1.2.3.4"),
        0x00080060: text(0x00080060, "CS", "DX"),
        0x00100010: text(0x00100010, "PN", "Hostile^Harry"),
        0x00100020: text(0x00100020, "LO", "H4711"),
        0x00101010: text(0x00101010, "AS", "045Y"),
        0x00180015: text(0x00180015, "CS", "CHEST"),
        0x00185101: text(0x00185101, "CS", "PA"),
        0x0020000D: uid(0x0020000D, "1.2.3.1"),
        0x0020000E: uid(0x0020000E, "1.2.3.2"),
        0x00280002: us(0x00280002, 1),
        0x00280004: text(0x00280004, "CS", "MONOCHROME2"),
        0x00280010: us(0x00280010, side),
        0x00280011: us(0x00280011, side),
        0x00280100: us(0x00280100, 16),
        0x00280101: us(0x00280101, 12),
        0x00280102: us(0x00280102, 11),
        0x00280103: us(0x00280103, 0),
        PIXEL_DATA: element(PIXEL_DATA, "OW", struct.pack(f"<{side}H", *(40 * at for at in range(side))) * side),
    }
    elements.update(more)
    for tag in without:
        del elements[tag]
    return elements


def ct_image(*more: tuple[int, bytes]) -> dict[int, bytes]:
    """The same as a CT image, as far as a report on its study needs it."""
    return film((0x00080060, text(0x00080060, "CS", "CT")), *more, sop_class=CTImageStorage)


def file(elements: dict[int, bytes], syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A DICOM file of encoded elements."""
    body = b"".join(elements[tag] for tag in sorted(elements))
    if syntax == DeflatedExplicitVRLittleEndian:
        body = deflated(body)
    return head(syntax) + body


def head(syntax: str) -> bytes:
    """Preamble and file meta information."""
    group = (
        element(0x00020001, "OB", b"\0\1")
        + uid(0x00020002, DigitalXRayImageStorageForPresentation)
        + uid(0x00020003, "1.2.3.4")
        + uid(0x00020010, syntax)
    )
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(group))) + group


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def nested(depth: int, tag: int, *, defined: bool, vr: str = "SQ") -> bytes:
    """Sequences in sequences, each with one item."""
    if not defined:
        head = element(tag, vr, b"", UNDEFINED) + implicit(ITEM, b"", UNDEFINED)
        return head * depth + (ITEM_END + SEQUENCE_END) * depth
    # From the inside out; each level adds 12 bytes of element and 8 of item.
    heads = [element(tag, vr, b"", 20 * level + 8) + implicit(ITEM, b"", 20 * level) for level in range(depth)]
    return b"".join(reversed(heads))


def nested_implicit(depth: int, tag: int) -> bytes:
    """What stands in an element of VR UN: sequences in Implicit VR Little Endian (PS3.5 section 6.2.2)."""
    level = implicit(tag, b"", UNDEFINED) + implicit(ITEM, b"", UNDEFINED)
    return implicit(ITEM, b"", UNDEFINED) + level * depth + (ITEM_END + SEQUENCE_END) * depth + ITEM_END + SEQUENCE_END


def fragments(*values: bytes, table: bytes = b"") -> bytes:
    """Encapsulated pixel data."""
    items = b"".join(implicit(ITEM, value) for value in (table, *values))
    return element(PIXEL_DATA, "OB", items + SEQUENCE_END, UNDEFINED)


def tiny_elements(count: int, first: int = 0x00090000) -> Iterator[bytes]:
    """Empty elements with ascending tags, eight bytes each."""
    for at in range(count):
        group, number = divmod(at, 0x10000)
        yield element((first >> 16) + 2 * group << 16 | number, "LO", b"")

"""The encoded values of content items (PS3.3 section C.17.3), for the holes of prepared documents."""

import struct

from pydicom.valuerep import DSfloat

from .document import reference_item
from .encoding import element
from .header import InstanceReference


def text_value(text: str) -> bytes:
    """Text Value of a TEXT item."""
    return element(0x0040A160, "UT", text.encode())


def uid_value(uid: str) -> bytes:
    """UID of a UIDREF item."""
    return element(0x0040A124, "UI", uid.encode())


def date_value(date: str) -> bytes:
    """Date of a DATE item, YYYYMMDD."""
    return element(0x0040A121, "DA", date.encode())


def numeric_value(value: float) -> bytes:
    """Numeric Value of a NUM item."""
    return element(0x0040A30A, "DS", str(DSfloat(value, auto_format=True)).encode())


def floating_point_value(value: float) -> bytes:
    """Floating Point Value of a NUM item: what a decimal string leaves out."""
    return element(0x0040A161, "FD", struct.pack("<d", value))


def meaning(text: str) -> bytes:
    """Code Meaning of a concept."""
    return element(0x00080104, "LO", text.encode())


def reference(instance: InstanceReference) -> bytes:
    """Item of the Referenced SOP Sequence of an IMAGE or COMPOSITE item."""
    return reference_item(instance.sop_class_uid, instance.sop_instance_uid)

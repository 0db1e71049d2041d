"""Whether a stored report is the one that we would store: identifiers are computed, so anybody can compute them.

Two makings of one report differ in the dates and times of the making alone, and in what it replaced. Transport may change
how it is encoded, and archives may add elements of their own that say nothing. Everything else is another report, and so
is one that another archive has given to another patient.
"""

import re
from collections.abc import Mapping
from typing import Final

from pydicom.datadict import keyword_for_tag

from ..dicom_file import FileError
from .elements import Element, Elements, ElementsError, read_elements

_MADE: Final = {
    0x00080012: "DA",  # Instance Creation Date
    0x00080013: "TM",
    0x00080021: "DA",  # Series Date
    0x00080023: "DA",  # Content Date
    0x00080031: "TM",
    0x00080033: "TM",
}
"""When the report was made."""

_FORMS: Final = {
    "DA": re.compile(rb"\d{8}"),
    "TM": re.compile(rb"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?"),
}

_MOMENT: Final = b"some date or time"

_PREDECESSORS: Final = 0x0040A360
"""Predecessor Documents Sequence: a setting that was changed and changed back gives the same report another history."""

_ADDED: Final = frozenset(
    {
        0x00080054,  # Retrieve AE Title
        0x00080056,  # Instance Availability
        0xFFFCFFFC,  # Data Set Trailing Padding
    }
)
"""What archives add, beside private elements and group lengths."""

_STUDY_INSTANCE_UID: Final = 0x0020000D
_SOP_CLASS_UID: Final = 0x00080016
_REFERENCED_SERIES: Final = 0x00081115
_REFERENCED_SOPS: Final = 0x00081199
_REFERENCED_SOP_CLASS: Final = 0x00081150
_REFERENCED_SOP_INSTANCE: Final = 0x00081155
_SERIES_INSTANCE_UID: Final = 0x0020000E

_BINARY: Final = frozenset({"AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"})
"""Value representations in which a trailing byte is never padding, or not told from a value."""

_GROWTH: Final = 2
_SPARE: Final = 2**20
"""How much longer a stored report may be: other encodings of lengths, and what archives add."""


def difference(stored: bytes, ours: bytes) -> str | None:
    """In what a stored report is not ours.

    Parameters
    ----------
    stored, ours
        DICOM files: one that bears the identifiers of our report, and the report as we would store it now.

    Returns
    -------
    ``None`` if they are the same report; else why not, without any value of either. Never raises.
    """
    longest = _GROWTH * len(ours) + _SPARE
    try:
        return _difference(_comparable(read_elements(stored, longest)), _comparable(read_elements(ours, longest)), "")
    except (ElementsError, FileError) as error:
        return f"unreadable: {error}"
    except Exception as error:  # noqa: BLE001 - what cannot be read is not ours, whatever the reason
        return f"unreadable: {type(error).__name__}"


def _comparable(report: Elements) -> Elements:
    """A report without what differs between two makings, as far as that is what it should be."""
    history = report.get(_PREDECESSORS)
    predecessors = history is not None and _is_history(history, report)
    moments = {tag: Element(vr, _MOMENT) for tag, vr in _MADE.items() if tag in report and _is_moment(report[tag], vr)}
    return {
        tag: element
        for tag, element in (report | moments).items()
        if tag not in _ADDED and not (predecessors and tag == _PREDECESSORS)
    }


def _is_moment(element: Element, vr: str) -> bool:
    return element.vr == vr and _FORMS[vr].fullmatch(_value(element)) is not None


def _is_history(element: Element, report: Elements) -> bool:
    """Whether a predecessor is one report of the same kind in the same study, and nothing else is said."""
    study = _only(element, {_REFERENCED_SERIES, _STUDY_INSTANCE_UID})
    series = _only(study.get(_REFERENCED_SERIES), {_REFERENCED_SOPS, _SERIES_INSTANCE_UID})
    document = _only(series.get(_REFERENCED_SOPS), {_REFERENCED_SOP_CLASS, _REFERENCED_SOP_INSTANCE})
    return (
        _REFERENCED_SOP_INSTANCE in document
        and _text(study, _STUDY_INSTANCE_UID) == _text(report, _STUDY_INSTANCE_UID)
        and _text(document, _REFERENCED_SOP_CLASS) == _text(report, _SOP_CLASS_UID)
    )


def _only(sequence: Element | None, tags: set[int]) -> Elements:
    """The only item of a sequence, if it has these elements and no other."""
    items = sequence.value if sequence is not None and isinstance(sequence.value, tuple) else ()
    return items[0] if len(items) == 1 and set(items[0]) == tags else {}


def _text(elements: Elements, tag: int) -> bytes | None:
    return _value(elements[tag]) if tag in elements else None


def _difference(stored: Elements, ours: Elements, place: str) -> str | None:
    stored, ours = _without_additions(stored), _without_additions(ours)
    for tag in sorted(stored.keys() | ours.keys()):
        name = place + (keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})")
        if tag not in ours:
            return f"{name} was added"
        if tag not in stored:
            return f"{name} is missing"
        if different := _difference_of(stored[tag], ours[tag], name):
            return different
    return None


def _difference_of(stored: Element, ours: Element, name: str) -> str | None:
    if stored.vr != ours.vr:
        return f"{name} has another value representation"
    if isinstance(stored.value, bytes) or isinstance(ours.value, bytes):
        return None if _value(stored) == _value(ours) else f"{name} differs"
    if len(stored.value) != len(ours.value):
        return f"{name} has {len(stored.value)} items, not {len(ours.value)}"
    for number, (one, other) in enumerate(zip(stored.value, ours.value, strict=True), start=1):
        if different := _difference(one, other, f"{name} {number}: "):
            return different
    return None


def _without_additions(elements: Mapping[int, Element]) -> Elements:
    """Elements without private ones and group lengths."""
    return {tag: element for tag, element in elements.items() if not tag >> 16 & 1 and tag & 0xFFFF}


def _value(element: Element) -> bytes:
    """A value without padding; a sequence has none."""
    if not isinstance(element.value, bytes):
        return b""
    if element.vr in _BINARY:
        return element.value
    return element.value.rstrip(b"\0" if element.vr in ("UI", "UN") else b" ")

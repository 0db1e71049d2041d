"""What a report takes over from its source: whose patient and which study it belongs to.

Taken over are texts, dates and codes of the Patient, General Study and Patient Study Modules (PS3.3 sections C.7.1.1,
C.7.2.1, C.7.2.2) that say who and which; remarks about the patient are not. A value is never corrected, even if it is
malformed: an archive files the report by comparing it with the study's other objects. Only what a report could do
without (age, birth time, type of ID) is left out then.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Final, NamedTuple, cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ..codes import Code
from .charset import CharacterSets, UndecodableError
from .encoding import UTF8, element
from .errors import ReportError


class _Attribute(NamedTuple):
    tag: int
    vr: str
    required: bool = False  # type 2: written empty if the source has none


_INHERITED: Final = (
    _Attribute(0x00080020, "DA", required=True),  # Study Date
    _Attribute(0x00080030, "TM", required=True),  # Study Time
    _Attribute(0x00080050, "SH", required=True),  # Accession Number
    _Attribute(0x00080090, "PN", required=True),  # Referring Physician's Name
    _Attribute(0x00081030, "LO"),  # Study Description
    _Attribute(0x00100010, "PN", required=True),  # Patient's Name
    _Attribute(0x00100020, "LO", required=True),  # Patient ID
    _Attribute(0x00100021, "LO"),  # Issuer of Patient ID
    _Attribute(0x00100022, "CS"),  # Type of Patient ID
    _Attribute(0x00100030, "DA", required=True),  # Patient's Birth Date
    _Attribute(0x00100032, "TM"),  # Patient's Birth Time
    _Attribute(0x00100040, "CS", required=True),  # Patient's Sex
    _Attribute(0x00101010, "AS"),  # Patient's Age
    _Attribute(0x0020000D, "UI", required=True),  # Study Instance UID
    _Attribute(0x00200010, "SH", required=True),  # Study ID
)
# An attribute that the report could do without is left out if it is malformed.
_SOUND: Final = {
    "AS": re.compile(rb"\d{3}[DWMY]"),
    "CS": re.compile(rb"[A-Z0-9_ ]{1,16}"),
    "TM": re.compile(rb"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
}
_DECIMAL: Final = re.compile(rb"\d{1,8}(\.\d{1,7})?")
# Patient Identity Removed needs one of the other two beside it; a sequence of codes is the usual one.
_IDENTITY_REMOVED = _Attribute(0x00120062, "CS")
_DEIDENTIFICATION_METHOD = _Attribute(0x00120063, "LO")

_SPECIFIC_CHARACTER_SET = 0x00080005
_TIMEZONE_OFFSET = 0x00080201
_TEXT_VRS = frozenset({"SH", "LO", "PN"})  # those whose characters Specific Character Set rules
_OFFSET = re.compile(rb"([+-])(\d{2})([0-5]\d)")
_INSIGNIFICANT = b" \0"


@dataclass(frozen=True, slots=True)
class InstanceReference:
    """The UIDs of an instance as the source writes them, malformed or not, without padding."""

    sop_class_uid: bytes
    sop_instance_uid: bytes
    series_instance_uid: bytes
    study_instance_uid: bytes


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a report takes over.

    Attributes
    ----------
    elements
        Encoded elements by tag, Specific Character Set and Timezone Offset From UTC among them.
    character_sets
        The character sets of these elements if they could not be decoded and are the source's own bytes; ``None`` if
        all of them were turned into UTF-8. In the former case the report's own texts must be ASCII.
    zone
        The time zone in which the source gives its dates and times, if it says so.
    """

    elements: Mapping[int, bytes]
    character_sets: CharacterSets | None
    zone: timezone | None


def instance_reference(source: Dataset) -> InstanceReference:
    """The UIDs by which a report refers to its source.

    Raises
    ------
    ReportError
        If one is missing or empty: nothing can be filed then.
    """
    uids = []
    for keyword, tag in (
        ("SOPClassUID", 0x00080016),
        ("SOPInstanceUID", 0x00080018),
        ("SeriesInstanceUID", 0x0020000E),
        ("StudyInstanceUID", 0x0020000D),
    ):
        uid = _bytes(source, tag)
        if not uid:
            raise ReportError(Code.HEADER_UNREADABLE, f"the source has no {keyword}")
        uids.append(uid)
    return InstanceReference(*uids)


def inherit(source: Dataset) -> Inherited:
    """Take over patient and study.

    Texts become UTF-8. If one of them cannot be decoded by the source's Specific Character Set, because that is wrong,
    unknown or missing, then all of them stay the bytes they are and the report declares what the source declares: it
    is misread by whoever misreads the source, and filed with it.

    Parameters
    ----------
    source
        Header of the source as read by pydicom. Undecodable bytes are kept only of elements that nobody has looked at
        yet, since pydicom replaces them as soon as a value is asked for.
    """
    attributes = [*_INHERITED, *_deidentification(source)]
    declared = _bytes(source, _SPECIFIC_CHARACTER_SET)
    terms = [term.strip() for term in declared.decode("ascii", "replace").split("\\")] if declared else []
    sets = CharacterSets(terms)

    values = {attribute: _inherited_value(source, attribute, sets) for attribute in attributes}
    try:
        encoded = {
            attribute: sets.decode(value).encode() if attribute.vr in _TEXT_VRS and isinstance(value, bytes) else value
            for attribute, value in values.items()
        }
        undecoded = None
        charset = UTF8.encode("ascii")
    except UndecodableError:
        encoded = values
        undecoded = sets
        charset = declared

    elements = {
        attribute.tag: element(attribute.tag, attribute.vr, _in_sets(value, undecoded))
        for attribute, value in encoded.items()
        if attribute.required or (value and _is_sound(attribute.vr, value))
    }
    if charset:
        elements[_SPECIFIC_CHARACTER_SET] = element(_SPECIFIC_CHARACTER_SET, "CS", charset)
    offset = _bytes(source, _TIMEZONE_OFFSET)
    zone = _zone(offset)
    if zone is not None:
        elements[_TIMEZONE_OFFSET] = element(_TIMEZONE_OFFSET, "SH", offset)
    return Inherited(elements, undecoded, zone)


def lossy_compression(source: Dataset) -> Dataset:
    """Whether an image was compressed with loss at any time, as an object that was made from it has to say.

    Returns
    -------
    Lossy Image Compression, and its ratios and methods where the source gives them (PS3.3 section C.7.6.1.1.5).
    """
    found = Dataset()
    found.LossyImageCompression = "01" if _bytes(source, 0x00282110) == b"01" else "00"
    if found.LossyImageCompression == "01":
        for tag, vr, form in ((0x00282112, "DS", _DECIMAL), (0x00282114, "CS", _SOUND["CS"])):
            values = [value.strip() for value in _bytes(source, tag).split(b"\\")]
            if all(form.fullmatch(value) for value in values):
                found.add_new(tag, vr, [value.decode("ascii") for value in values])
    return found


def _inherited_value(source: Dataset, attribute: _Attribute, sets: CharacterSets) -> bytes | str:
    value = _value(source, attribute.tag)
    if attribute.vr == "UI":
        return _bytes(source, attribute.tag)
    if attribute.vr in _TEXT_VRS and isinstance(value, str):
        return sets.as_stored(value)
    return value


def _is_sound(vr: str, value: bytes | str) -> bool:
    form = _SOUND.get(vr)
    return form is None or form.fullmatch(value if isinstance(value, bytes) else value.encode()) is not None


def _in_sets(value: bytes | str, sets: CharacterSets | None) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode("utf-8", "replace") if sets is None else sets.encode(value)


def _deidentification(source: Dataset) -> tuple[_Attribute, ...]:
    if _value(source, _IDENTITY_REMOVED.tag) and _value(source, _DEIDENTIFICATION_METHOD.tag):
        return _IDENTITY_REMOVED, _DEIDENTIFICATION_METHOD
    return ()


def _zone(offset: bytes) -> timezone | None:
    """Read Timezone Offset From UTC, ``&ZZXX`` (PS3.3 section C.12.1.1.8); a malformed one says nothing."""
    match = _OFFSET.fullmatch(offset)
    if match is None:
        return None
    delta = timedelta(hours=int(match[2]), minutes=int(match[3]))
    # The range that the standard gives.
    if not timedelta(hours=-12) <= (delta := -delta if match[1] == b"-" else delta) <= timedelta(hours=14):
        return None
    return timezone(delta)


def _bytes(source: Dataset, tag: int) -> bytes:
    """A value that no character set applies to."""
    value = _value(source, tag)
    return (value if isinstance(value, bytes) else value.encode("iso8859", "replace")).strip(_INSIGNIFICANT)


def _value(source: Dataset, tag: int) -> bytes | str:
    """The value as bytes if it is still as it was read, else as pydicom has decoded it; empty if there is none."""
    if tag not in source:
        return b""
    found = cast(DataElement | RawDataElement, source.get_item(tag, keep_deferred=True))
    if found.VR == "SQ":
        return b""
    if isinstance(found, RawDataElement):
        # Trailing spaces are padding in every VR that is read here (PS3.5 table 6.2-1), and so is NUL in practice.
        return (found.value or b"").rstrip(_INSIGNIFICANT)
    value = found.value
    if value is None or isinstance(value, bytes):
        return (value or b"").rstrip(_INSIGNIFICANT)
    text = "\\".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value)
    return text.rstrip(" \0")

"""De-identification of a DICOM file by the Basic Application Level Confidentiality Profile (PS3.15 section E.2).

Whatever stands in a sequence is treated as the table says too. What the table does not name is kept if it is of a kind that
the standard defines and that cannot say who somebody is: private attributes, those of no dictionary, those whose value
cannot be read, names of persons and dates go.
"""

import copy as copying
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pydicom
from pydicom import DataElement, Dataset, FileDataset, Sequence
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

from ..attributes import MalformedError, attribute
from .elements import readable, with_values
from .options import Options
from .profile import EDITION, TEMPORAL, Action, Profile, profile_of, vr_of
from .pseudonyms import Pseudonyms
from .wording import Wording

_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

# Groups that go as a whole: overlays are drawings, and without their planes their other attributes are void.
_OVERLAYS, _CURVES, _GROUP_MASK = 0x6000, 0x5000, 0xFF00

_NAMES = frozenset({0x00100010})  # Patient's Name
_PATIENT_ID = 0x00100020
_CODE_MEANING = 0x00080104

# HIPAA, 45 CFR 164.514(b)(2)(i)(C): all ages over 89 are one.
_OLDEST_YEARS = 90

_DEEPEST = 32
"""Sequences within sequences. Ten are used; pydicom needs gigabytes for some hundred, to say that it cannot write them."""

_FREE_TEXTS = frozenset({"LO", "LT", "SH", "ST", "UC", "UR", "UT"})

_PRESENTATION = 0x0028
"""Group of what pixels are: its code strings are DICOM's own, and nobody types them."""

_DUMMY_TEXT = "REMOVED"
_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), _DUMMY_TEXT),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV"), 0),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW"), b"\0" * 8),
    "AS": "000Y",
    # The first of January 1900 is no date of any examination, and every reader can read it.
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "http://removed.invalid",  # RFC 2606 section 2
}


@dataclass(slots=True)
class Deidentified:
    """A de-identified file.

    Attributes
    ----------
    dataset
        With its file meta information.
    patient
        Pseudonym of the patient.
    unreadable
        How many attributes went since their value could not be read.
    naming
        How many texts were replaced that the table keeps, since they have a word of the patient's name or identifiers.
    """

    dataset: FileDataset
    patient: str
    unreadable: int = 0
    naming: int = 0

    def to_bytes(self) -> bytes:
        """The DICOM file. Its preamble is empty: the original's may hold anything.

        Raises
        ------
        MalformedError
            If a value that was kept cannot be written.
        """
        stream = BytesIO()
        self.dataset.preamble = b"\0" * 128
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pydicom.dcmwrite(stream, self.dataset, enforce_file_format=True)
        except MemoryError:
            raise
        except Exception as error:  # pydicom raises whatever it likes at a malformed value
            raise MalformedError(f"the file cannot be written ({type(error).__name__})") from error
        return stream.getvalue()


def deidentify(dataset: FileDataset, options: Options, pseudonyms: Pseudonyms) -> Deidentified:
    """De-identify a DICOM file. Pixel Data stay as they are.

    Parameters
    ----------
    dataset
        Stays as it is.

    Returns
    -------
    If de-identification is not enabled, the same dataset, and the patient's pseudonym.

    """
    patient = pseudonyms.patient(
        _text(dataset, "PatientID"), _text(dataset, "IssuerOfPatientID"), _text(dataset, "StudyInstanceUID")
    )
    if not options.enabled:
        return Deidentified(dataset, patient)
    work = _Work(options, profile_of(options), pseudonyms, patient)
    with warnings.catch_warnings():
        # pydicom warns of each value that does not suit its VR; what is kept is as bad as it was.
        warnings.simplefilter("ignore")
        made = _shallow(dataset)
        work.treat(made)
        _declare(made, work.profile, options)
        made.file_meta = _file_meta(dataset, made)
    return Deidentified(made, patient, work.unreadable, work.naming)


@dataclass(slots=True)
class _Work:
    """One file at work."""

    options: Options
    profile: Profile
    pseudonyms: Pseudonyms
    patient: str
    unreadable: int = 0
    naming: int = 0
    depth: int = 0
    wording: Wording = field(default_factory=Wording)

    def treat(self, dataset: Dataset) -> None:
        """De-identify a dataset or an item in place."""
        self.wording.learn(dataset)
        for tag in list(dataset.keys()):
            if tag in _PIXELS:
                continue
            if self._goes_unseen(tag):
                del dataset[tag]
                continue
            action = self.profile.action(tag)
            if action is Action.REMOVE:
                del dataset[tag]
                continue
            element = self._element(dataset, tag)
            if element is None:
                del dataset[tag]
                continue
            kept = self._treated(element, action)
            if kept is None:
                del dataset[tag]
            elif kept is not element:
                dataset[tag] = kept

    def _goes_unseen(self, tag: BaseTag) -> bool:
        group = tag.group & _GROUP_MASK
        return tag.is_private or tag.element == 0 or group in (_OVERLAYS, _CURVES) or not vr_of(tag)

    def _element(self, dataset: Dataset, tag: BaseTag) -> DataElement | None:
        """An element of a dataset; ``None`` if it cannot be read."""
        try:
            return readable(dataset, tag)
        except MalformedError:
            self.unreadable += 1
            return None

    def _treated(self, element: DataElement, action: Action | None) -> DataElement | None:
        """What takes the place of an element; ``None`` if nothing does."""
        if element.VR == "SQ":
            return self._sequence(element, action)
        if action is None:
            if element.VR == "PN" or (element.VR in ("DA", "DT") and "fullDates" not in self.options.retain):
                return None
            if element.VR == "UI":
                return self._registered(element)
            return self._unnamed(element)
        if element.tag in _NAMES or element.tag == _PATIENT_ID:
            return DataElement(element.tag, element.VR, self.patient)
        match action:
            case Action.KEEP:
                return self._aged(element)
            case Action.EMPTY:
                return DataElement(element.tag, element.VR, None)
            case Action.UID:
                return with_values(element, self._uid)
            case Action.SHIFT:
                return self._shifted(element)
            case Action.CLEAN:
                return with_values(element, self.wording.clean)
            case _:
                return self._dummy(element)

    def _sequence(self, element: DataElement, action: Action | None) -> DataElement | None:
        items: list[Dataset] = list(element.value or ())
        match action:
            case Action.EMPTY:
                return DataElement(element.tag, "SQ", Sequence([]))
            case Action.DUMMY if element.tag in _REQUIRED_SEQUENCES:
                made = [self._dummies(item) for item in items]
            case Action.DUMMY | Action.CLEAN | Action.SHIFT | Action.REMOVE:
                return None
            case _:
                if self.depth == _DEEPEST:
                    self.unreadable += 1
                    return None
                made = [_shallow(item) for item in items]
                self.depth += 1
                for item in made:
                    self.treat(item)
                self.depth -= 1
        return DataElement(element.tag, "SQ", Sequence(made))

    def _dummies(self, item: Dataset) -> Dataset:
        """An item of which only the form stays."""
        made = Dataset()
        for tag in list(item.keys()):
            element = None if self._goes_unseen(tag) else self._element(item, tag)
            if element is not None and element.VR != "SQ":
                kept = self._dummy(element)
                if kept is not None:
                    made[tag] = kept
        return made

    def _dummy(self, element: DataElement) -> DataElement | None:
        if element.VR == "UI":
            return with_values(element, self._uid)
        if element.is_empty:
            return element
        value = _DUMMIES.get(element.VR)
        return None if value is None else DataElement(element.tag, element.VR, value)

    def _uid(self, uid: str) -> str:
        # Well-known frames of reference and classes identify nobody. Their list counts, not their root.
        return uid if UID(uid).name != uid else self.pseudonyms.uid(uid)

    def _unnamed(self, element: DataElement) -> DataElement:
        """A text that the table keeps, unless it names the patient. Codes and their meanings are words of medicine as a rule."""
        if (element.VR == "CS" and element.tag.group != _PRESENTATION) or element.tag == _CODE_MEANING:
            kept = with_values(element, lambda text: _DUMMY_TEXT if self.wording.names_alone(text) else text)
            self.naming += kept != element
            return kept
        if element.VR not in _FREE_TEXTS:
            return element
        if not self.wording.names_patient(str(element.value)):
            return element
        self.naming += 1
        return DataElement(element.tag, element.VR, _DUMMIES[element.VR])

    def _registered(self, element: DataElement) -> DataElement:
        """UIDs that the table does not name are those of classes, schemes and devices' software."""
        return with_values(element, self._uid)

    def _aged(self, element: DataElement) -> DataElement:
        if element.VR != "AS" or element.is_empty:
            return element
        text = str(element.value)
        old = text[:-1].isdigit() and text.endswith("Y") and int(text[:-1]) >= _OLDEST_YEARS
        return DataElement(element.tag, "AS", f"{_OLDEST_YEARS:03}Y") if old else element

    def _shifted(self, element: DataElement) -> DataElement | None:
        """A date moved back; times of the day stay. What is no date goes."""
        if element.VR == "TM" or element.is_empty:
            return element
        if element.VR not in TEMPORAL:
            return None
        back = timedelta(self.pseudonyms.shift_days(self.patient))
        try:
            return with_values(element, lambda text: _moved(text, back))
        except (ValueError, OverflowError):
            self.unreadable += 1
            return None


# Sequences that are required where they stand, so that they are not to be left away (PS3.3 tables 10-1 and C.17-2).
_REQUIRED_SEQUENCES = frozenset({0x00401101})


def _moved(text: str, back: timedelta) -> str:
    """A date or a date and time (PS3.5 section 6.2) some days earlier.

    Raises
    ------
    ValueError
        If it has no day, or is none.
    """
    text = text.strip()
    day = text[:8] if "." not in text[:8] else text[:10].replace(".", "")
    rest = text[8:] if "." not in text[:8] else text[10:]
    if len(day) != 8 or not day.isdigit():
        raise ValueError("no day")
    moved = date(int(day[:4]), int(day[4:6]), int(day[6:])) - back
    return f"{moved:%Y%m%d}".rjust(8, "0") + rest


def _shallow(dataset: Any) -> Any:
    """A dataset of one's own with the same elements, which are replaced here and never changed."""
    made = copying.copy(dataset)
    made._dict = copying.copy(dataset._dict)
    return made


def _declare(dataset: Dataset, profile: Profile, options: Options) -> None:
    """Write into a dataset what was done to it (PS3.15 section E.1.1, PS3.3 table C.7-1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [f"PS3.15 {EDITION} table E.1-1", *(code.meaning[:64] for code in profile.codes)]
    dataset.DeidentificationMethodCodeSequence = Sequence(_coded(profile))
    dates = {"fullDates": "UNMODIFIED", "modifiedDates": "MODIFIED"}
    dataset.LongitudinalTemporalInformationModified = next(
        (said for option, said in dates.items() if option in options.retain), "REMOVED"
    )


def _coded(profile: Profile) -> Iterator[Dataset]:
    for code in profile.codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, "DCM", code.meaning
        yield item


def _file_meta(original: FileDataset, made: Dataset) -> FileMetaDataset:
    """File meta information with nothing of the original but what is needed to read it."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(original.file_meta.TransferSyntaxUID)
    meta.MediaStorageSOPClassUID = made.get("SOPClassUID") or original.file_meta.get("MediaStorageSOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", "")
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return meta


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        value = attribute(dataset, keyword)
    except MalformedError:
        return ""
    return "" if value is None else str(value)

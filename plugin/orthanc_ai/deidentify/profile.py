"""Which attribute gets which action: table E.1-1 of PS3.15, and its columns of options.

The table of the Basic Profile is that of dicom-anonymizer, whose makers follow the standard. Its options are here: each is a
short list, or follows from the value representation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.datadict import dictionary_VR, tag_for_keyword

from .options import Options, Retained

EDITION = "2026c"
"""Edition of the standard that the table is taken from."""

_DATABASE = f"dicomfields_{EDITION}"


class Action(Enum):
    """What is done to an attribute (PS3.15 table E.1-1a).

    The standard leaves a choice to some attributes, by their type in the object at hand. An attribute that may be of type 1
    in some object gets a dummy here, one that may be of type 2 becomes empty: either is allowed in all objects.
    """

    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    """Replaced by another UID; of a sequence, that of its items."""
    CLEAN = "C"
    SHIFT = "shift"
    """Dates are moved."""


_ACTIONS: Mapping[str, Action] = {
    "D_TAGS": Action.DUMMY,
    "Z_TAGS": Action.EMPTY,
    "X_TAGS": Action.REMOVE,
    "U_TAGS": Action.UID,
    "Z_D_TAGS": Action.DUMMY,
    "X_Z_TAGS": Action.EMPTY,
    "X_D_TAGS": Action.DUMMY,
    "X_Z_D_TAGS": Action.DUMMY,
    "X_Z_U_STAR_TAGS": Action.UID,
}

TEMPORAL = frozenset({"DA", "DT", "TM"})

# Temporal attributes that no option retains: they are the patient's, or tell a place.
_NEVER_RETAINED = ("PatientBirthDate", "PatientBirthTime", "PatientBirthDateInAlternativeCalendar", "GPSTimeStamp")
_TEMPORAL_IN_TEXT = ("TimezoneOffsetFromUTC",)

# Beside the attributes with the action U. A signature is void, and so is its UID.
_UIDS = (
    "AffectedSOPInstanceUID",
    "AnnotationGroupUID",
    "ReferencedImageSequence",
    "ReferencedPatientSequence",
    "ReferencedPerformedProcedureStepSequence",
    "ReferencedStudySequence",
    "SourceImageSequence",
)
_NOT_UIDS = ("DigitalSignatureUID", "UID")

_PATIENT = (
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "EthnicGroups",
    "PatientAge",
    "PatientSex",
    "PatientSexNeutered",
    "PatientSize",
    "PatientWeight",
    "PregnancyStatus",
    "SelectorASValue",
    "SmokingStatus",
)
_INSTITUTION = (
    "ClinicalTrialCoordinatingCenterName",
    "ClinicalTrialProtocolEthicsCommitteeName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "InstitutionAddress",
    "InstitutionCodeSequence",
    "InstitutionName",
    "InstitutionalDepartmentName",
    "InstitutionalDepartmentTypeCodeSequence",
    "SourceOfPreviousValues",
)
# Application Entity Titles are to be cleaned, which nobody can do to sixteen letters: they go as without the option.
_DEVICE = (
    "BeamHoldTransitionDateTime",
    "CalibrationDate",
    "CalibrationDateTime",
    "CalibrationTime",
    "CassetteID",
    "DateOfInstallation",
    "DateOfLastCalibration",
    "DateOfLastDetectorCalibration",
    "DateOfManufacture",
    "DateTimeOfLastCalibration",
    "DetectorID",
    "DeviceDescription",
    "DeviceLabel",
    "DeviceSerialNumber",
    "DeviceUID",
    "GantryID",
    "GeneratorID",
    "LensMake",
    "LensModel",
    "LensSerialNumber",
    "LensSpecification",
    "ManufacturerDeviceClassUID",
    "ManufacturerDeviceIdentifier",
    "ModifyingDeviceID",
    "ModifyingSystem",
    "PerformedStationGeographicLocationCodeSequence",
    "PerformedStationName",
    "PerformedStationNameCodeSequence",
    "PlateID",
    "ScheduledProcedureStepLocation",
    "ScheduledStationGeographicLocationCodeSequence",
    "ScheduledStationName",
    "ScheduledStationNameCodeSequence",
    "ScheduledStudyLocation",
    "SourceManufacturer",
    "SourceSerialNumber",
    "StationName",
    "TimeOfLastCalibration",
    "TimeOfLastDetectorCalibration",
    "TransducerIdentificationSequence",
    "TreatmentMachineName",
    "UDISequence",
    "UniqueDeviceIdentifier",
    "XRayDetectorID",
    "XRayDetectorLabel",
    "XRaySourceID",
)

_DESCRIPTORS = (
    "AcquisitionDeviceProcessingDescription",
    "AcquisitionProtocolDescription",
    "ContrastBolusAgent",
    "DerivationDescription",
    "PerformedProcedureStepDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "SeriesDescription",
    "StudyDescription",
)
"""Those that say what an image shows. The others that the option names are comments, and go as without it."""

_LISTED: Mapping[Retained, tuple[str, ...]] = {
    "patientCharacteristics": _PATIENT,
    "institutionIdentity": _INSTITUTION,
    "deviceIdentity": _DEVICE,
}


@dataclass(frozen=True, slots=True)
class Code:
    """A coded entry for the method (PS3.16 CID 7050, coding scheme DCM)."""

    value: str
    meaning: str


BASIC_PROFILE = Code("113100", "Basic Application Confidentiality Profile")

_OPTION_CODES: Mapping[str, Code] = {
    "descriptors": Code("113105", "Clean Descriptors Option"),
    "fullDates": Code("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "modifiedDates": Code("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patientCharacteristics": Code("113108", "Retain Patient Characteristics Option"),
    "deviceIdentity": Code("113109", "Retain Device Identity Option"),
    "uids": Code("113110", "Retain UIDs Option"),
    "institutionIdentity": Code("113112", "Retain Institution Identity Option"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """The actions for one choice of options.

    Attributes
    ----------
    actions
        By tag.
    repeating
        Of repeating groups: tag, mask, action.
    codes
        What was done, for the method.
    """

    actions: Mapping[int, Action]
    repeating: tuple[tuple[int, int, Action], ...]
    codes: tuple[Code, ...]

    def action(self, tag: int) -> Action | None:
        """What is done to an attribute; ``None`` if the table does not name it."""
        found = self.actions.get(tag)
        if found is None:
            return next((action for pattern, mask, action in self.repeating if tag & mask == pattern & mask), None)
        return found


@cache
def profile_of(options: Options) -> Profile:
    """The profile with its options."""
    actions: dict[int, Action] = {}
    repeating = []
    table = dicom_anonymization_database_selector(_DATABASE)
    for name, action in _ACTIONS.items():
        for entry in table[name]:
            tag = entry[0] << 16 | entry[1]
            if len(entry) == 2:
                actions[tag] = action
            else:
                repeating.append((tag, entry[2] << 16 | entry[3], action))
    changed = {tag: action for option in sorted(options.retain) for tag, action in _retained(option, actions)}
    if "descriptors" in options.clean:
        changed |= dict.fromkeys(_tags(_DESCRIPTORS), Action.CLEAN)
    asked = (*sorted(options.retain), *sorted(options.clean))
    codes = (BASIC_PROFILE, *sorted((_OPTION_CODES[one] for one in asked), key=lambda code: code.value))
    return Profile({**actions, **changed}, tuple(repeating), codes)


def vr_of(tag: int) -> str:
    """Value representation by the dictionary; empty if it does not know the attribute."""
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""


def _retained(option: Retained, actions: Mapping[int, Action]) -> Iterator[tuple[int, Action]]:
    if option in _LISTED:
        yield from ((tag, Action.KEEP) for tag in _tags(_LISTED[option]))
    elif option == "uids":
        own = {tag for tag, action in actions.items() if action is Action.UID} | set(_tags(_UIDS))
        yield from ((tag, Action.KEEP) for tag in own - set(_tags(_NOT_UIDS)))
    else:
        action = Action.KEEP if option == "fullDates" else Action.SHIFT
        never = set(_tags(_NEVER_RETAINED))
        yield from ((tag, action) for tag in actions if vr_of(tag) in TEMPORAL and tag not in never)
        yield from ((tag, Action.KEEP) for tag in _tags(_TEMPORAL_IN_TEXT))


def _tags(keywords: tuple[str, ...]) -> list[int]:
    found = (tag_for_keyword(keyword) for keyword in keywords)
    # The newest attributes are unknown to an older pydicom.
    return [tag for tag in found if tag is not None]

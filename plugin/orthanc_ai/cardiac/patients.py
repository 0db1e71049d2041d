"""Patients: whose a study is, and which studies are one patient's.

A patient is a Patient ID with its issuer (PS3.3 table C.2-2), and nothing else: names are never compared. Orthanc merges by
Patient ID alone, and all studies without one into one patient, so its patients are not trusted here. A study whose ID is
missing, or contradicted by another study, is in quarantine: it is judged as any other, but stands for no patient.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codes import Code

IDENTITY_TAGS = (
    "StudyInstanceUID",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
)
"""What is known of whose a study is. Orthanc's index keeps the patient's tags for each study, as its first image had them."""

QUARANTINE = frozenset({Code.PATIENT_ID_MISSING, Code.PATIENT_ID_CONFLICT})

_PADDING = " \t\r\n\0"
_SEXES = frozenset({"F", "M"})  # "O" says little and is written by those who do not know


@dataclass(frozen=True, slots=True, order=True)
class PatientKey:
    """A patient: Patient ID (0010,0020) and Issuer of Patient ID (0010,0021), empty if nobody is named."""

    patient_id: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a study is, by its header: texts without padding, empty if missing."""

    study_instance_uid: str
    patient_id: str
    issuer: str = ""
    birth_date: str = ""
    sex: str = ""

    @classmethod
    def from_tags(cls, tags: Mapping[str, Any]) -> "Identity":
        """Read the `IDENTITY_TAGS` of a study."""
        return cls(*(str(tags.get(keyword) or "").strip(_PADDING) for keyword in IDENTITY_TAGS))

    @property
    def key(self) -> PatientKey | None:
        """The patient; ``None`` if the study does not say whose it is."""
        return PatientKey(self.patient_id, self.issuer) if self.patient_id else None

    def contradicts(self, other: "Identity") -> bool:
        """Whether at most one of two studies can be right about its patient.

        They are the same study of different patients, or of the same patient with another birth date or sex. What is missing
        contradicts nothing.
        """
        if self.key is None or other.key is None:
            return False
        if self.key != other.key:
            return bool(self.study_instance_uid) and self.study_instance_uid == other.study_instance_uid
        born = {self.birth_date, other.birth_date} - {""}
        sexes = {self.sex.upper(), other.sex.upper()} & _SEXES
        return len(born) > 1 or len(sexes) > 1


def quarantine(study: Identity, others: Iterable[Identity]) -> Code | None:
    """Why a study stands for no patient; ``None`` if it does.

    Parameters
    ----------
    others
        Those that might contradict it: the studies with its Patient ID, and those with its Study Instance UID.
    """
    if study.key is None:
        return Code.PATIENT_ID_MISSING
    return Code.PATIENT_ID_CONFLICT if any(map(study.contradicts, others)) else None


def by_patient(studies: Sequence[Identity]) -> tuple[dict[PatientKey, list[Identity]], list[tuple[Identity, Code]]]:
    """Studies by patient, and those in quarantine, each with its code: as `quarantine` says of each among all.

    Neither depends on the order of the studies, but for that within a patient.
    """
    of_key: dict[PatientKey, list[Identity]] = {}
    of_uid: dict[str, set[PatientKey]] = {}
    for study in studies:
        if study.key:
            of_key.setdefault(study.key, []).append(study)
            of_uid.setdefault(study.study_instance_uid, set()).add(study.key)
    # A study is contradicted by one of each other value, so that not all pairs need to be compared: an ID may be borne by
    # thousands.
    witnesses = {
        key: list({(one.birth_date, one.sex.upper()): one for one in bearers}.values())
        for key, bearers in of_key.items()
    }
    patients: dict[PatientKey, list[Identity]] = {}
    quarantined = []
    for study in studies:
        key = study.key
        if key is None:
            quarantined.append((study, Code.PATIENT_ID_MISSING))
        elif quarantine(study, witnesses[key]) or (
            study.study_instance_uid and len(of_uid[study.study_instance_uid]) > 1
        ):
            quarantined.append((study, Code.PATIENT_ID_CONFLICT))
        else:
            patients.setdefault(key, []).append(study)
    return dict(sorted(patients.items())), quarantined

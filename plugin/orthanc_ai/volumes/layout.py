"""The folders of an export, ``patient/study/series/phase``: names that are safe everywhere, and what they stand for.

The names are digests, so that no folder is called by a Patient ID, which may also hold anything; the manifest says whose
they are. A digest is no pseudonym: whoever has a list of all Patient IDs can find out which it is.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..cardiac.patients import PatientKey

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1

DIGITS = 12
"""Hexadecimal digits of a digest: among a million studies, two have the same with a chance of 0.2 percent."""

_LETTERS = {"%": "pct", "#": "n"}
_NUMBER = re.compile(r"[0-9]{1,12}")
_OTHERS = re.compile(r"[^a-z0-9.-]+")


def patient_folder(patient: PatientKey | None, study_instance_uid: str) -> str:
    """Folder of a patient.

    Parameters
    ----------
    patient
        ``None`` for a study in quarantine: nobody knows whose it is, so it stands alone.
    """
    if patient is None:
        return f"quarantine-{_digest(study_instance_uid)}"
    return f"patient-{_digest(patient.patient_id, patient.issuer)}"


def study_folder(study_instance_uid: str) -> str:
    """Folder of a study, within that of its patient."""
    return f"study-{_digest(study_instance_uid)}"


def series_folder(number: str, series_instance_uid: str) -> str:
    """Folder of a series, within that of its study: those with a number sort by it."""
    first = f"{int(number):04d}-" if _NUMBER.fullmatch(number) else ""
    return f"series-{first}{_digest(series_instance_uid)}"


def phase_folder(label: str | None) -> str:
    """Folder of a phase, within that of its series."""
    if label is None:
        return "phase-only"
    text = "".join(_LETTERS.get(letter, letter) for letter in label.lower())
    return f"phase-{_OTHERS.sub('-', text)}"


def manifest(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What an export holds and what it does not, as a tree.

    Parameters
    ----------
    records
        One for each phase, or for a series without any: ``patient``, ``study`` and ``series``, each with its ``folder``, and
        ``phase``; see `batch`.

    Returns
    -------
    ``patients``, with their ``studies``, with their ``series``, with their ``phases``; all in the order of their folders.
    """
    patients: dict[str, Any] = {}
    for record in records:
        patient = _entry(patients, record["patient"], "studies")
        study = _entry(patient["studies"], record["study"], "series")
        series = _entry(study["series"], record["series"], "phases")
        if record.get("phase"):
            _entry(series["phases"], record["phase"])
    return {"format": MANIFEST_FORMAT, "patients": _listed(patients, "studies", "series", "phases")}


def _entry(entries: dict[str, Any], values: Mapping[str, Any], children: str = "") -> dict[str, Any]:
    entry: dict[str, Any] = entries.setdefault(values["folder"], {**values, **({children: {}} if children else {})})
    return entry


def _listed(entries: Mapping[str, Any], *levels: str) -> list[dict[str, Any]]:
    ordered = [entries[folder] for folder in sorted(entries)]
    if not levels:
        return ordered
    return [{**entry, levels[0]: _listed(entry[levels[0]], *levels[1:])} for entry in ordered]


def _digest(*parts: str) -> str:
    text = "\0".join(part.strip(" \0") for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]

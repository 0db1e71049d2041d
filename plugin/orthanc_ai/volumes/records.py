"""What the journal of an export says of an item: whose it is, where it lies, and what became of it."""

from collections.abc import Mapping
from typing import Any

from ..cardiac.patients import Identity
from ..codes import Code
from ..server import Resource
from .layout import patient_folder, series_folder, study_folder


def whose(study: Resource, series: Resource, quarantine: Code | None) -> dict[str, Any]:
    """Whose a series is, and what it is called; each with its folder.

    Parameters
    ----------
    quarantine
        Why the study stands for no patient; ``None`` if it does.
    """

    def of_study(keyword: str) -> str:
        return str(study.tags.get(keyword, ""))

    def of_series(keyword: str) -> str:
        return str(series.tags.get(keyword, ""))

    study_uid, series_uid = of_study("StudyInstanceUID"), of_series("SeriesInstanceUID")
    identity = Identity.from_tags(study.tags)
    patient = patient_folder(None if quarantine else identity.key, study_uid)
    number = of_series("SeriesNumber").strip()
    in_patient = f"{patient}/{study_folder(study_uid)}"
    return {
        "patient": {
            "folder": patient,
            "patientID": identity.patient_id,
            "issuerOfPatientID": identity.issuer,
            "quarantine": quarantine or (None if identity.key else Code.PATIENT_ID_MISSING),
        },
        "study": {
            "folder": in_patient,
            "id": study.identifier,
            "studyInstanceUID": study_uid,
            "studyDate": of_study("StudyDate"),
            "description": of_study("StudyDescription"),
        },
        "series": {
            "folder": f"{in_patient}/{series_folder(number, series_uid)}",
            "id": series.identifier,
            "seriesInstanceUID": series_uid,
            "number": number,
            "description": of_series("SeriesDescription"),
        },
    }


def said_of(verdict: Mapping[str, Any], code: Code) -> dict[str, Any]:
    """What a manifest says of a verdict."""
    return {
        "code": code,
        "sentence": code.sentence,
        "accepted": bool(verdict.get("accepted", False)),
        "role": verdict.get("role"),
        "codes": list(verdict.get("codes", ())),
    }


def settled_before(settled: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """By series, how many of its items are settled, and how many it has."""
    found: dict[str, tuple[int, int]] = {}
    for key, record in settled.items():
        identifier = key.partition("/")[0]
        found[identifier] = found.get(identifier, (0, 0))[0] + 1, record["items"]
    return found

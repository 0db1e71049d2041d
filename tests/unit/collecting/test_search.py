"""What of a peer's answers is wanted."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.collecting.question import Answer
from orthanc_ai.collecting.request import CollectionRequest
from orthanc_ai.collecting.search import Findings, search, series_unwanted

from .archive import House, There, ct


def request(**fields: Any) -> CollectionRequest:
    return CollectionRequest.model_validate({"peer": "modality:pacs", "studyDate": "20260101", **fields})


def found(house: House, **fields: Any) -> Findings:
    def ask(question: Callable[[], Sequence[Answer]]) -> Sequence[Answer]:
        return question()

    *_, last = search(house, request(**fields), date(2026, 1, 1), ask)
    return last


def series(**tags: str) -> dict[str, str]:
    return {"SeriesInstanceUID": "1.2.3", "Modality": "CT", **tags}


@pytest.mark.parametrize(
    ("fields", "tags", "study", "code"),
    [
        ({}, {}, "", None),
        ({"modalities": ["CT"]}, {}, "", None),
        ({"modalities": ["CT"]}, {"Modality": "SR"}, "", Code.MODALITY_NOT_WANTED),
        ({"modalities": ["CT"]}, {"Modality": ""}, "", Code.MODALITY_NOT_WANTED),
        ({"bodyParts": ["heart"]}, {"BodyPartExamined": "HEART "}, "", None),
        ({"bodyParts": ["HEART"]}, {"BodyPartExamined": "CHEST"}, "", Code.BODY_PART_NOT_WANTED),
        ({"bodyParts": ["HEART"]}, {}, "", Code.BODY_PART_NOT_STATED),
        ({"bodyParts": ["HEART"], "unstatedBodyPart": "fetch"}, {}, "", None),
        (
            {"bodyParts": ["HEART"], "unstatedBodyPart": "fetch"},
            {"BodyPartExamined": "HEAD"},
            "",
            Code.BODY_PART_NOT_WANTED,
        ),
        ({"words": ["coeur"]}, {"SeriesDescription": "ANGIO_CŒUR 0.6"}, "", None),
        ({"words": ["cardiac cta"]}, {"SeriesDescription": "0.6 Bv40"}, "Cardiac^CTA", None),
        ({"words": ["cta thorax"]}, {"SeriesDescription": "Thorax"}, "CTA", Code.DESCRIPTION_NOT_WANTED),
        ({"words": ["cta"]}, {}, "", Code.DESCRIPTION_NOT_WANTED),
        ({"notWords": ["topo"]}, {"SeriesDescription": "Topogram"}, "", Code.DESCRIPTION_NOT_WANTED),
        ({"notWords": ["topo"]}, {"SeriesDescription": "CTA"}, "Topogram", None),
        ({}, {"SeriesInstanceUID": "1.2.*"}, "", Code.ATTRIBUTE_INVALID),
        ({}, {"SeriesInstanceUID": ""}, "", Code.ATTRIBUTE_INVALID),
        ({}, {"SeriesInstanceUID": "../1"}, "", Code.ATTRIBUTE_INVALID),
    ],
)
def test_a_series_is_wanted_or_the_reason_is_said(
    fields: dict[str, Any], tags: dict[str, str], study: str, code: Code | None
) -> None:
    assert series_unwanted(request(**fields), study, series(**tags)) is code


def test_only_wanted_series_are_in_the_plan() -> None:
    house = House(There("1.2", {"1.2.1": ["a", "b"], "1.2.2": ["c"]}, {"StudyDate": "20260101"}))
    house.there["1.2"].series_tags["1.2.2"] = {"Modality": "SR"}
    findings = found(house, modalities=["CT"])
    [study] = findings.studies
    assert [one.series_instance_uid for one in study.series] == ["1.2.1"]
    assert (study.instances, study.others) == (2, 1)
    assert findings.left_out == {Code.MODALITY_NOT_WANTED: 1}


def test_a_peer_that_heeds_no_key_gets_nothing_into_the_plan() -> None:
    """Orthanc itself answers questions for a Patient ID whatever its case; others ignore keys that they do not know."""
    house = House(
        ct(1, PatientID="p1"),
        ct(2, StudyDate="20250101"),
        ct(3, ModalitiesInStudy="MR\\SR"),
        ct(4, ModalitiesInStudy="SR\\CT"),
        There("1.2.*", {}, {"PatientID": "P1"}),
    )
    everything = [{"StudyInstanceUID": study.uid, **study.tags} for study in house.there.values()]
    house.there["1.2.4"].tags["PatientID"] = "P1"
    everything[3]["PatientID"] = everything[2]["PatientID"] = everything[1]["PatientID"] = "P1"

    class Deaf(House):
        def ask(self, level: str, keys: Any) -> Any:
            return everything if level == "study" else house.ask(level, keys)

    findings = found(Deaf(), patientIDs=["P1"], modalities=["CT"])
    assert [study.study_instance_uid for study in findings.studies] == ["1.2.4"]
    assert findings.left_out == {
        Code.PATIENT_NOT_WANTED: 1,
        Code.DATE_NOT_WANTED: 1,
        Code.MODALITY_NOT_WANTED: 1,
        Code.ATTRIBUTE_INVALID: 1,
    }


def test_a_study_that_comes_twice_is_one() -> None:
    findings = found(House(ct(1)), studyDate="20260101-20260103")
    assert (findings.found, len(findings.studies)) == (1, 1)
    assert (findings.questions, findings.asked) == (3, 3)


def test_what_a_peer_does_not_count_has_no_number() -> None:
    house = House(ct(1), ct(2))
    house.states_counts = False
    summary = found(house).summary()
    assert (summary["studies"], summary["instances"], summary["studiesOfUnstatedSize"]) == (2, 0, 2)

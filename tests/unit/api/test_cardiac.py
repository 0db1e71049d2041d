"""CT series with their verdicts, the best of them, and studies in quarantine."""

import csv
import io
import json
from typing import Any

import pytest

from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.routes import Routes
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, Outcome, Result
from orthanc_ai.server import Resource

from ..cardiac.examples import stack
from .examples import Archive, context, identifier

CCTA = {**judge_series(stack()).to_json(), "convolutionKernel": "Bv40d"}
SHARP = {**CCTA, "convolutionKernel": "Br64d"}
GAP = judge_series([*stack()[:50], *stack()[60:]]).to_json()
REPORT = Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", "1.2.1")


def patient(number: int, patient_id: str) -> Resource:
    return Resource("patient", identifier(number), {"PatientID": patient_id}, {})


def study(number: int, of: int, patient_id: str, outcome: Outcome | None, **tags: str) -> Resource:
    uids = {"StudyInstanceUID": f"1.2.{number}", "PatientID": patient_id, "StudyDate": "20260102", **tags}
    metadata = {CARDIAC_METADATA: outcome.to_text()} if outcome else {}
    return Resource("study", identifier(number), uids, metadata, identifier(of))


def series(number: int, of: int, verdict: dict[str, Any] | None, **tags: str) -> Resource:
    uids = {"SeriesInstanceUID": f"1.3.{number}", "StudyInstanceUID": f"1.2.{of}", "Modality": "CT"}
    metadata = {}
    if verdict:
        code = Code.ACCEPTED if verdict["accepted"] else Code(verdict["codes"][0])
        metadata[CARDIAC_METADATA] = Outcome(code, "r", data=verdict).to_text()
    return Resource(
        "series",
        identifier(number),
        {**uids, "PatientID": "P", "StudyDate": "20260102", **tags},
        metadata,
        identifier(of),
    )


def reported(*notes: Code) -> Outcome:
    return Outcome(Code.REPORTED, "r", notes=notes, result=REPORT, data={"cardiac": True, "instances": 200})


ARCHIVE = [
    patient(1, "P"),
    study(11, 1, "P", reported()),
    series(101, 11, CCTA),
    series(102, 11, SHARP),
    series(103, 11, GAP, PatientID="*"),
    series(104, 11, None),
    series(105, 11, None, Modality="MR"),
]


def get(path: str, rows: list[Resource] | None = None, /, **query: str) -> Any:
    return json.loads(Routes(context(Archive(rows or ARCHIVE))).answer(Request("GET", path, query)).body)


def listed(**query: str) -> set[str]:
    return {one["id"] for one in get("/ai/series", **query)["series"]}


def test_series_by_every_filter() -> None:
    ccta, sharp, gap = (identifier(number) for number in (101, 102, 103))
    assert listed() == {ccta, sharp, gap}
    assert listed(verdict="accepted") == {ccta, sharp} == listed(role="CCTA") == listed(code="ACCEPTED")
    assert listed(verdict="accepted", role="CCTA") == {ccta, sharp}
    assert listed(verdict="rejected") == {gap} == listed(code="MISSING_SLICES")
    assert listed(verdict="rejected", role="CCTA") == set()
    assert listed(role="CAC") == set()
    # A piece of evidence, which all of them have.
    assert listed(code="BODYPART_CARDIAC") == {ccta, sharp, gap}
    assert listed(patientID="P") == {ccta, sharp}
    assert listed(patientID="*") == {gap}


def test_a_listed_series_says_what_it_is() -> None:
    [one] = [one for one in get("/ai/series")["series"] if one["id"] == identifier(101)]
    assert (one["role"], one["accepted"], one["code"], one["instances"]) == ("CCTA", True, "ACCEPTED", 200)
    assert (one["slices"], one["thicknessMm"], one["spacingMm"]) == (200, 0.6, 0.5)
    assert one["phases"] == ["75%"]
    assert one["cardiac"] == f"/ai/series/{identifier(101)}/cardiac"


def test_the_table_of_series_has_codes_and_phases_in_words() -> None:
    request = Request("GET", "/ai/series", {"role": "CCTA", "format": "csv"})
    answer = Routes(context(Archive(ARCHIVE))).answer(request)
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["phaseLabels"] for row in rows] == ["75%", "75%"]
    assert all("OVERLAPPING_SLICES" in row["codes"].split(";") for row in rows)


def test_one_series_with_its_reasoning() -> None:
    gap = get(f"/ai/series/{identifier(103)}/cardiac")
    assert (gap["code"], gap["accepted"], gap["role"], gap["settled"]) == ("MISSING_SLICES", False, None, True)
    assert gap["codes"][0] == {"code": "MISSING_SLICES", "sentence": Code.MISSING_SLICES.sentence}
    assert gap["score"] == sum(one["points"] for one in gap["evidence"])
    assert all(one["sentence"] for one in gap["evidence"])
    assert gap["verdict"]["geometry"]["missing"] == 10
    assert gap["report"]["sopInstanceUID"] == "2.25.1"
    assert gap["best"] == f"/ai/studies/{identifier(11)}/best"


@pytest.mark.parametrize(
    ("outcome", "code", "settled"),
    [
        (None, "NOT_ANALYZED_YET", False),
        (reported(), "NOT_ANALYZED_YET", False),
        (Outcome(Code.HELD, "", "PAUSED"), "HELD", False),
        (Outcome(Code.INDEX_INCOMPLETE, "", "9 of 9 images"), "INDEX_INCOMPLETE", True),
    ],
)
def test_a_series_that_was_not_judged_says_what_became_of_its_study(
    outcome: Outcome | None, code: str, settled: bool
) -> None:
    rows = [patient(1, "P"), study(11, 1, "P", outcome), series(104, 11, None)]
    answer = get(f"/ai/series/{identifier(104)}/cardiac", rows)
    assert (answer["code"], answer["settled"], answer["accepted"]) == (code, settled, False)
    assert answer["detail"] == (outcome.detail if outcome else "")


def test_a_series_that_is_not_ct_has_no_reasoning() -> None:
    with pytest.raises(Problem) as caught:
        get(f"/ai/series/{identifier(105)}/cardiac")
    assert caught.value.code is Code.NOT_CT


def test_the_best_of_a_study_and_why_the_other_is_not() -> None:
    answer = get(f"/ai/studies/{identifier(11)}/best")
    [role] = answer["roles"]
    assert (answer["code"], answer["quarantine"], role["role"]) == ("REPORTED", None, "CCTA")
    assert (role["best"]["id"], role["best"]["phase"], role["best"]["behind"]) == (identifier(101), "75%", None)
    [other] = role["others"]
    assert (other["id"], other["behind"]) == (identifier(102), "kernel")
    assert {"criterion": "kernel", "value": "Br64d (sharp)"} in other["values"]
    assert [value["criterion"] for value in other["values"]] == role["criteria"]


def test_a_study_without_verdicts_has_no_best() -> None:
    answer = get(f"/ai/studies/{identifier(11)}/best", [patient(1, "P"), study(11, 1, "P", None)])
    assert (answer["code"], answer["roles"]) == ("NOT_ANALYZED_YET", [])


TWO_ISSUERS = [
    patient(1, "P"),
    study(11, 1, "P", reported(), IssuerOfPatientID="HERE"),
    series(101, 11, SHARP),
    study(12, 1, "P", reported(), IssuerOfPatientID="HERE", StudyDate="20250102"),
    series(102, 12, CCTA),
    study(13, 1, "P", reported(), IssuerOfPatientID="THERE"),
    series(103, 13, CCTA),
    study(14, 1, "P", reported(Code.PATIENT_ID_CONFLICT), IssuerOfPatientID="HERE"),
    series(104, 14, CCTA),
    study(15, 1, "P", None, IssuerOfPatientID="HERE"),
]


def test_patients_of_two_issuers_are_never_merged_and_what_is_in_quarantine_takes_no_part() -> None:
    answer = get("/ai/patients/P/best", TWO_ISSUERS)
    here, there = answer["patients"]
    assert (here["patientID"], here["issuer"], here["studies"]) == ("P", "HERE", ["1.2.11", "1.2.12"])
    assert (there["issuer"], there["studies"]) == ("THERE", ["1.2.13"])
    [role] = here["roles"]
    assert (role["best"]["id"], role["best"]["studyDate"]) == (identifier(102), "20250102")
    assert [one["id"] for one in role["others"]] == [identifier(101)]
    assert answer["quarantined"] == 1
    assert [(one["id"], one["code"]) for one in answer["quarantine"]] == [(identifier(14), "PATIENT_ID_CONFLICT")]


def test_the_best_of_a_patient_by_issuer_and_time() -> None:
    def best(**query: str) -> list[tuple[str, str]]:
        answer = get("/ai/patients/P/best", TWO_ISSUERS, **query)
        return [(one["issuer"], one["roles"][0]["best"]["id"]) for one in answer["patients"]]

    assert best(issuer="THERE") == [("THERE", identifier(103))]
    assert best(studyDate="20260101-", issuer="HERE") == [("HERE", identifier(101))]
    assert best(studyDate="-20251231") == [("HERE", identifier(102))]
    assert best(studyDate="20250102") == [("HERE", identifier(102))]
    assert best(studyDate="20250103-20251231") == []


def test_a_contradiction_that_nobody_has_noted_yet_counts() -> None:
    rows = [
        patient(1, "P"),
        study(11, 1, "P", reported(), PatientBirthDate="19700101"),
        series(101, 11, CCTA),
        study(12, 1, "P", None, PatientBirthDate="19800101"),
    ]
    answer = get("/ai/patients/P/best", rows)
    assert answer["patients"] == []
    assert answer["quarantined"] == 2


def test_all_who_have_no_id_are_nobody() -> None:
    rows = [patient(1, ""), study(11, 1, "", reported(Code.PATIENT_ID_MISSING)), series(101, 11, CCTA)]
    answer = get(f"/ai/patients/{identifier(1)}/best", rows)
    assert (answer["patients"], answer["quarantined"]) == ([], 1)
    # The study itself was judged as any other.
    of_study = get(f"/ai/studies/{identifier(11)}/best", rows)
    assert of_study["quarantine"]["code"] == "PATIENT_ID_MISSING"
    assert of_study["roles"][0]["best"]["id"] == identifier(101)


def test_quarantine_by_code_with_what_contradicts() -> None:
    rows = [
        patient(1, "P"),
        patient(2, ""),
        study(11, 1, "P", reported(Code.PATIENT_ID_CONFLICT), PatientBirthDate="19700101"),
        study(12, 1, "P", reported(), PatientBirthDate="19800101"),
        study(13, 2, "", reported(Code.PATIENT_ID_MISSING)),
        study(14, 1, "P", Outcome(Code.NOT_CT, "r", detail='"PATIENT_ID_CONFLICT"')),
    ]

    def found(**query: str) -> list[tuple[str, str, list[str]]]:
        answer = get("/ai/quarantine", rows, **query)
        return [(one["id"], one["code"], one["contradictedBy"]) for one in answer["studies"]]

    conflict = (identifier(11), "PATIENT_ID_CONFLICT", [identifier(12)])
    missing: tuple[str, str, list[str]] = (identifier(13), "PATIENT_ID_MISSING", [])
    assert found() == [missing, conflict]
    assert found(code="PATIENT_ID_MISSING") == [missing]
    assert found(code="PATIENT_ID_CONFLICT") == [conflict] == found(patientID="P")
    answer = Routes(context(Archive(rows))).answer(Request("GET", "/ai/quarantine", {"format": "csv"}))
    table = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["contradictedBy"] for row in table] == ["", identifier(12)]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/ai/series", {"role": "HEART"}),
        ("/ai/series", {"verdict": "maybe"}),
        ("/ai/series", {"code": "NONE"}),
        ("/ai/quarantine", {"code": "NOT_CT"}),
        ("/ai/patients/P/best", {"studyDate": "yesterday"}),
    ],
)
def test_wrong_parameters_are_named(path: str, query: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        get(path, **query)
    assert caught.value.code is Code.BAD_REQUEST
    assert next(iter(query)) in caught.value.detail


def test_a_spoiled_verdict_is_left_out_everywhere() -> None:
    rows = [
        patient(1, "P"),
        study(11, 1, "P", reported()),
        series(101, 11, {**CCTA, "role": "HEART"}),
        series(102, 11, {**CCTA, "codes": 7}),
    ]
    assert get("/ai/series", rows)["series"] == []
    assert get(f"/ai/studies/{identifier(11)}/best", rows)["roles"] == []
    assert get(f"/ai/series/{identifier(102)}/cardiac", rows)["code"] == "NOT_ANALYZED_YET"

"""CT studies as they live in a server: they grow, servers are killed, indexes are old, patients are confused."""

from collections.abc import Callable, Iterator
from typing import Any

import pydicom
import pytest

from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import Kind, ct_series

from .orthanc import Orthanc


def images(kind: Kind = "calcium_score", /, *, examination: str = "", **tags: str) -> list[pydicom.Dataset]:
    """A series with tags of a test's own."""
    made = ct_series(kind, matrix=16, examination=examination)
    for image in made:
        for keyword, value in tags.items():
            setattr(image, keyword, value)
    return made


def study_of(orthanc: Orthanc, stored: list[str]) -> str:
    """Orthanc identifier of the study of some instances."""
    return str(orthanc.get(f"/instances/{stored[0]}/study")["ID"])


def outcome(orthanc: Orthanc, study: str) -> dict[str, Any]:
    """Wait for the outcome of a study."""
    orthanc.wait_until(
        lambda: orthanc.outcome("studies", study, CARDIAC_METADATA) is not None, "a study has no outcome"
    )
    orthanc.wait_idle()
    found = orthanc.outcome("studies", study, CARDIAC_METADATA)
    assert found
    return found


def reports(orthanc: Orthanc) -> dict[str, pydicom.Dataset]:
    """All reports by SOP Instance UID."""
    return {report.SOPInstanceUID: report for report in map(orthanc.dataset, orthanc.reports())}


def predecessor(report: pydicom.Dataset) -> str:
    [named] = report.PredecessorDocumentsSequence
    return str(named.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)


# Growing


def test_a_judged_study_that_grows_before_a_kill_is_judged_again_and_our_report_is_no_growth(
    make_server: Callable[..., Orthanc],
) -> None:
    orthanc = make_server().start()
    study = study_of(orthanc, orthanc.upload(images()))
    old = outcome(orthanc, study)["result"]["sopInstanceUID"]
    # The report itself has made the study unstable once more, and it has been looked at again.
    orthanc.wait_until(lambda: orthanc.get(f"/studies/{study}")["IsStable"], "it stays unstable")
    orthanc.wait_idle()
    assert set(reports(orthanc)) == {old}
    orthanc.upload(images("multiphase"))
    # Before the stable event, which lives in the memory of Orthanc.
    orthanc.kill()
    orthanc.start()
    orthanc.wait_until(lambda: len(orthanc.reports()) == 2, "the grown study was not judged")
    orthanc.wait_idle()
    new = outcome(orthanc, study)["result"]["sopInstanceUID"]
    found = reports(orthanc)
    assert set(found) == {old, new}
    assert predecessor(found[new]) == old


# Archives that were filled before


def test_what_was_stored_before_the_index_kept_the_tags_is_judged_once_it_is_reconstructed(
    make_server: Callable[..., Orthanc],
) -> None:
    orthanc = make_server({"Backfill": "all"}, {"PythonScript": None, "ExtraMainDicomTags": None})
    orthanc.launch()
    orthanc.wait_for_http("/system")
    before = images()
    study = study_of(orthanc, orthanc.upload(before))
    orthanc.stop()
    orthanc.options = {}
    orthanc.start()
    found = outcome(orthanc, study)
    assert (found["code"], found["detail"]) == ("INDEX_INCOMPLETE", f"{len(before)} of {len(before)} images")
    [series] = orthanc.find("Series", {})
    assert orthanc.outcome("series", series["ID"], CARDIAC_METADATA) is None
    assert orthanc.get(f"/ai/series/{series['ID']}/cardiac")["code"] == "INDEX_INCOMPLETE"
    listed = orthanc.get("/ai/outcomes?level=study&code=INDEX_INCOMPLETE")["outcomes"]
    assert [one["id"] for one in listed] == [study]
    # A part that came later does not make the rest right.
    later = orthanc.upload(images("multiphase"))
    total = len(before) + len(later)
    orthanc.wait_until(
        lambda: outcome(orthanc, study)["detail"] == f"{len(before)} of {total} images", "it was not looked at again"
    )
    assert not orthanc.reports()
    assert orthanc.request("POST", f"/studies/{study}/reconstruct", json={}).ok
    orthanc.post(f"/ai/studies/{study}/analyze")
    orthanc.wait_until(lambda: len(orthanc.reports()) == 1, "it was not judged")
    orthanc.wait_idle()
    assert outcome(orthanc, study)["code"] == "REPORTED"
    roles = {one["role"] for one in orthanc.get("/ai/series?verdict=accepted")["series"]}
    assert roles == {"CAC", "FUNCTIONAL_MULTIPHASE"}


# Patients


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, dict[str, str]]]:
    """A server with studies of confused patients, and their Orthanc identifiers by a name for each."""
    orthanc = Orthanc(tmp_path_factory.mktemp("patients")).start()
    told = {
        "nobody": {"PatientID": "", "PatientName": "Doe^Jane"},
        "nobody else": {"PatientID": "", "PatientName": "Doe^Jane"},
        "here": {"PatientID": "1", "IssuerOfPatientID": "HERE"},
        "there": {"PatientID": "1", "IssuerOfPatientID": "THERE"},
        "young": {"PatientID": "2", "PatientBirthDate": "19900101"},
        "old": {"PatientID": "2", "PatientBirthDate": "19300101"},
    }
    studies = {name: study_of(orthanc, orthanc.upload(images(examination=name, **tags))) for name, tags in told.items()}
    same = ct_series("calcium_score", matrix=16, examination="here")[0].StudyInstanceUID
    for study in studies.values():
        outcome(orthanc, study)
    # Two studies that were sound until another one came: one of the same patient with another birth date is above.
    stored = orthanc.upload(images("multiphase", PatientID="3", StudyInstanceUID=same))
    studies["thief"] = study_of(orthanc, stored)
    outcome(orthanc, studies["thief"])
    yield orthanc, studies
    assert orthanc.stop() == 0
    assert "Doe" not in orthanc.log_text()


def test_every_study_is_judged_and_those_of_nobody_are_in_quarantine(
    patients: tuple[Orthanc, dict[str, str]],
) -> None:
    orthanc, studies = patients
    found = {name: outcome(orthanc, study) for name, study in studies.items()}
    assert {one["code"] for one in found.values()} == {"REPORTED"}
    expected = {
        "nobody": ["PATIENT_ID_MISSING"],
        "nobody else": ["PATIENT_ID_MISSING"],
        "here": ["PATIENT_ID_CONFLICT"],
        "there": [],
        "young": ["PATIENT_ID_CONFLICT"],
        "old": ["PATIENT_ID_CONFLICT"],
        "thief": ["PATIENT_ID_CONFLICT"],
    }
    assert {name: one.get("notes", []) for name, one in found.items()} == expected
    listed = {one["id"]: one for one in orthanc.get("/ai/quarantine")["studies"]}
    assert set(listed) == {studies[name] for name, notes in expected.items() if notes}
    assert listed[studies["here"]]["contradictedBy"] == [studies["thief"]]
    assert listed[studies["young"]]["contradictedBy"] == [studies["old"]]
    assert listed[studies["here"]]["issuer"] == "HERE"
    missing = orthanc.get("/ai/quarantine?code=PATIENT_ID_MISSING")["studies"]
    assert {one["id"] for one in missing} == {studies["nobody"], studies["nobody else"]}


def test_report_and_page_say_that_a_study_is_in_quarantine(patients: tuple[Orthanc, dict[str, str]]) -> None:
    orthanc, studies = patients
    for name, code in (("nobody", "PATIENT_ID_MISSING"), ("old", "PATIENT_ID_CONFLICT")):
        page = orthanc.get(f"/ai/studies/{studies[name]}/cardiac?format=json")
        assert [note["code"] for note in page["notes"]] == [code]
        assert code in orthanc.request("GET", f"/ai/studies/{studies[name]}/cardiac").text
        comments = [item.get("TextValue", "") for item in orthanc.dataset(page["report"]["instanceID"]).ContentSequence]
        assert any(f"({code})" in comment for comment in comments), comments


def test_orthancs_patient_is_not_trusted(patients: tuple[Orthanc, dict[str, str]]) -> None:
    orthanc, studies = patients
    # To Orthanc these are one patient each.
    one, two = (orthanc.get(f"/studies/{studies[name]}")["ParentPatient"] for name in ("here", "there"))
    assert one == two
    best = orthanc.get("/ai/patients/1/best")
    [there] = best["patients"]
    assert (there["issuer"], there["roles"][0]["role"]) == ("THERE", "CAC")
    assert [one["id"] for one in best["quarantine"]] == [studies["here"]]
    nobody = orthanc.get(f"/studies/{studies['nobody']}")["ParentPatient"]
    answer = orthanc.get(f"/ai/patients/{nobody}/best")
    assert (answer["patients"], answer["quarantined"]) == ([], 2)


def test_the_series_of_the_archive_by_filters_and_pages(patients: tuple[Orthanc, dict[str, str]]) -> None:
    orthanc, studies = patients
    seen: list[str] = []
    path: str | None = "/ai/series?limit=2"
    while path:
        answer = orthanc.get(path)
        seen += [one["id"] for one in answer["series"]]
        path = answer["next"]
    assert len(seen) == len(set(seen)) == len(studies)

    def found(query: str) -> set[str]:
        return {one["studyInstanceUID"] for one in orthanc.get(f"/ai/series?{query}")["series"]}

    functional = orthanc.get(f"/studies/{studies['thief']}")["MainDicomTags"]["StudyInstanceUID"]
    assert found("role=FUNCTIONAL_MULTIPHASE") == {functional} == found("code=MULTIPHASE_SPLIT") == found("patientID=3")
    assert len(found("role=CAC&verdict=accepted")) == len(studies) - 1
    assert found("verdict=rejected") == set()
    text = orthanc.request("GET", "/ai/series?role=CAC&format=csv").text
    assert len(text.splitlines()) == len(studies)
    one = orthanc.get(f"/ai/series/{seen[0]}/cardiac")
    assert (one["accepted"], one["settled"], one["evidence"] != []) == (True, True, True)
    best = orthanc.get(one["best"])
    assert best["roles"][0]["best"]["id"] == seen[0]

"""The /ai routes of a real server.

The server has no model, so every image is held at once and stays so; what an image's outcome must be for a test is then
written into its metadata, as a job would. Only the last tests have a model read real images.
"""

import csv
import io
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from requests import Response

from orthanc_ai.api.dispatch import DECODES_QUERIES
from orthanc_ai.api.paging import SMALLEST_READ
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome, Result

from .orthanc import Orthanc

MODEL = "densenet121-res224-all"
NOWHERE = "http://127.0.0.1:9/"
CR = "1.2.840.10008.5.1.4.1.1.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
SR = "1.2.840.10008.5.1.4.1.1.88.34"
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    folder = tmp_path_factory.mktemp("api")
    cache = str(tmp_path_factory.mktemp("models"))
    made = Orthanc(folder, {"Model": MODEL, "CacheDirectory": cache, "ModelMirror": NOWHERE, "MaximumBodyKiB": 4})
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def description(orthanc: Orthanc) -> Any:
    return orthanc.get("/ai/openapi.json")


def dataset(sop_class: str = CR, **tags: str) -> pydicom.Dataset:
    """A tiny object; what is not given is new."""
    made = pydicom.Dataset()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uids = {keyword: generate_uid() for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")}
    others = {"SOPClassUID": sop_class, "PatientID": "P", "StudyDate": "20260102", "Modality": "DX"}
    for keyword, value in {**uids, **others, **tags}.items():
        setattr(made, keyword, value)
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    if sop_class in (CR, MR, CT):
        made.Rows = made.Columns = 4
        made.BitsAllocated = made.BitsStored = 8
        made.HighBit, made.SamplesPerPixel, made.PixelRepresentation = 7, 1, 0
        made.PhotometricInterpretation = "MONOCHROME2"
        made.PixelData = bytes(range(16))
    return made


def outcome(scores: dict[str, float], *, demonstration: bool = False, **parts: Any) -> Outcome:
    findings = [
        {"label": label, "score": score, "threshold": 0.5, "presence": None if demonstration else score >= 0.5}
        for label, score in scores.items()
    ]
    data = {"demonstration": demonstration, "findings": findings}
    return Outcome(**{"code": Code.REPORTED, "recipe": "r", "model": MODEL, "data": data, **parts})


def plant(orthanc: Orthanc, made: Outcome | None, **tags: str) -> str:
    """Store an X-ray whose outcome is this."""
    [instance] = orthanc.upload([dataset(**tags)])
    orthanc.wait_idle(with_model=False)
    if made:
        write(orthanc, "instances", instance, XRAY_METADATA, made)
    return instance


def write(orthanc: Orthanc, level: str, identifier: str, name: str, made: Outcome) -> None:
    answer = orthanc.request("PUT", f"/{level}/{identifier}/metadata/{name}", data=made.to_text().encode())
    assert answer.ok


def problem(answer: Response, status: int, code: Code) -> dict[str, Any]:
    """A problem document with the code."""
    assert answer.status_code == status
    # Orthanc adds a type of its own after ours.
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    document: dict[str, Any] = answer.json()
    assert (document["code"], document["status"], document["title"]) == (code, status, code.sentence)
    return document


def table(answer: Response) -> list[dict[str, str]]:
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


# Described and answered alike


def test_real_answers_are_as_described(orthanc: Orthanc, description: Any) -> None:
    result = Result(SR, "2.25.11", "2.25.12", "2.25.13")
    instance = plant(
        orthanc, outcome({"Mass": 0.7}, notes=(Code.VIEW_NOT_STATED,), result=result), PatientID="described"
    )
    series = orthanc.get(f"/instances/{instance}/series")["ID"]
    study = orthanc.get(f"/instances/{instance}/study")["ID"]
    patient = orthanc.get(f"/instances/{instance}/patient")["ID"]
    for level, identifier in (("series", series), ("studies", study)):
        verdict = Outcome(Code.NOT_CARDIAC, "r", data={"accepted": False, "codes": ["NOT_CARDIAC"]})
        write(orthanc, level, identifier, CARDIAC_METADATA, verdict)
    parameters = {"id": instance, "patient": patient, "name": MODEL, "code": "HELD", "job": f"xray-findings:{instance}"}
    identifiers = {"series": series, "studies": study}
    wanted = {"peer": "modality:storescu", "patientIDs": ["1"]}
    bodies = {"/ai/collections": wanted, "/ai/collection-previews": wanted, "/ai/volumes": {"studies": [study]}}
    bodies |= {"/ai/datasets": {}, "/ai/tables": {}}
    statement = {"reader": "Dr. A", "findings": [{"finding": "Mass", "present": True}]}
    bodies["/ai/instances/{id}/corrections"] = statement
    orthanc.wait_until(lambda: orthanc.request("GET", "/ai/catalog/counts").ok, "the catalogue is not loaded")
    # Of this study no file is made, and the page has scripts of its own: others download some.
    elsewhere = ("{file}", "{script}", "/ai/datasets/{id}/", "/ai/tables/{id}/")
    paths = {
        one: methods for one, methods in description["paths"].items() if not any(part in one for part in elsewhere)
    }
    calls = [(method, template) for template, methods in paths.items() for method in methods]
    # What is begun is asked after before it is taken away.
    calls.sort(key=lambda call: call[0] == "delete")
    for method, template in calls:
        operation = description["paths"][template][method]
        # What the identifier is of: the part of the path before it.
        collection = template.partition("/{id}")[0].rpartition("/")[2]
        path = template.format(**parameters | {"id": identifiers.get(collection, instance)})
        content = operation["responses"][_success(operation)]["content"]
        # As which of these it answers: each in turn, as the header asks for it.
        for media_type in content:
            body = bodies.get(template) if method == "post" else None
            answer = orthanc.request(method.upper(), path, json=body, headers={"Accept": media_type})
            assert answer.status_code == int(_success(operation)), answer.text
            # With another status than 200, Orthanc 1.12.7 adds a type of its own behind ours.
            assert re.split("[;,]", answer.headers["Content-Type"])[0] == media_type
            if media_type == "application/json":
                schema = content[media_type]["schema"]
                jsonschema.validate(answer.json(), {**schema, "components": description["components"]})
        if method == "post" and template in bodies and "{id}" not in template:
            identifiers[collection] = answer.json()["id"]


def _success(operation: Any) -> str:
    [status] = [status for status in operation["responses"] if status.startswith("2")]
    return str(status)


def test_problems_are_as_described(orthanc: Orthanc, description: Any) -> None:
    document = problem(orthanc.request("GET", "/ai/instances/1.2.3/findings"), 404, Code.NOT_FOUND)
    described = description["paths"]["/ai/instances/{id}/findings"]["get"]["responses"]["404"]
    schema = described["content"]["application/problem+json"]["schema"]
    jsonschema.validate(document, {**schema, "components": description["components"]})
    assert orthanc.get(document["type"])["sentence"] == document["title"]


def test_status_tells_what_waits_and_why(orthanc: Orthanc) -> None:
    plant(orthanc, None)
    orthanc.upload([dataset(MR, Modality="MR")])
    orthanc.wait_idle(with_model=False)
    orthanc.wait_until(lambda: orthanc.get("/ai/status")["queue"]["held"] >= 1, "nothing is held")
    status = orthanc.get("/ai/status")
    assert (status["model"]["name"], status["model"]["ready"]) == (MODEL, False)
    assert status["model"]["code"] == "MODEL_MISSING"
    assert status["queue"]["counted"]["MR"] >= 1
    assert status["orthancVersion"] == orthanc.get("/system")["Version"]


# One resource


def test_an_image_by_its_orthanc_identifier_or_its_uid(orthanc: Orthanc) -> None:
    uid = generate_uid()
    instance = plant(orthanc, outcome({"Effusion": 0.8, "Mass": 0.1}), SOPInstanceUID=uid)
    by_uid = orthanc.get(f"/ai/instances/{uid}/findings")
    assert by_uid == orthanc.get(f"/ai/instances/{instance}/findings")
    assert [(one["label"], one["score"], one["presence"]) for one in by_uid["findings"]] == [
        ("Effusion", 0.8, "present"),
        ("Mass", 0.1, "absent"),
    ]
    assert by_uid["findings"][0]["concept"] == {"value": "60046008", "scheme": "SCT", "meaning": "Pleural effusion"}
    assert (by_uid["sopInstanceUID"], by_uid["patientID"], by_uid["modality"]) == (uid, "P", "DX")
    assert by_uid["viewer"] == f"/ohif/viewer?StudyInstanceUIDs={by_uid['studyInstanceUID']}"


def test_a_held_image_is_not_settled(orthanc: Orthanc) -> None:
    answer = orthanc.get(f"/ai/instances/{plant(orthanc, None)}/findings")
    assert (answer["code"], answer["settled"], answer["detail"]) == ("HELD", False, "MODEL_MISSING")


def test_an_image_without_outcome_says_so(orthanc: Orthanc) -> None:
    instance = plant(orthanc, None)
    orthanc.request("DELETE", f"/instances/{instance}/metadata/{XRAY_METADATA}")
    answer = orthanc.get(f"/ai/instances/{instance}/findings")
    assert (answer["code"], answer["settled"], answer["findings"]) == ("NOT_ANALYZED_YET", False, [])


def test_what_is_no_xray_has_no_findings(orthanc: Orthanc) -> None:
    [instance] = orthanc.upload([dataset(MR, Modality="MR")])
    problem(orthanc.request("GET", f"/ai/instances/{instance}/findings"), 404, Code.NOT_AN_XRAY)


def test_a_study_a_series_and_a_patient_gather_their_images(orthanc: Orthanc) -> None:
    study, series, patient = generate_uid(), generate_uid(), "Gather/ÄÖ 1"
    same = {"StudyInstanceUID": study, "PatientID": patient, "SpecificCharacterSet": "ISO_IR 192"}
    first = plant(orthanc, outcome({"Mass": 0.7}), SeriesInstanceUID=series, **same)
    second = plant(orthanc, Outcome(Code.LATERAL_VIEW, "r"), SeriesInstanceUID=series, **same)
    third = plant(orthanc, outcome({"Mass": 0.1}, demonstration=True), **same)
    orthanc.upload([dataset(MR, **{**same, "Modality": "MR"})])

    def images(path: str) -> set[str]:
        return {image["instanceID"] for image in orthanc.get(path)["images"]}

    assert images(f"/ai/series/{series}/findings") == {first, second}
    assert images(f"/ai/studies/{study}/findings") == {first, second, third}
    assert images("/ai/patients/Gather%2F%C3%84%C3%96%201/findings") == {first, second, third}
    answer = orthanc.get(f"/ai/studies/{study}/findings")
    assert answer["demonstration"] is True
    assert "Not for diagnosis" in answer["warning"]


def test_verdicts_on_ct_stand_with_study_series_and_patient(orthanc: Orthanc) -> None:
    [instance] = orthanc.upload([dataset(CT, Modality="CT", PatientID="CT patient")])
    orthanc.wait_idle(with_model=False)
    series = orthanc.get(f"/instances/{instance}/series")["ID"]
    study = orthanc.get(f"/instances/{instance}/study")["ID"]
    verdict = {"accepted": True, "role": "CCTA"}
    write(orthanc, "series", series, CARDIAC_METADATA, Outcome(Code.REPORTED, "r", data=verdict))
    write(orthanc, "studies", study, CARDIAC_METADATA, Outcome(Code.REPORTED, "r", data={"cardiac": True}))
    for path in (f"/ai/studies/{study}/findings", "/ai/patients/CT patient/findings"):
        answer = orthanc.get(path)
        assert [(one["level"], one["id"]) for one in answer["cardiac"]] == [("study", study), ("series", series)]
        assert answer["cardiac"][1]["verdict"] == verdict
        assert all(one["studyInstanceUID"] for one in answer["cardiac"])
    [only] = orthanc.get(f"/ai/series/{series}/findings")["cardiac"]
    assert only["id"] == series


def test_two_images_with_one_uid_are_told_apart(orthanc: Orthanc) -> None:
    uid = generate_uid()
    instances = [plant(orthanc, None, SOPInstanceUID=uid, PatientID=patient) for patient in ("twin 1", "twin 2")]
    detail = problem(orthanc.request("GET", f"/ai/instances/{uid}/findings"), 409, Code.AMBIGUOUS_IDENTIFIER)["detail"]
    assert all(instance in detail for instance in instances)


@pytest.mark.parametrize(
    "identifier",
    ["1.2.3", "00000000-00000000-00000000-00000000-00000000", "x%00y", "%25", "a b", "*", "'", "%0a"],
)
@pytest.mark.parametrize("collection", ["instances", "series", "studies", "patients"])
def test_an_unknown_identifier(orthanc: Orthanc, collection: str, identifier: str) -> None:
    answer = orthanc.request("GET", f"/ai/{collection}/{identifier}/findings")
    problem(answer, 404, Code.NOT_FOUND)


# Lists


def test_every_page_once_newest_first_while_images_arrive(orthanc: Orthanc) -> None:
    patient = "pages"
    planted = [plant(orthanc, outcome({"Mass": 0.01 * n, "Nodule": 0.6}), PatientID=patient) for n in range(7)]
    seen, path = [], f"/ai/findings?patientID={patient}&limit=3"
    while path:
        answer = orthanc.get(path)
        assert len(answer["findings"]) <= 3
        seen += [(finding["instanceID"], finding["label"]) for finding in answer["findings"]]
        path = answer["next"]
        plant(orthanc, outcome({"Mass": 0.9}), PatientID=patient)
    assert set(seen) == {(instance, label) for instance in planted for label in ("Mass", "Nodule")}
    assert len(seen) == 14


def test_pages_beyond_the_first_read_with_every_filter_of_the_index(orthanc: Orthanc) -> None:
    same = {"PatientID": "Many", "StudyDate": "20190102", "Modality": "CR"}
    stored = orthanc.upload([dataset(**same) for _ in range(2 * SMALLEST_READ + 3)])
    orthanc.upload([dataset(**{**same, "PatientID": "MANY"})])
    orthanc.wait_idle(with_model=False)
    for filters in ("patientID=Many", "patientID=Many&studyDate=20190101-20190103", "patientID=Many&modality=CR"):
        seen: list[str] = []
        path: str | None = f"/ai/outcomes?{filters}&limit=5"
        while path:
            page = orthanc.get(path)
            seen += [one["id"] for one in page["outcomes"]]
            path = page["next"]
        assert len(seen) == len(stored)
        assert set(seen) == set(stored)
    far = orthanc.get(f"/ai/outcomes?patientID=Many&limit=5&cursor={10**12 - 1}")
    assert len(far["outcomes"]) == 5


def test_filters(orthanc: Orthanc) -> None:
    patient = "filters"
    plant(orthanc, outcome({"Mass": 0.9, "Hernia": 0.2}), PatientID=patient, StudyDate="20200105", Modality="CR")
    plant(orthanc, outcome({"Mass": 0.4}, notes=(Code.AGE_NOT_STATED,)), PatientID=patient, StudyDate="20210105")
    plant(orthanc, outcome({"Mass": 0.8}, demonstration=True, model="phantom"), PatientID=patient, StudyDate="20220105")
    plant(orthanc, Outcome(Code.NOT_CHEST, "r"), PatientID=patient)

    def scores(**query: str) -> list[float]:
        answer = orthanc.request("GET", "/ai/findings", params={"patientID": patient, **query})
        return [finding["score"] for finding in answer.json()["findings"]]

    assert scores(label="Mass") == [0.8, 0.4, 0.9]
    assert scores(label="Mass", minimum="0.5") == [0.8, 0.9]
    assert scores(maximum="0.3") == [0.2]
    assert scores(presence="present") == [0.9]
    assert scores(studyDate="20210101-20211231") == [0.4]
    assert scores(studyDate="-20201231") == [0.9, 0.2]
    assert scores(modality="CR") == [0.9, 0.2]
    assert scores(model="phantom") == [0.8]
    assert scores(code="AGE_NOT_STATED") == [0.4]
    assert scores(concept="39839004") == [0.2]
    assert scores(patientID="filter*") == []


def test_the_table_says_what_the_json_says(orthanc: Orthanc) -> None:
    plant(orthanc, outcome({"Mass": 0.9, "Hernia": 0.2}), PatientID="=table")
    query = {"patientID": "=table"}
    rows = table(orthanc.request("GET", "/ai/findings", params=query, headers={"Accept": "text/csv"}))
    assert rows == table(orthanc.request("GET", "/ai/findings", params={**query, "format": "csv"}))
    listed = orthanc.request("GET", "/ai/findings", params=query).json()["findings"]
    assert [(row["label"], float(row["score"]), row["findingCode"]) for row in rows] == [
        (one["label"], one["score"], one["concept"]["value"]) for one in listed
    ]
    assert {row["patientID"] for row in rows} == {"'=table"}
    page = orthanc.request("GET", "/ai/findings", params={**query, "format": "csv", "limit": "1"})
    assert len(table(page)) == 1
    following = orthanc.request("GET", page.links["next"]["url"])
    assert [row["label"] for row in table(following)] == ["Hernia"]


def test_outcomes_by_code_and_level(orthanc: Orthanc) -> None:
    patient = "outcomes"
    failed = plant(orthanc, Outcome(Code.FAILED, "r", "DEADLINE_EXCEEDED: 120 s", attempts=2), PatientID=patient)
    held = plant(orthanc, None, PatientID=patient)
    study = orthanc.get(f"/instances/{failed}/study")["ID"]
    write(orthanc, "studies", study, CARDIAC_METADATA, Outcome(Code.NOT_CT, "r"))

    def listed(**query: str) -> list[tuple[str, str]]:
        answer = orthanc.request("GET", "/ai/outcomes", params={"patientID": patient, **query}).json()
        return [(one["id"], one["code"]) for one in answer["outcomes"]]

    assert listed() == [(held, "HELD"), (failed, "FAILED")]
    assert listed(code="FAILED") == [(failed, "FAILED")]
    assert listed(code="REPORTED") == []
    assert listed(model=MODEL) == [(held, "HELD")]
    assert listed(level="study") == [(study, "NOT_CT")]
    assert listed(level="study", modality="DX") == [(study, "NOT_CT")]
    rows = table(orthanc.request("GET", "/ai/outcomes", params={"patientID": patient, "format": "csv"}))
    assert [row["detail"] for row in rows] == ["MODEL_MISSING", "DEADLINE_EXCEEDED: 120 s"]


# Asking for work


def test_analyse_again(orthanc: Orthanc) -> None:
    instance = plant(orthanc, Outcome(Code.FAILED, "r"))
    study = orthanc.get(f"/instances/{instance}/study")["ID"]
    answer = orthanc.request("POST", f"/ai/studies/{study}/analyze")
    assert answer.status_code == 202
    assert answer.json()["jobs"] == 1
    orthanc.wait_until(lambda: bool(orthanc.get(answer.json()["findings"])["images"][0]["code"] == "HELD"), "not done")


def test_nothing_to_analyse(orthanc: Orthanc) -> None:
    [instance] = orthanc.upload([dataset(MR, Modality="MR")])
    for path in (f"/ai/instances/{instance}/analyze",):
        problem(orthanc.request("POST", path), 409, Code.NOTHING_TO_ANALYZE)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, Code.BAD_REQUEST),
        (b"\xff", "application/json", 400, Code.BAD_REQUEST),
        (b'{"model": "phantom"}', "application/json", 400, Code.BAD_REQUEST),
        (b"[" * 4000, "application/json", 400, Code.BAD_REQUEST),
        (b'{"a":' * 700, "application/json", 400, Code.BAD_REQUEST),
        (b"{}" + b" " * 4096, "application/json", 413, Code.BODY_TOO_LARGE),
        (b"a=1", "application/x-www-form-urlencoded", 415, Code.BAD_REQUEST),
    ],
    ids=["cut off", "not UTF-8", "unknown field", "deep list", "deep object", "too large", "form"],
)
def test_a_bad_body_harms_nobody(orthanc: Orthanc, body: bytes, content_type: str, status: int, code: Code) -> None:
    instance = plant(orthanc, None)
    path = f"/ai/instances/{instance}/analyze"
    answer = orthanc.request("POST", path, data=body, headers={"Content-Type": content_type})
    problem(answer, status, code)
    assert orthanc.get("/ai/status")


def test_wrong_methods_and_parameters(orthanc: Orthanc) -> None:
    answer = orthanc.request("POST", "/ai/findings", data=b"")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert "limit" in problem(orthanc.request("GET", "/ai/findings?limit=0"), 400, Code.BAD_REQUEST)["detail"]
    problem(orthanc.request("GET", "/ai/findings?cursor=x"), 400, Code.BAD_REQUEST)
    problem(orthanc.request("GET", "/ai/nothing"), 404, Code.NOT_FOUND)


def test_a_query_that_is_not_utf8_is_refused(orthanc: Orthanc) -> None:
    answer = orthanc.request("GET", "/ai/findings?patientID=%ff")
    if orthanc.version() < DECODES_QUERIES:
        problem(answer, 400, Code.BAD_REQUEST)
    else:
        # Orthanc's own answer: it decodes the query and cannot make a Python text of it.
        assert (answer.status_code, answer.json()["OrthancError"]) == (500, "Internal error")


def test_special_characters_in_a_query_are_what_they_say(orthanc: Orthanc) -> None:
    patient = "100%2B +A"
    plant(orthanc, outcome({"Mass": 0.5}), PatientID=patient)
    [image] = orthanc.get("/ai/findings", params={"patientID": patient})["findings"]
    assert image["patientID"] == patient
    assert orthanc.get("/ai/findings", params={"patientID": "100+  A"})["findings"] == []


def test_many_at_once_are_all_answered(orthanc: Orthanc) -> None:
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: orthanc.request("GET", "/ai/status").status_code, range(120)))
    assert set(answers) == {200}


# Forgetting the demonstration


def test_forgetting_the_demonstration_leaves_everything_else(orthanc: Orthanc) -> None:
    def report(study: str, description: str) -> tuple[str, str]:
        uid = generate_uid()
        tags = {"Modality": "SR", "Manufacturer": "Orthanc AI", "SeriesDescription": description}
        [stored] = orthanc.upload([dataset(SR, SOPInstanceUID=uid, StudyInstanceUID=study, **tags)])
        return stored, uid

    def result(uid: str) -> Result:
        return Result(SR, uid, "2.25.1", "2.25.2")

    study = generate_uid()
    demo, demo_uid = report(study, "AI findings phantom DEMONSTRATION not for diagnosis")
    old, old_uid = report(study, "AI findings phantom DEMONSTRATION not for diagnosis")
    real, real_uid = report(study, f"AI findings {MODEL} not for diagnosis")
    shown = plant(orthanc, outcome({"Mass": 0.5}, demonstration=True, result=result(demo_uid)), StudyInstanceUID=study)
    waiting = plant(orthanc, Outcome(Code.HELD, "", model=MODEL, result=result(old_uid)), StudyInstanceUID=study)
    kept = plant(orthanc, outcome({"Mass": 0.5}, result=result(real_uid)), StudyInstanceUID=study)

    answer = orthanc.request("DELETE", "/ai/demonstration").json()
    assert answer["reports"] == 2
    assert answer["remaining"] == 0
    assert {orthanc.request("GET", f"/instances/{one}").status_code for one in (demo, old)} == {404}
    assert orthanc.request("GET", f"/instances/{real}").ok
    assert orthanc.get(f"/ai/instances/{shown}/findings")["code"] == "NOT_ANALYZED_YET"
    held = orthanc.get(f"/ai/instances/{waiting}/findings")
    assert (held["code"], held["report"]) == ("HELD", None)
    assert orthanc.get(f"/ai/instances/{kept}/findings")["report"]["instanceID"] == real
    again = orthanc.request("DELETE", "/ai/demonstration").json()
    assert again == {"reports": 0, "outcomes": 0, "remaining": 0}


# The viewer


def test_the_viewer_and_its_files(orthanc: Orthanc) -> None:
    page = orthanc.request("GET", "/ohif/viewer?StudyInstanceUIDs=1.2.3")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "PUBLIC_URL" in page.text
    script = orthanc.request("GET", "/ohif/app-config.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    unchanged = orthanc.request("GET", "/ohif/app-config.js", headers={"If-None-Match": script.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    problem(orthanc.request("GET", "/ohif/missing.js"), 404, Code.NOT_FOUND)


@pytest.mark.parametrize(
    "target",
    [
        "/ohif/../../../../etc/passwd",
        "/ohif/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/ohif/..%2f..%2f..%2fetc%2fpasswd",
        "/ohif/%252e%252e/etc/passwd",
        "/ohif//etc/passwd",
        "/ohif/..%5c..%5cetc%5cpasswd",
        "/ohif/etc/passwd%00.js",
        "/ohif/assets/../../../etc/passwd",
    ],
)
def test_no_other_file_is_served(orthanc: Orthanc, target: str) -> None:
    """Sent as they stand: clients would tidy them up."""
    with socket.create_connection(("127.0.0.1", orthanc.port), timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1")
    assert b"root:" not in answer


def test_without_ohif_the_viewer_says_so(make_server: Callable[..., Orthanc], tmp_path: Path) -> None:
    settings = {"Model": MODEL, "CacheDirectory": str(tmp_path / "cache"), "ModelMirror": NOWHERE}
    orthanc = make_server({**settings, "ViewerDirectory": str(tmp_path / "none")}).start()
    problem(orthanc.request("GET", "/ohif/"), 503, Code.VIEWER_MISSING)


def test_orthanc_explorer_has_the_button(orthanc: Orthanc) -> None:
    assert "Open in OHIF" in orthanc.request("GET", "/plugins/explorer.js").text


# With a model


def test_a_real_image_read_by_the_demonstration_model(server: Orthanc, data: Path) -> None:
    [instance] = server.upload([data / "cxr" / "nih_dx_mono2_8bit_implicit_nofinding.dcm"])
    server.wait_idle()
    answer = server.get(f"/ai/instances/{instance}/findings")
    assert (answer["code"], answer["model"], answer["demonstration"]) == ("REPORTED", "phantom", True)
    assert "Not for diagnosis" in answer["warning"]
    assert answer["findings"]
    for finding in answer["findings"]:
        assert 0 <= finding["score"] <= 1
        assert finding["presence"] is None
        assert finding["concept"]["value"]
    report = server.dataset(answer["report"]["instanceID"])
    assert report.SOPInstanceUID == answer["report"]["sopInstanceUID"]
    assert "DEMONSTRATION" in report.SeriesDescription
    listed = server.get(f"/ai/findings?patientID={answer['patientID']}&label={answer['findings'][0]['label']}")
    assert listed["findings"][0]["score"] == answer["findings"][0]["score"]


def test_forgetting_what_the_demonstration_model_wrote(make_server: Callable[..., Orthanc], data: Path) -> None:
    orthanc = make_server().start()
    [instance] = orthanc.upload([data / "cxr" / "nih_dx_mono2_8bit_implicit_nofinding.dcm"])
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1
    answer = json.loads(orthanc.request("DELETE", "/ai/demonstration").text)
    assert answer == {"reports": 1, "outcomes": 1, "remaining": 0}
    assert orthanc.reports() == []
    assert orthanc.outcome("instances", instance, XRAY_METADATA) is None
    orthanc.post(f"/ai/instances/{instance}/analyze")
    orthanc.wait_until(lambda: len(orthanc.reports()) == 1, "it is not analysed again")

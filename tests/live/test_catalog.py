"""The catalogue of a real server: its answers are those of the index, whatever happens to the archive."""

import csv
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pydicom
import pytest
from pydicom.uid import UID, generate_uid

from orthanc_ai.catalog import mirror as mirror_module
from orthanc_ai.catalog.mirror import RETRY_AFTER_S, CatalogError, Mirror
from orthanc_ai.catalog.rows import pack
from orthanc_ai.catalog.selection import Selection, images, series
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome

from .orthanc import Orthanc
from .rest import index_of
from .test_api import CR, CT, MR, NOWHERE, dataset, outcome, problem, table, write

SR = "1.2.840.10008.5.1.4.1.1.88.33"
ORIGIN = "https://notebooks.example"

QUESTIONS: list[tuple[dict[str, str], Selection]] = [
    ({}, Selection()),
    ({"modality": "DX"}, Selection(modality=("DX",))),
    ({"modality": "CT,MR"}, Selection(modality=("CT", "MR"))),
    ({"bodyPart": "chest"}, Selection(body_part="chest")),
    ({"studyDate": "20260101-20260131"}, Selection(study_date="20260101-20260131")),
    ({"studyDate": "-20251231"}, Selection(study_date="-20251231")),
    ({"studyDescription": "thorax*"}, Selection(study_description="thorax*")),
    ({"seriesDescription": "*RÖNTGEN?"}, Selection(series_description="*RÖNTGEN?")),
    ({"patientID": "A*"}, Selection(patient_id="A*")),
    ({"patientID": "anna"}, Selection(patient_id="anna")),
    ({"label": "teaching"}, Selection(label="teaching")),
    ({"label": "teaching", "modality": "DX"}, Selection(label="teaching", modality=("DX",))),
    ({"code": "REPORTED"}, Selection(code="REPORTED")),
    ({"code": "ACCEPTED"}, Selection(code="ACCEPTED")),
    ({"code": "NOT_CHEST", "label": "teaching"}, Selection(code="NOT_CHEST", label="teaching")),
    ({"role": "CCTA,CAC"}, Selection(roles=("CCTA", "CAC"))),
    ({"role": "CCTA", "code": "ACCEPTED"}, Selection(roles=("CCTA",), code="ACCEPTED")),
    ({"model": "phantom"}, Selection(model="phantom")),
    ({"finding": "Mass"}, Selection(finding="Mass")),
    ({"finding": "Mass", "minimum": "0.57"}, Selection(finding="Mass", minimum=0.57)),
    ({"finding": "Mass", "maximum": "0.57"}, Selection(finding="Mass", maximum=0.57)),
    (
        {"finding": "Mass", "code": "REPORTED", "modality": "CR"},
        Selection(finding="Mass", code="REPORTED", modality=("CR",)),
    ),
    ({"minimum": "0.57"}, Selection(minimum=0.57)),
    ({"minimum": "0.2", "maximum": "0.3"}, Selection(minimum=0.2, maximum=0.3)),
    ({"finding": "No such", "minimum": "0"}, Selection(finding="No such", minimum=0)),
]
"""What is asked of the catalogue, and the same as it is read straight from the index."""


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    cache = str(tmp_path_factory.mktemp("models"))
    ai = {
        "CacheDirectory": cache,
        "ModelMirror": NOWHERE,
        "AllowedOrigins": [ORIGIN],
        "Model": "densenet121-res224-all",
    }
    made = Orthanc(tmp_path_factory.mktemp("catalog"), ai)
    made.start()
    loaded(made)
    yield made
    made.stop()


def loaded(orthanc: Orthanc) -> None:
    orthanc.wait_until(lambda: orthanc.request("GET", "/ai/catalog/counts").ok, "the catalogue is not loaded")


def pages(orthanc: Orthanc, collection: str, **asked: Any) -> list[dict[str, Any]]:
    """All entries of a list."""
    found: list[dict[str, Any]] = []
    path: str | None = f"/ai/catalog/{collection}?{urlencode(asked)}"
    while path:
        page = orthanc.get(path)
        found += page[collection]
        path = page["next"]
    return found


def check(orthanc: Orthanc, limit: int = 1000) -> None:
    """The catalogue's answers are those of the index."""
    server = index_of(orthanc)
    for asked, selection in QUESTIONS:
        meant = list(images(server, selection))
        assert len({one.identifier for one in meant}) == len(meant), asked
        above = {one.parent for one in meant}
        assert {one.identifier for one in series(server, selection)} == above, asked
        listed = pages(orthanc, "images", limit=limit, **asked)
        assert sorted(one["id"] for one in listed) == sorted(one.identifier for one in meant), asked
        assert {one["id"] for one in pages(orthanc, "series", limit=limit, **asked)} == above, asked
        assert orthanc.get(f"/ai/catalog/counts?{urlencode(asked)}") == {
            "patients": len({one.tags["PatientID"] for one in meant}),
            "studies": len({one.tags["StudyInstanceUID"] for one in meant}),
            "series": len(above),
            "images": len(meant),
        }, asked


def xray(orthanc: Orthanc, made: Outcome | None = None, **tags: str) -> str:
    [identifier] = orthanc.upload([dataset(CR, **{"SpecificCharacterSet": "ISO_IR 192", **tags})])
    orthanc.wait_idle(with_model=False)
    if made:
        write(orthanc, "instances", identifier, XRAY_METADATA, made)
    return identifier


def stack(count: int, sop_class: str = CT, **tags: str) -> list[pydicom.Dataset]:
    """A series of its own, its instances in no order."""
    same = {"SeriesInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(), "Modality": "CT", **tags}
    return [dataset(sop_class, InstanceNumber=str(1 + 7 * k % count), **same) for k in range(count)]


def test_answers_are_those_of_the_index_whatever_happens(orthanc: Orthanc) -> None:
    study = generate_uid()
    first = xray(orthanc, outcome({"Mass": 0.57, "Nodule": 1}), PatientID="anna", BodyPartExamined="CHEST")
    second = xray(
        orthanc, outcome({"Mass": 0.569999}, demonstration=True, model="phantom"), PatientID="A*", Modality="CR"
    )
    xray(orthanc, Outcome(Code.NOT_CHEST, "r"), PatientID="Anna", StudyDate="20251224", StudyInstanceUID=study)
    xray(orthanc, SeriesDescription="Thorax röntgen!", StudyDescription="Thorax", PatientID="Amos")
    scan = orthanc.upload(stack(7, PatientID="anna", StudyDescription="THORAX/heart"))
    heart = orthanc.get(f"/instances/{scan[0]}/series")["ID"]
    # A report, alone in its study, and one in the middle of a series of images.
    orthanc.upload([dataset(SR, Modality="SR", PatientID="reports only")])
    mixed = stack(5, MR, Modality="MR", PatientID="mixed")
    mixed[2].SOPClassUID = mixed[2].file_meta.MediaStorageSOPClassUID = UID(SR)
    orthanc.upload(mixed)
    orthanc.wait_idle(with_model=False)
    verdict = Outcome(Code.ACCEPTED, "r", data={"accepted": True, "role": "CCTA"})
    write(orthanc, "series", heart, CARDIAC_METADATA, verdict)
    for one in (first, scan[0]):
        identifier = orthanc.get(f"/instances/{one}/study")["ID"]
        assert orthanc.request("PUT", f"/studies/{identifier}/labels/teaching").ok
    check(orthanc, limit=3)
    assert orthanc.get("/ai/catalog/counts")["images"] == 4 + 7 + 4

    # Read again with another outcome; an outcome taken away; a label taken away; a verdict changed.
    write(orthanc, "instances", first, XRAY_METADATA, outcome({"Mass": 0.1}))
    assert orthanc.request("DELETE", f"/instances/{second}/metadata/{XRAY_METADATA}").ok
    assert orthanc.request("DELETE", f"/studies/{orthanc.get(f'/instances/{first}/study')['ID']}/labels/teaching").ok
    write(orthanc, "series", heart, CARDIAC_METADATA, Outcome(Code.NOT_CARDIAC, "r", data={"accepted": False}))
    check(orthanc)

    # Deleted: an image of a series, the report among the images, an X-ray with all above it, a patient.
    gone = [scan[3], scan[4], second]
    for one in gone:
        assert orthanc.request("DELETE", f"/instances/{one}").ok
    reports = index_of(orthanc).find("instance", {"PatientID": "mixed"}, metadata={"SopClassUid": SR})
    assert orthanc.request("DELETE", f"/instances/{reports[0].identifier}").ok
    check(orthanc)
    assert orthanc.request("DELETE", f"/patients/{orthanc.get(f'/instances/{first}/patient')['ID']}").ok
    # As much is stored as was deleted: the numbers are the same, the images are not.
    before = orthanc.get("/statistics")["CountInstances"]
    last = index_of(orthanc).find("instance", {"PatientID": "Amos"})[0].identifier
    assert orthanc.request("DELETE", f"/instances/{last}").ok
    xray(orthanc, outcome({"Mass": 0.9}), PatientID="Amos")
    assert orthanc.get("/statistics")["CountInstances"] == before
    check(orthanc)

    # The change log forgotten, and a server that starts again.
    xray(orthanc, outcome({"Mass": 0.3}), PatientID="late")
    assert orthanc.request("DELETE", "/changes").ok
    check(orthanc)
    assert orthanc.stop() == 0
    orthanc.start()
    loaded(orthanc)
    check(orthanc)


def test_many_series_are_compared_while_nobody_waits(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "COMPARED", 0)
    stored = orthanc.upload(stack(4, PatientID="compared"))
    mirror = Mirror(index_of(orthanc), 1000)
    with pytest.raises(CatalogError) as early, mirror.reading():
        pass
    assert (early.value.code, early.value.retry_after) == (Code.CATALOG_LOADING, RETRY_AFTER_S)
    mirror.load()
    thread = threading.Thread(target=mirror.run)
    thread.start()
    try:
        assert orthanc.request("DELETE", f"/instances/{stored[1]}").ok
        images: list[int] = []

        def compared() -> bool:
            try:
                with mirror.reading() as rows:
                    images.extend(rows.database.execute(_IMAGES_OF, (series_of(orthanc, stored[0]),)).fetchone())
            except CatalogError:
                return False
            return bool(images)

        orthanc.wait_until(compared, "nothing is compared")
        assert images == [3]
    finally:
        mirror.stop()
        thread.join()


_IMAGES_OF = "SELECT images FROM series WHERE id = ?"


def series_of(orthanc: Orthanc, instance: str) -> bytes:
    """The series of an instance, as the mirror has it."""
    return pack(orthanc.get(f"/instances/{instance}/series")["ID"])


def test_images_of_a_series_come_by_number_each_once_while_some_are_deleted(orthanc: Orthanc) -> None:
    stored = orthanc.upload(stack(12, PatientID="by number", SOPClassUID=CT))
    path: str | None = f"/ai/catalog/series/{orthanc.get(f'/instances/{stored[0]}/series')['ID']}/images?limit=5"
    numbers: list[int] = []
    while path:
        page = orthanc.get(path)
        numbers += [one["number"] for one in page["images"]]
        # The one behind which the next page begins.
        assert orthanc.request("DELETE", f"/instances/{page['images'][-1]['id']}").ok
        path = page["next"]
    assert numbers == list(range(1, 13))


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_order(orthanc: Orthanc, order: str) -> None:
    made = {"one": 0.2, "two": 0.9, "three": 0.5}
    for patient, score in made.items():
        xray(orthanc, outcome({order: score}), PatientID=patient, StudyDate=f"201{score * 10:.0f}0101")
    asked = {"finding": order, "order": order, "limit": 2}
    for collection, sort, value in (
        *((collection, "patientID", "patientID") for collection in ("patients", "studies", "series", "images")),
        *((collection, "studyDate", "studyDate") for collection in ("studies", "series", "images")),
    ):
        found = [one[value] for one in pages(orthanc, collection, sort=sort, **asked)]
        assert found == sorted(found, reverse=order == "descending"), (collection, sort)
        assert len(found) == 3
    scores = [one["scores"][order] for one in pages(orthanc, "images", sort="score", **asked)]
    assert scores == sorted(made.values(), reverse=order == "descending")
    # Without a finding, the highest score of any.
    found = pages(orthanc, "images", sort="score", order=order, limit=7)
    highest = [max(one["scores"].values()) for one in found if one["scores"]]
    assert len(highest) >= 3
    assert highest == sorted(highest, reverse=order == "descending")


def test_one_of_each_by_either_identifier(orthanc: Orthanc) -> None:
    file = dataset(CT, Modality="CT", PatientID="A/B one", PatientSex="F", SeriesDescription="Lung", InstanceNumber="4")
    file.WindowCenter, file.WindowWidth, file.WindowCenterWidthExplanation = [40, -600], [400, 1500], ["SOFT", "LUNG"]
    file.RescaleSlope, file.RescaleIntercept, file.StudyDescription = "2", "-1024", "Chest"
    [identifier] = orthanc.upload([file])
    image = orthanc.get(f"/ai/catalog/images/{identifier}")
    assert image == orthanc.get(f"/ai/catalog/images/{file.SOPInstanceUID}")
    expected = {
        "windowCenter": [40, -600],
        "windowWidth": [400, 1500],
        "windowExplanation": ["SOFT", "LUNG"],
        "rescaleSlope": 2,
        "rescaleIntercept": -1024,
        "studyDescription": "Chest",
        "seriesDescription": "Lung",
        "number": 4,
        "patientID": "A/B one",
        "seriesInstanceUID": file.SeriesInstanceUID,
        "studyInstanceUID": file.StudyInstanceUID,
    }
    assert {name: image[name] for name in expected} == expected
    series = orthanc.get(f"/ai/catalog/series/{file.SeriesInstanceUID}")
    assert (series["description"], series["images"], series["patientID"]) == ("Lung", 1, "A/B one")
    study = orthanc.get(f"/ai/catalog/studies/{file.StudyInstanceUID}")
    assert (study["description"], study["series"], study["images"]) == ("Chest", 1, 1)
    patient = orthanc.get("/ai/catalog/patients/A%2FB%20one")
    assert (patient["sex"], patient["studies"], patient["series"], patient["images"]) == ("F", 1, 1, 1)
    assert orthanc.get("/ai/catalog/patients/A%2FB%20one/studies")["studies"] == [study]
    assert orthanc.get(f"/ai/catalog/studies/{study['id']}/series")["series"] == [series]
    assert orthanc.get(f"/ai/catalog/series/{series['id']}/images")["images"][0]["id"] == identifier
    counts = {"patients": 1, "studies": 1, "series": 1, "images": 1}
    assert orthanc.get("/ai/catalog/patients/A%2FB%20one/counts") == counts
    assert orthanc.get(f"/ai/catalog/studies/{study['id']}/counts") == counts
    assert orthanc.get(f"/ai/catalog/series/{series['id']}/counts?modality=MR") == dict.fromkeys(counts, 0)


def test_single_counts_are_those_of_all(orthanc: Orthanc) -> None:
    xray(orthanc, PatientID="counted")
    counts = orthanc.get("/ai/catalog/counts")
    assert counts["images"] >= 1
    for collection, number in counts.items():
        assert orthanc.get(f"/ai/catalog/{collection}/count") == {"count": number}
    assert orthanc.get("/ai/catalog")["counts"] == counts


def test_lists_as_tables(orthanc: Orthanc) -> None:
    for number in range(3):
        xray(orthanc, outcome({"Mass": 0.25 * number}), PatientID="=table", StudyDescription=f"=cmd|{number}")
    asked = urlencode({"patientID": "=table", "format": "csv", "limit": 2, "sort": "studyDate"})
    answer = orthanc.request("GET", f"/ai/catalog/images?{asked}")
    rows = table(answer)
    assert len(rows) == 2
    assert {row["patientID"] for row in rows} == {"'=table"}
    assert {float(row["Mass"]) for row in rows} <= {0, 0.25, 0.5}
    following = answer.headers["Link"].removeprefix("<").partition(">")[0]
    assert len(list(csv.DictReader(io.StringIO(orthanc.request("GET", following).text)))) == 1
    for collection in ("patients", "studies", "series"):
        assert table(orthanc.request("GET", f"/ai/catalog/{collection}?{asked}"))[0]["id"]


@pytest.mark.parametrize(
    "path",
    [
        "images?cursor=x",
        "patients?sort=score",
        "series?modality=dx",
        "images?x=1",
    ],
)
def test_what_cannot_be_understood(orthanc: Orthanc, path: str) -> None:
    problem(orthanc.request("GET", f"/ai/catalog/{path}"), 400, Code.BAD_REQUEST)


@pytest.mark.parametrize("collection", ["patients", "studies", "series", "images"])
def test_what_is_not_there(orthanc: Orthanc, collection: str) -> None:
    problem(orthanc.request("GET", f"/ai/catalog/{collection}/1.2.3"), 404, Code.NOT_FOUND)


def test_a_report_is_no_image(orthanc: Orthanc) -> None:
    [identifier] = orthanc.upload([dataset(SR, Modality="SR")])
    problem(orthanc.request("GET", f"/ai/catalog/images/{identifier}"), 404, Code.NOT_FOUND)


def test_pages_of_named_origins_may_read(orthanc: Orthanc) -> None:
    answer = orthanc.request("GET", "/ai/catalog/counts", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    missing = orthanc.request("GET", "/ai/catalog/series/1.2.3", headers={"Origin": ORIGIN})
    assert (missing.status_code, missing.headers["Access-Control-Allow-Origin"]) == (404, ORIGIN)
    other = orthanc.request("GET", "/ai/catalog/counts", headers={"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    change = orthanc.request("POST", "/ai/pause", headers={"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"})
    problem(change, 403, Code.CROSS_SITE)
    assert "Access-Control-Allow-Origin" not in change.headers


def test_an_archive_that_is_too_large(make_server: Callable[..., Orthanc], tmp_path: Path) -> None:
    nowhere = {"Model": "densenet121-res224-all", "CacheDirectory": str(tmp_path / "none"), "ModelMirror": NOWHERE}
    small = make_server({**nowhere, "Catalog": {"MaximumEntries": 2}})
    small.start()
    loaded(small)
    small.upload([dataset(MR, Modality="MR") for _ in range(3)])
    detail = problem(small.request("GET", "/ai/catalog/counts"), 503, Code.CATALOG_TOO_LARGE)["detail"]
    assert "AI.Catalog.MaximumEntries is 2" in detail

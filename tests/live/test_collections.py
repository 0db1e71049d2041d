"""Studies are collected from other archives: once, whatever happens to them or to us."""

from collections.abc import Iterator
from typing import Any

import pydicom
import pytest

from phantom.ct import Kind, ct_series

from .orthanc import Orthanc
from .source import (
    Source,
    WebSource,
    drops_connection_once,
    drops_once,
    gives_half,
    is_busy,
    refuses,
    says_nothing,
    stalls,
)

STUDIES = 30
SLICES = 4
"""Of a study, at least."""


def study(number: int, date: str, kind: Kind = "head", slices: int = SLICES) -> list[pydicom.Dataset]:
    """A CT study of one series, and a dose sheet that nobody wants."""
    images = ct_series(kind, matrix=32, slices=slices, examination=f"collected {number}")
    sheet = ct_series("localizer", matrix=32, examination=f"collected {number}")
    for image in images + sheet:
        image.StudyDate, image.PatientID = date, f"COLLECTED {number}"
    for image in sheet:
        image.SeriesDescription = "Dose report"
    return images + sheet


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """The server that collects, not started yet."""
    made = Orthanc(tmp_path_factory.mktemp("ours"))
    made.ai |= {"RetryPause": 0.1, "MaxAttempts": 2, "Collecting": {"Timeout": 3}}
    made.options = {"DicomModalities": {}, "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {}}}
    yield made
    made.stop()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, ours: Orthanc) -> Iterator[Orthanc]:
    """A second Orthanc, without the plugin, full of studies: a day for each of three ways to fetch them."""
    options = {
        "Plugins": ["/opt/orthanc-plugins/libOrthancDicomWeb.so"],
        "DicomAet": "ARCHIVE",
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowMove": True,
        "DicomAlwaysAllowGet": True,
        "DicomModalities": {"ours": {"AET": "ORTHANC", "Host": "127.0.0.1", "Port": ours.dicom_port}},
    }
    made = Orthanc(tmp_path_factory.mktemp("archive"), options=options)
    made.launch()
    made.wait_for_http("/system")
    # So that it writes down what it is asked for.
    assert made.request("PUT", "/tools/log-level-dicom", data="verbose").ok
    for number in range(STUDIES):
        made.upload(study(number, "20260101", *(("calcium_score", 40) if number < 2 else ())))
    for number, date in ((100, "20260102"), (101, "20260102"), (102, "20260103"), (103, "20260103")):
        made.upload(study(number, date))
    yield made
    made.stop()


STUBBORN = {7: refuses, 8: stalls, 9: drops_once, 10: gives_half}
STUBBORN_WEB = {17: drops_connection_once, 18: is_busy, 19: says_nothing}


@pytest.fixture(scope="module")
def sources(ours: Orthanc, archive: Orthanc) -> Iterator[tuple[Source, WebSource]]:
    """Stubborn archives; with them, everything runs."""
    of = {number: study(number + 1000, "20260104") for number in (6, *STUBBORN, 16, *STUBBORN_WEB)}
    uids = {number: str(files[0].StudyInstanceUID) for number, files in of.items()}
    source = Source(
        "STUBBORN",
        [file for number, files in of.items() if number < 16 for file in files],
        ours.dicom_port,
        {uids[number]: move for number, move in STUBBORN.items()},
    )
    rejecting = Source("REJECTING", [], ours.dicom_port, rejects=True)
    web = WebSource(
        [file for number, files in of.items() if number >= 16 for file in files],
        {uids[number]: answer for number, answer in STUBBORN_WEB.items()},
    )
    archived = {"AET": "ARCHIVE", "Host": "127.0.0.1", "Port": archive.dicom_port}
    ours.options["DicomModalities"] |= {
        "archive": archived,
        "archive-get": {**archived, "RetrieveMethod": "C-GET"},
        "stubborn": source.modality,
        "rejecting": rejecting.modality,
        "nobody": {"AET": "NOBODY", "Host": "127.0.0.1", "Port": 1},
    }
    ours.options["DicomWeb"]["Servers"] = {"archive": {"Url": archive.url + "/dicom-web/"}, "stubborn": web.server}
    ours.start()
    yield source, web
    for one in (source, rejecting, web):
        one.stop()


def begin(ours: Orthanc, peer: str, kind: str = "collections", **wanted: Any) -> str:
    """Path of a collection of CT images without dose sheets."""
    body = {"peer": peer, "modalities": ["CT"], "notWords": ["dose"], **wanted}
    answer = ours.request("POST", f"/ai/{kind}", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["path"])


def ended(ours: Orthanc, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(ours.get(path))
        return found["state"] in ("done", "failed")

    ours.wait_until(over, f"{path} does not end", 60)
    return found


def states(ours: Orthanc, path: str) -> list[str]:
    """What became of each study: its state, or the code of its failure."""
    return [one["code"] or one["state"] for one in ours.get(path + "/studies")["studies"]]


def moves(archive: Orthanc) -> int:
    """How many C-MOVEs an archive was asked for."""
    return archive.log_text().count("Move-SCU request received")


def images(orthanc: Orthanc, date: str) -> list[str]:
    """SOP Instance UIDs of the CT images of a day, the wanted ones."""
    found = orthanc.find("Series", {"StudyDate": date, "Modality": "CT", "SeriesDescription": "*"})
    return sorted(
        orthanc.get(f"/instances/{instance}")["MainDicomTags"]["SOPInstanceUID"]
        for series in found
        if series["MainDicomTags"]["SeriesDescription"] != "Dose report"
        for instance in series["Instances"]
    )


@pytest.mark.usefixtures("sources")
def test_killed_in_the_middle_thirty_studies_arrive_and_none_is_fetched_twice(ours: Orthanc, archive: Orthanc) -> None:
    path = begin(ours, "modality:archive", studyDate="20260101")
    ours.wait_until(lambda: ours.get(path)["done"] >= STUDIES // 3, "nothing is fetched")
    ours.kill()
    moved = moves(archive)
    assert STUDIES // 3 <= moved < STUDIES
    ours.start()
    batch = ended(ours, path)
    summary = batch["summary"]
    assert (batch["state"], batch["done"], summary["failed"]) == ("done", STUDIES, 0)
    # What Orthanc itself has gone on with may be here before we look.
    assert STUDIES - 1 <= summary["fetched"] <= STUDIES - summary["here"]
    assert images(ours, "20260101") == images(archive, "20260101")
    # The one that was under way at the kill is asked for again: by Orthanc itself, before any plugin is asked, or image by
    # image by us.
    assert moves(archive) <= STUDIES + SLICES
    assert summary["verdicts"] == {"ACCEPTED": 2, "NOT_CARDIAC": STUDIES - 2}
    assert summary["leftOut"] == {"DESCRIPTION_NOT_WANTED": STUDIES}
    # Once more: everything is here.
    moved = moves(archive)
    again = ended(ours, begin(ours, "modality:archive", patientIDs=["COLLECTED 3", "COLLECTED 4", "NOBODY"]))
    assert (again["summary"]["here"], again["summary"]["fetched"]) == (2, 0)
    assert moves(archive) == moved


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(
    ("peer", "date"),
    [("modality:archive-get", "20260102"), ("dicom-web:archive", "20260103")],
    ids=["C-GET", "WADO-RS"],
)
def test_other_ways_to_fetch(ours: Orthanc, archive: Orthanc, peer: str, date: str) -> None:
    preview = begin(ours, peer, "collection-previews", studyDate=date)
    summary = ended(ours, preview)["summary"]
    assert (summary["studies"], summary["series"], summary["instances"]) == (2, 2, 8)
    assert images(ours, date) == []
    moved = moves(archive)
    path = begin(ours, peer, studyDate=date)
    ours.wait_until(lambda: ours.get(path)["done"] == 2, "they are not fetched")
    assert states(ours, path) == ["fetched", "fetched"]
    assert images(ours, date) == images(archive, date)
    assert moves(archive) == moved
    assert ours.request("DELETE", path).status_code == 200


def test_a_stubborn_modality_keeps_back_only_what_it_refuses(ours: Orthanc, sources: tuple[Source, WebSource]) -> None:
    source, _ = sources
    path = begin(ours, "modality:stubborn", studyDate="20260104")
    ours.wait_until(lambda: ours.get(path)["done"] == 5, "it does not end")
    assert states(ours, path) == ["fetched", "PEER_REFUSED", "PEER_SILENT", "fetched", "INSTANCES_MISSING"]
    assert set(source.catalogue.sent.values()) == {1}
    assert ours.request("DELETE", path).status_code == 200


def test_a_stubborn_web_server_keeps_back_only_what_it_refuses(
    ours: Orthanc, sources: tuple[Source, WebSource]
) -> None:
    _, web = sources
    path = begin(ours, "dicom-web:stubborn", studyDate="20260104")
    ours.wait_until(lambda: ours.get(path)["done"] == 4, "it does not end")
    # Orthanc does not tell a plugin what a web server has answered.
    assert states(ours, path) == ["fetched", "fetched", "PEER_BROKE_OFF", "PEER_BROKE_OFF"]
    whole, broken, *unwilling = web.catalogue.asked.values()
    # Of what broke off, the images that had not come are asked for once more: all together if none had, else one by one.
    assert whole == 1
    assert 2 <= broken <= 1 + SLICES
    assert unwilling == [2, 2]
    assert ours.request("DELETE", path).status_code == 200


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("peer", ["rejecting", "nobody"])
def test_a_modality_that_lets_nobody_in(ours: Orthanc, peer: str) -> None:
    batch = ended(ours, begin(ours, f"modality:{peer}", patientIDs=["1"]))
    assert (batch["state"], batch["code"]) == ("failed", "PEER_AWAY")

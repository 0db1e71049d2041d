"""Readers agree and disagree on a real server: two at once, over kills, and gone when they are deleted."""

import csv
import io
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from orthanc_ai.outcomes import CORRECTIONS_METADATA, REPORT_METADATA
from phantom.dicom import chest_dx

from .orthanc import Orthanc


def correct(orthanc: Orthanc, image: str, reader: str, finding: str = "Nodule", *, present: bool = True) -> Any:
    body = {"reader": reader, "findings": [{"finding": finding, "present": present}]}
    answer = orthanc.request("POST", f"/ai/instances/{image}/corrections", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(orthanc: Orthanc, image: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orthanc.get(f"/ai/instances/{image}/corrections")["corrections"]
    return found


def wait_stored(orthanc: Orthanc, image: str, count: int) -> list[dict[str, Any]]:
    orthanc.wait_until(
        lambda: [one["state"] for one in listed(orthanc, image)] == ["stored"] * count, "corrections are not stored", 30
    )
    return listed(orthanc, image)


def test_stored_beside_the_report_listed_and_taken_back(server: Orthanc) -> None:
    [image] = server.upload([chest_dx(4711, 256, 256, PatientID="CORRECTED")])
    server.wait_idle()
    before = server.get(f"/ai/instances/{image}/findings")
    report = server.request("GET", f"/instances/{before['report']['instanceID']}/file").content
    refused = server.request("POST", f"/ai/instances/{image}/corrections", json={"findings": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "READER_MISSING")
    with ThreadPoolExecutor(2) as readers:
        list(readers.map(lambda reader: correct(server, image, reader), ["Müller^Jörg", "山田^太郎"]))
    correct(server, image, "Müller^Jörg", present=False)
    corrections = wait_stored(server, image, 3)
    latest = server.dataset(corrections[0]["correction"]["instanceID"])
    assert {str(item.PersonName) for item in latest.ContentSequence if item.ValueType == "PNAME"} == {"Müller^Jörg"}
    assert latest.SeriesNumber == 9005
    previous = {
        one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for one in latest.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
    }
    [first] = [one for one in corrections[1:] if one["reader"] == "Müller^Jörg"]
    assert previous == {before["report"]["sopInstanceUID"], first["correction"]["sopInstanceUID"]}
    # As training data: the readers disagree, and the latest word counts.
    request = {"selection": {"instances": [image]}, "size": 64, "readers": {"rule": "latest", "only": True}}
    path = server.post("/ai/datasets", request)["path"]
    server.wait_until(lambda: server.get(path)["ended"] is not None, "the dataset does not end")
    [row] = csv.DictReader(io.StringIO(server.request("GET", f"{path}/files/dataset.csv").text))
    assert (row["reader/Nodule"], row["readers"], row["readersDisagree"]) == ("0", "2", "Nodule")
    assert "ller" not in server.request("GET", f"{path}/manifest").text
    server.request("DELETE", path).raise_for_status()
    # Ours is as it was, nobody has read the SR or wants to, and it is marked, so that it is sent on like a report.
    server.wait_idle()
    assert server.get(f"/ai/instances/{image}/findings") == before
    assert server.request("GET", f"/instances/{before['report']['instanceID']}/file").content == report
    mark = server.request("GET", f"/instances/{corrections[0]['correction']['instanceID']}/metadata/{REPORT_METADATA}")
    assert '"to":[]' in mark.text, "a demonstration stays here"
    assert [one["reader"] for one in server.get("/ai/corrections?patientID=CORRECTED&agrees=false")["corrections"]]
    assert server.request("DELETE", f"/instances/{corrections[0]['correction']['instanceID']}").ok
    assert [one["at"] for one in listed(server, image)] == [one["at"] for one in corrections[1:]]
    [study] = server.find("Study", {"PatientID": "CORRECTED"})
    assert server.request("DELETE", f"/studies/{study['ID']}").ok
    assert server.get("/ai/corrections?patientID=CORRECTED")["corrections"] == []


def test_what_was_taken_outlives_kills_and_is_there_once(make_server: Callable[..., Orthanc]) -> None:
    moments = random.Random(20261122)
    orthanc = make_server().start()
    [image] = orthanc.upload([chest_dx(7, 256, 256)])
    orthanc.wait_idle()
    taken = []
    for kill in range(2):
        taken.append(correct(orthanc, image, f"Reader {kill}"))
        time.sleep(moments.uniform(0.0, 0.2))
        orthanc.kill()
        orthanc.start()
        assert (
            correct(orthanc, image, f"Reader {kill}")["correction"]["sopInstanceUID"]
            == (taken[-1]["correction"]["sopInstanceUID"])
        )
    there = wait_stored(orthanc, image, len(taken))
    assert [one["correction"]["sopInstanceUID"] for one in there] == [
        one["correction"]["sopInstanceUID"] for one in reversed(taken)
    ]
    assert len(orthanc.reports()) == 1 + len(taken)
    # Whoever forgets the demonstration forgets what was said of it.
    assert orthanc.request("DELETE", "/ai/demonstration").json()["remaining"] == 0
    assert orthanc.reports() == []
    assert listed(orthanc, image) == []
    assert not orthanc.request("GET", f"/instances/{image}/metadata/{CORRECTIONS_METADATA}").ok

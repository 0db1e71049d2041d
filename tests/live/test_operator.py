"""An operator sees the work that is not done, and acts on it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome
from phantom.ct import ct_series
from phantom.dicom import chest_dx

from .orthanc import Orthanc
from .peer import SUCCESS, Peer
from .test_deliveries import CANNOT_UNDERSTAND, models

OLD = "2000-01-01"


@pytest.fixture(scope="module")
def pacs() -> Iterator[Peer]:
    peer = Peer("PACS").start()
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, pacs: Peer) -> Iterator[Orthanc]:
    """A server beside an archive, whose reports are none of a demonstration."""
    made = Orthanc(tmp_path_factory.mktemp("operator"), options={"DicomModalities": {"pacs": pacs.modality}})
    made.ai |= {"ModelsDirectory": models(made.folder), "SendTo": {"Modalities": ["pacs"]}, "MaxAttempts": 1}
    made.start()
    yield made
    made.stop()


def jobs(orthanc: Orthanc, **query: str) -> dict[str, dict[str, Any]]:
    """Listed jobs by name."""
    answer = orthanc.get("/ai/jobs", params=query)
    assert answer["next"] is None
    return {job["id"]: job for job in answer["jobs"]}


def post(orthanc: Orthanc, path: str, body: Any = None) -> Any:
    """Answer to a request that starts something."""
    answer = orthanc.request("POST", path, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def write_outcome(orthanc: Orthanc, level: str, identifier: str, metadata: str, outcome: Outcome) -> None:
    path = f"/{level}/{identifier}/metadata/{metadata}"
    assert orthanc.request("PUT", path, data=outcome.to_text().encode()).ok


def code(orthanc: Orthanc, instance: str) -> str:
    return str(orthanc.get(f"/ai/instances/{instance}/findings")["code"])


def sent(orthanc: Orthanc) -> None:
    """Wait until every report is sent on."""
    orthanc.wait_until(lambda: not jobs(orthanc, kind="delivery"), "a report is not sent on")


def test_a_pause_holds_what_arrives_outlives_a_kill_and_ends(orthanc: Orthanc) -> None:
    assert orthanc.post("/ai/pause") == {"paused": True}
    [instance] = orthanc.upload([chest_dx(1, 128, 128)])
    orthanc.wait_idle()
    name = f"xray-findings:{instance}"
    assert jobs(orthanc) == {}
    assert jobs(orthanc, state="held")[name]["code"] == "PAUSED"
    orthanc.kill()
    orthanc.start()
    orthanc.wait_idle()
    queue = orthanc.get("/ai/status")["queue"]
    assert (queue["paused"], queue["held"]) == (True, 1)
    assert code(orthanc, instance) == "HELD"
    assert orthanc.post("/ai/resume") == {"paused": False}
    orthanc.wait_until(lambda: code(orthanc, instance) == "REPORTED", "it does not go on")
    assert orthanc.get("/ai/status")["queue"]["paused"] is False
    sent(orthanc)
    assert jobs(orthanc, state="held") == {}


def test_what_was_given_up_is_tried_again_one_by_one_and_all_at_once(orthanc: Orthanc) -> None:
    given_up = Outcome(Code.FAILED, "r", detail=f"{Code.WORKER_DIED}: signal 9", attempts=3)
    images = orthanc.upload([chest_dx(number, 128, 128) for number in (2, 3)])
    slices = orthanc.upload(ct_series("localizer"))
    orthanc.wait_idle()
    study = orthanc.get(f"/instances/{slices[0]}/study")["ID"]
    orthanc.wait_until(lambda: orthanc.outcome("studies", study, CARDIAC_METADATA) is not None, "not judged")
    for instance in images:
        write_outcome(orthanc, "instances", instance, XRAY_METADATA, given_up)
    write_outcome(orthanc, "studies", study, CARDIAC_METADATA, given_up)
    names = [*(f"xray-findings:{instance}" for instance in images), f"cardiac-ct:{study}"]
    failed = jobs(orthanc, state="failed")
    assert set(failed) == set(names)
    assert {(job["code"], job["detail"], job["attempts"]) for job in failed.values()} == {
        ("WORKER_DIED", "signal 9", 3)
    }

    assert post(orthanc, f"/ai/jobs/{names[0]}/retry")["analyses"] == 1
    orthanc.wait_until(lambda: code(orthanc, images[0]) == "REPORTED", "it was not tried again")
    assert set(jobs(orthanc, state="failed")) == set(names[1:])
    assert post(orthanc, "/ai/jobs/retry")["analyses"] == 2
    orthanc.wait_until(lambda: not jobs(orthanc, kind="analysis"), "not everything was tried again")
    assert code(orthanc, images[1]) == "REPORTED"
    missing = orthanc.request("POST", f"/ai/jobs/xray-findings:{study}/retry")
    assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
    sent(orthanc)


def test_a_report_that_the_archive_refused_is_sent_when_somebody_asks(orthanc: Orthanc, pacs: Peer) -> None:
    pacs.behaviour = lambda *_: CANNOT_UNDERSTAND
    orthanc.upload([chest_dx(number, 128, 128) for number in (4, 5)])
    orthanc.wait_until(lambda: len(jobs(orthanc, state="failed", kind="delivery")) == 2, "it is not given up")
    failed = jobs(orthanc, state="failed")
    assert {(job["code"], job["destination"]) for job in failed.values()} == {("SEND_FAILED", "modality:pacs")}
    assert all("0xC000" in job["detail"] for job in failed.values())
    orthanc.wait_until(
        lambda: orthanc.get("/ai/status")["queue"]["deliveriesFailed"] == 2, "the status does not say so", 20
    )
    pacs.behaviour = lambda *_: SUCCESS
    first, second = failed
    assert post(orthanc, f"/ai/jobs/{first}/retry")["deliveries"] == 1
    orthanc.wait_until(lambda: set(jobs(orthanc)) == {second}, "it was not sent")
    assert post(orthanc, "/ai/jobs/retry")["deliveries"] == 1
    orthanc.wait_until(lambda: not jobs(orthanc), "it was not sent")
    assert all(times == 1 for times in pacs.kept.values())
    assert set(pacs.kept) == {str(orthanc.dataset(report).SOPInstanceUID) for report in orthanc.reports()}


def test_a_look_through_the_archive_finds_what_has_no_outcome(orthanc: Orthanc) -> None:
    [instance] = orthanc.upload([chest_dx(6, 128, 128)])
    orthanc.wait_until(lambda: code(orthanc, instance) == "REPORTED", "it was not read")
    reports = len(orthanc.reports())
    assert orthanc.request("DELETE", f"/instances/{instance}/metadata/{XRAY_METADATA}").ok
    assert code(orthanc, instance) == "NOT_ANALYZED_YET"
    assert orthanc.get("/ai/reconcile")["state"] == "none"
    assert post(orthanc, "/ai/reconcile", {"since": OLD})["state"] in ("waiting", "running")
    orthanc.wait_until(lambda: orthanc.get("/ai/reconcile")["state"] == "ended", "it does not end")
    progress = orthanc.get("/ai/reconcile")
    assert (progress["found"], progress["settled"]) == (1, 1)
    assert progress["lookedAt"] == progress["studies"] == len(orthanc.get("/studies"))
    assert code(orthanc, instance) == "REPORTED"
    assert len(orthanc.reports()) == reports, "the same image with the same recipe has the same report"
    wrong = orthanc.request("POST", "/ai/reconcile", data=json.dumps({"since": "2026-02-30"}))
    assert wrong.json()["code"] == "BAD_REQUEST"

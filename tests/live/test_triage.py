"""Studies bear labels that Orthanc finds them by, and a webhook is told of each report, whatever happens to either of us."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orthanc_ai.outcomes import TRIAGE_METADATA, XRAY_METADATA
from orthanc_ai.sending.delivery import DeliveryState
from orthanc_ai.sending.webhooks import message_of
from phantom.dicom import chest_dx

from ..unit.sending.receiver import HANG, SECRET, Receiver
from .orthanc import Orthanc
from .test_deliveries import models, states


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*arguments: Any, **options: Any) -> Receiver:
        made.append(Receiver(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def labelled(orthanc: Orthanc, label: str) -> list[str]:
    """Studies that a user finds by a label."""
    found: list[str] = orthanc.post("/tools/find", {"Level": "Study", "Query": {}, "Labels": [label]})
    return sorted(found)


def study_of(orthanc: Orthanc, image: str) -> str:
    return str(orthanc.get(f"/instances/{image}/study")["ID"])


def test_labels_follow_findings_and_deletions(
    make_server: Callable[..., Orthanc], receive: Callable[..., Receiver]
) -> None:
    # Whatever the demonstration model sees: every score is at least 0.
    finding = "Nodule"
    rules = [
        {"Label": "ai-every", "Findings": [finding], "Threshold": 0, "Demonstration": True},
        {"Label": "ai-quiet", "Findings": [finding], "Threshold": 0},
        {
            "Label": "ai-er",
            "Findings": [finding],
            "Threshold": 0,
            "Demonstration": True,
            "Sources": {"RemoteAET": ["ER"]},
        },
    ]
    receiver = receive()
    ai = {"Triage": rules, "SendTo": {"Webhooks": [receiver.webhook()]}}
    orthanc = make_server(ai, {"DicomAlwaysAllowStore": True}).start()
    first, second = chest_dx(1, 128, 128), chest_dx(2, 128, 128)
    second.StudyInstanceUID, second.PatientID = first.StudyInstanceUID, first.PatientID
    [one] = orthanc.upload([first])
    orthanc.send([second], calling_aet="ER")
    orthanc.wait_idle()
    study = study_of(orthanc, one)
    [two] = [found["ID"] for found in orthanc.find("Instance", {"SOPInstanceUID": str(second.SOPInstanceUID)})]
    orthanc.request("PUT", f"/studies/{study}/labels/of-a-reader")
    assert labelled(orthanc, "ai-every") == labelled(orthanc, "ai-er") == [study]
    assert labelled(orthanc, "ai-quiet") == [], (
        "readings of a demonstration model give a label only where a rule says so"
    )
    shown = orthanc.get("/ai/triage")
    assert {label["label"]: label["studies"] for label in shown["labels"]} == {"ai-every": 1, "ai-quiet": 0, "ai-er": 1}
    assert shown["rules"][2]["remoteAET"] == ["ER"]

    assert [states(orthanc, report) for report in orthanc.reports()] == [{}, {}]
    assert receiver.asked == 0, "reports of a demonstration model are not told of"

    orthanc.request("DELETE", f"/instances/{two}")
    orthanc.wait_until(lambda: not labelled(orthanc, "ai-er"), "the label of a deleted image stays")
    assert labelled(orthanc, "ai-every") == labelled(orthanc, "of-a-reader") == [study]

    # What somebody takes away by hand stays away, also where all studies are looked at again.
    orthanc.request("DELETE", f"/studies/{study}/labels/ai-every")
    assert orthanc.post("/ai/triage/apply")["sweep"]["state"] != "none"
    orthanc.wait_until(lambda: orthanc.get("/ai/triage")["sweep"]["state"] == "ended", "studies are not looked through")
    assert labelled(orthanc, "ai-every") == []
    assert labelled(orthanc, "of-a-reader") == [study]


def test_a_finding_that_the_model_does_not_look_for_stops_the_start(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"Triage": [{"Label": "x", "Findings": ["Broken arm"]}]})
    assert orthanc.launch().wait(30) != 0
    assert "AI.Triage.0.Findings: found 'Broken arm'; allowed: what phantom looks for (" in orthanc.log_text()


def test_a_webhook_is_told_once_of_each_report_whatever_happens(
    make_server: Callable[..., Orthanc], receive: Callable[..., Receiver]
) -> None:
    """It answers 500, hangs over a kill, refuses, and takes the rest; archives of the same report are not held up."""
    answers = {1: 500, 2: HANG}
    slow = receive(lambda number: answers.get(number, 200))
    refuses = receive(lambda _: 422)
    quiet = receive()
    orthanc = make_server()
    secret = orthanc.folder / "secret"
    secret.write_text(SECRET)
    hooks = [
        slow.webhook("slow", Secret=None, SecretFile=str(secret)),
        refuses.webhook("refuses", Findings=["Nodule"], Labels=["ai-every"]),
        quiet.webhook("quiet", Labels=["never"]),
    ]
    orthanc.ai |= {
        "ModelsDirectory": models(orthanc.folder),
        "SendTo": {"Webhooks": [{name: value for name, value in one.items() if value} for one in hooks]},
        "XRay": {"Thresholds": {"Nodule": 0.000001}},
        "Triage": [{"Label": "ai-every", "Findings": ["Nodule"]}],
        "RetryPause": 0.2,
        "MaxAttempts": 2,
    }
    orthanc.start()
    image = chest_dx(1, 128, 128)
    image.PatientID, image.AccessionNumber = "PATIENT-77", "ACCESSION-78"
    [source] = orthanc.upload([image])
    orthanc.wait_idle()
    [report] = orthanc.reports()
    orthanc.wait_until(lambda: slow.asked == 2, "the message is not tried again")
    orthanc.wait_until(
        lambda: states(orthanc, report).get("refuses") is DeliveryState.FAILED, "a refusal is not given up"
    )
    assert refuses.asked == 2
    study = study_of(orthanc, source)
    assert labelled(orthanc, "ai-every") == [study]
    orthanc.kill()
    orthanc.ai["Triage"] = [{"Label": "ai-new", "Findings": ["Nodule"]}]
    orthanc.start()
    orthanc.wait_until(lambda: states(orthanc, report)["slow"] is DeliveryState.SENT, "the message is lost")
    assert slow.seen == [message_of(report, "slow")] * 3, "the same message by the same id, verified by its receiver"
    [(_, body)] = slow.taken
    told = json.loads(body)
    assert told["type"] == "xray.reported"
    assert told["data"]["source"] == {"level": "instance", "id": source}
    assert told["data"]["study"] == study
    assert told["data"]["report"] == report
    assert told["data"]["labels"] == ["ai-every"]
    stored = orthanc.outcome("instances", source, XRAY_METADATA)
    assert stored
    # As the routes say it.
    answered = orthanc.get(f"/ai/instances/{source}/findings")["findings"]
    shown = ("label", "score", "threshold", "presence")
    assert told["data"]["findings"] == [{key: one[key] for key in shown} for one in answered]
    assert {one["presence"] for one in answered} == {"present", "absent"}
    for secret_of_a_patient in ("PATIENT-77", "ACCESSION-78", str(image.StudyInstanceUID), str(image.SOPInstanceUID)):
        assert secret_of_a_patient not in body.decode()
    assert "quiet" not in states(orthanc, report)

    # What was given up is listed with its reason, and done again when somebody asks; the secret is nowhere.
    [job] = orthanc.get("/ai/jobs")["jobs"]
    assert (job["destination"], job["state"], job["detail"], job["orthancJob"]) == (
        "webhook:refuses",
        "failed",
        "HTTP 422",
        None,
    )
    assert orthanc.post(f"/ai/jobs/{job['id']}/retry")["deliveries"] == 1
    orthanc.wait_until(lambda: refuses.asked == 4, "a retry is not made")
    pages = [orthanc.request("GET", path).text for path in ("/ai", "/ai/status", "/ai/jobs", "/ai/triage")]
    for text in (*pages, orthanc.log_text(), orthanc.request("GET", f"/instances/{report}/metadata?expand").text):
        assert SECRET.removeprefix("whsec_") not in text
    # Rules that have changed reach what was read before.
    orthanc.wait_until(lambda: orthanc.get("/ai/triage")["sweep"]["state"] == "ended", "studies are not looked through")
    assert labelled(orthanc, "ai-new") == [study]
    assert labelled(orthanc, "ai-every") == []
    assert TRIAGE_METADATA in orthanc.get(f"/studies/{study}/metadata")

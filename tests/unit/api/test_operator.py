"""What an operator may do: retry, pause, look through the archive."""

import json
from typing import Any, cast

import pytest

from orthanc_ai.analyses import CARDIAC, XRAY
from orthanc_ai.api.context import Context
from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.job_id import JobId
from orthanc_ai.api.routes import Routes
from orthanc_ai.codes import Code
from orthanc_ai.sending.delivery import Destination
from orthanc_ai.sweeps import Reconciliation

from .examples import Archive, Queue, Sender, context, identifier, image
from .test_job_list import FAILED, ROWS, hand

SEND = f"send:{identifier(6)}:dicom-web:V N/A"


def ask(given: Context, method: str, path: str, body: Any = None) -> Any:
    request = Request(method, path, body=b"" if body is None else json.dumps(body).encode())
    return json.loads(Routes(given).answer(request).body)


def told(given: Context) -> list[tuple[str, ...]]:
    return cast(Queue, given.queue).requests + cast(Sender, given.sender).requests


def test_one_analysis_is_tried_again() -> None:
    given = context(Archive(ROWS))
    answer = ask(given, "POST", f"/ai/jobs/{XRAY}:{identifier(1)}/retry")
    assert (answer["analyses"], answer["deliveries"]) == (1, 0)
    ask(given, "POST", f"/ai/jobs/{CARDIAC}:{identifier(5)}/retry")
    assert told(given) == [("retry", XRAY, identifier(1)), ("retry", CARDIAC, identifier(5))]


def test_one_delivery_is_tried_again_to_a_destination_of_whatever_name() -> None:
    given = context(Archive(ROWS))
    answer = ask(given, "POST", f"/ai/jobs/{SEND}/retry")
    assert (answer["analyses"], answer["deliveries"]) == (0, 1)
    assert told(given) == [(identifier(6), "dicom-web:V N/A")]


def test_a_delivery_that_is_done_is_left_alone() -> None:
    given = context(Archive(ROWS))
    answer = ask(given, "POST", f"/ai/jobs/{SEND.replace(identifier(6), identifier(7))}/retry")
    assert (answer["analyses"], answer["deliveries"]) == (0, 0)
    assert told(given) == []


def test_everything_is_tried_again() -> None:
    given = context()
    answer = ask(given, "POST", "/ai/jobs/retry")
    assert (answer["analyses"], answer["deliveries"]) == (7, 2)
    assert told(given) == [("retry failed",), ("retry failed",)]


def test_what_is_in_hand_for_the_first_time_can_be_tried_again() -> None:
    given = context(Archive([image(1)]), queue=Queue(hand(1)))
    ask(given, "POST", f"/ai/jobs/{XRAY}:{identifier(1)}/retry")
    assert told(given) == [("retry", XRAY, identifier(1))]


@pytest.mark.parametrize(
    "job",
    [
        "x",
        identifier(1),
        f"{XRAY}:1.2.3",
        f"{XRAY}:{identifier(2)}",
        f"{XRAY}:{identifier(9)}",
        f"{XRAY}:{identifier(1)}:modality:PACS",
        f"{CARDIAC}:{identifier(1)}",
        f"mammography:{identifier(1)}",
        f"send:{identifier(6)}",
        f"send:{identifier(6)}:modality:",
        f"send:{identifier(6)}:fax:PACS",
        f"send:{identifier(6)}:modality:PACS",
    ],
)
def test_a_job_that_is_not_there(job: str) -> None:
    given = context(Archive([image(1, FAILED), image(2)]))
    with pytest.raises(Problem) as caught:
        ask(given, "POST", f"/ai/jobs/{job}/retry")
    assert caught.value.code is Code.NOT_FOUND
    assert told(given) == []


@pytest.mark.parametrize(
    "job", [JobId(XRAY, identifier(1)), JobId("", identifier(1), Destination("modality", "A:B/C D"))]
)
def test_a_name_is_read_back(job: JobId) -> None:
    assert JobId.parse(str(job)) == job


def test_pause_and_resume() -> None:
    given = context()
    assert ask(given, "POST", "/ai/pause") == {"paused": True}
    assert ask(given, "POST", "/ai/resume") == {"paused": False}
    assert told(given) == [("pause",), ("resume",)]


def test_a_look_through_the_archive() -> None:
    given = context()
    assert ask(given, "GET", "/ai/reconcile")["state"] == "none"
    assert ask(given, "POST", "/ai/reconcile")["state"] == "waiting"
    ask(given, "POST", "/ai/reconcile", {"since": "2026-01-31"})
    assert told(given) == [("reconcile", "None"), ("reconcile", "2026-01-31")]
    cast(Queue, given.queue).latest = Reconciliation(True, 9, 4, 3, 1, "2026-01-31T00:00:00+00:00", "")
    answer = ask(given, "GET", "/ai/reconcile")
    assert (answer["state"], answer["lookedAt"], answer["found"], answer["settled"]) == ("running", 4, 3, 1)
    assert answer["ended"] is None
    assert ask(given, "POST", "/ai/reconcile")["state"] == "running"


@pytest.mark.parametrize("since", ["2026-02-30", "yesterday", "20260131", 20260131, ""])
def test_a_day_that_there_is_not(since: object) -> None:
    given = context()
    with pytest.raises(Problem) as caught:
        ask(given, "POST", "/ai/reconcile", {"since": since})
    assert caught.value.code is Code.BAD_REQUEST
    assert told(given) == []


def test_the_status_says_what_is_still_to_be_sent_and_what_was_not_taken() -> None:
    queue = ask(context(Archive(ROWS)), "GET", "/ai/status")["queue"]
    assert (queue["deliveriesDue"], queue["deliveriesFailed"]) == (2, 2)
    assert queue["paused"] is False

"""Work that is not done: from memory and from the index, each job once, page by page."""

import csv
import dataclasses
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from orthanc_ai.analyses import CARDIAC, XRAY
from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.routes import Routes
from orthanc_ai.codes import Code
from orthanc_ai.counts import LARGE_S, Counter
from orthanc_ai.desk import HandJob
from orthanc_ai.outcomes import CARDIAC_METADATA, REPORT_METADATA, Outcome
from orthanc_ai.sending.delivery import Delivery, DeliveryState, Destination, Mark
from orthanc_ai.server import Resource, Server

from .examples import Archive, Queue, context, identifier, image, reported

PACS, VNA = Destination("modality", "PACS"), Destination("dicom-web", "VNA")
DUE = "2026-01-02T03:14:05+00:00"
FAILED = Outcome(Code.FAILED, "r", detail="WORKER_DIED: signal 9", attempts=3)
RETRYING = Outcome(Code.RETRYING, "r", detail="DEADLINE_EXCEEDED: 120 s", attempts=2, due=DUE)
HELD = Outcome(Code.HELD, "r", detail="PAUSED")


def study(number: int, outcome: Outcome) -> Resource:
    return Resource("study", identifier(number), {}, {CARDIAC_METADATA: outcome.to_text()})


def report(number: int, *deliveries: Delivery) -> Resource:
    return Resource("instance", identifier(number), {}, {REPORT_METADATA: Mark(deliveries).to_text()})


def hand(number: int, state: Any = "waiting", *, urgent: bool = False) -> HandJob:
    since = datetime.now(UTC) - timedelta(seconds=90)
    return HandJob(XRAY, "instance", identifier(number), state, urgent, False, 0, since)


ROWS = (
    image(1, FAILED),
    image(2, RETRYING),
    image(3, HELD),
    image(4, reported({"Mass": 0.9})),
    study(5, FAILED),
    report(
        6,
        Delivery(PACS, DeliveryState.SENDING, job="j"),
        Delivery(VNA, DeliveryState.FAILED, 3, code=Code.SEND_FAILED, detail="0xC000"),
    ),
    report(7, Delivery(PACS, DeliveryState.SENT), Delivery(VNA, DeliveryState.FAILED, code=Code.DESTINATION_UNKNOWN)),
    report(8, Delivery(PACS), Delivery(VNA, DeliveryState.RETRYING, 1, due=DUE, code=Code.SEND_FAILED)),
    report(9, Delivery(PACS, DeliveryState.SENT)),
    report(10),
)
QUEUE = Queue(hand(20, "running", urgent=True), hand(21), hand(2))


def ask(queue: Queue = QUEUE, rows: tuple[Resource, ...] = ROWS, **query: str) -> Any:
    return json.loads(Routes(context(Archive(rows), queue=queue)).answer(Request("GET", "/ai/jobs", query)).body)


def named(answer: Any) -> set[tuple[str, str]]:
    return {(job["id"], job["state"]) for job in answer["jobs"]}


def xray(number: int) -> str:
    return f"{XRAY}:{identifier(number)}"


def send(number: int, destination: Destination) -> str:
    return f"send:{identifier(number)}:{destination}"


EVERYTHING = {
    (xray(20), "running"),
    (xray(21), "waiting"),
    (xray(2), "waiting"),
    (xray(1), "failed"),
    (f"{CARDIAC}:{identifier(5)}", "failed"),
    (send(6, PACS), "sending"),
    (send(6, VNA), "failed"),
    (send(7, VNA), "failed"),
    (send(8, PACS), "waiting"),
    (send(8, VNA), "retrying"),
}


def test_everything_undone_is_listed_once_and_what_is_in_hand_as_it_is_now() -> None:
    answer = ask()
    assert named(answer) == EVERYTHING
    assert len(answer["jobs"]) == len(EVERYTHING)
    assert answer["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "held"}, {(xray(3), "held")}),
        ({"state": "failed", "kind": "analysis"}, {(xray(1), "failed"), (f"{CARDIAC}:{identifier(5)}", "failed")}),
        ({"state": "failed", "kind": "delivery"}, {(send(6, VNA), "failed"), (send(7, VNA), "failed")}),
        ({"state": "sending"}, {(send(6, PACS), "sending")}),
        ({"state": "running"}, {(xray(20), "running")}),
        ({"state": "waiting"}, {(xray(21), "waiting"), (xray(2), "waiting"), (send(8, PACS), "waiting")}),
        ({"state": "retrying"}, {(send(8, VNA), "retrying")}),
    ],
)
def test_states_and_kinds(query: Any, expected: set[tuple[str, str]]) -> None:
    assert named(ask(**query)) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 10])
def test_pages_make_up_the_whole(limit: int) -> None:
    seen: list[tuple[str, str]] = []
    answer = ask(limit=str(limit))
    for _ in range(50):
        assert len(answer["jobs"]) <= limit
        seen += [(job["id"], job["state"]) for job in answer["jobs"]]
        if answer["next"] is None:
            break
        path, _, query = answer["next"].partition("?")
        assert path == "/ai/jobs"
        answer = ask(**dict(part.split("=", 1) for part in query.split("&")))
    assert set(seen) == EVERYTHING
    assert len(seen) == len(EVERYTHING)


def by_id(answer: Any) -> dict[str, Any]:
    return {job["id"]: job for job in answer["jobs"]}


def test_a_job_says_why_and_when() -> None:
    jobs = by_id(ask(Queue()))
    failed, retrying = jobs[xray(1)], jobs[xray(2)]
    assert (failed["code"], failed["detail"], failed["attempts"]) == ("WORKER_DIED", "signal 9", 3)
    assert failed["sentence"] == Code.WORKER_DIED.sentence
    assert failed["findings"] == f"/ai/instances/{identifier(1)}/findings"
    assert (retrying["nextAttempt"], retrying["code"]) == (DUE, "DEADLINE_EXCEEDED")
    [held] = ask(Queue(), state="held")["jobs"]
    assert (held["code"], held["attempts"]) == ("PAUSED", 0)


def test_a_delivery_says_where_to_and_which_of_orthancs_jobs_has_it() -> None:
    jobs = by_id(ask())
    sending, failed = jobs[send(6, PACS)], jobs[send(6, VNA)]
    assert (sending["destination"], sending["orthancJob"], sending["code"]) == ("modality:PACS", "/jobs/j", None)
    assert (failed["code"], failed["detail"], failed["attempts"]) == ("SEND_FAILED", "0xC000", 3)
    assert jobs[send(8, VNA)]["nextAttempt"] == DUE


def test_a_job_in_hand_says_whether_it_is_urgent_and_how_old_it_is() -> None:
    job = by_id(ask())[xray(20)]
    assert job["urgent"] is True
    assert job["ageSeconds"] >= 90


def test_an_outcome_whose_time_somebody_has_spoiled_has_no_age() -> None:
    [job] = ask(Queue(), (image(1, Outcome(Code.FAILED, "r", at="yesterday")),))["jobs"]
    assert job["ageSeconds"] is None
    [job] = ask(Queue(), (image(1, Outcome(Code.FAILED, "r", at="2026-01-02")),))["jobs"]
    assert job["ageSeconds"] is None


def test_as_a_table() -> None:
    answer = Routes(context(Archive(ROWS), queue=QUEUE)).answer(Request("GET", "/ai/jobs", {"format": "csv"}))
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert {(row["id"], row["state"]) for row in rows} == EVERYTHING


@pytest.mark.parametrize("cursor", ["", "x", "0", "0-", "0-x", "1-x", "9-", "99-1", "1-1-1", "-1-", "0-9999999", "٣-"])
def test_a_wrong_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem, match="cursor"):
        ask(cursor=cursor)


def test_more_in_hand_than_a_page_holds() -> None:
    queue = Queue(*(hand(number) for number in range(30, 60)))
    first = ask(queue, (), limit="20")
    assert len(first["jobs"]) == 20
    second = ask(queue, (), limit="20", cursor="0-20")
    assert first["next"].endswith("cursor=0-20")
    assert len(second["jobs"]) == 10
    assert second["next"] is None


# In a large archive


class Slow(Archive):
    """An archive in which counting takes long."""

    now = 0.0
    counted = 0

    def count(self, *arguments: Any, **options: Any) -> int:
        self.now += LARGE_S
        self.counted += 1
        return super().count(*arguments, **options)


def large(*rows: Resource) -> tuple[Slow, Counter, Routes]:
    """Routes over a large archive that has been counted."""
    archive = Slow(rows)
    counter = Counter(cast(Server, archive), lambda: archive.now, lambda: archive.now)
    counter.refresh()
    archive.counted = 0
    return archive, counter, Routes(dataclasses.replace(context(archive, queue=Queue()), counter=counter))


def test_nothing_is_looked_for_that_is_known_not_to_be_there() -> None:
    archive, counter, routes = large(image(3, HELD), image(4, reported({"Mass": 0.9})))
    asked = Request("GET", "/ai/jobs", {})
    assert json.loads(routes.answer(asked).body) == {"jobs": [], "next": None}
    assert archive.counted == 0
    counter.changed()
    assert json.loads(routes.answer(asked).body) == {"jobs": [], "next": None}
    assert archive.counted > 0


def test_page_by_page_nothing_is_left_out_where_something_is_known_to_be_there() -> None:
    rows = (image(1, FAILED), image(2, HELD), report(8, Delivery(PACS)), study(5, FAILED))
    _, _, routes = large(*rows)
    found, query = [], {"limit": "1"}
    while query:
        answer = json.loads(routes.answer(Request("GET", "/ai/jobs", query)).body)
        found += [job["id"] for job in answer["jobs"]]
        query = dict(parse_qsl(urlsplit(answer["next"] or "").query))
    assert found == [xray(1), f"{CARDIAC}:{identifier(5)}", send(8, PACS)]

"""A database that fails for a moment makes the inbox neither forget nor believe that it is done.

Such a failure cannot be provoked in a real Orthanc at will, so these tests use a stand-in for the server.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

import orthanc_ai.inbox
from orthanc_ai.inbox import RESERVE, Inbox
from orthanc_ai.jobs import Jobs
from orthanc_ai.outcomes import CARDIAC_METADATA
from orthanc_ai.retries import Retries
from orthanc_ai.server import Changes, Resource, Server, ServerError
from orthanc_ai.settings import Priority

CR = "1.2.840.10008.5.1.4.1.1.1"


def orthanc_id(number: int) -> str:
    """Of the form that Orthanc gives its identifiers."""
    return bytes([number] * 20).hex("-", 4)


class StandIn:
    """An archive of CR images, one in each study, whose index fails as often as it is told to."""

    def __init__(self, studies: int) -> None:
        self.studies = [orthanc_id(number) for number in range(studies)]
        self.failures = 0
        self.saved = ""
        self.log: list[str] = []

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ServerError("database is locked")

    def property(self, _number: int) -> str:
        return self.saved

    def set_property(self, _number: int, text: str) -> None:
        self._fail()
        self.saved = text

    def last_change_before(self, _moment: datetime) -> int:
        return 7

    def changes(self, _since: int, _limit: int, kinds: tuple[str, ...]) -> Changes:
        return Changes((), 7, True)

    def identifiers(self, level: str, *_: Any, metadata: object = None, **__: Any) -> list[str]:
        return list(self.studies) if level == "study" and not metadata else []

    def children(self, _level: str, study: str, *_: Any) -> Iterator[Resource]:
        self._fail()
        metadata = {"ReceptionDate": "20260101T000000", "SopClassUid": CR}
        yield Resource("instance", f"image of {study}", {"Modality": "CR"}, metadata)

    def metadata(self, _level: str, _identifier: str, name: str) -> str | None:
        assert name == CARDIAC_METADATA
        return None

    def warn(self, message: str) -> None:
        self.log.append(message)

    error = warn


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is asked for again in the next round, not after a while."""
    monkeypatch.setattr(orthanc_ai.inbox, "NET_S", 0.0)


class Taken:
    """Jobs that are taken, and done when the test says so."""

    def __init__(self) -> None:
        self.open: list[tuple[str, Callable[[], None]]] = []
        self.on_room: Callable[[], None] = lambda: None

    def room(self) -> int:
        return RESERVE + 2 - len(self.open)

    def submit(self, _name: str, identifier: str, done: Callable[[], None], **_: Any) -> None:
        self.open.append((identifier, done))

    def finish(self) -> list[str]:
        finished, self.open = self.open, []
        for _, done in finished:
            done()
        return [identifier for identifier, _ in finished]


def inbox_of(server: StandIn, jobs: Taken) -> Inbox:
    born = datetime(2026, 6, 1, tzinfo=UTC)
    made = Inbox(
        cast(Server, server),
        cast(Jobs, jobs),
        Retries(cast(Server, server), ()),
        (),
        backfill="all",
        born=born,
        stable_age=1,
        priority=Priority(),
    )
    made._begin()
    return made


def rounds(inbox: Inbox, jobs: Taken, count: int) -> list[str]:
    """Some rounds of the loop, in which every job that is taken gets done; errors are as the loop takes them."""
    done = []
    for _ in range(count):
        try:
            inbox._step()
        except ServerError:
            continue
        done += jobs.finish()
    return done


def test_a_backfill_goes_on_after_errors_and_finds_everything() -> None:
    server, jobs = StandIn(5), Taken()
    inbox = inbox_of(server, jobs)
    server.failures = 3
    assert sorted(rounds(inbox, jobs, 12)) == sorted(f"image of {orthanc_id(number)}" for number in range(5))
    assert inbox.idle


def test_a_backfill_is_not_saved_as_done_before_its_jobs_are() -> None:
    server, jobs = StandIn(1), Taken()
    inbox = inbox_of(server, jobs)
    inbox._step()
    inbox._save(force=True)
    assert jobs.open
    assert json.loads(server.saved)["scan"] is True
    jobs.finish()
    inbox._step()
    assert json.loads(server.saved)["scan"] is False

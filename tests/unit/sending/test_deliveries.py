"""What is sent when, and what is done about what goes wrong: with a stand-in for Orthanc and its jobs.

How real jobs and archives behave is the matter of tests/live/test_deliveries.py; here time passes as a test wishes.
"""

import fnmatch
from collections.abc import Sequence
from typing import Any, cast

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import REPORT_METADATA
from orthanc_ai.sending import lane as lanes
from orthanc_ai.sending.couriers import End, Fate
from orthanc_ai.sending.deliveries import Deliveries
from orthanc_ai.sending.delivery import Delivery, DeliveryState, Destination, Mark
from orthanc_ai.server import Resource, Server, ServerError
from orthanc_ai.settings import AI, SendTo
from orthanc_ai.settings import Archive as ArchiveSettings

from .reading import answer, radiograph

PACS = Destination("modality", "pacs")
WEB = Destination("dicom-web", "web")

SENT = Fate(End.SENT)
REFUSED = Fate(End.REFUSED, "0xC000")
AWAY = Fate(End.AWAY, "Connection refused")
BROKEN = Fate(End.BROKEN, "aborted")


class StandIn:
    """Marks of reports, oldest first."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.log: list[str] = []
        self.fails = False

    def find(
        self, _level: str, *, metadata: dict[str, str], since: int = 0, limit: int, **_: Any
    ) -> tuple[Resource, ...]:
        pattern = metadata[REPORT_METADATA]
        found = [name for name, text in self.texts.items() if fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))]
        return tuple(
            Resource("instance", name, {}, {REPORT_METADATA: self.texts[name]}) for name in found[since : since + limit]
        )

    def count(self, level: str, *, metadata: dict[str, str]) -> int:
        return len(self.find(level, metadata=metadata, limit=10**9))

    def metadata(self, _level: str, report: str, _name: str) -> str | None:
        if self.fails:
            raise ServerError("database is locked")
        return self.texts.get(report)

    def set_metadata(self, _level: str, report: str, _name: str, text: str) -> bool:
        if report in self.texts:
            self.texts[report] = text
        return report in self.texts

    def warn(self, message: str) -> None:
        self.log.append(message)

    error = warn


class Carriers:
    """Jobs that end as the test says; until then they are under way."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, str]] = []
        self.fates: dict[str, Fate] = {}
        self.known_now = {PACS, WEB}
        self.under_way: set[str] = set()
        self.there: set[str] = set()
        self.along: list[str] = []

    def known(self) -> frozenset[Destination]:
        return frozenset(self.known_now)

    def submit(self, report: str, destination: Destination, also: Sequence[str] = ()) -> str:
        self.along += also
        self.submitted.append((report, destination.name))
        return f"job {len(self.submitted)} of {report} to {destination.name}"

    def fate(self, job: str) -> Fate:
        return self.fates.get(job, Fate(End.UNFINISHED))

    def may_be_under_way(self, report: str, _delivery: Delivery) -> bool:
        return report in self.under_way

    def has(self, report: str, _destination: Destination) -> bool:
        return report in self.there

    def stop(self) -> None:
        pass


class Office:
    """Deliveries with their surroundings."""

    def __init__(self, *destinations: Destination) -> None:
        send_to = SendTo(
            modalities=[ArchiveSettings(name=one.name) for one in destinations if one.kind == "modality"],
            dicom_web_servers=[ArchiveSettings(name=one.name) for one in destinations if one.kind == "dicom-web"],
        )
        self.server, self.carriers, self.time = StandIn(), Carriers(), 1000.0
        self.settings = AI(send_to=send_to, max_attempts=3, retry_pause=5)
        self.restart()

    def restart(self) -> None:
        """As after a kill: what was in memory is gone."""
        self.deliveries = Deliveries(cast(Server, self.server), self.settings, self.carriers, lambda: self.time)

    def store(self, report: str) -> None:
        self.server.texts[report] = self.deliveries.mark(radiograph(), answer())
        self.deliveries.ring(report)

    def delivery(self, report: str, destination: Destination = PACS) -> Delivery:
        found = Mark.from_text(self.server.texts[report]).to(destination)
        assert found is not None
        return found

    def end(self, fate: Fate) -> None:
        """Let the latest job end so, and be seen to."""
        report, name = self.carriers.submitted[-1]
        self.carriers.fates[f"job {len(self.carriers.submitted)} of {report} to {name}"] = fate
        self.deliveries.step()

    @property
    def sent(self) -> list[str]:
        """Reports in the order in which they were handed over."""
        return [report for report, _ in self.carriers.submitted]


@pytest.fixture
def office() -> Office:
    return Office(PACS)


def test_a_report_goes_to_every_destination_once() -> None:
    office = Office(PACS, WEB)
    office.store("a")
    for _ in range(3):
        office.deliveries.step()
    assert sorted(office.carriers.submitted) == [("a", "pacs"), ("a", "web")]
    for number, name in ((1, "pacs"), (2, "web")):
        office.carriers.fates[f"job {number} of a to {name}"] = SENT
    office.deliveries.step()
    assert office.delivery("a", PACS).state is office.delivery("a", WEB).state is DeliveryState.SENT
    office.restart()
    office.deliveries.step()
    assert len(office.carriers.submitted) == 2


def test_a_demonstration_goes_nowhere(office: Office) -> None:
    office.server.texts["a"] = office.deliveries.mark(radiograph(), answer(demonstration=True))
    office.deliveries.ring("a")
    office.deliveries.ring()
    office.deliveries.step()
    assert office.sent == []


def test_without_destinations_nothing_is_due() -> None:
    office = Office()
    office.store("a")
    office.deliveries.step()
    assert office.server.texts["a"] == '{"send":"none","to":[]}'


def test_a_destination_that_is_away_is_waited_for_without_end_and_keeps_no_other_waiting() -> None:
    office = Office(PACS, WEB)
    office.store("a")
    office.deliveries.step()
    for _ in range(200):
        office.carriers.fates = {f"job {n} of a to pacs": AWAY for n in range(500)}
        office.time += 601
        office.deliveries.step()
        office.deliveries.step()
    tries = office.carriers.submitted.count(("a", "pacs"))
    assert tries > 100, "it is asked again and again"
    assert office.carriers.submitted.count(("a", "web")) == 1
    delivery = office.delivery("a")
    assert (delivery.attempts, delivery.code, delivery.detail) == (0, Code.SEND_FAILED, "Connection refused")
    assert delivery.state in (DeliveryState.DUE, DeliveryState.SENDING)
    assert sum("trying again" in line for line in office.server.log) == 1, "the log says it once"


def test_a_destination_is_asked_no_more_often_than_its_pauses_allow(office: Office) -> None:
    office.store("a")
    office.deliveries.step()
    office.end(AWAY)
    for seconds, tries in ((4.9, 1), (0.1, 2)):
        office.time += seconds
        office.deliveries.step()
        assert len(office.sent) == tries
    office.end(AWAY)
    for seconds, tries in ((19.9, 2), (0.1, 3)):
        office.time += seconds
        office.deliveries.step()
        assert len(office.sent) == tries


def test_a_refused_report_is_given_up_after_its_attempts_and_others_go_on(office: Office) -> None:
    office.store("bad")
    for attempt in range(3):
        office.deliveries.step()
        assert office.delivery("bad").state is DeliveryState.SENDING
        assert office.delivery("bad").attempts == attempt
        office.end(REFUSED)
        office.time += 1000
    delivery = office.delivery("bad")
    assert (delivery.state, delivery.attempts, delivery.code) == (DeliveryState.FAILED, 3, Code.SEND_FAILED)
    office.store("good")
    office.deliveries.step()
    office.end(SENT)
    assert office.sent == ["bad"] * 3 + ["good"]
    assert office.delivery("good").state is DeliveryState.SENT


def test_a_refusal_delays_only_its_report(office: Office) -> None:
    office.store("bad")
    office.deliveries.step()
    office.end(REFUSED)
    assert office.delivery("bad").state is DeliveryState.RETRYING
    office.store("good")
    office.deliveries.step()
    assert office.sent == ["bad", "good"]


def test_a_report_that_breaks_every_association_is_told_from_an_archive_that_is_away(office: Office) -> None:
    for report in ("poison", "good 1", "good 2", "good 3"):
        office.store(report)
    for _ in range(10):
        office.time += 700
        office.deliveries.step()
        for number, (report, name) in enumerate(office.carriers.submitted, 1):
            fate = BROKEN if report == "poison" else SENT
            office.carriers.fates.setdefault(f"job {number} of {report} to {name}", fate)
    assert all(office.delivery(f"good {number}").state is DeliveryState.SENT for number in (1, 2, 3))
    assert office.delivery("poison").attempts == 1


def test_an_archive_that_breaks_off_everything_gets_everything_in_the_end(office: Office) -> None:
    office.store("a")
    for _ in range(20):
        office.time += 700
        office.deliveries.step()
        office.end(BROKEN)
    assert office.delivery("a").attempts == 0
    office.time += 700
    office.deliveries.step()
    office.end(SENT)
    assert office.delivery("a").state is DeliveryState.SENT


def test_after_a_kill_orthancs_own_job_is_found_again(office: Office) -> None:
    office.store("a")
    office.deliveries.step()
    office.restart()
    office.deliveries.step()
    office.end(SENT)
    assert office.sent == ["a"]
    assert office.delivery("a").state is DeliveryState.SENT


def test_a_job_that_nobody_knows_is_asked_for_at_the_archive_before_it_is_repeated(office: Office) -> None:
    for report in ("arrived", "lost"):
        office.store(report)
    office.deliveries.step()
    office.carriers.there = {"arrived"}
    office.carriers.fates = {
        f"job {n} of {report} to pacs": Fate(End.FORGOTTEN) for n, report in ((1, "arrived"), (2, "lost"))
    }
    office.restart()
    office.deliveries.step()
    office.deliveries.step()
    assert office.delivery("arrived").state is DeliveryState.SENT
    assert office.sent == ["arrived", "lost", "lost"]


def test_a_kill_between_asking_orthanc_and_noting_the_job_waits_for_jobs_that_may_be_it(office: Office) -> None:
    office.server.texts["a"] = Mark((Delivery(PACS, DeliveryState.SENDING),)).to_text()
    office.carriers.under_way = {"a"}
    for _ in range(3):
        office.deliveries.step()
    assert office.sent == []
    office.carriers.under_way = set()
    office.carriers.there = {"a"}
    office.deliveries.step()
    assert office.sent == []
    assert office.delivery("a").state is DeliveryState.SENT


def test_a_destination_that_orthanc_no_longer_knows(office: Office) -> None:
    office.carriers.known_now = set()
    office.store("a")
    office.deliveries.step()
    delivery = office.delivery("a")
    assert (delivery.state, delivery.code) == (DeliveryState.FAILED, Code.DESTINATION_UNKNOWN)
    office.carriers.known_now = {PACS}
    assert office.deliveries.retry("a", PACS) is DeliveryState.DUE
    office.deliveries.step()
    assert office.sent == ["a"]


def test_a_destination_that_the_settings_no_longer_name(office: Office) -> None:
    office.server.texts["a"] = Mark.fresh((WEB,)).to_text()
    office.deliveries.step()
    assert office.delivery("a", WEB).code is Code.DESTINATION_UNKNOWN
    assert office.sent == []


def test_a_retry_is_made_at_once_with_attempts_counted_anew(office: Office) -> None:
    office.store("a")
    office.deliveries.step()
    office.end(REFUSED)
    assert office.deliveries.retry("a", PACS) is DeliveryState.DUE
    office.deliveries.step()
    assert office.sent == ["a", "a"]
    assert office.delivery("a").attempts == 0
    assert office.deliveries.retry("a", WEB) is None
    assert office.deliveries.retry("gone", PACS) is None


def test_what_goes_along_goes_along_with_every_attempt(office: Office) -> None:
    mark = Mark((Delivery(PACS, also=("image",)),))
    office.server.texts["a"] = mark.to_text()
    office.deliveries.step()
    office.end(REFUSED)
    assert office.deliveries.retry("a", PACS) is DeliveryState.DUE
    office.deliveries.step()
    office.end(SENT)
    assert office.carriers.along == ["image", "image"]
    assert office.delivery("a").also == ("image",)


def test_a_retry_does_not_send_twice_what_is_under_way_or_done(office: Office) -> None:
    office.store("a")
    office.deliveries.step()
    assert office.deliveries.retry("a", PACS) is DeliveryState.SENDING
    office.deliveries.step()
    office.end(SENT)
    assert office.deliveries.retry("a", PACS) is DeliveryState.SENT
    office.deliveries.step()
    assert office.sent == ["a"]


def test_everything_that_was_given_up_is_retried(office: Office) -> None:
    for number in range(3):
        failed = Delivery(PACS, DeliveryState.FAILED, attempts=3, code=Code.SEND_FAILED)
        office.server.texts[str(number)] = Mark((failed,)).to_text()
    office.server.texts["spoiled"] = '{"to":"state":"failed"'
    assert office.deliveries.retry_failed() == 3
    assert all(office.delivery(str(number)).state is DeliveryState.DUE for number in range(3))


def test_a_deleted_report_is_let_go(office: Office) -> None:
    office.store("a")
    office.deliveries.step()
    del office.server.texts["a"]
    office.end(SENT)
    office.store("b")
    del office.server.texts["b"]
    office.deliveries.step()
    assert office.sent == ["a"]


def test_a_busy_database_loses_nothing(office: Office) -> None:
    office.store("a")
    office.server.fails = True
    with pytest.raises(ServerError):
        office.deliveries.step()
    office.server.fails = False
    office.deliveries.step()
    assert office.sent == ["a"]


def test_more_than_is_remembered_is_sent_all_the_same(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    monkeypatch.setattr(lanes, "CAPACITY", 4)
    for number in range(30):
        office.server.texts[str(number)] = office.deliveries.mark(radiograph(), answer())
    office.deliveries.ring()
    for _ in range(60):
        office.deliveries.step()
        for number, (report, name) in enumerate(office.carriers.submitted, 1):
            office.carriers.fates[f"job {number} of {report} to {name}"] = SENT
    assert sorted(office.sent, key=int) == [str(number) for number in range(30)]

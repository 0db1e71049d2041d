"""A collection comes to its end whatever the peer does and whenever the server is killed; nothing is fetched twice."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.batches.batch import BatchError, InterruptedBatch
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.collecting import plan
from orthanc_ai.collecting.collection import VERDICT_PATIENCE_S, Collections
from orthanc_ai.collecting.fault import PeerError
from orthanc_ai.collecting.transfers import GRACE_S
from orthanc_ai.server import Resource, ServerError
from orthanc_ai.settings import AI, CardiacCT, Collecting

from .archive import AWAY, BROKE_OFF, REFUSED, SILENT, House, Uids, ct

SUCCESS = {"State": "Success"}
REQUEST = {"peer": "modality:pacs", "studyDate": "20260101"}


class KilledError(BaseException):
    """The server was killed at this very moment."""


class Office:
    """A collection with its surroundings: time passes only where somebody waits."""

    def __init__(self, house: House, folder: Path, *, judges: bool = False, **request: Any) -> None:
        self.house = house
        self.folder = folder
        self.request = {**REQUEST, **request}
        self.time = 0.0
        self.journal: list[str] = []
        self.ended = threading.Event()
        self.settings = AI(
            max_attempts=3,
            retry_pause=5,
            collecting=Collecting(timeout=300, deadline=3600),
            CardiacCT=CardiacCT(enabled=judges),
        )
        self.passes: Callable[[], None] = lambda: None

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=self.time)

    def run(self, *, fetches: bool = True) -> Run:
        """Run it, after a restart if there was a run before."""
        kind = Collections(
            self.house.server,
            self.settings,
            fetches=fetches,
            wall=self.wall,
            clock=lambda: self.time,
            find_peer=lambda *_: self.house,
        )
        office = self

        class Passing(Run):
            def wait(self, seconds: float) -> None:
                office.time += seconds
                office.passes()
                self.check()

        settled = dict(json.loads(line) for line in self.journal)
        self.latest = Passing(
            self.request, self.folder, settled, settle=self.settle, ended=self.ended, paused=lambda: False
        )
        kind.run(self.latest)
        return self.latest

    def settle(self, records: Mapping[str, Any]) -> None:
        self.journal.extend(json.dumps([key, record]) for key, record in records.items())

    def states(self) -> dict[str, str]:
        return {uid: record["code"] or record["state"] for uid, record in map(json.loads, self.journal)}


def obeying(*ends: Mapping[str, Any], come: float = 0.0) -> Callable[[int, list[Uids]], Any]:
    """The first jobs end so, when a part of the instances has come; the others succeed."""

    def obeys(number: int, asked: list[Uids]) -> tuple[list[Uids], dict[str, Any]]:
        if number <= len(ends):
            return asked[: int(len(asked) * come)], dict(ends[number - 1])
        return asked, dict(SUCCESS)

    return obeys


def test_what_is_wanted_comes_once_and_is_not_fetched_again(tmp_path: Path) -> None:
    house = House(*(ct(number, series=2) for number in range(30)))
    office = Office(house, tmp_path / "first")
    run = office.run()
    assert set(office.states().values()) == {"fetched"}
    assert (run.done, run.total, run.summary["fetched"], run.summary["instances"]) == (30, 30, 30, 180)
    assert set(house.sent.values()) == {1}
    assert set(house.jobs.values()) == {1}
    again = Office(house, tmp_path / "second")
    assert again.run().summary["here"] == 30
    assert house.jobs.total() == 60


def test_a_preview_fetches_nothing(tmp_path: Path) -> None:
    house = House(ct(1), ct(2))
    run = Office(house, tmp_path).run(fetches=False)
    assert (run.summary["studies"], run.summary["instances"]) == (2, 6)
    assert [study.study_instance_uid for study in plan.read(tmp_path)] == ["1.2.1", "1.2.2"]
    assert not house.jobs


def test_where_nothing_is_found_it_is_done_at_once(tmp_path: Path) -> None:
    run = Office(House(), tmp_path).run()
    assert (run.total, run.summary["studies"], run.summary["fetched"]) == (0, 0, 0)


@pytest.mark.parametrize("after", range(13))
def test_killed_after_any_instance_nothing_comes_twice(after: int, tmp_path: Path) -> None:
    class Killing(House):
        def receive(self, uids: Uids) -> None:
            if self.sent.total() == after and not killed:
                killed.append(uids)
                raise KilledError
            super().receive(uids)

    killed: list[Uids] = []
    house = Killing(*(ct(number) for number in range(4)))
    office = Office(house, tmp_path)
    if after < 12:
        with pytest.raises(KilledError):
            office.run()
        settled = len(office.journal)
        assert settled == after // 3
    questions = len(house.questions)
    assert office.run().summary["instances"] == 12
    assert list(office.states().values()) == ["fetched"] * 4
    assert set(house.sent.values()) == {1}
    assert house.sent.total() == 12
    if after < 12:
        # The search is not repeated; of the study that was under way, the peer says what belongs to it.
        assert {level for level, _ in house.questions[questions:]} <= {"instance"}


def test_a_job_that_orthanc_itself_goes_on_with_is_waited_for(tmp_path: Path) -> None:
    house = House(ct(1, series=2))
    office = Office(house, tmp_path)
    job = {"ID": "old", "Type": "DicomMoveScu", "State": "Running", "Content": {"Query": [{"0020,000e": "1.2.1.0"}]}}
    house.states["old"] = job

    def ends() -> None:
        if job["State"] == "Running" and office.time > 3:
            for instance in house.there["1.2.1"].series["1.2.1.0"]:
                house.receive(("1.2.1", "1.2.1.0", instance))
            job["State"] = "Success"

    office.passes = ends
    office.run()
    assert office.states() == {"1.2.1": "fetched"}
    assert house.jobs == {"1.2.1.1": 1}
    assert set(house.sent.values()) == {1}


@pytest.mark.parametrize(
    ("end", "code"),
    [(AWAY, "PEER_AWAY"), (REFUSED, "PEER_REFUSED"), (SILENT, "PEER_SILENT"), (BROKE_OFF, "PEER_BROKE_OFF")],
)
def test_one_study_that_never_comes_keeps_back_no_other(end: dict[str, Any], code: str, tmp_path: Path) -> None:
    house = House(*(ct(number) for number in range(5)))

    def obeys(_: int, asked: list[Uids]) -> tuple[list[Uids], dict[str, Any]]:
        return ([], dict(end)) if asked[0][0] == "1.2.2" else (asked, dict(SUCCESS))

    house.obeys = obeys
    office = Office(house, tmp_path)
    summary = office.run().summary
    assert office.states() == {f"1.2.{n}": code if n == 2 else "fetched" for n in range(5)}
    assert house.jobs["1.2.2.0"] == 3
    assert (summary["failed"], summary["failures"]) == (1, {code: 1})
    # A peer that refuses is there, so that others are asked for at once; if this is the last one, it is left alone longer.
    assert office.time == pytest.approx(20 if code == "PEER_REFUSED" else 5 + 20)


@pytest.mark.parametrize("end", [AWAY, REFUSED, SILENT, BROKE_OFF])
def test_what_fails_once_is_tried_again_and_only_what_is_missing_is_sent(end: dict[str, Any], tmp_path: Path) -> None:
    house = House(ct(1, instances=10))
    house.obeys = obeying(end, come=0.5)
    office = Office(house, tmp_path)
    office.run()
    assert office.states() == {"1.2.1": "fetched"}
    assert house.jobs["1.2.1.0"] == 2
    assert (house.sent.total(), set(house.sent.values())) == (10, {1})


def test_a_peer_that_gives_nothing_at_all_is_given_up_after_the_deadline(tmp_path: Path) -> None:
    house = House(*(ct(number) for number in range(200)))
    house.obeys = lambda number, asked: ([], dict(AWAY))
    office = Office(house, tmp_path)
    summary = office.run().summary
    assert summary["failures"] == {"PEER_AWAY": 200}
    assert 3600 < office.time < 2 * 3600
    # Pauses grow, so that it is hardly asked at all.
    assert house.jobs.total() < 20
    assert len(house.log) == 2
    assert not any("1.2." in line for line in house.log)


def test_a_peer_that_sends_less_than_it_says(tmp_path: Path) -> None:
    house = House(ct(1, instances=10), ct(2))
    house.obeys = lambda number, asked: ([one for one in asked if one[2] != "1.2.1.0.7"], dict(SUCCESS))
    office = Office(house, tmp_path)
    office.run()
    assert office.states() == {"1.2.1": "INSTANCES_MISSING", "1.2.2": "fetched"}
    assert set(house.sent.values()) == {1}
    [detail] = [record["detail"] for _, record in map(json.loads, office.journal) if record["detail"]]
    assert detail == "9 of 10 instances of a series have come"


@pytest.mark.parametrize("counts", [True, False])
def test_a_series_without_a_number_is_complete_when_the_peer_has_no_more(counts: bool, tmp_path: Path) -> None:
    house = House(ct(1, instances=4))
    house.states_counts = counts
    house.receive(("1.2.1", "1.2.1.0", "1.2.1.0.3"))
    office = Office(house, tmp_path / "1")
    office.run()
    assert set(house.sent.values()) == {1}
    again = Office(house, tmp_path / "2")
    again.run()
    assert again.states() == {"1.2.1": "here"}


def test_a_job_that_never_ends_is_cancelled(tmp_path: Path) -> None:
    house = House(ct(1), ct(2))
    house.obeys = obeying({"State": "Running"}, {"State": "Running"}, {"State": "Running"})
    office = Office(house, tmp_path)
    office.settings = office.settings.model_copy(update={"max_attempts": 1})
    office.run()
    assert office.states() == {"1.2.1": "PEER_SILENT", "1.2.2": "PEER_SILENT"}
    assert 2 * (300 + GRACE_S) <= office.time < 3 * (300 + GRACE_S)
    assert {job["State"] for job in house.states.values()} == {"Failure"}


def test_a_job_that_waits_for_others_is_not_the_peers_fault(tmp_path: Path) -> None:
    house = House(ct(1))
    house.obeys = obeying({"State": "Pending"})
    office = Office(house, tmp_path)

    def begins() -> None:
        if office.time > 10_000 and house.states["1"]["State"] == "Pending":
            for instance in house.there["1.2.1"].series["1.2.1.0"]:
                house.receive(("1.2.1", "1.2.1.0", instance))
            house.states["1"]["State"] = "Success"

    office.passes = begins
    office.run()
    assert office.states() == {"1.2.1": "fetched"}


def test_a_stop_cancels_the_job_that_is_under_way(tmp_path: Path) -> None:
    house = House(ct(1))
    house.obeys = obeying({"State": "Running"})
    office = Office(house, tmp_path)
    office.passes = office.ended.set
    with pytest.raises(InterruptedBatch):
        office.run()
    assert house.states["1"]["State"] == "Failure"
    assert not office.journal
    office.ended.clear()
    office.passes = lambda: None
    office.run()
    assert office.states() == {"1.2.1": "fetched"}


def test_a_job_that_orthanc_does_not_tell_of_is_cancelled(tmp_path: Path) -> None:
    class Busy(House):
        def get(self, path: str, **more: Any) -> Any:
            if path == "/jobs/1" and not self.states["1"].get("asked"):
                self.states["1"]["asked"] = True
                raise ServerError("busy")
            return super().get(path, **more)

    house = Busy(ct(1))
    house.obeys = obeying({"State": "Running"})
    office = Office(house, tmp_path)
    with pytest.raises(ServerError):
        office.run()
    assert house.states["1"]["State"] == "Failure"
    office.run()
    assert office.states() == {"1.2.1": "fetched"}


def test_a_question_is_asked_again_and_then_the_batch_has_failed(tmp_path: Path) -> None:
    left = 2

    def answers(level: str, keys: Mapping[str, str]) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise PeerError(Code.PEER_AWAY, "refused")

    house = House(ct(1))
    house.answers = answers
    assert Office(house, tmp_path / "1").run().summary["studies"] == 1
    left = 1000
    with pytest.raises(BatchError) as caught:
        Office(house, tmp_path / "2").run()
    assert caught.value.code is Code.PEER_AWAY
    assert left == 997


def test_more_than_is_allowed_is_not_fetched(tmp_path: Path) -> None:
    house = House(*(ct(number) for number in range(5)))
    with pytest.raises(BatchError) as caught:
        Office(house, tmp_path, maximumStudies=4).run()
    assert caught.value.code is Code.TOO_MANY_STUDIES
    assert not house.jobs


def test_a_peer_that_orthanc_does_not_name(tmp_path: Path) -> None:
    with pytest.raises(BatchError) as caught:
        Office(House(), tmp_path, peer="dicom-web:pacs").run()
    assert caught.value.code is Code.PEER_UNKNOWN


def test_limits_hold_also_over_a_restart(tmp_path: Path) -> None:
    house = House(*(ct(number) for number in range(6)))
    office = Office(house, tmp_path, studiesPerHour=2, hours="13:00-15:00")
    office.passes = lambda: office.ended.set() if len(office.journal) == 2 else None
    with pytest.raises(InterruptedBatch):
        office.run()
    office.passes = office.ended.clear
    office.ended.clear()
    office.run()
    begun = [datetime.fromisoformat(record["begun"]) for _, record in map(json.loads, office.journal)]
    # At noon it waits for one o'clock; at three for the next day.
    hours = [
        (moment - office.wall().replace(day=1, hour=0, minute=0, second=0)).total_seconds() / 3600 for moment in begun
    ]
    assert [round(hour, 1) for hour in hours] == [13, 13, 14, 14, 37, 37]
    assert office.latest.summary["waitsFor"] is None


def test_what_is_here_costs_no_turn(tmp_path: Path) -> None:
    house = House(*(ct(number) for number in range(6)))
    Office(house, tmp_path / "1").run()
    office = Office(house, tmp_path / "2", studiesPerHour=1)
    office.run()
    assert office.time == 0


def test_the_verdicts_are_counted_as_they_come_in(tmp_path: Path) -> None:
    house = House(ct(1, series=2), ct(2))
    office = Office(house, tmp_path, judges=True)

    def passes() -> None:
        if office.time > 100:
            house.judge("1.2.1", "ACCEPTED", "LOCALIZER")
        if office.time > 500:
            house.judge("1.2.2", "ACCEPTED")

    office.passes = passes
    summary = office.run().summary
    assert summary["verdicts"] == {"ACCEPTED": 2, "LOCALIZER": 1}
    assert summary["studiesNotJudged"] == 0


def test_a_verdict_on_less_than_is_here_does_not_count(tmp_path: Path) -> None:
    house = House(ct(1))
    house.receive(("1.2.1", "1.2.1.0", "1.2.1.0.0"))
    house.judge("1.2.1", "TOO_FEW_SLICES")
    office = Office(house, tmp_path, judges=True)
    office.passes = lambda: house.judge("1.2.1", "ACCEPTED") if office.time > 50 else None
    assert office.run().summary["verdicts"] == {"ACCEPTED": 1}


def test_verdicts_that_do_not_come_are_not_waited_for_without_end(tmp_path: Path) -> None:
    office = Office(House(ct(1)), tmp_path, judges=True)
    summary = office.run().summary
    assert summary["studiesNotJudged"] == 1
    assert office.time < 2 * VERDICT_PATIENCE_S


def test_verdicts_are_waited_for_over_an_operators_pause(tmp_path: Path) -> None:
    house = House(ct(1))
    office = Office(house, tmp_path, judges=True)

    def passes() -> None:
        # Once, a pause: then the work goes on.
        if office.time < VERDICT_PATIENCE_S:
            office.time += 2 * VERDICT_PATIENCE_S
        elif office.time > 2 * VERDICT_PATIENCE_S + 100:
            house.judge("1.2.1", "ACCEPTED")

    office.passes = passes
    assert office.run().summary["verdicts"] == {"ACCEPTED": 1}


def test_a_stop_does_not_wait_for_a_look_at_the_verdicts_on_all_studies(tmp_path: Path) -> None:
    class Counted(House):
        looks = 0

        def metadata(self, level: str, identifier: str, name: str) -> str | None:
            self.looks += 1
            if self.looks == 7:
                office.ended.set()
            return super().metadata(level, identifier, name)

    house = Counted(*(ct(number) for number in range(10)))
    office = Office(house, tmp_path, judges=True)
    with pytest.raises(InterruptedBatch):
        office.run()
    assert house.looks == 7


def test_images_that_are_here_twice_do_not_stand_for_others(tmp_path: Path) -> None:
    class TwoPatients(House):
        """Half of the series has come before, under two Patient IDs."""

        def find(self, level: str, query: Any = None, parent: Any = None, **more: Any) -> tuple[Resource, ...]:
            return super().find(level, query, parent, **more) * 2

    house = TwoPatients(ct(1, instances=4))
    for number in range(2):
        house.here.setdefault(("1.2.1", "1.2.1.0"), set()).add(f"1.2.1.0.{number}")
    office = Office(house, tmp_path)
    office.run()
    assert office.states() == {"1.2.1": "fetched"}
    assert house.sent == {"1.2.1.0.2": 1, "1.2.1.0.3": 1}

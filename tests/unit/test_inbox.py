"""The inbox forgets nothing, keeps little in memory, lets nobody wait for ever, and does not run hot.

A database that fails for a moment cannot be provoked in a real Orthanc at will, nor can a hundred thousand images; so
these tests use a stand-in for the server.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, Self, cast

import pytest

from orthanc_ai import errands
from orthanc_ai import inbox as module
from orthanc_ai.analyses import XRAY
from orthanc_ai.codes import Code
from orthanc_ai.inbox import PROPERTY, RESERVE
from orthanc_ai.outcomes import CARDIAC_METADATA, REQUEST_METADATA, XRAY_METADATA, Outcome
from orthanc_ai.retries import due_after
from orthanc_ai.server import ServerError
from orthanc_ai.settings import Priority

from .stand_in import DIED, Archive, House, fail, orthanc_id

WAIT_S = 10.0
"""Bound on what takes milliseconds."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is asked for again in the next round, not after a while, and the place is saved at each."""
    monkeypatch.setattr(module, "NET_S", -0.001)
    monkeypatch.setattr(errands, "REST_S", -0.001)
    monkeypatch.setattr(module, "SAVE_S", 0.0)


def codes(archive: Archive, images: list[str]) -> set[Code | None]:
    outcomes = [archive.outcome(image) for image in images]
    return {one.code if one else None for one in outcomes}


def saved(archive: Archive) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(archive.properties[PROPERTY]))


# A first start, and what an index that fails makes of it


def test_a_backfill_goes_on_after_errors_and_finds_everything() -> None:
    archive = Archive()
    images = [archive.put(f"i{number}", study=str(number)) for number in range(5)]
    archive.clear_log()
    house = House(archive, backfill="all")
    house.step()
    house.inbox.errands.reconcile(None)
    archive.trouble = fail("find", times=3)
    house.run()
    assert codes(archive, images) == {Code.REPORTED}


def test_a_backfill_is_not_saved_as_done_before_its_jobs_are() -> None:
    archive = Archive()
    archive.put("i")
    archive.clear_log()
    house = House(archive, backfill="all")
    house.step()
    house.step()
    assert house.jobs.count() == (1, 0)
    assert saved(archive)["scan"] is True
    house.run()
    assert saved(archive)["scan"] is False


@pytest.mark.parametrize("call", ["property", "last_change_before", "set_property"])
def test_a_start_that_fails_is_begun_again(call: str) -> None:
    archive = Archive()
    image = archive.put("i")
    house = House(archive)
    archive.trouble = fail(call, times=3)
    house.run()
    assert codes(archive, [image]) == {Code.REPORTED}


def test_what_was_held_is_looked_at_again_at_each_start() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    house.xray.ready = False
    image = archive.put("i")
    house.run()
    assert codes(archive, [image]) == {Code.HELD}
    House(archive).run()
    assert codes(archive, [image]) == {Code.REPORTED}


# The place


def test_the_place_stays_before_what_is_not_settled() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    archive.put("a")
    archive.put("b")
    house.step()
    first = min(row.sequence for row in archive.rows if row.kind == "NewInstance")
    assert saved(archive)["place"] == first - 1
    # The second is done first.
    house.jobs.submit(XRAY, orthanc_id("P", "1", "1.CR", "b"), urgent=True)
    house.work(1)
    house.step()
    assert saved(archive)["place"] == first - 1
    house.run()
    assert saved(archive)["place"] > first


@pytest.mark.parametrize("state", ["parked", "paused", "model missing", "to be tried again"])
def test_what_waits_for_something_does_not_hold_up_the_place(state: str) -> None:
    archive = Archive()
    house = House(archive, max_attempts=1 if state == "parked" else 3, first_pause_s=600.0)
    house.step()
    house.pause.set(state == "paused")
    house.xray.ready = state != "model missing"
    image = archive.put("i")
    house.bench.next += [DIED] if state in ("parked", "to be tried again") else []
    house.run()
    last = max(row.sequence for row in archive.rows if row.kind == "NewInstance")
    assert saved(archive)["place"] >= last
    assert codes(archive, [image]) == {
        {"parked": Code.FAILED, "to be tried again": Code.RETRYING}.get(state, Code.HELD)
    }


def test_a_study_holds_the_place_until_it_is_judged_and_survives_that_its_event_is_eaten() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    for number in range(3):
        archive.put(f"c{number}", modality="CT")
    first = min(row.sequence for row in archive.rows if row.kind == "NewInstance")
    for _ in range(3):
        house.step()
    assert saved(archive)["place"] == first - 1
    archive.forget_events()
    again = House(archive)
    again.run()
    verdict = archive.outcome(orthanc_id("P", "1"), CARDIAC_METADATA)
    assert verdict
    assert verdict.data["instances"] == 3


def test_a_study_that_never_becomes_stable_keeps_nothing_else_waiting() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    for number in range(20):
        archive.put(f"c{number}", modality="CT")
        image = archive.put(f"i{number}", study="2")
        house.step()
        house.work()
        assert codes(archive, [image]) == {Code.REPORTED}
    assert house.inbox.waiting() == (0, 1)


def test_a_study_that_is_deleted_before_it_is_complete_lets_the_place_go() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    archive.put("c", modality="CT")
    house.step()
    archive.delete("study", orthanc_id("P", "1"))
    archive.put("i", study="2")
    house.run()
    assert house.inbox.waiting() == (0, 0)
    assert saved(archive)["place"] >= max(row.sequence for row in archive.rows if row.kind == "NewInstance")


def test_a_cleared_log_hides_nothing() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    images = [archive.put(f"i{number}", study=str(number)) for number in range(5)]
    archive.clear_log()
    images.append(archive.put("later"))
    house.run()
    assert codes(archive, images) == {Code.REPORTED}


# How much is in memory


def test_a_hundred_thousand_images_wait_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the last of them comes in its turn, after all before it."""
    monkeypatch.setattr(module, "SAVE_S", 1.0)
    archive = Archive()
    house = House(archive, priority=Priority(stat=False))
    house.step()
    for number in range(100_000):
        # Five in each study; to have an outcome already is cheap, and looked at all the same.
        metadata = {XRAY_METADATA: '{"code":"NOT_CHEST","recipe":"","at":""}'}
        archive.put(f"i{number}", study=str(number // 5), metadata=metadata)
    taken = 0
    while taken < 100_000:
        house.step()
        done = house.work()
        assert done
        taken += done
    assert house.most <= 1000 - RESERVE
    assert len(house.inbox.ledger) <= 1000


def test_a_crowd_of_ct_studies_waits_too() -> None:
    archive = Archive()
    house = House(archive, capacity=RESERVE + 50)
    house.step()
    for number in range(500):
        archive.put(f"c{number}", modality="CT", study=str(number))
    for _ in range(20):
        house.step()
    assert house.inbox.waiting() == (0, 500)
    # All of them are complete at once.
    archive.forget_events()
    for _ in range(10):
        house.step()
    assert house.most <= RESERVE + 50
    house.run()
    studies = [one for one in archive.items.values() if one.level == "study"]
    assert all(CARDIAC_METADATA in one.metadata for one in studies)


def test_modalities_that_nobody_knows_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED_MODALITIES", 3)
    archive = Archive()
    house = House(archive)
    house.step()
    for number in range(10):
        archive.put(f"x{number}", modality=f"M{number}")
    house.run()
    assert house.inbox.counted == {"M0": 1, "M1": 1, "M2": 1, "other": 7}


# Who waits for whom


def busy(archive: Archive, *, capacity: int = 500, priority: Priority | None = None) -> House:
    """A house whose jobs are full of ordinary images, and more wait in the log."""
    house = House(archive, capacity=capacity, priority=priority)
    house.step()
    for number in range(2000):
        archive.put(f"i{number}", study=str(number // 50))
    for _ in range(20):
        house.step()
    assert house.jobs.room() == RESERVE
    return house


def next_done(house: House, count: int) -> list[str]:
    """The sources of the next reports."""
    before = len(house.bench.tasks)
    house.work(count)
    return [task.payload["source"] for task in house.bench.tasks[before:]]


def test_a_request_overtakes_a_backlog() -> None:
    archive = Archive()
    house = busy(archive)
    image = archive.put("asked", study="asked")
    house.desk.request("instance", image)
    house.step()
    assert next_done(house, 1) == [image]


def test_what_is_urgent_overtakes_a_backlog_and_what_is_asked_for() -> None:
    archive = Archive()
    house = busy(archive, priority=Priority.model_validate({"RemoteAET": ["ER"], "Stat": False}))
    asked = archive.put("asked", study="asked")
    urgent = archive.put("urgent", study="urgent", metadata={"RemoteAET": "ER"})
    house.desk.request("instance", asked)
    for _ in range(3):
        house.step()
    assert next_done(house, 2) == [urgent, asked]


def test_an_urgent_image_finds_room_whatever_else_is_begun() -> None:
    """Arrivals, requests, retries and all that is held together leave some."""
    archive = Archive()
    house = busy(archive, priority=Priority.model_validate({"RemoteAET": ["ER"], "Stat": False}))
    for number in range(500):
        text = Outcome(Code.HELD, "").to_text()
        archive.put(f"h{number}", patient="H", metadata={XRAY_METADATA: text})
        text = Outcome(Code.RETRYING, "", due=due_after(-1)).to_text()
        archive.put(f"r{number}", patient="R", metadata={XRAY_METADATA: text})
    house.inbox.errands.release_held()
    house.retries._incomplete = True
    house.desk.request("patient", orthanc_id("P"))
    for _ in range(20):
        house.step()
    urgent = archive.put("urgent", study="urgent", metadata={"RemoteAET": "ER"})
    for _ in range(20):
        house.step()
    assert next_done(house, 1) == [urgent]


def test_retries_without_number_keep_no_arrival_waiting() -> None:
    archive = Archive()
    text = Outcome(Code.RETRYING, "", due=due_after(-1)).to_text()
    for number in range(1000):
        archive.put(f"r{number}", patient="R", metadata={XRAY_METADATA: text})
    archive.clear_log()
    house = House(archive, capacity=500)
    image = archive.put("new")
    house.step()
    house.step()
    assert any(job.identifier == image for job in house.jobs.in_hand())
    house.run()


def test_sweeps_without_number_keep_no_arrival_waiting() -> None:
    archive = Archive()
    for number in range(2400):
        text = Outcome(Code.FAILED if number % 6 == 0 else Code.NOT_CHEST, "").to_text()
        archive.put(f"f{number}", patient=f"F{number % 6}", metadata={XRAY_METADATA: text})
    archive.clear_log()
    house = House(archive, capacity=1000)
    house.step()
    house.desk.retry_failed()
    for number in range(1, 6):
        house.desk.request("patient", orthanc_id(f"F{number}"))
    for _ in range(20):
        house.step()
    image = archive.put("new")
    for _ in range(40):
        house.step()
    assert any(job.identifier == image for job in house.jobs.in_hand())


def test_a_sweep_that_cannot_read_keeps_the_others_going() -> None:
    archive = Archive()
    archive.put("i")
    house = House(archive)
    house.run()
    image = archive.put("asked")
    house.run()
    house.xray.version += 1
    house.desk.reconcile(None)
    house.desk.request("instance", image)

    def trouble(name: str) -> None:
        if name == "find":
            raise ServerError("one study of the archive cannot be read")

    archive.trouble = trouble
    # The held and the requests of a restart are searched for as well; those are another matter.
    house.inbox.errands._requests_to_load = False
    for _ in range(5):
        house.step()
    archive.trouble = lambda _: None
    house.work()
    outcome = archive.outcome(image)
    assert outcome
    assert outcome.recipe == "recipe 2"


def test_there_is_one_sweep_for_each_code_however_often_it_is_asked_for() -> None:
    archive = Archive()
    text = Outcome(Code.FAILED, "").to_text()
    for number in range(20):
        archive.put(f"i{number}", metadata={XRAY_METADATA: text})
    house = House(archive)
    house.step()
    for _ in range(10):
        house.desk.retry_failed()
        house.inbox.errands.release_held()
        house.step()
    assert len(house.inbox.errands._sweeps) <= 4
    house.run()


# The loop itself


class Loop:
    """The inbox on its thread."""

    def __init__(self, house: House) -> None:
        self.house, self.steps, self.waits = house, 0, list[float]()
        step, wait = house.inbox._step, house.inbox._bell.wait

        def counted() -> bool:
            self.steps += 1
            return step()

        def watched(timeout: float | None = None) -> bool:
            assert timeout is not None
            self.waits.append(timeout)
            return wait(timeout)

        house.inbox._step = counted  # type: ignore[method-assign]
        house.inbox._bell.wait = watched  # type: ignore[method-assign]
        self.thread = threading.Thread(target=house.inbox.run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.house.inbox.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()

    def until_it_waits(self) -> None:
        tick = threading.Event()
        for _ in range(int(WAIT_S / 0.005)):
            if self.waits:
                return
            tick.wait(0.005)
        raise AssertionError("it does not wait")


def test_retries_that_are_due_and_have_no_room_do_not_make_it_run_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NET_S", 60.0)
    archive = Archive()
    house = House(archive, capacity=RESERVE)
    for number in range(RESERVE):
        house.jobs.submit(XRAY, str(number))
    house.retries.add(XRAY, "due", -1.0)
    with Loop(house) as loop:
        loop.until_it_waits()
        assert set(loop.waits) == {60.0}
        assert loop.steps < 5
        assert len(house.retries) == 1


def test_a_retry_is_waited_for_no_longer_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NET_S", 60.0)
    house = House(Archive())
    house.retries.add(XRAY, "soon", 30.0)
    with Loop(house) as loop:
        loop.until_it_waits()
        assert 29.0 < loop.waits[0] <= 30.0


@pytest.mark.parametrize("error", [ServerError("database is locked"), KeyError("ID")], ids=repr)
def test_no_error_ends_it_and_it_rests_after_each_however_often_the_bell_rings(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(module, "NET_S", 0.05)
    archive = Archive()
    house = House(archive)
    archive.trouble = fail("changes", times=3, error=error)
    ringing = threading.Event()

    def ring() -> None:
        while not ringing.wait(0.001):
            house.inbox.ring()

    bell = threading.Thread(target=ring, daemon=True)
    bell.start()
    with Loop(house) as loop:
        loop.until_it_waits()
    ringing.set()
    bell.join(WAIT_S)
    assert sum("trying again" in line for line in archive.log) == 3
    assert not any("ID" in line for line in archive.log), "an error's own text may name somebody"


def test_the_place_is_saved_when_it_stops() -> None:
    archive = Archive()
    house = House(archive)
    with Loop(house) as loop:
        loop.until_it_waits()
        image = archive.put("i")
        house.inbox.ring()
        _until(lambda: house.jobs.count() == (1, 0))
        house.work()
    assert saved(archive)["place"] >= max(
        row.sequence for row in archive.rows if row.kind == "NewInstance" and row.resource == image
    )


def test_a_request_that_is_in_the_index_is_found_at_the_start_of_any_level() -> None:
    archive = Archive()
    image = archive.put("i")
    item = archive.items[image]
    House(archive).run()
    while True:
        item.metadata[REQUEST_METADATA] = "now"
        if not item.parent:
            break
        item = archive.items[item.parent]
    house = House(archive)
    house.xray.version = 2
    house.run()
    outcome = archive.outcome(image)
    assert outcome
    assert outcome.recipe == "recipe 2"
    assert not any(REQUEST_METADATA in one.metadata for one in archive.items.values())


def _until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(int(WAIT_S / 0.005)):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it did not come about")


def test_of_an_expected_ct_study_each_further_image_is_one_question() -> None:
    archive = Archive()
    house = House(archive)
    house.step()
    for number in range(50):
        archive.put(f"slice {number}", modality="CT")
    archive.put("film", study="1")  # a radiograph of the same study is not taken for one of its slices
    asked = archive.calls["resource"]
    house.step()
    assert house.inbox.waiting() == (0, 1)
    assert archive.calls["resource"] - asked == 2
    house.run()
    assert {archive.outcome(one.identifier) is not None for one in archive.instances("CR")} == {True}

"""What the routes may ask: it is done, it outlives a restart, and what they are told is right."""

from datetime import date

import pytest

from orthanc_ai import inbox
from orthanc_ai.analyses import CARDIAC, XRAY
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, REQUEST_METADATA, XRAY_METADATA, Outcome
from orthanc_ai.server import ServerError

from .stand_in import DIED, Archive, House, fail, orthanc_id

STUDY = orthanc_id("P", "1")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "NET_S", -0.001)
    monkeypatch.setattr(inbox, "SAVE_S", 0.0)


@pytest.fixture
def house() -> House:
    house = House(Archive())
    house.step()
    return house


def restarted(house: House) -> House:
    house.archive.forget_events()
    return House(house.archive, xray=house.xray)


def test_it_says_how_much_a_request_asks_for(house: House) -> None:
    for number in range(3):
        house.archive.put(f"i{number}")
        house.archive.put(f"c{number}", modality="CT", series=str(number))
    house.archive.put("us", modality="US")
    assert house.desk.request("study", STUDY) == 4
    assert house.desk.request("instance", orthanc_id("P", "1", "1.US", "us")) == 0
    assert house.desk.request("study", orthanc_id("nothing")) == 0


def test_a_request_outlives_a_restart_and_is_then_forgotten(house: House) -> None:
    image = house.archive.put("i")
    house.run()
    house.xray.version += 1
    house.desk.request("study", STUDY)
    again = restarted(house)
    again.run()
    outcome = house.archive.outcome(image)
    assert outcome
    assert outcome.recipe == "recipe 2"
    assert REQUEST_METADATA not in house.archive.items[STUDY].metadata


def test_a_request_made_again_while_it_is_carried_out_is_carried_out_again(house: House) -> None:
    image = house.archive.put("i")
    house.run()
    house.desk.request("instance", image)
    house.step()
    assert house.jobs.count() == (1, 0)
    house.work()
    house.xray.version += 1
    house.desk.request("instance", image)
    # The first is carried out now, and crossed out; the power fails before the second is begun.
    house.step()
    assert house.jobs.count() == (0, 0)
    again = restarted(house)
    again.run()
    outcome = house.archive.outcome(image)
    assert outcome
    assert outcome.recipe == "recipe 2"


def test_a_request_is_made_in_the_very_moment_an_earlier_one_is_crossed_out(house: House) -> None:
    """What the caller writes into the index then comes after that, so that it is not crossed out with it."""
    image = house.archive.put("i")
    house.run()
    house.desk.request("instance", image)
    free: list[bool] = []
    house.archive.trouble = lambda name: (
        free.append(house.inbox.errands._request_lock.acquire(blocking=False)) if name == "remove_metadata" else None
    )
    house.run()
    assert free == [False]


def test_a_single_job_is_tried_again_whatever_its_state_its_attempts_counted_anew(house: House) -> None:
    image = house.archive.put("i", metadata={XRAY_METADATA: Outcome(Code.FAILED, "recipe 1", attempts=3).to_text()})
    house.run()
    house.bench.next.append(DIED)
    house.desk.retry(XRAY, image)
    house.step()
    house.work(1)
    outcome = house.archive.outcome(image)
    assert outcome
    assert (outcome.code, outcome.attempts) == (Code.RETRYING, 1)
    house.run()
    outcome = house.archive.outcome(image)
    assert outcome
    assert outcome.code is Code.REPORTED


def test_a_study_is_judged_again_if_somebody_says_so(house: House) -> None:
    house.archive.put("c", modality="CT")
    text = Outcome(Code.FAILED, "", attempts=3).to_text()
    house.archive.items[STUDY].metadata[CARDIAC_METADATA] = text
    house.desk.retry(CARDIAC, STUDY)
    house.run()
    outcome = house.archive.outcome(STUDY, CARDIAC_METADATA)
    assert outcome
    assert outcome.code is Code.REPORTED


def test_all_that_was_given_up_is_tried_again(house: House) -> None:
    failed = {XRAY_METADATA: Outcome(Code.FAILED, "recipe 1").to_text()}
    images = [house.archive.put(f"i{number}", metadata=failed) for number in range(250)]
    assert house.desk.retry_failed() == 250
    house.run()
    outcomes = [house.archive.outcome(image) for image in images]
    assert all(outcome and outcome.code is Code.REPORTED for outcome in outcomes)
    assert house.desk.retry_failed() == 0


def test_a_pause_outlives_a_restart_and_afterwards_everything_goes_on(house: House) -> None:
    house.desk.pause()
    images = [house.archive.put(f"i{number}") for number in range(250)]
    again = restarted(house)
    again.run()
    held = [house.archive.outcome(image) for image in images]
    assert all(one and (one.code, one.detail) == (Code.HELD, "PAUSED") for one in held)
    status = again.desk.status()
    assert status.paused
    assert status.place >= max(row.sequence for row in house.archive.rows if row.kind == "NewInstance")
    again.desk.resume()
    again.run()
    ends = [house.archive.outcome(image) for image in images]
    assert all(one and one.code is Code.REPORTED for one in ends)


def test_a_reconciliation_finds_what_the_log_does_not_tell_of_and_outlives_a_restart(house: House) -> None:
    old = [house.archive.put(f"i{n}", metadata={"ReceptionDate": "20250101T000000"}) for n in range(3)]
    older = house.archive.put("older", metadata={"ReceptionDate": "20240101T000000"})
    house.archive.clear_log()
    assert house.desk.reconciliation() is None
    house.desk.reconcile(date(2025, 1, 1))
    again = restarted(house)
    again.run()
    assert all(house.archive.outcome(image) for image in old)
    assert house.archive.outcome(older) is None
    progress = again.desk.reconciliation()
    assert progress
    assert (progress.running, progress.studies, progress.looked_at, progress.found, progress.settled) == (
        *(False, 1, 1, 3, 3),
    )


def test_a_reconciliation_that_could_not_be_written_down_is_not_promised(house: House) -> None:
    house.archive.trouble = fail("set_property", times=1)
    with pytest.raises(ServerError):
        house.desk.reconcile(None)


def test_status_tells_what_is_in_hand(house: House) -> None:
    assert house.desk.status().idle
    house.archive.put("i", metadata={"RemoteAET": "ER"})
    house.archive.put("c", modality="CT")
    house.archive.put("us", modality="US")
    house.step()
    status = house.desk.status()
    assert (status.waiting, status.running, status.studies_to_come, status.idle) == (1, 0, 1, False)
    assert status.counted == {"US": 1}
    assert status.oldest_s > 0
    (job,) = house.desk.in_hand()
    assert (job.analysis, job.level, job.state, job.urgent, job.asked, job.attempts) == (
        *(XRAY, "instance", "waiting", False, False, 0),
    )
    house.run()
    status = house.desk.status()
    assert (status.waiting, status.idle, status.ended[Code.REPORTED], status.last_error) == (0, True, 2, None)

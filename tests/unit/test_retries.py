"""The timetable of retries: in order, each once, and nothing that the index knows of is left out."""

import pytest

from orthanc_ai import retries as module
from orthanc_ai.analyses import CARDIAC, XRAY
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome
from orthanc_ai.retries import LONGEST_PAUSE_S, Retries, due_after, pause_s, remaining_s
from orthanc_ai.server import ServerError

from .stand_in import Archive, Reading, fail


def make(archive: Archive) -> Retries:
    return Retries(archive.server, (Reading(), Reading(CARDIAC)))


def retrying(archive: Archive, count: int, seconds: float = -1.0) -> list[str]:
    images = [archive.put(f"i{number}") for number in range(count)]
    for image in images:
        text = Outcome(Code.RETRYING, "", due=due_after(seconds)).to_text()
        archive.items[image].metadata[Reading().metadata] = text
    return images


def test_each_pause_is_four_times_the_one_before_up_to_ten_minutes() -> None:
    assert [pause_s(5, attempt) for attempt in (1, 2, 3, 4, 5, 10**6)] == [5, 20, 80, 320, 600, 600]


def test_a_moment_is_written_and_read_back() -> None:
    assert 58 < remaining_s(Outcome(Code.RETRYING, "", due=due_after(60))) <= 60


@pytest.mark.parametrize("due", ["", "soon", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00"])
def test_a_past_or_spoiled_moment_is_due(due: str) -> None:
    assert remaining_s(Outcome(Code.RETRYING, "", due=due)) <= 0


def test_a_moment_far_away_is_not_waited_for_longer_than_any_pause() -> None:
    """Somebody has set the clock back, or spoiled the text."""
    assert remaining_s(Outcome(Code.RETRYING, "", due="2999-01-01T00:00:00+00:00")) == LONGEST_PAUSE_S


def test_soonest_first_and_nothing_before_its_time() -> None:
    retries = make(Archive())
    for identifier, seconds in (("c", -1.0), ("a", -3.0), ("later", 60.0), ("b", -2.0)):
        retries.add(XRAY, identifier, seconds)
    assert retries.take(2) == [(XRAY, "a"), (XRAY, "b")]
    assert retries.take(9) == [(XRAY, "c")]
    assert 58 < (retries.next_s() or 0) <= 60


def test_each_stands_there_once_at_the_moment_named_last() -> None:
    retries = make(Archive())
    retries.add(XRAY, "i", -1.0)
    retries.add(XRAY, "i", 60.0)
    assert (len(retries), retries.take(9)) == (1, [])
    assert 58 < (retries.next_s() or 0) <= 60
    retries.add(XRAY, "i", -1.0)
    assert retries.take(9) == [(XRAY, "i")]
    assert retries.take(9) == []
    assert (len(retries), retries.next_s()) == (0, None)


def test_what_is_put_off_again_and_again_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    retries = make(Archive())
    for number in range(1000):
        retries.add(XRAY, str(number % 10), 60.0 + number)
    assert len(retries._timetable) <= 21


def test_after_a_restart_they_are_found_in_the_index() -> None:
    archive = Archive()
    images = retrying(archive, 3)
    retries = make(archive)
    assert sorted(retries.take(9)) == sorted((XRAY, image) for image in images)


def test_without_room_nothing_is_taken_and_nothing_lost() -> None:
    archive = Archive()
    retrying(archive, 3)
    retries = make(archive)
    assert retries.take(0) == retries.take(-5) == []
    assert len(retries.take(9)) == 3


def test_an_index_that_fails_is_asked_again() -> None:
    archive = Archive()
    retrying(archive, 3)
    retries = make(archive)
    archive.trouble = fail("find", times=2)
    for _ in range(2):
        with pytest.raises(ServerError):
            retries.take(9)
    assert len(retries.take(9)) == 3


def test_half_an_answer_of_the_index_is_no_answer() -> None:
    """One that fails for ever must not keep those out that could not be read at first."""
    archive = Archive()
    (image,) = retrying(archive, 1)
    retries = make(archive)
    retries.add(XRAY, "fails for ever", -1.0)
    assert sorted(retries.take(9)) == sorted([(XRAY, "fails for ever"), (XRAY, image)])


def test_more_than_fit_into_memory_come_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    archive = Archive()
    images = retrying(archive, 35)
    retries = make(archive)
    done = set[str]()
    for _ in range(100):
        # Two fail again and again.
        retries.add(XRAY, images[0], -1.0)
        retries.add(XRAY, images[1], -1.0)
        assert len(retries) <= 10
        for _, image in retries.take(4):
            done.add(image)
            if image not in images[:2]:
                archive.items[image].metadata.clear()
    assert done == set(images)

"""Counting the archive: at every question while that is cheap, seldom while it is not."""

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.counts import LARGE_S, LARGE_SHARE, QUIET_SHARE, SHARE, Counter
from orthanc_ai.outcomes import REPORT_METADATA, XRAY_METADATA, Outcome
from orthanc_ai.server import ServerError

from .stand_in import Archive, House, fail

CALLS = 9.0
"""Questions to the index for one counting: three outcomes on two levels, three states of reports."""


class Slow:
    """A clock, and an archive that takes so long for each count."""

    def __init__(self, seconds: float) -> None:
        self.archive = Archive()
        self.now = 0.0
        self.seconds = seconds
        self.archive.trouble = self.tick
        self.counter = Counter(self.archive.server, lambda: self.now, lambda: self.now)

    def tick(self, call: str) -> None:
        self.now += self.seconds if call == "find" else 0

    @property
    def countings(self) -> float:
        return self.archive.calls["find"] / CALLS


def test_outcomes_and_reports_are_counted() -> None:
    archive = Archive()
    for k, code in enumerate((Code.HELD, Code.HELD, Code.RETRYING, Code.FAILED, Code.REPORTED)):
        archive.put(f"image {k}", metadata={XRAY_METADATA: Outcome(code, "r").to_text()})
    for k, text in enumerate(('{"send":"open","to":[]}', '{"send":"sent","to":[{"state":"sent"}]}')):
        archive.put(f"report {k}", modality="SR", metadata={REPORT_METADATA: text})
    counts = Counter(archive.server).read()
    assert (counts.held, counts.retrying, counts.failed) == (2, 1, 1)
    assert (counts.to_send, counts.not_taken, counts.sent) == (1, 0, 1)


def test_a_small_archive_is_counted_anew_whenever_somebody_asks() -> None:
    slow = Slow(LARGE_S / CALLS / 2)
    taken = LARGE_S / 2
    slow.counter.read()
    slow.now += 0.99 * taken / SHARE
    slow.counter.read()
    assert slow.countings == 1
    slow.now += 0.02 * taken / SHARE
    slow.counter.read()
    assert slow.countings == 2


@pytest.mark.parametrize(("changed", "share"), [(False, QUIET_SHARE), (True, LARGE_SHARE)])
def test_a_large_archive_is_counted_for_the_metrics_and_seldom(changed: bool, share: float) -> None:
    slow = Slow(0.1)
    taken = 0.1 * CALLS
    slow.counter.read()
    if changed:
        slow.counter.changed()
    slow.now += 0.99 * taken / share
    slow.counter.refresh()
    assert slow.countings == 1
    slow.now += 0.02 * taken / share
    slow.counter.read()
    assert slow.countings == 1
    slow.counter.refresh()
    assert slow.countings == 2


def test_what_changes_while_it_is_counted_is_counted_again_soon() -> None:
    slow = Slow(0.1)

    def change(call: str) -> None:
        slow.counter.changed()
        slow.tick(call)

    slow.archive.trouble = change
    slow.counter.refresh()
    slow.archive.trouble = slow.tick
    slow.now += 1.01 * 0.1 * CALLS / LARGE_SHARE
    slow.counter.refresh()
    assert slow.countings == 2


def test_a_count_that_fails_does_not_hide_a_change() -> None:
    slow = Slow(0.1)
    slow.counter.refresh()
    slow.counter.changed()
    slow.now += 1.01 * 0.1 * CALLS / LARGE_SHARE
    slow.archive.trouble = fail("find", times=1)
    with pytest.raises(ServerError):
        slow.counter.refresh()
    slow.archive.trouble = slow.tick
    slow.archive.put("held", metadata={XRAY_METADATA: Outcome(Code.HELD, "r").to_text()})
    assert slow.counter.refresh().held == 1


def code(archive: Archive, image: str) -> Code | None:
    found = archive.outcome(image)
    return found.code if found else None


def test_a_job_tells_of_what_is_open_and_of_nothing_else() -> None:
    archive = Archive()
    house = House(archive, first_pause_s=5.0)
    changes: list[int] = []
    house.knocks.open_changed = lambda: changes.append(1)
    image = archive.put("i")
    house.job.do(house.xray, image, asked=False)
    assert code(archive, image) is Code.REPORTED
    assert not changes
    house.pause.set(True)
    other = archive.put("j")
    house.job.do(house.xray, other, asked=False)
    assert code(archive, other) is Code.HELD
    assert len(changes) == 1
    house.pause.set(False)
    house.job.do(house.xray, other, asked=False)
    assert code(archive, other) is Code.REPORTED
    assert len(changes) == 2

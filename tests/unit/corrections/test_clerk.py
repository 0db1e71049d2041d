"""What a reader has stated becomes one SR, whenever the server is killed and whatever fails meanwhile."""

from collections.abc import Callable
from threading import Thread

import pytest

from orthanc_ai.analyses import REPORT_CHECK, Answer, Task
from orthanc_ai.codes import Code
from orthanc_ai.corrections.clerk import Clerk
from orthanc_ai.corrections.correction import Correction, State, Stated
from orthanc_ai.corrections.desk import Corrections
from orthanc_ai.corrections.journal import from_text
from orthanc_ai.outcomes import CORRECTIONS_METADATA, REPORT_METADATA, Outcome, Result
from orthanc_ai.server import ServerError

from ..stand_in import DIED, MARK, SR, Archive, Bench, KilledError

REPORT = Result(SR, "2.25.7", "2.25.8", "S")
DEMONSTRATION = Result(SR, "2.25.7", "2.25.8", "S", demonstration=True)


def written(task: Task) -> Answer:
    """The SR of a task; the same statement has the same."""
    correction = Correction.of(task.payload["correction"])
    return Answer(
        Outcome(Code.REPORTED, "", result=correction.result), f"{correction.result.sop_instance_uid}|P|S".encode()
    )


class Writer(Bench):
    """Workers that answer at once."""

    def run(self, task: Task) -> Answer:
        if task.analysis != REPORT_CHECK and not self.next:
            self.next.append(written)
        return super().run(task)


class Site:
    """An image with a report, and a clerk."""

    def __init__(self) -> None:
        self.archive = Archive()
        self.image = self.archive.put("I", patient="P", study="S")
        self.report = self.archive.put(REPORT.sop_instance_uid, modality="SR", patient="P", study="S")
        self.bench = Writer()
        self.marked: list[str] = []
        self.corrections = Corrections(self.archive.server)

    def state(self, reader: str = "Dr. A", report: Result = REPORT) -> Correction:
        image = self.archive.server.resource("instance", self.image, ("PatientID", "StudyInstanceUID"))
        assert image is not None
        stated = [Stated("Mass", True, 0.9, 0.5)]
        return self.corrections.state(
            image,
            lambda there: Correction.make(
                "I", reader, stated, "", report, login=False, model="phantom", previous=None, key=""
            ),
        )

    def clerk(self) -> Clerk:
        clerk = Clerk(
            self.archive.server,
            self.corrections,
            self.bench.run,
            lambda *_, **__: MARK,
            max_attempts=3,
            first_pause_s=0.001,
            on_store=lambda: None,
            on_marked=self.marked.append,
        )
        self.corrections.on_stated = clerk.ring
        return clerk

    def run(self, until: Callable[[], bool]) -> None:
        """A server's life: until a condition holds, or until it is killed."""
        clerk = self.clerk()
        ended: list[BaseException | None] = []

        def live() -> None:
            try:
                clerk.run()
            except KilledError as killed:
                ended.append(killed)
            else:
                ended.append(None)

        thread = Thread(target=live, daemon=True)
        thread.start()
        while not until() and not ended:
            thread.join(0.001)
        clerk.stop()
        thread.join(10)
        assert ended

    def there(self) -> list[Correction]:
        item = self.archive.items[self.image]
        return list(from_text(item.metadata.get(CORRECTIONS_METADATA)))

    def settled(self) -> bool:
        return all(one.state is not State.PENDING for one in self.there())


@pytest.mark.parametrize("reader", ["Dr. A", "山田^太郎"])
def test_what_was_stated_before_a_start_is_stored_and_marked(reader: str) -> None:
    site = Site()
    stated = site.state(reader)
    site.run(site.settled)
    [kept] = site.there()
    assert (kept.state, kept.reader) == (State.STORED, reader)
    [stored] = [item for item in site.archive.instances("SR") if item.identifier != site.report]
    assert stored.tags["SOPInstanceUID"] == stated.result.sop_instance_uid
    assert stored.metadata[REPORT_METADATA] == MARK
    assert site.marked == [stored.identifier]


def test_killed_at_any_call_nothing_is_lost_and_nothing_doubled() -> None:
    """A power cut at the n-th call to Orthanc, for each n, and then a restart."""
    cut = 0
    while True:
        site = Site()
        site.state("Dr. A")
        site.state("Dr. B")
        calls = 0

        def trouble(_name: str, at: int = cut) -> None:
            nonlocal calls
            calls += 1
            if calls > at:
                raise KilledError

        site.archive.trouble = trouble
        site.run(site.settled)
        survived = calls <= cut
        site.archive.trouble = lambda _: None
        site.run(site.settled)
        assert [one.state for one in site.there()] == [State.STORED] * 2
        assert set(site.archive.written.values()) == {1}, cut
        assert len(site.archive.instances("SR")) == 3
        assert all(
            REPORT_METADATA in item.metadata for item in site.archive.instances("SR") if item.identifier != site.report
        )
        if survived:
            break
        cut += 1
    assert cut > 10


def test_a_busy_database_and_a_worker_that_dies_are_tried_again() -> None:
    site = Site()
    site.state()
    failing = iter([True, True, False])

    def trouble(name: str) -> None:
        if name == "store" and next(failing, False):
            raise ServerError("full")

    site.archive.trouble = trouble
    site.bench.next = [DIED]
    site.run(site.settled)
    assert [one.state for one in site.there()] == [State.STORED]


def test_a_worker_that_dies_each_time_is_given_up_and_the_statement_stays() -> None:
    site = Site()
    site.state()
    site.bench.next = [DIED] * 3
    site.run(site.settled)
    assert [(one.state, one.code) for one in site.there()] == [(State.FAILED, Code.WORKER_DIED)]
    site.state()
    site.run(site.settled)
    assert [one.state for one in site.there()] == [State.STORED]


def test_without_the_report_there_is_no_sr_but_the_statement_stays() -> None:
    site = Site()
    site.state()
    site.archive.delete("instance", site.report)
    site.run(site.settled)
    assert [(one.state, one.code) for one in site.there()] == [(State.FAILED, Code.NOTHING_TO_CORRECT)]


def test_what_was_said_of_a_demonstration_goes_with_it() -> None:
    site = Site()
    site.state(report=DEMONSTRATION)
    site.archive.delete("instance", site.report)
    site.run(lambda: not site.there())
    assert CORRECTIONS_METADATA not in site.archive.items[site.image].metadata


def test_a_deleted_image_gets_no_sr() -> None:
    site = Site()
    site.state()

    def meanwhile(task: Task) -> Answer:
        site.archive.delete("instance", site.image)
        return written(task)

    site.bench.next = [meanwhile]
    site.run(lambda: site.image not in site.archive.items)
    assert site.archive.written == {}


def test_what_bears_the_identifiers_by_no_right_is_no_statement() -> None:
    site = Site()
    stated = site.state()
    site.archive.put(stated.result.sop_instance_uid, modality="SR", patient="P", study="S", file=b"another")
    site.run(site.settled)
    assert [(one.state, one.code) for one in site.there()] == [(State.FAILED, Code.RESULT_UID_TAKEN)]

"""Whatever happens in whatever order, at the end everything has its outcome, and no report was written twice.

Images and studies arrive, grow and are deleted; people ask, pause, go on, look through the archive, clear the log;
models and recipes come and go; the index, the disk and the workers fail; and the server is killed at any call.
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orthanc_ai import errands, inbox, sweeps
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, REPORT_METADATA, REQUEST_METADATA
from orthanc_ai.server import Level, ServerError

from .stand_in import DIED, MARK, Archive, Bench, House, KilledError, Reading, orthanc_id


class Story:
    """What happens, chosen by chance from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.archive = Archive()
        self.xray, self.bench = Reading(), Bench()
        self.images = 0
        self.kill_at = -1
        self.fail_share = 0.0
        self.full = False
        self.in_job = self.job_runs = False
        self.asked: list[tuple[str, int]] = []
        self.deleted: set[str] = set()
        self.archive.trouble = self._trouble
        self.house = self._start()
        self.protected(self.house.step)

    def _start(self) -> House:
        return House(self.archive, capacity=130, max_attempts=2, xray=self.xray, bench=self.bench)

    def _trouble(self, name: str) -> None:
        self.kill_at -= 1
        if self.kill_at == 0:
            raise KilledError
        if name == "store" and self.full:
            raise ServerError("disk full")
        if self.fail_share and self.chance.random() < self.fail_share:
            raise ServerError("database is locked")
        # The property of the pause is read under a lock, where other threads wait.
        if self.job_runs and name != "property" and self.chance.random() < 0.03:
            self._meanwhile()

    def _meanwhile(self) -> None:
        """What other threads do between two calls of a job."""
        self.job_runs = False
        try:
            self.chance.choice(
                [
                    *(self.inbox_reads, self.image_arrives, self.slices_arrive, self.something_is_deleted),
                    *(self.operator_pauses, self.operator_lets_go_on, self.model_vanishes, self.model_comes),
                    *(self.somebody_asks, self.recipe_changes, self.another_job_is_done),
                ]
            )()
        finally:
            self.job_runs = True

    def another_job_is_done(self) -> None:
        self.protected(lambda: self.house.work(1))

    def protected(self, do: Callable[[], object]) -> bool:
        """Do something; whether the server has lived through it and said yes."""
        try:
            do()
        except ServerError:
            return False
        except KilledError:
            if self.in_job:
                raise
            self.restart()
            return False
        return True

    def restart(self) -> None:
        self.kill_at = -1
        self.archive.forget_events()
        self.house = self._start()

    # What may happen

    def image_arrives(self) -> None:
        self.images += 1
        self.archive.put(f"i{self.images}", study=f"{self.chance.randrange(6)}")

    def slices_arrive(self) -> None:
        for _ in range(self.chance.randrange(1, 4)):
            self.images += 1
            self.archive.put(f"i{self.images}", modality="CT", study=f"{self.chance.randrange(6)}")

    def something_else_arrives(self) -> None:
        self.images += 1
        self.archive.put(f"i{self.images}", modality="US", study=f"{self.chance.randrange(6)}")

    def time_passes(self) -> None:
        self.archive.settle()

    def inbox_reads(self) -> None:
        self.protected(self.house.step)

    def jobs_are_done(self) -> None:
        def work() -> None:
            self.job_runs = self.in_job = True
            try:
                # With an index that always fails this would not end otherwise: each comes again at once.
                self.house.work(self.chance.randrange(1, 12))
            finally:
                self.job_runs = self.in_job = False

        self.protected(work)

    def something_is_deleted(self) -> None:
        levels: list[Level] = ["instance", "instance", "instance", "study"]
        level = self.chance.choice(levels)
        found = sorted(one.identifier for one in self.archive.items.values() if one.level == level)
        if found:
            chosen = self.chance.choice(found)
            self.deleted.add(self.archive.items[chosen].tags.get("SOPInstanceUID", ""))
            self.archive.delete(level, chosen)

    def log_is_cleared(self) -> None:
        self.archive.clear_log()

    def somebody_asks(self) -> None:
        levels: list[Level] = ["instance", "series", "study", "patient"]
        level = self.chance.choice(levels)
        found = sorted(one.identifier for one in self.archive.items.values() if one.level == level)
        if not found or not self.house.begun:
            return
        identifier = self.chance.choice(found)
        below = [one.identifier for one in self.archive.below(identifier, "instance")]
        version = self.xray.version
        if self.protected(lambda: self.house.desk.request(level, identifier)):
            self.asked += [(one, version) for one in below]

    def operator_pauses(self) -> None:
        self.protected(self.house.desk.pause)

    def operator_lets_go_on(self) -> None:
        self.protected(self.house.desk.resume)

    def operator_retries(self) -> None:
        self.protected(self.house.desk.retry_failed)

    def operator_reconciles(self) -> None:
        if self.house.begun:
            self.protected(lambda: self.house.desk.reconcile(None))

    def model_vanishes(self) -> None:
        self.xray.ready = False

    def model_comes(self) -> None:
        self.xray.ready = True
        self.house.inbox.errands.release_held()

    def recipe_changes(self) -> None:
        self.xray.version += 1

    def worker_dies(self) -> None:
        self.bench.next.append(DIED)

    def index_fails(self) -> None:
        self.fail_share = self.chance.choice([0.02, 0.2, 1.0])

    def index_is_well(self) -> None:
        self.fail_share = 0.0

    def disk_is_full(self) -> None:
        self.full = True

    def disk_has_room(self) -> None:
        self.full = False

    def power_fails(self) -> None:
        self.kill_at = self.chance.randrange(1, 60)

    def tell(self, length: int) -> None:
        frequent = [self.image_arrives, self.slices_arrive, self.inbox_reads, self.jobs_are_done, self.time_passes]
        rare = [
            *(self.something_else_arrives, self.something_is_deleted, self.log_is_cleared, self.somebody_asks),
            *(self.operator_pauses, self.operator_lets_go_on, self.operator_retries, self.operator_reconciles),
            *(self.model_vanishes, self.model_comes, self.recipe_changes, self.worker_dies, self.somebody_asks),
            *(self.index_fails, self.index_is_well, self.index_is_well, self.disk_is_full, self.disk_has_room),
            *(self.power_fails, self.power_fails, self.restart),
        ]
        for _ in range(length):
            self.chance.choice(frequent if self.chance.random() < 0.6 else rare)()

    def end_well(self) -> None:
        """Everything is well again, and there is time for all."""
        self.kill_at, self.fail_share, self.full = -1, 0.0, False
        self.bench.next.clear()
        self.archive.settle()
        self.house.step()
        self.operator_lets_go_on()
        self.model_comes()
        self.house.run()

    def check(self) -> None:
        archive = self.archive
        for image in archive.instances("CR"):
            outcome = archive.outcome(image.identifier)
            assert outcome is not None, "an image was forgotten"
            assert outcome.code in (Code.REPORTED, Code.FAILED)
            if outcome.code is Code.REPORTED:
                assert outcome.result
                uid = outcome.result.sop_instance_uid
                reports = [one for one in archive.instances("SR") if one.tags["SOPInstanceUID"] == uid]
                # A report that somebody has deleted is made again only if somebody asks for it.
                assert len(reports) == 1 or uid in self.deleted
                assert all(one.metadata.get(REPORT_METADATA) == MARK for one in reports)
                assert archive.written[uid] == 1 or uid in self.deleted, "a report was stored twice"
        for study in [one for one in archive.items.values() if one.level == "study"]:
            slices = sum("CT" in archive._tag(one, "Modality") for one in archive.below(study.identifier, "instance"))
            if slices:
                verdict = archive.outcome(study.identifier, CARDIAC_METADATA)
                assert verdict is not None, "a study was forgotten"
                assert verdict.code in (Code.REPORTED, Code.FAILED)
                if verdict.code is Code.REPORTED:
                    assert verdict.data["instances"] == slices
        assert not [one for one in archive.items.values() if REQUEST_METADATA in one.metadata]
        for identifier, version in self.asked:
            if identifier in archive.items and archive._tag(archive.items[identifier], "Modality") == "CR":
                outcome = archive.outcome(identifier)
                assert outcome
                assert int(outcome.recipe.removeprefix("recipe ") or 0) >= version, "a request was forgotten"
        self.house.inbox._save(force=True)
        assert self.house.inbox.ledger.place >= max(
            (row.sequence for row in archive.rows if row.kind in inbox.KINDS), default=0
        )


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, and no waiting."""
    for name, value in (("NET_S", -0.001), ("SAVE_S", 0.0), ("PAGE", 5), ("RESERVE", 20), ("URGENT_RESERVE", 5)):
        monkeypatch.setattr(inbox, name, value)
    monkeypatch.setattr(errands, "URGENT_RESERVE", 5)
    monkeypatch.setattr(errands, "REST_S", -0.001)
    monkeypatch.setattr(sweeps, "OUTCOMES_AT_ONCE", 3)
    monkeypatch.setattr(sweeps, "INSTANCES_AT_ONCE", 3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(5, 150))
@example(1, 150)
def test_at_the_end_everything_has_its_outcome(seed: int, length: int) -> None:
    story = Story(seed)
    story.tell(length)
    story.end_well()
    story.check()


def test_identifiers_have_the_form_of_orthancs() -> None:
    assert orthanc_id("P") == "511993d3-c99719e3-8a677907-3019dacd-7178ddb9"

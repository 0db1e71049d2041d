"""One job's life: due, running, stored, refused, held, or failed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .analyses import Analysis, Answer, NotReadyError, Task
from .codes import Code
from .outcomes import Outcome, OutcomeError, Result
from .server import Level, Resource, Server, ServerError
from .workers import WorkerError, Workers, place

MAXIMUM_ATTEMPTS = 2
"""A worker's death may have been another's fault (memory pressure), so a job gets a second try."""

RETRY_PAUSE_S = 5.0
"""Pause before a job whose outcome could not be written (a busy database, a full disk) is tried again."""


class StoreError(Exception):
    """Orthanc did not keep the report."""


@dataclass(frozen=True, slots=True)
class LastError:
    """The latest trouble: its code and when (ISO 8601, UTC); nothing about whose image it was."""

    code: Code
    at: str


@dataclass(slots=True)
class _Job:
    analysis: Analysis
    identifier: str
    done: list[Callable[[], None]] = field(default_factory=list)
    running: bool = False
    again: bool = False


class Jobs:
    """The jobs in hand. Their number is bounded; what waits beyond that waits in Orthanc's change log.

    Parameters
    ----------
    server
        Where resources come from and results go to.
    workers
        Who does the work.
    analyses
        By name.
    parallel
        How many jobs are in flight at once: more than workers, so that one is fetched and one is stored meanwhile.
    capacity
        How many jobs may be in hand.
    """

    def __init__(
        self, server: Server, workers: Workers, analyses: Mapping[str, Analysis], *, parallel: int, capacity: int
    ) -> None:
        self._server = server
        self._workers = workers
        self._analyses = analyses
        self._capacity = capacity
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="ai-job")
        self.ended: Counter[Code] = Counter()
        self.last_error: LastError | None = None
        self.on_room: Callable[[], None] = lambda: None

    # Taking jobs

    def room(self) -> int:
        """How many further jobs may be submitted."""
        with self._lock:
            return self._capacity - len(self._jobs)

    def count(self) -> tuple[int, int]:
        """Jobs that wait and jobs that run."""
        with self._lock:
            running = sum(job.running for job in self._jobs.values())
            return len(self._jobs) - running, running

    def submit(self, name: str, identifier: str, done: Callable[[], None] = lambda: None) -> None:
        """Take a job. The same one twice is done once more only if the first has already looked at the resource.

        Parameters
        ----------
        name
            Of the analysis.
        identifier
            Orthanc identifier of the resource.
        done
            Called once the outcome can be found in the index.
        """
        key = (name, identifier)
        with self._lock:
            job = self._jobs.get(key)
            if job:
                job.done.append(done)
                job.again = job.again or job.running
                return
            job = self._jobs[key] = _Job(self._analyses[name], identifier, [done])
        self._threads.submit(self._work, key, job)

    def give_up(self) -> None:
        """Begin nothing more: what is in hand is not settled, so it comes again after the restart."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for the end of what runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    # Doing one job

    def _work(self, key: tuple[str, str], job: _Job) -> None:
        while not self._stopping.is_set():
            with self._lock:
                job.running, job.again = True, False
            try:
                self._do(job)
            except ServerError as error:
                # The state could not be written, so the place in the change log must not move: try until it can.
                self._trouble(Code.STORE_FAILED)
                self._server.error(f"AI: {job.analysis.name}: {Code.STORE_FAILED}: {error}; trying again")
                self._stopping.wait(RETRY_PAUSE_S)
                continue
            except Exception as error:  # noqa: BLE001 - a fault in our own code must not lose the job silently
                self._trouble(Code.INTERNAL_ERROR)
                self._server.error(f"AI: {job.analysis.name}: {Code.INTERNAL_ERROR}: {place(error)}")
                self._stopping.wait(RETRY_PAUSE_S)
                continue
            with self._lock:
                if job.again:
                    continue
                del self._jobs[key]
            for done in job.done:
                done()
            self.on_room()
            return

    def _do(self, job: _Job) -> None:
        analysis, server = job.analysis, self._server
        found = server.resource(analysis.level, job.identifier, analysis.tags)
        if found is None or not analysis.wants(found):
            return
        previous = _outcome(found, analysis)
        started = time.perf_counter()
        try:
            work = analysis.work(server, found)
        except NotReadyError as reason:
            outcome = Outcome(
                Code.HELD, "", detail=str(reason.code), model=reason.model, result=previous.result if previous else None
            )
            self._end(analysis, found, Answer(outcome), started)
            self._again_if_ready(job, found)
            return
        if previous and previous.recipe == work.recipe and self._still_true(previous):
            return
        if work.refusal:
            self._end(analysis, found, Answer(Outcome(work.refusal, work.recipe)), started)
            return
        answer = self._ask(analysis, work.recipe, work.payload, work.context, previous.result if previous else None)
        if answer:
            self._end(analysis, found, answer, started)

    def _again_if_ready(self, job: _Job, found: Resource) -> None:
        """Do a job again that was held while its model became ready: whoever released what is held has missed it."""
        with suppress(NotReadyError):
            job.analysis.work(self._server, found)
            with self._lock:
                job.again = True

    def _still_true(self, outcome: Outcome) -> bool:
        """Whether an outcome with the right recipe settles the matter: its report may have been deleted since."""
        if outcome.code in (Code.HELD, Code.FAILED):
            return False
        return outcome.result is None or self._stored(outcome.result)

    def _stored(self, result: Result) -> bool:
        return any(level == "instance" for level, _ in self._server.lookup(result.sop_instance_uid))

    def _ask(
        self,
        analysis: Analysis,
        recipe: str,
        payload: Callable[[], object | None],
        context: Mapping[str, object],
        previous: Result | None,
    ) -> Answer | None:
        """Let a worker do it; ``None`` if the resource has gone meanwhile."""
        fault = WorkerError(Code.INTERNAL_ERROR, "")
        for _ in range(MAXIMUM_ATTEMPTS):
            gathered = payload()
            if gathered is None:
                return None
            try:
                return self._workers.run(Task(analysis.name, gathered, recipe, previous, context))
            except WorkerError as error:
                if self._stopping.is_set():
                    raise ServerError("stopping") from error
                fault = error
                self._server.warn(f"AI: {analysis.name}: {error.code}: {error.detail}")
        return Answer(
            Outcome(Code.FAILED, recipe, f"{fault.code}: {fault.detail}", result=previous, attempts=MAXIMUM_ATTEMPTS)
        )

    def _end(self, analysis: Analysis, found: Resource, answer: Answer, started: float) -> None:
        """Store the report, then say so: in this order a crash in between costs a repetition, never a report."""
        server, outcome = self._server, answer.outcome
        if answer.dicom is not None:
            try:
                self._store(answer.dicom, outcome)
            except (ServerError, StoreError) as error:
                detail = f"{Code.STORE_FAILED}: {error}"
                answer = Answer(Outcome(Code.FAILED, outcome.recipe, detail, attempts=MAXIMUM_ATTEMPTS))
                outcome = answer.outcome
        for level, uid, part in answer.parts:
            for identifier in _of_level(level, server.lookup(uid)):
                server.set_metadata(level, identifier, analysis.metadata, part.to_text())
        for label, present in answer.labels.items():
            server.set_label(analysis.level, found.identifier, label, present)
        server.set_metadata(analysis.level, found.identifier, analysis.metadata, outcome.to_text())
        self.ended[outcome.code] += 1
        if outcome.code is Code.FAILED:
            self._trouble(outcome.code)
        stages = " ".join(f"{stage}={seconds * 1000:.0f}ms" for stage, seconds in answer.seconds.items())
        server.warn(f"AI: {analysis.name}: {outcome.code} in {time.perf_counter() - started:.3f} s {stages}".rstrip())

    def _store(self, dicom: bytes, outcome: Outcome) -> None:
        """Store a report unless it is there, and see that it is there.

        Raises
        ------
        ServerError, StoreError
            If it is not, after several attempts.
        """
        assert outcome.result is not None
        for attempt in range(MAXIMUM_ATTEMPTS):
            if self._stored(outcome.result):
                return
            if attempt:
                self._stopping.wait(RETRY_PAUSE_S)
            with suppress(ServerError) if attempt + 1 < MAXIMUM_ATTEMPTS else nullcontext():
                self._server.store(dicom)
        if not self._stored(outcome.result):
            raise StoreError("Orthanc took the report but does not have it")

    def _trouble(self, code: Code) -> None:
        self.last_error = LastError(code, datetime.now(UTC).isoformat(timespec="seconds"))


def _outcome(found: Resource, analysis: Analysis) -> Outcome | None:
    """The outcome in a resource's metadata; ``None`` if there is none, or one that somebody has spoiled."""
    text = found.metadata.get(analysis.metadata)
    try:
        return Outcome.from_text(text) if text else None
    except OutcomeError:
        return None


def _of_level(level: Level, found: tuple[tuple[Level, str], ...]) -> list[str]:
    return [identifier for kind, identifier in found if kind == level]

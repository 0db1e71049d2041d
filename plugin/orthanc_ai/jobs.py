"""One job's life: due, running, stored, refused, held, or failed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .analyses import Analysis, Answer, NotReadyError, Task, Work
from .codes import Code
from .outcomes import Outcome, Result, read_outcome
from .server import Resource, Server, ServerError
from .workers import WorkerError, Workers, place

MAXIMUM_ATTEMPTS = 2
"""A worker's death may have been another's fault (memory pressure), so a job gets a second try."""

RETRY_PAUSE_S = 5.0
"""Pause before a job is tried again whose resource could not be read or whose outcome could not be written."""


IDENTITY_TAGS = ("PatientID", "StudyInstanceUID")
"""What a report and its source have in common."""

_OPEN = (Code.HELD, Code.FAILED)
"""Outcomes that settle nothing."""


class StoreError(Exception):
    """Orthanc did not keep the report."""


class StoppingError(Exception):
    """The server stops; what is in hand comes again after the restart."""


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
    asked: bool = False
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

    def submit(
        self, name: str, identifier: str, done: Callable[[], None] = lambda: None, *, asked: bool = False
    ) -> None:
        """Take a job. The same one twice is done once more only if the first has already looked at the resource.

        Parameters
        ----------
        name
            Of the analysis.
        identifier
            Orthanc identifier of the resource.
        done
            Called once the outcome can be found in the index.
        asked
            Somebody asks for it: an image with a settled outcome is then compared with today's recipe.
        """
        key = (name, identifier)
        with self._lock:
            job = self._jobs.get(key)
            if job:
                job.done.append(done)
                job.asked = job.asked or asked
                job.again = job.again or job.running
                return
            job = self._jobs[key] = _Job(self._analyses[name], identifier, [done], asked)
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
            except StoppingError:
                return
            except ServerError as error:
                # The state could not be read or written, so the place in the change log must not move.
                self._trouble(Code.DATABASE_BUSY)
                self._server.error(f"AI: {job.analysis.name}: {Code.DATABASE_BUSY}: {error}; trying again")
                self._later(key, job)
                return
            except Exception as error:  # noqa: BLE001 - a fault in our own code must not lose the job silently
                self._trouble(Code.INTERNAL_ERROR)
                self._server.error(f"AI: {job.analysis.name}: {Code.INTERNAL_ERROR}: {place(error)}; trying again")
                self._later(key, job)
                return
            with self._lock:
                if job.again:
                    continue
                del self._jobs[key]
            for done in job.done:
                done()
            self.on_room()
            return

    def _later(self, key: tuple[str, str], job: _Job) -> None:
        """Try a job again after a pause, and leave the thread to others meanwhile."""
        with self._lock:
            job.running = False

        def resume() -> None:
            with suppress(RuntimeError):  # the threads have ended: the server stops
                self._threads.submit(self._work, key, job)

        timer = threading.Timer(RETRY_PAUSE_S, resume)
        timer.daemon = True
        timer.start()

    def _do(self, job: _Job) -> None:
        analysis, server = job.analysis, self._server
        found = server.resource(analysis.level, job.identifier, (*analysis.tags, *IDENTITY_TAGS))
        if found is None or not analysis.wants(found):
            return
        previous = read_outcome(found.metadata, analysis.metadata)
        if previous and analysis.level == "instance" and not job.asked and previous.code not in _OPEN:
            # An image does not change: what was settled once is looked at again only if somebody asks.
            return
        started = time.perf_counter()
        try:
            work = analysis.work(server, found)
        except NotReadyError as reason:
            self._end(analysis, found, Answer(_held(reason, previous)), started)
            self._again_if_ready(job, found)
            return
        if previous and previous.recipe == work.recipe and self._still_true(found, previous):
            return
        last = previous.result if previous else None
        if work.refusal:
            self._end(analysis, found, Answer(Outcome(work.refusal, work.recipe, result=last)), started)
            return
        replaced = last if last and last.demonstration is work.demonstration else None
        answer = self._ask(analysis, work, replaced)
        if answer:
            self._end(analysis, found, answer, started)

    def _again_if_ready(self, job: _Job, found: Resource) -> None:
        """Do a job again that was held while its model became ready: whoever released what is held has missed it."""
        with suppress(NotReadyError):
            job.analysis.work(self._server, found)
            with self._lock:
                job.again = True

    def _still_true(self, found: Resource, outcome: Outcome) -> bool:
        """Whether an outcome with the right recipe settles the matter: its report may have been deleted since."""
        if outcome.code in _OPEN:
            return False
        return outcome.result is None or self._stored(found, outcome.result)

    def _stored(self, found: Resource, result: Result) -> bool:
        """Whether a report is there, for the patient and study of its source.

        After a correction of the Patient ID the same UIDs stand under two patients. Their Orthanc identifiers are not
        compared: Orthanc takes padding for a part of the Patient ID where a source does not state the representation.
        """
        query = {"SOPInstanceUID": result.sop_instance_uid}
        return any(
            _identity(stored) == _identity(found) for stored in self._server.find("instance", query, tags=IDENTITY_TAGS)
        )

    def _ask(self, analysis: Analysis, work: Work, previous: Result | None) -> Answer | None:
        """Let a worker do it; ``None`` if the resource has gone meanwhile."""
        code, detail = Code.INTERNAL_ERROR, ""
        for _ in range(MAXIMUM_ATTEMPTS):
            try:
                payload = work.payload()
                if payload is None:
                    return None
                return self._workers.run(Task(analysis.name, payload, work.recipe, previous, work.weights))
            except ServerError as error:
                code, detail = Code.FILE_UNREADABLE, str(error)
            except WorkerError as error:
                if error.code is Code.STOPPING:
                    raise StoppingError from None
                code, detail = error.code, error.detail
            self._server.warn(f"AI: {analysis.name}: {code}: {detail}")
        failed = Outcome(Code.FAILED, work.recipe, f"{code}: {detail}", result=previous, attempts=MAXIMUM_ATTEMPTS)
        return Answer(failed)

    def _end(self, analysis: Analysis, found: Resource, answer: Answer, started: float) -> None:
        """Store the report, then say so: in this order a crash in between costs a repetition, never a report."""
        server, outcome = self._server, answer.outcome
        if answer.dicom is not None:
            try:
                if not self._store(found, answer.dicom, outcome):
                    return
            except (ServerError, StoreError) as error:
                detail = f"{Code.STORE_FAILED}: {error}"
                outcome = Outcome(Code.FAILED, outcome.recipe, detail, attempts=MAXIMUM_ATTEMPTS)
                answer = Answer(outcome)
        if answer.parts:
            series = {
                one.tags.get("SeriesInstanceUID"): one for one in server.children("study", found.identifier, "series")
            }
            for uid, part in answer.parts:
                if uid in series:
                    server.set_metadata("series", series[uid].identifier, analysis.metadata, part.to_text())
        for label, present in answer.labels.items():
            server.set_label(analysis.level, found.identifier, label, present)
        if not server.set_metadata(analysis.level, found.identifier, analysis.metadata, outcome.to_text()):
            return
        self.ended[outcome.code] += 1
        if outcome.code is Code.FAILED:
            self._trouble(outcome.code)
        stages = " ".join(f"{stage}={seconds * 1000:.0f}ms" for stage, seconds in answer.seconds.items())
        server.warn(f"AI: {analysis.name}: {outcome.code} in {time.perf_counter() - started:.3f} s {stages}".rstrip())

    def _store(self, found: Resource, dicom: bytes, outcome: Outcome) -> bool:
        """Store a report unless it is there, and see that it is there.

        Returns
        -------
        Whether the resource is still there. A report must not bring back a study that was deleted meanwhile.

        Raises
        ------
        ServerError, StoreError
            If the report is not there, after several attempts.
        """
        assert outcome.result is not None
        for attempt in range(MAXIMUM_ATTEMPTS):
            if self._gone(found):
                return False
            if self._stored(found, outcome.result):
                return True
            if attempt:
                self._stopping.wait(RETRY_PAUSE_S)
            with suppress(ServerError) if attempt + 1 < MAXIMUM_ATTEMPTS else nullcontext():
                stored = self._server.store(dicom)
                if self._gone(found):
                    self._server.delete("instance", stored)
                    return False
        if not self._stored(found, outcome.result):
            raise StoreError("Orthanc took the report but does not have it")
        return True

    def _gone(self, found: Resource) -> bool:
        return self._server.resource(found.level, found.identifier) is None

    def _trouble(self, code: Code) -> None:
        self.last_error = LastError(code, datetime.now(UTC).isoformat(timespec="seconds"))


def _identity(resource: Resource) -> list[str]:
    return [str(resource.tags.get(tag, "")).strip() for tag in IDENTITY_TAGS]


def _held(reason: NotReadyError, previous: Outcome | None) -> Outcome:
    """An outcome that says what is waited for, and keeps what was known before."""
    return Outcome(
        Code.HELD,
        "",
        detail=str(reason.code),
        model=reason.model,
        result=previous.result if previous else None,
        data=previous.data if previous else {},
    )

"""One job's life: due, running, stored, refused, held, to be tried again, or failed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .analyses import Analysis, Answer, NotReadyError, RefusedError, Task, Work
from .asked_files import handed_over
from .codes import Code
from .faults import Fault, ObjectsFault, StoppingError, place
from .keeper import IDENTITY_TAGS, Keeper, Kept, Marker
from .outcomes import Outcome, overlays_of, read_outcome
from .pause import Pause
from .retries import due_after, pause_s, remaining_s
from .server import Resource, Server, ServerError
from .workers import WorkerError, Workers

_WAITING = (Code.HELD, Code.RETRYING)
"""Outcomes that settle nothing yet."""

_OPEN = (*_WAITING, Code.FAILED)
"""Outcomes that are no result."""


@dataclass(slots=True)
class Knocks:
    """Whom a job tells what; each returns at once, on any thread.

    Attributes
    ----------
    room
        A job is done, so there is room for another.
    retry
        Analysis, Orthanc identifier, seconds: to be tried again then.
    stored
        A report is going to be stored.
    marked
        Orthanc identifier of a report that was stored and may have to be sent on.
    model_doubtful
        A worker could not use the model that was there, with this code.
    ended
        Analysis, code, wall time and processor time by stage of a job that ended, in seconds.
    open_changed
        An outcome that is no result was written, or replaced.
    ask
        Analysis, Orthanc identifier: somebody asks for it, even after a crash.
    """

    room: Callable[[], None] = lambda: None
    retry: Callable[[str, str, float], None] = lambda *_: None
    stored: Callable[[], None] = lambda: None
    marked: Callable[[str], None] = lambda _: None
    model_doubtful: Callable[[Code], None] = lambda _: None
    ended: Callable[[str, Code, Mapping[str, float], Mapping[str, float]], None] = lambda *_: None
    open_changed: Callable[[], None] = lambda: None
    ask: Callable[[str, str], None] = lambda *_: None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended.

    Attributes
    ----------
    code
        Of the outcome that was written; ``None`` if there was nothing to do.
    reason
        The fault, if there was one.
    again
        It is to be done again at once: what it waited for has come meanwhile.
    """

    code: Code | None = None
    reason: Code | None = None
    again: bool = False


class Job:
    """Does jobs, one at a time on each thread that calls it.

    Parameters
    ----------
    mark
        Makes the mark of an object of ours.
    max_attempts, first_pause_s
        How often a job is tried, and seconds until the second time.
    settle
        Writes an outcome by the given function, and whatever must be in step with it; whether it was written.
    """

    def __init__(
        self,
        server: Server,
        workers: Workers,
        pause: Pause,
        knocks: Knocks,
        mark: Marker,
        *,
        max_attempts: int,
        first_pause_s: float,
        settle: Callable[[Resource, Outcome, Callable[[], bool]], bool] = lambda _found, _outcome, write: write(),
    ) -> None:
        self._server = server
        self._workers = workers
        self._pause = pause
        self._knocks = knocks
        self._keeper = Keeper(
            server,
            self._run,
            mark,
            # Looked up when it happens: whom to tell is set later.
            on_store=lambda: knocks.stored(),
            on_marked=lambda identifier: knocks.marked(identifier),
        )
        self._max_attempts = max_attempts
        self._first_pause_s = first_pause_s
        self._settle = settle

    def do(self, analysis: Analysis, identifier: str, *, asked: bool) -> Ended:
        """Analyse one resource, unless that is done.

        Parameters
        ----------
        asked
            Somebody asks for it: a settled image is compared with today's recipe, and what was given up tried again.

        Raises
        ------
        ServerError
            If Orthanc's index could not be read or written: nothing is settled.
        StoppingError
            If the server stops.
        """
        started = time.perf_counter()
        found = self._server.resource(analysis.level, identifier, (*analysis.tags, *IDENTITY_TAGS))
        if found is None or not analysis.wants(found):
            return Ended()
        previous = read_outcome(found.metadata, analysis.metadata)
        if previous and not asked and self._is_left_alone(analysis, found, previous):
            return Ended()
        recipe = ""
        try:
            work = self._work(analysis, found)
            if isinstance(work, Work):
                recipe = work.recipe
                # Before the pause: what is done must not fall back to being held by it.
                if previous and previous.recipe == recipe and self._is_settled(found, previous, asked=asked):
                    return Ended()
            if self._pause.active:
                self._end(analysis, found, Answer(_held(str(Code.PAUSED), previous, asked=asked)), started)
                # Whoever let the work go on may have looked for what is held just before.
                return Ended(Code.HELD, again=not self._pause.active)
            if isinstance(work, NotReadyError):
                held = _held(str(work.code), previous, asked=asked, model=work.model)
                self._end(analysis, found, Answer(held), started)
                return Ended(Code.HELD, again=isinstance(self._work(analysis, found), Work))
            answer = self._answer(analysis, found, work, previous, asked=asked)
            if answer is None:
                return Ended()
            # Asked for before the outcome is written: a crash then costs a needless look, and forgets none.
            for other in work.others:
                self._knocks.ask(analysis.name, other)
            with _no_surprise():
                reason = None
                if answer.outcome.code is Code.HELD:
                    reason = Code(answer.outcome.detail)
                    held = _held(str(reason), previous, asked=asked, model=answer.outcome.model)
                    answer = replace(answer, outcome=held)
                self._end(analysis, found, answer, started)
        except Fault as fault:
            return self._fail(analysis, found, recipe, previous, fault, started, asked=asked)
        if reason:
            self._knocks.model_doubtful(reason)
        return Ended(answer.outcome.code)

    # What is there already

    def _is_left_alone(self, analysis: Analysis, found: Resource, previous: Outcome) -> bool:
        """Whether nobody has asked for another look at an outcome, and it is not its time yet."""
        if previous.code is Code.RETRYING:
            remaining = remaining_s(previous)
            if remaining > 0:
                self._knocks.retry(analysis.name, found.identifier, remaining)
                return True
        # An image does not change: what was settled once stays so. A study may have grown.
        return analysis.level == "instance" and previous.code not in _WAITING

    def _work(self, analysis: Analysis, found: Resource) -> Work | NotReadyError:
        """What is to be done, or what it waits for.

        Asked once more after that was written down: what came meanwhile has missed it when it released the held.
        """
        try:
            with _no_surprise():
                return analysis.work(self._server, found)
        except NotReadyError as reason:
            return reason

    def _is_settled(self, found: Resource, outcome: Outcome, *, asked: bool) -> bool:
        """Whether an outcome with the right recipe settles the matter: its report may have been deleted since."""
        if outcome.code is Code.FAILED:
            return not asked
        if outcome.code in _WAITING or (asked and Code.OVERLAYS_NOT_WRITTEN in outcome.notes):
            return False
        stored = () if outcome.result is None else (outcome.result, *overlays_of(outcome))
        return all(self._keeper.find(found, one)[0] is Kept.OURS for one in stored)

    # Doing it

    def _answer(
        self, analysis: Analysis, found: Resource, work: Work, previous: Outcome | None, *, asked: bool
    ) -> Answer | None:
        """What a worker makes of it, its report stored; ``None`` if the resource has gone meanwhile.

        Raises
        ------
        Fault, ServerError, StoppingError
        """
        last = previous.result if previous else None
        if work.refusal:
            return Answer(Outcome(work.refusal, work.recipe, notes=work.notes, result=last))
        replaced = last if last and last.demonstration is work.demonstration else None
        with _no_surprise():
            try:
                payload = work.payload()
            except RefusedError as refused:
                # Without a recipe, so that it never passes for settled.
                return Answer(Outcome(refused.code, "", refused.detail, notes=work.notes, result=last))
            except ServerError as error:
                raise Fault(Code.FILE_UNREADABLE, str(error)) from error
            if payload is None:
                if self._keeper.gone(found):
                    return None
                raise Fault(Code.FILE_UNREADABLE, "Orthanc has no file of it")
            task = Task(analysis.name, payload, work.recipe, replaced, work.weights, work.scorer, work.context)
            attempts, spared = _attempts(previous, asked=asked)
            final = attempts + 1 - spared >= self._max_attempts
            answer = self._run(task)
            if answer.needs:
                answer = self._run_with_files(task, work, answer, doing_without=final)
            return self._kept(found, task, work, answer, final=final)

    def _kept(self, found: Resource, task: Task, work: Work, answer: Answer, *, final: bool) -> Answer | None:
        """An answer whose report is stored; ``None`` if the resource has gone meanwhile.

        What Orthanc does not take beside a report must not cost the report: the last attempt does without.
        """
        answer = _remarked(answer, work.notes)
        if answer.dicom is None:
            return answer
        try:
            return answer if self._keeper.keep(found, answer) else None
        except ObjectsFault as fault:
            if not (final or fault.parked):
                raise
            second = _remarked(self._run(replace(task, no_objects=str(fault))), work.notes)
        return second if second.dicom is None or self._keeper.keep(found, second) else None

    def _run_with_files(self, task: Task, work: Work, first: Answer, *, doing_without: bool) -> Answer:
        """What a worker makes of a task with the files that it has asked for.

        What Orthanc cannot read now may be there later, and what is settled without it stays so. The last attempt does
        without it: one file must not cost a study its report.
        """
        try:
            with handed_over(work.file, first.needs, doing_without=doing_without) as files:
                second = self._run(replace(task, files=files))
        except ServerError as error:
            raise Fault(Code.FILE_UNREADABLE, str(error)) from error
        return replace(
            second,
            seconds=_sum(first.seconds, second.seconds),
            cpu_seconds=_sum(first.cpu_seconds, second.cpu_seconds),
        )

    def _run(self, task: Task) -> Answer:
        try:
            return self._workers.run(task)
        except WorkerError as error:
            if error.code is Code.STOPPING:
                raise StoppingError from None
            raise Fault(error.code, error.detail) from error

    # Writing it down

    def _fail(
        self,
        analysis: Analysis,
        found: Resource,
        recipe: str,
        previous: Outcome | None,
        fault: Fault,
        started: float,
        *,
        asked: bool,
    ) -> Ended:
        attempts, spared = _attempts(previous, asked=asked)
        attempts, spared = attempts + 1, spared + (not fault.counts)
        if fault.parked or (fault.counts and attempts - spared >= self._max_attempts):
            code, pause, due = Code.FAILED, 0.0, ""
        else:
            pause = pause_s(self._first_pause_s, attempts)
            code, due = Code.RETRYING, due_after(pause)
        outcome = _open(code, str(fault), previous, recipe=recipe, attempts=attempts, spared=spared, due=due)
        self._end(analysis, found, Answer(outcome), started)
        if code is Code.RETRYING:
            self._knocks.retry(analysis.name, found.identifier, pause)
        return Ended(code, fault.code)

    def _end(self, analysis: Analysis, found: Resource, answer: Answer, started: float) -> None:
        """Write down the outcome. The report is stored before, so that a crash costs a repetition, never a report."""
        server, outcome = self._server, answer.outcome
        if answer.parts:
            found_series = server.children("study", found.identifier, "series", content=("MainDicomTags",))
            series = {one.tags.get("SeriesInstanceUID"): one for one in found_series}
            for uid, part in answer.parts:
                if uid in series:
                    server.set_metadata("series", series[uid].identifier, analysis.metadata, part.to_text())
        for label, present in answer.labels.items():
            server.set_label(analysis.level, found.identifier, label, present)

        def write() -> bool:
            return server.set_metadata(analysis.level, found.identifier, analysis.metadata, outcome.to_text())

        if not self._settle(found, outcome, write):
            return
        previous = read_outcome(found.metadata, analysis.metadata)
        if outcome.code in _OPEN or (previous and previous.code in _OPEN):
            self._knocks.open_changed()
        with suppress(Exception):  # counting must not undo what is done
            self._knocks.ended(analysis.name, outcome.code, answer.seconds, answer.cpu_seconds)
        stages = " ".join(f"{stage}={seconds * 1000:.0f}ms" for stage, seconds in answer.seconds.items())
        line = f"{outcome.code} in {time.perf_counter() - started:.3f} s {stages}".rstrip()
        if outcome.code in _OPEN:
            line += f": {outcome.detail}" + (f", attempt {outcome.attempts}" if outcome.code is not Code.HELD else "")
        server.warn(f"AI: {analysis.name}: {line}")


@contextmanager
def _no_surprise() -> Iterator[None]:
    """Make a fault of an error that nobody has foreseen: it then ends with a code, and not never."""
    try:
        yield
    except (Fault, NotReadyError, RefusedError, ServerError, StoppingError):
        raise
    except Exception as error:
        raise Fault(Code.INTERNAL_ERROR, place(error)) from error


def _remarked(answer: Answer, notes: tuple[Code, ...]) -> Answer:
    """An answer with further remarks."""
    if not notes:
        return answer
    return replace(answer, outcome=replace(answer.outcome, notes=(*answer.outcome.notes, *notes)))


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Times by stage, of two runs."""
    return {stage: one.get(stage, 0.0) + other.get(stage, 0.0) for stage in (*one, *other)}


def _attempts(previous: Outcome | None, *, asked: bool) -> tuple[int, int]:
    """How often it was tried before, and how many of these attempts do not count; whoever asks makes a fresh start."""
    if previous is None or previous.code not in _WAITING or asked:
        return 0, 0
    return previous.attempts, previous.spared


def _held(detail: str, previous: Outcome | None, *, asked: bool, model: str = "") -> Outcome:
    attempts, spared = _attempts(previous, asked=asked)
    return _open(Code.HELD, detail, previous, model=model, attempts=attempts, spared=spared)


def _open(
    code: Code,
    detail: str,
    previous: Outcome | None,
    *,
    attempts: int,
    spared: int,
    recipe: str = "",
    model: str = "",
    due: str = "",
) -> Outcome:
    """An outcome that is no result, and keeps what was known before."""
    return Outcome(
        code,
        recipe,
        detail=detail,
        model=model or (previous.model if previous else ""),
        result=previous.result if previous else None,
        data=previous.data if previous else {},
        attempts=attempts,
        due=due,
        spared=spared,
    )

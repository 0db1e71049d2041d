"""Who makes SR of what readers have stated, on a thread of its own.

A statement stands in the image's journal as pending until its SR is stored, marked as ours and seen to be there. All of that
can be done again without doubling anything, since the SR's identifiers stand in the journal, too. So arrival, restart and
crash are the same code here as well.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable

from ..analyses import CORRECTION, Answer, Task
from ..codes import Code
from ..faults import Fault, StoppingError, place
from ..keeper import IDENTITY_TAGS, Keeper, Kept, Marker
from ..outcomes import CORRECTIONS_METADATA
from ..retries import pause_s
from ..server import Resource, Server, ServerError
from ..workers import WorkerError
from .correction import Correction, State
from .desk import Corrections, stored
from .journal import PENDING_PATTERN

_EVERYTHING = ""
"""In place of an image: to look for what an earlier run of the server has left."""


class Clerk:
    """Makes the SR of what is pending.

    Parameters
    ----------
    run
        Lets a worker do a task.
    mark
        Makes the mark of an SR of ours.
    max_attempts, first_pause_s
        How often it is tried, and seconds until the second time.
    on_store, on_marked
        As of `Keeper`.
    """

    def __init__(
        self,
        server: Server,
        corrections: Corrections,
        run: Callable[[Task], Answer],
        mark: Marker,
        *,
        max_attempts: int,
        first_pause_s: float,
        on_store: Callable[[], None],
        on_marked: Callable[[str], None],
    ) -> None:
        self._server = server
        self._corrections = corrections
        self._work = run
        self._keeper = Keeper(server, self._run_task, mark, on_store=on_store, on_marked=on_marked)
        self._max_attempts = max_attempts
        self._first_pause_s = first_pause_s
        self._bell = threading.Condition()
        self._due: dict[str, float] = {}
        self._attempts: defaultdict[str, int] = defaultdict(int)
        self._stopping = False
        self.ring(_EVERYTHING)

    def ring(self, image: str) -> None:
        """There is something to do for an image, by its Orthanc identifier. Called on any thread."""
        self._again(image, 0.0)

    def stop(self) -> None:
        """Begin nothing more."""
        with self._bell:
            self._stopping = True
            self._bell.notify()

    def run(self) -> None:
        """Make what is due until the server stops."""
        while (image := self._next()) is not None:
            try:
                self._do(image)
            except StoppingError:
                return
            except (Fault, ServerError) as error:
                self._fail(image, str(error) if isinstance(error, Fault) else str(Code.DATABASE_BUSY))
            except Exception as error:  # noqa: BLE001 - whatever it is, the statements stay written down
                self._fail(image, f"{Code.INTERNAL_ERROR}: {place(error)}")
            else:
                self._attempts.pop(image, None)

    def _again(self, image: str, seconds: float) -> None:
        with self._bell:
            self._due[image] = time.monotonic() + seconds
            self._bell.notify()

    def _next(self) -> str | None:
        """The image that is due, when it is; ``None`` if the server stops."""
        with self._bell:
            while not self._stopping:
                image = min(self._due, key=self._due.__getitem__, default=None)
                wait = None if image is None else self._due[image] - time.monotonic()
                if image is not None and wait is not None and wait <= 0:
                    del self._due[image]
                    return image
                self._bell.wait(wait)
        return None

    def _fail(self, image: str, reason: str) -> None:
        self._attempts[image] += 1
        pause = pause_s(self._first_pause_s, self._attempts[image])
        self._server.warn(f"AI: correction: {reason}; tried again in {pause:.1f} s")
        self._again(image, pause)

    def _do(self, image: str) -> None:
        if image == _EVERYTHING:
            for one in self._server.identifiers("instance", metadata={CORRECTIONS_METADATA: PENDING_PATTERN}):
                self.ring(one)
            return
        for correction in self._corrections.pending(image):
            found = self._server.resource("instance", image, IDENTITY_TAGS)
            if found is None:
                return
            try:
                self._make(found, correction)
            except Fault as fault:
                last = fault.counts and self._attempts[image] + 1 >= self._max_attempts
                if not fault.parked and not last:
                    raise
                self._corrections.settle(image, correction, State.FAILED, fault.code)
                self._server.warn(f"AI: correction: FAILED: {fault}")

    def _make(self, found: Resource, correction: Correction) -> None:
        """Store the SR of a statement unless that is done.

        Raises
        ------
        Fault, ServerError, StoppingError
        """
        if self._keeper.find(found, correction.result)[0] is not Kept.OURS:
            report = stored(self._server, found, correction.report.sop_instance_uid)
            file = self._server.file(report) if report else None
            if file is None and correction.demonstration:
                # Whoever forgets the demonstration forgets what was said of it.
                self._corrections.drop(found.identifier, correction)
                return
            if file is None:
                raise Fault(Code.NOTHING_TO_CORRECT, "the report was deleted meanwhile", parked=True)
            answer = self._run_task(Task(CORRECTION, {"report": file, "correction": correction.to_json()}, ""))
            if answer.dicom is None:
                raise Fault(answer.outcome.code, answer.outcome.detail, parked=True)
            if not self._keeper.keep(found, answer):
                return
        self._corrections.settle(found.identifier, correction, State.STORED)

    def _run_task(self, task: Task) -> Answer:
        try:
            return self._work(task)
        except WorkerError as error:
            if error.code is Code.STOPPING:
                raise StoppingError from None
            raise Fault(error.code, error.detail) from error

"""`Batches`: the batches of one kind, one after the other on a thread of their own."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..codes import Code
from ..faults import place
from ..server import ServerError
from .batch import OPEN, Batch, BatchError, InterruptedBatch, State
from .run import Kind, Run
from .store import Store, now

MAXIMUM_OPEN = 100
"""Batches of a kind that may wait: more are a program gone wild."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 600.0
"""Pauses of a batch that cannot go on now: each twice as long as the one before."""

JOIN_S = 20.0
"""How long a stopping server waits for the work of all kinds of batches together: Orthanc has 40 s to stop."""


class Batches:
    """Takes batches in, runs them in the order of their coming, and tells how they stand.

    Parameters
    ----------
    kind
        What does the work.
    folder
        Where the folders of all kinds lie.
    paused
        Whether an operator has paused the work.
    warn
        Writes a line into the log.
    first_pause_s
        Seconds before a batch is run again that could not go on.
    """

    def __init__(
        self,
        kind: Kind,
        folder: Path,
        *,
        paused: Callable[[], bool],
        warn: Callable[[str], None],
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._kind = kind
        self._store = Store(folder, kind.name)
        self._paused = paused
        self._warn = warn
        self._first_pause_s = first_pause_s
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._current: tuple[Batch, Run, threading.Event] | None = None
        self._removed: set[str] = set()
        self._thread = threading.Thread(target=self._work, name=f"ai-{kind.name}", daemon=True)

    def start(self) -> None:
        """Begin, with what a restart has interrupted."""
        self._thread.start()

    def give_up(self) -> None:
        """Let the work end soon; the next start goes on with it."""
        self._stopping.set()
        self._bell.set()
        with self._lock:
            if self._current:
                self._current[2].set()

    def join(self, seconds: float = JOIN_S) -> None:
        """Wait for the end of the work, so many seconds at most."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, seconds))

    def stop(self) -> None:
        """Let the work end, and wait for that."""
        self.give_up()
        self.join()

    def begin(self, request: Mapping[str, Any]) -> Batch:
        """Take in a batch; when this returns, it is written down.

        Raises
        ------
        BatchError
            ``TOO_MANY_BATCHES``, or ``BATCHES_UNAVAILABLE`` if its folder cannot be written.
        """
        with self._lock:
            try:
                if sum(batch.state in OPEN for batch in self._store.all()) >= MAXIMUM_OPEN:
                    raise BatchError(Code.TOO_MANY_BATCHES, f"{MAXIMUM_OPEN} wait already")
                batch = self._store.create(request)
            except OSError as error:
                raise _unavailable(error) from None
        self._bell.set()
        return batch

    def get(self, identifier: str) -> Batch | None:
        """How a batch stands."""
        with self._lock:
            batch = self._store.get(identifier)
            return None if batch is None else self._shown(batch)

    def all(self) -> list[Batch]:
        """All batches, the oldest first."""
        with self._lock:
            return [shown for batch in self._store.all() if (shown := self._shown(batch))]

    def settled(self, identifier: str) -> dict[str, Any] | None:
        """The records of a batch's settled items; ``None`` if there is no such batch."""
        batch = self.get(identifier)
        return None if batch is None else self._store.journal(batch).read()

    def output(self, identifier: str) -> Path | None:
        """The folder of what a batch has made so far; ``None`` if there is no such batch."""
        batch = self.get(identifier)
        return None if batch is None else self._store.output(batch)

    def remove(self, identifier: str) -> bool:
        """Cancel a batch if it is open, and remove it with everything that it made; whether there was one.

        Raises
        ------
        BatchError
            ``BATCHES_UNAVAILABLE`` if its folder cannot be written.
        """
        with self._lock:
            batch = self._store.get(identifier)
            if batch is None or self._shown(batch) is None:
                return False
            try:
                if self._current and self._current[0].identifier == identifier:
                    # Whoever works in the folder has to leave it first.
                    self._store.save(replace(batch, state=State.CANCELLED))
                    self._removed.add(identifier)
                    self._current[2].set()
                    return True
                away = self._store.take_away(batch)
            except OSError as error:
                raise _unavailable(error) from None
        # Without the lock: an export of a whole archive takes its time to delete, and others ask how theirs stand.
        try:
            _delete(away)
        except OSError as error:
            raise _unavailable(error) from None
        return True

    def _shown(self, batch: Batch) -> Batch | None:
        """A batch as it stands now; ``None`` if it is being removed."""
        if batch.state is State.CANCELLED:
            return None
        if self._current and self._current[0].identifier == batch.identifier:
            run = self._current[1]
            return replace(batch, done=run.done, total=run.total, summary=run.summary)
        return batch

    # ---- On the thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._clear()
        pause_s = self._first_pause_s
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                batch = self._next()
                went_on = batch is None or self._run(batch)
            except (OSError, ServerError) as error:
                self._warn(f"AI: a batch of {self._kind.name} cannot go on now and is tried again: {_kind_of(error)}")
                went_on, batch = False, None
            except Exception as error:  # noqa: BLE001 - if this thread ended, nothing that is asked for would ever begin
                self._warn(f"AI: batches of {self._kind.name}: {Code.INTERNAL_ERROR}: {place(error)}; tried again")
                went_on, batch = False, None
            if not went_on:
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = self._first_pause_s
            if batch is None:
                self._bell.wait()

    def _clear(self) -> None:
        """Delete what was taken away before a kill."""
        for away in self._store.taken_away():
            try:
                _delete(away)
            except OSError as error:
                self._warn(f"AI: what is left of a removed batch of {self._kind.name} stays: {_kind_of(error)}")

    def _next(self) -> Batch | None:
        """The oldest batch that has work to do. What is cancelled is removed on the way."""
        with self._lock:
            batches = self._store.all()
            away = [self._store.take_away(batch) for batch in batches if batch.state is State.CANCELLED]
        for folder in away:
            _delete(folder)
        return next((batch for batch in batches if batch.state in OPEN), None)

    def _run(self, batch: Batch) -> bool:
        """Do the work of a batch; whether it is over, or has at least come further."""
        journal = self._store.journal(batch)
        try:
            journal.mend()
            settled = journal.read()
        except ValueError:
            self._fail(batch, "its journal cannot be read")
            return True
        before = len(settled)
        ended = threading.Event()
        output = self._store.output(batch)
        output.mkdir(exist_ok=True)
        run = Run(batch.request, output, settled, settle=journal.write, ended=ended, paused=self._paused)
        run.total, run.summary = batch.total, dict(batch.summary)
        running = replace(batch, state=State.RUNNING, started=batch.started or now())
        with self._lock:
            # It may have been cancelled, or the server stopped, since it was looked for.
            if self._stopping.is_set() or self._store.get(batch.identifier) != batch:
                return True
            self._store.save(running)
            self._current = running, run, ended
        after = running
        began = time.monotonic()
        try:
            self._kind.run(run)
            after = replace(running, state=State.DONE, ended=now(), code=None, detail="")
        except InterruptedBatch:
            pass
        except BatchError as error:
            after = replace(running, state=State.FAILED, ended=now(), code=error.code, detail=error.detail)
        except (OSError, ServerError) as error:
            after = replace(running, state=State.WAITING, code=_code_of(error), detail=_kind_of(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs this batch alone
            after = replace(running, state=State.FAILED, ended=now(), code=Code.INTERNAL_ERROR, detail=_kind_of(error))
        finally:
            self._leave(replace(after, done=run.done, total=run.total, summary=run.summary))
        self._warn(
            f"AI: {self._kind.name} {after.state}: {run.done} settled, {after.code or 'no fault'}, "
            f"{time.monotonic() - began:.1f} s"
        )
        return after.state is not State.WAITING or run.done > before

    def _fail(self, batch: Batch, detail: str) -> None:
        """A batch cannot even be begun: else it would keep back all that come after it."""
        self._warn(f"AI: {self._kind.name} {State.FAILED}: {Code.BATCHES_UNAVAILABLE}: {detail}")
        failed = replace(batch, state=State.FAILED, ended=now(), code=Code.BATCHES_UNAVAILABLE, detail=detail)
        with self._lock:
            # It may have been taken away meanwhile.
            if self._store.get(batch.identifier) == batch:
                self._store.save(failed)

    def _leave(self, batch: Batch) -> None:
        with self._lock:
            self._current = None
            if batch.identifier not in self._removed:
                self._store.save(batch)
                return
            self._removed.discard(batch.identifier)
            away = self._store.take_away(batch)
        _delete(away)


def _delete(folder: Path) -> None:
    # Somebody else may be at it.
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _kind_of(error: Exception) -> str:
    """What went wrong, without the names of files and what else messages hold of patients."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _code_of(error: Exception) -> Code:
    return Code.DATABASE_BUSY if isinstance(error, ServerError) else Code.BATCHES_UNAVAILABLE


def _unavailable(error: OSError) -> BatchError:
    return BatchError(Code.BATCHES_UNAVAILABLE, _kind_of(error))

"""The jobs in hand: what is due, in which order, and by whom it is done."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .analyses import Analysis
from .codes import Code
from .courtesy import Courtesy
from .faults import StoppingError, place
from .job import Job, Knocks
from .retries import pause_s
from .server import Server, ServerError

STOP_S = 10.0
"""How long a stopping server waits for what runs: its workers are taken away, so nothing takes long."""


@dataclass(frozen=True, slots=True)
class LastError:
    """The latest trouble: its code and when (ISO 8601, UTC); nothing about whose image it was."""

    code: Code
    at: str


@dataclass(frozen=True, slots=True)
class InHand:
    """A job in hand, for those who ask.

    Attributes
    ----------
    attempts
        How often Orthanc's index could not be read or written for it; each time it is tried again.
    since
        When it was taken (UTC).
    """

    analysis: Analysis
    identifier: str
    running: bool
    urgent: bool
    asked: bool
    attempts: int
    since: datetime


@dataclass(slots=True, eq=False)
class _Entry:
    """A job in hand and where it stands. Its ticket tells its latest place in the queue from older ones."""

    analysis: Analysis
    identifier: str
    done: list[Callable[[], None]]
    asked: bool
    urgent: bool
    ticket: int = -1
    running: bool = False
    again: bool = False
    attempts: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def rank(self) -> int:
        """What comes first: what is urgent, then what somebody waits for, then the rest in its order."""
        return 0 if self.urgent else 1 if self.asked else 2


class Jobs:
    """The jobs in hand. Their number is bounded; what waits beyond that waits in Orthanc's change log.

    Parameters
    ----------
    server
        Whose log is told of trouble.
    analyses
        By name.
    job
        Does each of them.
    parallel
        How many jobs are in flight at once: more than workers, so that one is fetched and one is stored meanwhile.
    capacity
        How many jobs may be in hand.
    knocks
        Who is told what.
    first_pause_s
        Seconds until a job is tried again for which Orthanc's index could not be read or written.
    courtesy
        When ordinary jobs step back before senders; without it, never.
    """

    def __init__(
        self,
        server: Server,
        analyses: Mapping[str, Analysis],
        job: Job,
        knocks: Knocks,
        *,
        parallel: int,
        capacity: int,
        first_pause_s: float,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._server = server
        self._analyses = analyses
        self._job = job
        self._knocks = knocks
        self._capacity = capacity
        self._first_pause_s = first_pause_s
        self._courtesy = courtesy or Courtesy(0)
        self._changed = threading.Condition()
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._ready: list[tuple[int, int, _Entry]] = []
        self._later: list[tuple[float, int, _Entry]] = []
        self._tickets = 0
        self._stopping = False
        self.ended: Counter[Code] = Counter()
        self.last_error: LastError | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"ai-job-{number}", daemon=True) for number in range(parallel)
        ]
        for thread in self._threads:
            thread.start()

    # Taking jobs

    def room(self) -> int:
        """How many further jobs may be submitted."""
        with self._changed:
            return self._capacity - len(self._entries)

    def count(self) -> tuple[int, int]:
        """Jobs that wait and jobs that run."""
        with self._changed:
            running = sum(entry.running for entry in self._entries.values())
            return len(self._entries) - running, running

    def in_hand(self) -> list[InHand]:
        """All jobs in hand: those that run, then those that wait, in their order."""
        with self._changed:
            entries = sorted(self._entries.values(), key=lambda one: (not one.running, one.rank, one.ticket))
            return [
                InHand(one.analysis, one.identifier, one.running, one.urgent, one.asked, one.attempts, one.since)
                for one in entries
            ]

    def submit(
        self,
        name: str,
        identifier: str,
        done: Callable[[], None] = lambda: None,
        *,
        asked: bool = False,
        urgent: bool = False,
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
            Somebody asks for it: an image with a settled outcome is then compared with today's recipe, and what has been
            given up is tried again.
        urgent
            It overtakes what is not.
        """
        key = (name, identifier)
        with self._changed:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(self._analyses[name], identifier, [done], asked, urgent)
                self._queue(entry)
                return
            rank = entry.rank
            entry.done.append(done)
            entry.asked, entry.urgent = entry.asked or asked, entry.urgent or urgent
            if entry.running:
                entry.again = True
            elif entry.rank < rank:
                self._queue(entry)

    def _queue(self, entry: _Entry, pause: float = 0.0) -> None:
        self._tickets += 1
        entry.ticket = self._tickets
        if pause:
            heapq.heappush(self._later, (time.monotonic() + pause, entry.ticket, entry))
        else:
            heapq.heappush(self._ready, (entry.rank, entry.ticket, entry))
        self._changed.notify()

    def give_up(self) -> None:
        """Begin nothing more: what is in hand is not settled, so it comes again after the restart."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def join(self) -> None:
        """Wait for the end of what runs."""
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    # Doing them

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            self._work(entry)

    def _next(self) -> _Entry | None:
        """Wait for the next job that is due; ``None`` if the server stops."""
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    _, ticket, entry = heapq.heappop(self._later)
                    if ticket == entry.ticket:
                        heapq.heappush(self._ready, (entry.rank, ticket, entry))
                wait = self._later[0][0] - now if self._later else None
                while self._ready:
                    _, ticket, entry = self._ready[0]
                    if ticket == entry.ticket and not entry.running:
                        if not entry.urgent and (courtesy := self._courtesy.wait_s()):
                            wait = courtesy if wait is None else min(wait, courtesy)
                            break
                        self._courtesy.begun()
                        entry.running, entry.again = True, False
                        heapq.heappop(self._ready)
                        return entry
                    heapq.heappop(self._ready)
                self._changed.wait(wait)
            return None

    def _work(self, entry: _Entry) -> None:
        try:
            ended = self._job.do(entry.analysis, entry.identifier, asked=entry.asked)
        except StoppingError:
            return
        except ServerError as error:
            # The state could not be read or written, so the place in the change log must not move.
            self._again_later(entry, Code.DATABASE_BUSY, str(error))
            return
        except Exception as error:  # noqa: BLE001 - a fault in our own code must not lose the job silently
            self._again_later(entry, Code.INTERNAL_ERROR, place(error))
            return
        if ended.code in (Code.FAILED, Code.RETRYING):
            self._trouble(ended.reason or ended.code)
        with self._changed:
            if ended.code is not None:
                self.ended[ended.code] += 1
            entry.running = False
            if entry.again or ended.again:
                self._queue(entry)
                return
            del self._entries[entry.analysis.name, entry.identifier]
        for done in entry.done:
            done()
        self._knocks.room()

    def _again_later(self, entry: _Entry, code: Code, detail: str) -> None:
        """Try a job again after a pause, and leave the thread to others meanwhile."""
        self._trouble(code)
        with self._changed:
            entry.attempts += 1
            pause = pause_s(self._first_pause_s, entry.attempts)
            entry.running = False
            self._queue(entry, pause)
        self._server.error(f"AI: {entry.analysis.name}: {code}: {detail}; trying again in {pause:.0f} s")

    def _trouble(self, code: Code) -> None:
        self.last_error = LastError(code, datetime.now(UTC).isoformat(timespec="seconds"))

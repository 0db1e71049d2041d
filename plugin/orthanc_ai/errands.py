"""Errands: work that no row of the change log tells of.

What is held or was given up, what somebody asks for, what the archive holds without an outcome. Each errand is a sweep
through Orthanc's index, which gives its work in pages.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from .analyses import Analysis
from .codes import Code
from .jobs import Jobs
from .outcomes import REQUEST_METADATA, search_pattern
from .server import Level, Server, ServerError
from .sweeps import WAITING, ArchiveSweep, OutcomeSweep, Reconciliation, RequestSweep, Running, Sweep

URGENT_RESERVE = 20
"""Room among the jobs that is left to what is urgent alone."""

SWEEP_SHARE = 400
"""How much of the work of all sweeps is begun at once, so that what arrives does not wait behind a whole archive."""

REQUESTS_AT_ONCE = 4
"""Requests that are carried out side by side; the others wait, a few bytes each, in memory and in the index."""

REST_S = 2.0
"""A sweep whose page could not be read is left alone so long."""

_LEVELS: tuple[Level, ...] = ("instance", "series", "study", "patient")


class Errands:
    """Takes errands on any thread; carries them out, some more each round, on the thread of the inbox.

    Parameters
    ----------
    analyses
        Those whose held and failed work is taken up again.
    ring
        Wakes the inbox; returns at once.
    save
        Writes down, at once, what `wanted_scan` says.
    """

    def __init__(
        self,
        server: Server,
        jobs: Jobs,
        analyses: Sequence[Analysis],
        *,
        ring: Callable[[], None],
        save: Callable[[], None],
    ) -> None:
        self._server = server
        self._jobs = jobs
        self._analyses = tuple(analyses)
        self._ring = ring
        self._save = save
        self._lock = threading.Lock()
        self._request_lock = threading.Lock()
        self._scan_lock = threading.Lock()
        self._settled: list[Running] = []
        self._requests: dict[tuple[Level, str], None] = {}
        self._requests_to_load = True
        self._wanted_sweeps: list[Code] = []
        self._sweeps: list[Running] = []
        self._archive: Running | None = None
        self._begun = ""
        self._scan_wanted = False

    # Called from elsewhere, on any thread

    def release_held(self) -> None:
        """What was held may go on: its model is there, or the pause is over."""
        self._sweep_outcomes(Code.HELD)

    def retry_failed(self) -> int:
        """Take up again everything that was given up; how much that is."""
        failed = sum(
            self._server.count(one.level, metadata={one.metadata: search_pattern(Code.FAILED)})
            for one in self._analyses
        )
        if failed:
            self._sweep_outcomes(Code.FAILED)
        return failed

    def _sweep_outcomes(self, code: Code) -> None:
        with self._lock:
            self._wanted_sweeps.append(code)
        self._ring()

    def request(self, level: Level, identifier: str) -> None:
        """Take what somebody asks for. Afterwards the caller writes it into the index, so that it outlives a restart.

        In this order it is at worst done twice, which changes nothing.
        """
        # Not while an earlier one is taken out of the index: the caller's entry must come after that.
        with self._request_lock, self._lock:
            self._requests[level, identifier] = None
        self._ring()

    def reconcile(self, since: date | None) -> None:
        """Look through the whole archive for what has no outcome.

        Parameters
        ----------
        since
            Earliest day of reception. Without it, when the first start was, or what its backfill said.
        """
        with self._scan_lock:
            if since is not None:
                self._begun = min(self._begun, since.strftime("%Y%m%d"))
            self._scan_wanted = True
        # Written down before anybody is told that it will be done.
        self._save()
        self._ring()

    def reconciliation(self) -> Reconciliation | None:
        """The look through the archive that is wanted or runs, or the latest one since the start."""
        archive = self._archive
        latest = None
        if archive is not None and isinstance(archive.sweep, ArchiveSweep):
            latest = archive.sweep.progress(len(archive.due) + archive.open)
        return WAITING if self._scan_wanted and not (latest and latest.running) else latest

    def wanted_scan(self) -> tuple[str, bool]:
        """Earliest reception of what concerns us (see `ArchiveSweep`), and whether a look from there on is not done."""
        with self._scan_lock:
            scanning = any(isinstance(one.sweep, ArchiveSweep) for one in list(self._sweeps))
            return self._begun, self._scan_wanted or scanning

    @property
    def requested(self) -> int:
        """Requests that are not carried out."""
        return len(self._requests) + sum(isinstance(one.sweep, RequestSweep) for one in self._sweeps)

    @property
    def idle(self) -> bool:
        """Whether none is left."""
        with self._lock:
            waiting = self._wanted_sweeps or self._requests or self._requests_to_load or self._scan_wanted
            return not (waiting or self._sweeps)

    # Called by the inbox, on its thread

    def resume(self, begun: str, *, scan: bool) -> None:
        """Go on after a start.

        Parameters
        ----------
        begun, scan
            What `wanted_scan` said before.
        """
        with self._scan_lock:
            self._begun, self._scan_wanted = begun, scan
        # What was held when the server stopped may have its model now.
        self.release_held()

    def look_through(self) -> None:
        """The change log has hidden something: look through the archive once more."""
        with self._scan_lock:
            self._scan_wanted = True

    def load_requests(self) -> None:
        """Take up what was asked for before the server stopped."""
        if not self._requests_to_load:
            return
        for level in _LEVELS:
            for identifier in self._server.identifiers(level, metadata={REQUEST_METADATA: "*"}):
                self.request(level, identifier)
        self._requests_to_load = False

    def collect(self) -> None:
        """Count what is done."""
        with self._lock:
            settled, self._settled = self._settled, []
        for running in settled:
            running.open -= 1

    def begin(self) -> None:
        """Begin what is wanted."""
        # A log that is cleared from now on asks for another look at the archive after this one.
        with self._scan_lock:
            if self._scan_wanted and not any(isinstance(one.sweep, ArchiveSweep) for one in self._sweeps):
                self._archive = self._start(ArchiveSweep(self._begun))
                self._scan_wanted = False
        with self._lock:
            for code in dict.fromkeys(self._wanted_sweeps):
                for analysis in self._analyses:
                    self._start_outcomes(code, analysis)
            self._wanted_sweeps = []
            running = {one.sweep.key for one in self._sweeps if isinstance(one.sweep, RequestSweep)}
            # What is asked for once more while it is carried out comes again afterwards.
            ready = [key for key in self._requests if key not in running][: REQUESTS_AT_ONCE - len(running)]
            for key in ready:
                del self._requests[key]
                self._start(RequestSweep(*key))

    def _start_outcomes(self, code: Code, analysis: Analysis) -> None:
        """Look at all outcomes with a code; a sweep that does so already begins anew, so that there is but one."""
        for running in self._sweeps:
            if isinstance(running.sweep, OutcomeSweep) and running.sweep.key == (code, analysis.name):
                running.sweep.restart()
                running.exhausted = False
                return
        self._start(OutcomeSweep(code, analysis, asked=code is Code.FAILED))

    def _start(self, sweep: Sweep) -> Running:
        running = Running(sweep)
        self._sweeps.append(running)
        return running

    def advance(self, slice_s: float, stopping: threading.Event) -> bool:
        """Begin some more of what the sweeps find, as long as there is room; whether there is more.

        Parameters
        ----------
        slice_s
            Seconds that each sweep may take.
        """
        more = False
        share = SWEEP_SHARE // max(1, len(self._sweeps))
        for running in list(self._sweeps):
            if running.rests_until > time.monotonic():
                continue
            try:
                more = self._advance(running, share, slice_s, stopping) or more
            except ServerError as error:
                # What cannot be read for this one must not keep the others waiting.
                self._server.error(f"AI: inbox: {error}; trying again")
                running.rests_until = time.monotonic() + REST_S
        return more

    def _advance(self, running: Running, share: int, slice_s: float, stopping: threading.Event) -> bool:
        until = time.monotonic() + slice_s
        while running.may_go_on and running.open < share and self._jobs.room() > URGENT_RESERVE:
            running.fill(self._server)
            if running.due:
                wanted = running.due.popleft()
                running.open += 1
                done = partial(self._settle, running)
                self._jobs.submit(wanted.analysis, wanted.identifier, done, asked=wanted.asked)
            if time.monotonic() > until or stopping.is_set():
                break
        if running.done:
            self._finish(running)
            return False
        return running.may_go_on and running.open < share

    def _settle(self, running: Running) -> None:
        """Called on a job's thread: the counts are the inbox's own, so leave a note and ring."""
        with self._lock:
            self._settled.append(running)
        self._ring()

    def _finish(self, running: Running) -> None:
        """A sweep has ended, and all that it found is done: a crash before would have lost what was not."""
        sweep = running.sweep
        # A request that is made again now waits, and is written into the index after this one was taken out.
        with self._request_lock:
            if isinstance(sweep, RequestSweep):
                sweep.keep = sweep.key in self._requests
            sweep.finish(self._server)
        with self._lock:
            self._sweeps.remove(running)
        self._save()

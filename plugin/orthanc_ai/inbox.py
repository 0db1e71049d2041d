"""The inbox: one way in for everything, whether it arrives, was there before, or comes back after a crash.

Orthanc's change log is the durable queue. The inbox reads on from its saved place, and saves the place up to which
everything is settled. Callbacks only ring the bell.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from .analyses import CARDIAC, XRAY, Analysis
from .codes import Code
from .courtesy import PAGE as RUSH_PAGE
from .courtesy import SLICE_S as RUSH_SLICE_S
from .courtesy import STEP_S as RUSH_STEP_S
from .courtesy import Courtesy
from .jobs import Jobs
from .ledger import Ledger
from .outcomes import REQUEST_METADATA, search_pattern
from .retries import Retries
from .server import ORTHANC_TIME, Change, Level, Resource, Server, ServerError
from .settings import Priority
from .sweeps import WAITING, ArchiveSweep, OutcomeSweep, Reconciliation, RequestSweep, Running, Sweep
from .workers import place
from .xray.select import is_xray

PROPERTY = 1024
"""Number of Orthanc's global property that holds the saved place; 1024 is the first one for users."""

KINDS = ("NewInstance", "StableStudy")
"""Rows of the change log that are read."""

PAGE = 100
"""Rows of the change log read at once."""

NET_S = 2.0
"""The bell is rung at each event; this slow timer catches what rang while nobody listened."""

REMEMBERED_SERIES = 10_000
"""How many series' studies are remembered; each takes about 300 bytes."""

SLICE_S = 0.2
"""Sweeps and the look ahead step back after so long, so that arrivals are read meanwhile and a stop is noticed."""

RUSH_LOOK_S = 0.25
"""How often it is looked whether a rush is over."""

SAVE_S = 1.0
"""The place is saved at most this often while work goes on: what a crash repeats is found done in the index."""

SWEEP_SHARE = 400
"""How much of the work of all sweeps is begun at once, so that what arrives does not wait behind a whole archive."""

RETRY_SHARE = 200
"""How much of what is tried again is begun at once, so that it keeps nothing else from its first attempt."""

RESERVE = 100
"""Room among the jobs that ordinary arrivals leave to what is urgent, asked for, or tried again."""

URGENT_RESERVE = 20
"""Room among the jobs that is left to what is urgent alone."""

COUNTED_MODALITIES = 100
"""Modalities that are counted by name, about twice as many as DICOM knows: senders can write there what they like."""

REQUESTS_AT_ONCE = 4
"""Requests that are carried out side by side; the others wait, a few bytes each, in memory and in the index."""

_LEVELS: tuple[Level, ...] = ("instance", "series", "study", "patient")


@dataclass(slots=True)
class _Study:
    """A CT study whose images have arrived and that is not known to be complete yet."""

    sequence: int
    seen: float
    urgent: bool


@dataclass(frozen=True, slots=True)
class _Owner:
    """The study that a series belongs to, and whether it is urgent."""

    identifier: str
    urgent: bool


class Inbox:
    """Reads the change log and turns its rows into jobs.

    Parameters
    ----------
    analyses
        Those whose held and failed work is taken up again.
    backfill
        What the first start does with what is stored already: ``none``, ``all`` or ``since:YYYY-MM-DD``.
    born
        When the plugin was loaded: what was stored before lay there already at a first start.
    stable_age
        Seconds without a new image after which Orthanc calls a study stable (its setting `StableAge`).
    priority
        What overtakes the rest.
    courtesy
        When to read slowly, since senders come first; without it, never.
    """

    def __init__(
        self,
        server: Server,
        jobs: Jobs,
        retries: Retries,
        analyses: Sequence[Analysis],
        *,
        backfill: str,
        born: datetime,
        stable_age: float,
        priority: Priority,
        courtesy: Courtesy | None = None,
    ) -> None:
        self._server = server
        self._jobs = jobs
        self._retries = retries
        self._analyses = tuple(analyses)
        self._backfill = backfill
        self._born = born
        self._stable_age = stable_age
        self._priority = priority
        self._courtesy = courtesy or Courtesy(0)
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._request_lock = threading.Lock()
        self._save_lock = threading.Lock()
        self._settled: list[int | Running | None] = []
        self._trying_again = 0
        self._requests: dict[tuple[Level, str], None] = {}
        self._requests_to_load = True
        self._wanted_sweeps: list[Code] = []
        self._sweeps: list[Running] = []
        self._archive: Running | None = None
        self._scan_wanted = False
        self._studies: dict[str, _Study] = {}
        self._study_of_series: dict[str, _Owner] = {}
        self._ahead = 0
        self._begun = ""
        self._begun_reading = False
        self._saved = ""
        self._saved_at = 0.0
        self.ledger = Ledger(0)
        self.counted: Counter[str] = Counter()
        self.on_begun: Callable[[], None] = lambda: None

    # Called from elsewhere, on any thread

    def ring(self) -> None:
        """Something may have changed. Returns at once."""
        self._bell.set()

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
        self._bell.set()

    def retry_later(self, analysis: str, identifier: str, seconds: float) -> None:
        """A job has failed and is to be tried again after so many seconds."""
        self._retries.add(analysis, identifier, seconds)
        self._bell.set()

    def request(self, level: Level, identifier: str) -> None:
        """Take what somebody asks for. Afterwards the caller writes it into the index, so that it outlives a restart.

        In this order it is at worst done twice, which changes nothing.
        """
        # Not while an earlier one is taken out of the index: the caller's entry must come after that.
        with self._request_lock, self._lock:
            self._requests[level, identifier] = None
        self._bell.set()

    def reconcile(self, since: date | None) -> None:
        """Look through the whole archive for what has no outcome.

        Parameters
        ----------
        since
            Earliest day of reception. Without it, when the first start was, or what its backfill said.
        """
        with self._save_lock:
            if since is not None:
                self._begun = min(self._begun, since.strftime("%Y%m%d"))
            self._scan_wanted = True
        # Written down before anybody is told that it will be done.
        self._save(force=True)
        self._bell.set()

    def reconciliation(self) -> Reconciliation | None:
        """The look through the archive that is wanted or runs, or the latest one since the start."""
        archive = self._archive
        latest = None
        if archive is not None and isinstance(archive.sweep, ArchiveSweep):
            latest = archive.sweep.progress(len(archive.due) + archive.open)
        return WAITING if self._scan_wanted and not (latest and latest.running) else latest

    def waiting(self) -> tuple[int, int]:
        """Requests that are not carried out, and CT studies that are not complete yet."""
        return len(self._requests) + sum(isinstance(one.sweep, RequestSweep) for one in self._sweeps), len(
            self._studies
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do but to read on from the place."""
        with self._lock:
            busy = self._sweeps or self._wanted_sweeps or self._requests or self._requests_to_load or self._scan_wanted
            return self._begun_reading and not busy

    def stop(self) -> None:
        """Stop reading."""
        self._stopping.set()
        self._bell.set()

    # The loop

    def run(self) -> None:
        """Read until told to stop. Runs on a thread of its own, which no error ends."""
        begun = False
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                if not begun:
                    self._begin()
                    begun = True
                    self.on_begun()
                busy = self._step()
            except ServerError as error:
                self._trouble(str(error))
            except Exception as error:  # noqa: BLE001 - the one thread on which everything depends
                self._trouble(f"{Code.INTERNAL_ERROR}: {place(error)}")
            else:
                if self._courtesy.rush:
                    self._rest_in_rush()
                elif not busy:
                    self._bell.wait(self._pause_s())
        try:
            if begun:
                self._collect()
                self._save(force=True)
        except ServerError as error:
            self._server.error(f"AI: inbox: the place was not saved: {error}")

    def _rest_in_rush(self) -> None:
        """Wait, however often the bell rings, until the next round is due or the rush is over."""
        until = time.monotonic() + RUSH_STEP_S
        while self._courtesy.rush and time.monotonic() < until and not self._stopping.is_set():
            self._stopping.wait(RUSH_LOOK_S)

    def _trouble(self, what: str) -> None:
        # Whoever rings meanwhile waits: a database that fails is not to be asked, nor the log filled, at each event.
        self._server.error(f"AI: inbox: {what}; trying again")
        self._stopping.wait(NET_S)

    def _pause_s(self) -> float:
        """Seconds until something is due, whether the bell rings before or not."""
        due = self._retries.next_s()
        # What is due and has no room waits for the bell, which rings as soon as there is some.
        return NET_S if due is None or self._retry_room() <= 0 else min(NET_S, due)

    def _begin(self) -> None:
        text = self._server.property(PROPERTY)
        if text:
            saved = json.loads(text)
            self.ledger = Ledger(saved["place"])
            self._begun, self._scan_wanted = saved["begun"], saved["scan"]
        else:
            self.ledger = Ledger(self._server.last_change_before(self._born))
            self._begun, self._scan_wanted = _first_reception(self._backfill, self._born), self._backfill != "none"
            if self.ledger.position and not self._scan_wanted:
                self._server.warn(
                    "AI: first start on an archive that holds images: AI.Backfill is none, so only what arrives from now "
                    "on is analysed"
                )
        # What was held when the server stopped may have its model now.
        self.release_held()
        self._begun_reading = True
        self._save(force=True)

    def _step(self) -> bool:
        """One round; whether there is more to do at once."""
        self._collect()
        self._load_requests()
        self._complete_studies()
        self._try_again()
        more = False
        room = self._jobs.room() - RESERVE
        if room > 0:
            more = self._read(min(room, RUSH_PAGE if self._courtesy.rush else PAGE))
        elif self._jobs.room() > 0:
            self._look_ahead()
        self._begin_sweeps()
        more = self._advance_sweeps() or more
        self._collect()
        self._save()
        return more and self._jobs.room() > RESERVE

    def _slice_s(self) -> float:
        return RUSH_SLICE_S if self._courtesy.rush else SLICE_S

    def _read(self, limit: int) -> bool:
        """Read a page of the change log; whether there may be more."""
        page = self._server.changes(self.ledger.position, limit, KINDS)
        # In this order: rows that vanish after the page was read are found missing in the next round.
        self._check_log()
        for change in page.rows:
            if self._stopping.is_set():
                return False
            self._take(change)
            self.ledger.read(change.sequence)
        return bool(page.rows) and not page.done

    def _check_log(self) -> None:
        """Notice that the log was cleared: its first row then lies beyond our place, and what is between is hidden.

        Rows vanish singly too, when their resource is deleted; those hide nothing.
        """
        page = self._server.changes(0, 1, ())
        first = page.rows[0].sequence if page.rows else page.last + 1
        if first > self.ledger.position + 1:
            self._server.warn("AI: the change log was cleared")
            self._scan_wanted = True
            self.ledger.read(first - 1)
            self._save(force=True)

    def _take(self, change: Change) -> None:
        if change.kind == "StableStudy":
            self._stable(change)
            return
        found = self._server.resource("instance", change.resource, ("Modality",))
        if found is None:
            return
        modality = str(found.tags.get("Modality", ""))
        if _is_xray(found):
            self._submit(XRAY, change.resource, change.sequence, urgent=self._is_urgent(found))
        elif modality == "CT":
            self._wait_for_study(found, change.sequence)
        else:
            known = modality in self.counted or len(self.counted) < COUNTED_MODALITIES
            self.counted[(modality or "none") if known else "other"] += 1

    def _submit(self, name: str, identifier: str, sequence: int, *, urgent: bool) -> None:
        self.ledger.begin(sequence)
        self._jobs.submit(name, identifier, partial(self._settle, sequence), urgent=urgent)

    def _try_again(self) -> None:
        for name, identifier in self._retries.take(self._retry_room()):
            self._trying_again += 1
            self._jobs.submit(name, identifier, partial(self._settle, None))

    def _retry_room(self) -> int:
        return min(RETRY_SHARE - self._trying_again, self._jobs.room() - URGENT_RESERVE)

    def _settle(self, what: int | Running | None) -> None:
        """Called on a job's thread: the ledger is the loop's own, so leave a note and ring."""
        with self._lock:
            self._settled.append(what)
        self._bell.set()

    def _collect(self) -> None:
        with self._lock:
            settled, self._settled = self._settled, []
        for what in settled:
            if what is None:
                self._trying_again -= 1
            elif isinstance(what, Running):
                what.open -= 1
            else:
                self.ledger.settle(what)

    # What overtakes the rest

    def _is_urgent(self, found: Resource) -> bool:
        if self._priority.is_urgent(found.metadata):
            return True
        if not self._priority.stat:
            return False
        study = self._study_of(found.parent)
        return study is not None and study.urgent

    def _look_ahead(self) -> None:
        """While there is no room for what comes next, look further ahead for what is urgent.

        What is found there comes once more in its turn, and is found done.
        """
        if not (self._priority.remote_aet or self._priority.called_aet or self._priority.stat):
            return
        until = time.monotonic() + self._slice_s()
        self._ahead = max(self._ahead, self.ledger.position)
        while time.monotonic() < until and self._jobs.room() > 0:
            page = self._server.changes(self._ahead, PAGE, KINDS[:1])
            for change in page.rows:
                if self._stopping.is_set() or self._jobs.room() <= 0:
                    return
                found = self._server.resource("instance", change.resource, ("Modality",))
                if found and _is_xray(found) and self._is_urgent(found):
                    self._jobs.submit(XRAY, change.resource, urgent=True)
                self._ahead = change.sequence
            if not page.rows or page.done:
                return

    # CT studies: Orthanc's stable events live in memory, so the place stays before a study's images until it is judged

    def _wait_for_study(self, found: Resource, sequence: int) -> None:
        owner = self._study_of(found.parent)
        if owner is None:
            return
        study = self._studies.get(owner.identifier)
        if study is None:
            urgent = self._is_urgent(found)
            # The first image of a study holds the place; the others come after it anyway.
            self.ledger.begin(sequence)
            self._studies[owner.identifier] = _Study(sequence, time.monotonic(), urgent)
        else:
            study.seen = time.monotonic()

    def _study_of(self, series: str) -> _Owner | None:
        """A series' study, remembered: the slices of a series come by the thousand."""
        if series not in self._study_of_series:
            found = self._server.study_of("series", series)
            if found is None:
                return None
            if len(self._study_of_series) >= REMEMBERED_SERIES:
                self._study_of_series.clear()
            self._study_of_series[series] = _Owner(found.identifier, self._priority.is_stat(found.tags))
        return self._study_of_series[series]

    def _stable(self, change: Change) -> None:
        waiting = self._studies.pop(change.resource, None)
        self._submit(CARDIAC, change.resource, change.sequence, urgent=bool(waiting and waiting.urgent))
        if waiting:
            self._settle(waiting.sequence)

    def _complete_studies(self) -> None:
        """Take studies that have been quiet for longer than the stable age, event or not: a restart eats events."""
        quiet = time.monotonic() - self._stable_age - NET_S
        for identifier, study in [one for one in self._studies.items() if one[1].seen < quiet]:
            if self._stopping.is_set() or self._jobs.room() <= (0 if study.urgent else RESERVE):
                continue
            found = self._server.resource("study", identifier)
            if found is not None and not found.stable:
                study.seen = time.monotonic()
                continue
            del self._studies[identifier]
            self._jobs.submit(CARDIAC, identifier, partial(self._settle, study.sequence), urgent=study.urgent)

    # Sweeps: backfill, a cleared log, what was held or has failed, what somebody asked for

    def _load_requests(self) -> None:
        if not self._requests_to_load:
            return
        for level in _LEVELS:
            for identifier in self._server.identifiers(level, metadata={REQUEST_METADATA: "*"}):
                self.request(level, identifier)
        self._requests_to_load = False

    def _begin_sweeps(self) -> None:
        # A log that is cleared from now on asks for another look at the archive after this one.
        if self._scan_wanted and not any(isinstance(one.sweep, ArchiveSweep) for one in self._sweeps):
            with self._save_lock:
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

    def _advance_sweeps(self) -> bool:
        """Begin some more of what the sweeps find, as long as there is room and not for long; whether there is more."""
        more = False
        share = SWEEP_SHARE // max(1, len(self._sweeps))
        for running in list(self._sweeps):
            if running.rests_until > time.monotonic():
                continue
            try:
                more = self._advance(running, share) or more
            except ServerError as error:
                # What cannot be read for this one must not keep the others waiting.
                self._server.error(f"AI: inbox: {error}; trying again")
                running.rests_until = time.monotonic() + NET_S
        return more

    def _advance(self, running: Running, share: int) -> bool:
        until = time.monotonic() + self._slice_s()
        while running.may_go_on and running.open < share and self._jobs.room() > URGENT_RESERVE:
            running.fill(self._server)
            if running.due:
                wanted = running.due.popleft()
                running.open += 1
                done = partial(self._settle, running)
                self._jobs.submit(wanted.analysis, wanted.identifier, done, asked=wanted.asked)
            if time.monotonic() > until or self._stopping.is_set():
                break
        if running.done:
            self._finish(running)
            return False
        return running.may_go_on and running.open < share

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
        self._save(force=True)

    # The place

    def _save(self, *, force: bool = False) -> None:
        with self._save_lock:
            scan = self._scan_wanted or any(isinstance(one.sweep, ArchiveSweep) for one in list(self._sweeps))
            text = json.dumps({"place": self.ledger.place, "begun": self._begun, "scan": scan})
            if text == self._saved or (not force and time.monotonic() - self._saved_at < SAVE_S):
                return
            self._server.set_property(PROPERTY, text)
            self._saved, self._saved_at = text, time.monotonic()


def _is_xray(found: Resource) -> bool:
    return is_xray(str(found.tags.get("Modality", "")), found.metadata.get("SopClassUid", ""))


def _first_reception(backfill: str, born: datetime) -> str:
    """Earliest reception of what concerns us, in the form of Orthanc's `ReceptionDate` (UTC); empty for everything."""
    if backfill == "none":
        return born.strftime(ORTHANC_TIME)
    return backfill.removeprefix("since:").replace("-", "") if backfill.startswith("since:") else ""

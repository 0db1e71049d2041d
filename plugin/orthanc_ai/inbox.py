"""The inbox: one way in for everything, whether it arrives, was there before, or comes back after a crash.

Orthanc's change log is the durable queue. The inbox reads on from its saved place, and saves the place up to which
everything is settled. Callbacks only ring the bell.
"""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from .analyses import CARDIAC, XRAY
from .codes import Code
from .jobs import Jobs
from .ledger import Ledger
from .outcomes import CARDIAC_METADATA, XRAY_METADATA, search_pattern
from .server import ORTHANC_TIME, Change, Resource, Server, ServerError
from .workers import place
from .xray.select import is_xray

PROPERTY = 1024
"""Number of Orthanc's global property that holds the saved place; 1024 is the first one for users."""

PAGE = 100
"""Rows of the change log read at once."""

NET_S = 2.0
"""The bell is rung at each event; this slow timer catches what rang while nobody listened."""

REMEMBERED_SERIES = 10_000
"""How many series' studies are remembered; each takes about 200 bytes."""

SCAN_S = 0.2
"""The scan steps back after so long, so that arrivals are read meanwhile and a stop is noticed."""

SAVE_S = 1.0
"""The place is saved at most this often while work goes on: what a crash repeats is found done in the index."""


@dataclass(slots=True, eq=False)
class _Scan:
    """A look through the whole archive for what has no outcome: a backfill, or after the log was cleared.

    Attributes
    ----------
    studies
        Orthanc identifiers of the studies to look at, the next one last.
    due
        What was found and is not begun.
    open
        What was begun and is not settled.
    """

    studies: list[str]
    due: deque[tuple[str, str]] = field(default_factory=deque)
    open: int = 0


@dataclass(slots=True)
class _Study:
    """A CT study whose images have arrived and that is not known to be complete yet."""

    sequence: int
    seen: float


class Inbox:
    """Reads the change log and turns its rows into jobs.

    Parameters
    ----------
    backfill
        What the first start does with what is stored already: ``none``, ``all`` or ``since:YYYY-MM-DD``.
    born
        When the plugin was loaded: what was stored before lay there already at a first start.
    stable_age
        Seconds without a new image after which Orthanc calls a study stable (its setting `StableAge`).
    """

    def __init__(self, server: Server, jobs: Jobs, *, backfill: str, born: datetime, stable_age: float) -> None:
        self._server = server
        self._jobs = jobs
        self._backfill = backfill
        self._born = born
        self._stable_age = stable_age
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._settled_lock = threading.Lock()
        self._settled: list[int | _Scan] = []
        self._scan: _Scan | None = None
        self._scan_wanted = False
        self._requests: deque[tuple[str, str, bool]] = deque()
        self._release_held = threading.Event()
        self._studies: dict[str, _Study] = {}
        self._study_of_series: dict[str, str] = {}
        self._begun = ""
        self._begun_reading = False
        self._saved = ""
        self._saved_at = 0.0
        self.ledger = Ledger(0)
        self.counted: Counter[str] = Counter()
        self.on_begun: Callable[[], None] = lambda: None
        jobs.on_room = self.ring

    # Called from elsewhere

    def ring(self) -> None:
        """Something may have changed. Returns at once."""
        self._bell.set()

    def release_held(self) -> None:
        """What was held may go on: its model is there."""
        self._release_held.set()
        self._bell.set()

    def request(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Take what somebody asked for: analysis and resource. It waits in memory, a few bytes each."""
        self._requests.extend((name, identifier, True) for name, identifier in wanted)
        self._bell.set()

    def waiting(self) -> tuple[int, int]:
        """What was asked for and is not begun, and CT studies that are not complete yet."""
        return len(self._requests), len(self._studies)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do but to read on from the place."""
        busy = self._release_held.is_set() or self._requests or self._scan or self._scan_wanted
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
                self._server.error(f"AI: inbox: {error}; trying again")
                busy = False
            except Exception as error:  # noqa: BLE001 - the one thread on which everything depends
                self._server.error(f"AI: inbox: {Code.INTERNAL_ERROR}: {place(error)}; trying again")
                busy = False
            if not busy:
                self._bell.wait(NET_S)
        try:
            if begun:
                self._save(force=True)
        except ServerError as error:
            self._server.error(f"AI: inbox: the place was not saved: {error}")

    def _begin(self) -> None:
        text = self._server.property(PROPERTY)
        if text:
            saved = json.loads(text)
            self.ledger, self._begun, self._scan_wanted = Ledger(saved["place"]), saved["begun"], saved["scan"]
        else:
            self.ledger = Ledger(self._server.last_change_before(self._born))
            self._begun, self._scan_wanted = _first_reception(self._backfill, self._born), self._backfill != "none"
            if self.ledger.position and not self._scan_wanted:
                self._server.warn(
                    "AI: first start on an archive that holds images: AI.Backfill is none, so only what arrives from now "
                    "on is analysed"
                )
        # What was held when the server stopped may have its model now.
        self._release_held.set()
        self._begun_reading = True
        self._save(force=True)

    def _step(self) -> bool:
        """One round; whether there is more to do at once."""
        self._collect()
        if self._release_held.is_set():
            self._release_held.clear()
            held = {XRAY_METADATA: search_pattern(Code.HELD)}
            try:
                self._requests.extend(
                    (XRAY, found, False) for found in self._server.identifiers("instance", metadata=held)
                )
            except ServerError:
                self._release_held.set()
                raise
        self._complete_studies()
        room = self._jobs.room()
        more = False
        if room > 0:
            more = self._read(min(room, PAGE))
        more = self._advance_requests() or more
        more = self._advance_scan() or more
        self._collect()
        self._save()
        return more and self._jobs.room() > 0

    def _read(self, limit: int) -> bool:
        """Read a page of the change log; whether there may be more."""
        page = self._server.changes(self.ledger.position, limit, ("NewInstance", "StableStudy"))
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
            self.ledger.read(first - 1)
            self._scan_wanted = True
            self._save(force=True)

    def _take(self, change: Change) -> None:
        if change.kind == "StableStudy":
            self._stable(change)
            return
        found = self._server.resource("instance", change.resource, ("Modality",))
        if found is None:
            return
        modality = str(found.tags.get("Modality", ""))
        if is_xray(modality, found.metadata.get("SopClassUid", "")):
            self._submit(XRAY, change.resource, change.sequence)
        elif modality == "CT":
            self._wait_for_study(found, change.sequence)
        else:
            self.counted[modality or "none"] += 1

    def _submit(self, name: str, identifier: str, sequence: int) -> None:
        self.ledger.begin(sequence)
        self._jobs.submit(name, identifier, partial(self._settle, sequence))

    def _settle(self, what: int | _Scan) -> None:
        """Called on a job's thread: the ledger is the loop's own, so leave a note and ring."""
        with self._settled_lock:
            self._settled.append(what)
        self._bell.set()

    def _collect(self) -> None:
        with self._settled_lock:
            settled, self._settled = self._settled, []
        for what in settled:
            if isinstance(what, _Scan):
                what.open -= 1
            else:
                self.ledger.settle(what)

    # CT studies: Orthanc's stable events live in memory, so the place stays before a study's images until it is judged

    def _wait_for_study(self, found: Resource, sequence: int) -> None:
        identifier = self._study_of(found.parent)
        if identifier is None:
            return
        study = self._studies.get(identifier)
        if study is None:
            # The first image of a study holds the place; the others come after it anyway.
            self.ledger.begin(sequence)
            self._studies[identifier] = _Study(sequence, time.monotonic())
        else:
            study.seen = time.monotonic()

    def _study_of(self, series: str) -> str | None:
        """Orthanc identifier of a series' study, remembered: the slices of a series come by the thousand."""
        if series not in self._study_of_series:
            found = self._server.resource("series", series)
            if found is None:
                return None
            if len(self._study_of_series) >= REMEMBERED_SERIES:
                self._study_of_series.clear()
            self._study_of_series[series] = found.parent
        return self._study_of_series[series]

    def _stable(self, change: Change) -> None:
        waiting = self._studies.pop(change.resource, None)
        self._submit(CARDIAC, change.resource, change.sequence)
        if waiting:
            self._settle(waiting.sequence)

    def _complete_studies(self) -> None:
        """Take studies that have been quiet for longer than the stable age, event or not: a restart eats events."""
        quiet = time.monotonic() - self._stable_age - NET_S
        for identifier in [name for name, study in self._studies.items() if study.seen < quiet]:
            found = self._server.resource("study", identifier)
            if found is not None and not found.stable:
                self._studies[identifier].seen = time.monotonic()
                continue
            sequence = self._studies.pop(identifier).sequence
            self._jobs.submit(CARDIAC, identifier, partial(self._settle, sequence))

    # The archive: backfill, a cleared log, held work

    def _advance_scan(self) -> bool:
        """Look at some more studies, as long as there is room and not for long; whether there is more."""
        if self._scan is None:
            if not self._scan_wanted:
                return False
            self._scan = _Scan(self._server.identifiers("study"))
            # A log that is cleared from now on asks for another scan after this one.
            self._scan_wanted = False
            self._server.warn(f"AI: looking through {len(self._scan.studies)} studies for what has no outcome yet")
        scan, until = self._scan, time.monotonic() + SCAN_S
        while (scan.due or scan.studies) and self._jobs.room() > 0 and time.monotonic() < until:
            if scan.due:
                scan.open += 1
                self._jobs.submit(*scan.due.popleft(), partial(self._settle, scan))
            else:
                # Taken off the list only after it was read: an error must not make it look done.
                scan.due.extend(self._due(scan.studies[-1]))
                scan.studies.pop()
        if scan.due or scan.studies:
            return True
        if not scan.open:
            # Only now: a crash before would have lost what was found but not done.
            self._server.warn("AI: the archive has been looked through")
            self._scan = None
            self._save(force=True)
        return False

    def _due(self, study: str) -> list[tuple[str, str]]:
        """Analysis and resource of what a study holds that was received since we began and has no outcome."""
        due, has_ct = [], False
        for found in self._server.children("study", study, "instance", ("Modality",)):
            if found.metadata.get("ReceptionDate", "") < self._begun:
                continue
            modality = str(found.tags.get("Modality", ""))
            if is_xray(modality, found.metadata.get("SopClassUid", "")) and XRAY_METADATA not in found.metadata:
                due.append((XRAY, found.identifier))
            has_ct = has_ct or modality == "CT"
        if has_ct and self._server.metadata("study", study, CARDIAC_METADATA) is None:
            due.append((CARDIAC, study))
        return due

    def _advance_requests(self) -> bool:
        for _ in range(max(self._jobs.room(), 0)):
            if not self._requests:
                return False
            name, identifier, asked = self._requests.popleft()
            self._jobs.submit(name, identifier, asked=asked)
        return bool(self._requests)

    # The place

    def _save(self, *, force: bool = False) -> None:
        text = json.dumps(
            {"place": self.ledger.place, "begun": self._begun, "scan": self._scan_wanted or self._scan is not None}
        )
        if text == self._saved or (not force and time.monotonic() - self._saved_at < SAVE_S):
            return
        self._server.set_property(PROPERTY, text)
        self._saved, self._saved_at = text, time.monotonic()


def _first_reception(backfill: str, born: datetime) -> str:
    """Earliest reception of what concerns us, in the form of Orthanc's `ReceptionDate` (UTC); empty for everything."""
    if backfill == "none":
        return born.strftime(ORTHANC_TIME)
    return backfill.removeprefix("since:").replace("-", "") if backfill.startswith("since:") else ""

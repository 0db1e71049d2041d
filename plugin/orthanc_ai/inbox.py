"""The inbox: one way in for everything, whether it arrives, was there before, or comes back after a crash.

Orthanc's change log is the durable queue. The inbox reads on from its saved place, and saves the place up to which
everything is settled. Callbacks only ring the bell.
"""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from .codes import Code
from .jobs import Jobs
from .ledger import Ledger
from .outcomes import CARDIAC_METADATA, XRAY_METADATA, search_pattern
from .server import Change, Resource, Server, ServerError
from .xray.select import is_xray

PROPERTY = 1024
"""Number of Orthanc's global property that holds the saved place; 1024 is the first one for users."""

PAGE = 100
"""Rows of the change log read at once."""

NET_S = 2.0
"""The bell is rung at each event; this slow timer catches what rang while nobody listened."""

REMEMBERED_SERIES = 10_000
"""How many series' studies are remembered; each takes about 200 bytes."""

SAVE_S = 1.0
"""The place is saved at most this often while work goes on: what a crash repeats is found done in the index."""


@dataclass(slots=True)
class _Scan:
    """A look through the whole archive for what has no outcome: a backfill, or after the log was cleared."""

    found: Iterator[tuple[str, str]]
    exhausted: bool = False
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
    stable_age
        Seconds without a new image after which Orthanc calls a study stable (its setting `StableAge`).
    """

    def __init__(self, server: Server, jobs: Jobs, *, backfill: str, stable_age: float) -> None:
        self._server = server
        self._jobs = jobs
        self._backfill = backfill
        self._stable_age = stable_age
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._settled_lock = threading.Lock()
        self._settled: list[int] = []
        self._scan: _Scan | None = None
        self._requests: deque[tuple[str, str]] = deque()
        self._release_held = threading.Event()
        self._studies: dict[str, _Study] = {}
        self._study_of_series: dict[str, str] = {}
        self._begun = ""
        self._begun_reading = False
        self._saved = ""
        self._saved_at = 0.0
        self.ledger = Ledger(0)
        self.counted: Counter[str] = Counter()
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
        self._requests.extend(wanted)
        self._bell.set()

    def waiting(self) -> tuple[int, int]:
        """What was asked for and is not begun, and CT studies that are not complete yet."""
        return len(self._requests), len(self._studies)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do but to read on from the place."""
        busy = self._release_held.is_set() or self._requests or self._scan
        return self._begun_reading and not busy

    def stop(self) -> None:
        """Stop reading."""
        self._stopping.set()
        self._bell.set()

    # The loop

    def run(self) -> None:
        """Read until told to stop. Runs on a thread of its own."""
        while not self._stopping.is_set():
            try:
                self._begin()
                break
            except ServerError as error:
                self._server.error(f"AI: inbox: {error}; trying again")
                self._stopping.wait(NET_S)
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                busy = self._step()
            except ServerError as error:
                self._server.error(f"AI: inbox: {error}; trying again")
                busy = False
            if not busy:
                self._bell.wait(NET_S)
        try:
            self._save(force=True)
        except ServerError as error:
            self._server.error(f"AI: inbox: the place was not saved: {error}")

    def _begin(self) -> None:
        text = self._server.property(PROPERTY)
        if text:
            saved = json.loads(text)
            self.ledger, self._begun, scan = Ledger(saved["place"]), saved["begun"], saved["scan"]
        else:
            self.ledger = Ledger(self._server.last_change())
            self._begun, scan = _first_reception(self._backfill), self._backfill != "none"
            count = (self._server.get("/statistics") or {}).get("CountInstances", 0)
            if count and not scan:
                self._server.warn(
                    f"AI: first start on an archive of {count} instances: AI.Backfill is none, so only what arrives "
                    "from now on is analysed"
                )
        if scan:
            self._begin_scan("what was stored before")
        # What was held when the server stopped may have its model now.
        self._release_held.set()
        self._begun_reading = True
        self._save(force=True)

    def _step(self) -> bool:
        """One round; whether there is more to do at once."""
        self._collect()
        if self._release_held.is_set():
            held = {XRAY_METADATA: search_pattern(Code.HELD)}
            self._release_held.clear()
            self.request([("xray-findings", found) for found in self._server.identifiers("instance", metadata=held)])
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
            self.ledger.read(first - 1)
            self._begin_scan("what a cleared change log hides")
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
            self._submit("xray-findings", change.resource, change.sequence)
        elif modality == "CT":
            self._wait_for_study(found, change.sequence)
        else:
            self.counted[modality or "none"] += 1

    def _submit(self, name: str, identifier: str, sequence: int) -> None:
        self.ledger.begin(sequence)
        self._jobs.submit(name, identifier, partial(self._settle, sequence))

    def _settle(self, sequence: int) -> None:
        """Called on a job's thread: the ledger is the loop's own, so leave a note and ring. 0 stands for the scan."""
        with self._settled_lock:
            self._settled.append(sequence)
        self._bell.set()

    def _collect(self) -> None:
        with self._settled_lock:
            settled, self._settled = self._settled, []
        for sequence in settled:
            if sequence:
                self.ledger.settle(sequence)
            elif self._scan:
                self._scan.open -= 1

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
        self._submit("cardiac-ct", change.resource, change.sequence)
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
            self._jobs.submit("cardiac-ct", identifier, partial(self._settle, sequence))

    # The archive: backfill, a cleared log, held work

    def _scan_archive(self) -> Iterator[tuple[str, str]]:
        """Analysis and resource of everything that was received since we began and has no outcome, study by study."""
        for study in self._server.identifiers("study"):
            has_ct = False
            for found in self._server.children("study", study, "instance", ("Modality",)):
                if found.metadata.get("ReceptionDate", "") < self._begun:
                    continue
                modality = str(found.tags.get("Modality", ""))
                if is_xray(modality, found.metadata.get("SopClassUid", "")) and XRAY_METADATA not in found.metadata:
                    yield "xray-findings", found.identifier
                has_ct = has_ct or modality == "CT"
            if has_ct and self._server.metadata("study", study, CARDIAC_METADATA) is None:
                yield "cardiac-ct", study

    def _begin_scan(self, reason: str) -> None:
        self._server.warn(f"AI: looking through the archive for {reason}")
        self._scan = _Scan(self._scan_archive())

    def _advance_scan(self) -> bool:
        """Submit what the scan finds, as far as there is room; whether there is more."""
        scan = self._scan
        if scan is None:
            return False
        for _ in range(max(self._jobs.room(), 0) if not scan.exhausted else 0):
            following = next(scan.found, None)
            if following is None:
                scan.exhausted = True
                break
            scan.open += 1
            self._jobs.submit(*following, partial(self._settle, 0))
        if scan.exhausted and not scan.open:
            # Only now: a crash before would have lost what was found but not done.
            self._server.warn("AI: the archive has been looked through")
            self._scan = None
            self._save(force=True)
            return False
        return not scan.exhausted

    def _advance_requests(self) -> bool:
        for _ in range(max(self._jobs.room(), 0)):
            if not self._requests:
                return False
            self._jobs.submit(*self._requests.popleft())
        return bool(self._requests)

    # The place

    def _save(self, *, force: bool = False) -> None:
        text = json.dumps({"place": self.ledger.place, "begun": self._begun, "scan": self._scan is not None})
        if text == self._saved or (not force and time.monotonic() - self._saved_at < SAVE_S):
            return
        self._server.set_property(PROPERTY, text)
        self._saved, self._saved_at = text, time.monotonic()


def _first_reception(backfill: str) -> str:
    """Earliest reception of what concerns us, in the form of Orthanc's `ReceptionDate` (UTC); empty for everything."""
    if backfill == "none":
        return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return backfill.removeprefix("since:").replace("-", "") if backfill.startswith("since:") else ""

"""The inbox: one way in for everything, whether it arrives, was there before, or comes back after a crash.

Orthanc's change log is the durable queue. The inbox reads on from its saved place, and saves the place up to which
everything is settled. Callbacks only ring the bell.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from .analyses import CARDIAC, XRAY, Analysis
from .codes import Code
from .courtesy import PAGE as RUSH_PAGE
from .courtesy import SLICE_S as RUSH_SLICE_S
from .courtesy import STEP_S as RUSH_STEP_S
from .courtesy import Courtesy
from .errands import URGENT_RESERVE, Errands
from .faults import place
from .jobs import Jobs
from .ledger import Ledger
from .retries import Retries
from .server import ORTHANC_TIME, Change, Resource, Server, ServerError
from .settings import Priority
from .studies_to_come import StudiesToCome
from .xray.select import is_xray

PROPERTY = 1024
"""Number of Orthanc's global property that holds the saved place; 1024 is the first one for users."""

KINDS = ("NewInstance", "StableStudy")
"""Rows of the change log that are read."""

PAGE = 100
"""Rows of the change log read at once."""

NET_S = 2.0
"""The bell is rung at each event; this slow timer catches what rang while nobody listened."""

SLICE_S = 0.2
"""Sweeps and the look ahead step back after so long, so that arrivals are read meanwhile and a stop is noticed."""

RUSH_LOOK_S = 0.25
"""How often it is looked whether a rush is over."""

SAVE_S = 1.0
"""The place is saved at most this often while work goes on: what a crash repeats is found done in the index."""

RETRY_SHARE = 200
"""How much of what is tried again is begun at once, so that it keeps nothing else from its first attempt."""

RESERVE = 100
"""Room among the jobs that ordinary arrivals leave to what is urgent, asked for, or tried again."""

COUNTED_MODALITIES = 100
"""Modalities that are counted by name, about twice as many as DICOM knows: senders can write there what they like."""


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
        self._backfill = backfill
        self._born = born
        self._priority = priority
        self._courtesy = courtesy or Courtesy(0)
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._save_lock = threading.Lock()
        self._settled: list[int | None] = []
        self._trying_again = 0
        self._studies = StudiesToCome(server, priority, stable_age + NET_S)
        self._ahead = 0
        self._begun_reading = False
        self._saved = ""
        self._saved_at = 0.0
        self.errands = Errands(server, jobs, analyses, ring=self.ring, save=partial(self._save, force=True))
        self.ledger = Ledger(0)
        self.counted: Counter[str] = Counter()
        self.on_begun: Callable[[], None] = lambda: None

    # Called from elsewhere, on any thread

    def ring(self) -> None:
        """Something may have changed. Returns at once."""
        self._bell.set()

    def retry_later(self, analysis: str, identifier: str, seconds: float) -> None:
        """A job has failed and is to be tried again after so many seconds."""
        self._retries.add(analysis, identifier, seconds)
        self._bell.set()

    def waiting(self) -> tuple[int, int]:
        """Requests that are not carried out, and CT studies that are not complete yet."""
        return self.errands.requested, len(self._studies)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do but to read on from the place."""
        return self._begun_reading and self.errands.idle

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
            begun, scan = saved["begun"], saved["scan"]
        else:
            self.ledger = Ledger(self._server.last_change_before(self._born))
            begun, scan = _first_reception(self._backfill, self._born), self._backfill != "none"
            if self.ledger.position and not scan:
                self._server.warn(
                    "AI: first start on an archive that holds images: AI.Backfill is none, so only what arrives from now "
                    "on is analysed"
                )
        self.errands.resume(begun, scan=scan)
        self._begun_reading = True
        self._save(force=True)

    def _step(self) -> bool:
        """One round; whether there is more to do at once."""
        self._collect()
        self.errands.load_requests()
        self._complete_studies()
        self._try_again()
        more = False
        room = self._jobs.room() - RESERVE
        if room > 0:
            more = self._read(min(room, RUSH_PAGE if self._courtesy.rush else PAGE))
        elif self._jobs.room() > 0:
            self._look_ahead()
        self.errands.begin()
        more = self.errands.advance(self._slice_s(), self._stopping) or more
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
            self.errands.look_through()
            self.ledger.read(first - 1)
            self._save(force=True)

    def _take(self, change: Change) -> None:
        if change.kind == "StableStudy":
            self._stable(change)
            return
        if len(self._studies):
            # Images of a CT study come by the thousand: where one is expected, its series tells all.
            series = self._server.series_of(change.resource)
            if series is None or self._studies.seen(series):
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

    def _settle(self, what: int | None) -> None:
        """Called on a job's thread: the ledger is the loop's own, so leave a note and ring."""
        with self._lock:
            self._settled.append(what)
        self._bell.set()

    def _collect(self) -> None:
        self.errands.collect()
        with self._lock:
            settled, self._settled = self._settled, []
        for what in settled:
            if what is None:
                self._trying_again -= 1
            else:
                self.ledger.settle(what)

    # What overtakes the rest

    def _is_urgent(self, found: Resource) -> bool:
        if self._priority.is_urgent(found.metadata):
            return True
        if not self._priority.stat:
            return False
        study = self._studies.owner(found.parent)
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

    # CT studies

    def _wait_for_study(self, found: Resource, sequence: int) -> None:
        owner = self._studies.owner(found.parent)
        if owner is None or self._studies.seen_again(found.parent, owner.identifier):
            return
        urgent = self._is_urgent(found)
        # The first image of a study holds the place; the others come after it anyway.
        self.ledger.begin(sequence)
        self._studies.add(owner.identifier, sequence, urgent=urgent)

    def _stable(self, change: Change) -> None:
        waiting = self._studies.take(change.resource)
        self._submit(CARDIAC, change.resource, change.sequence, urgent=bool(waiting and waiting.urgent))
        if waiting:
            self._settle(waiting.sequence)

    def _complete_studies(self) -> None:
        for identifier, study in self._studies.quiet():
            if self._stopping.is_set() or self._jobs.room() <= (0 if study.urgent else RESERVE):
                continue
            if self._studies.take_if_complete(identifier):
                self._jobs.submit(CARDIAC, identifier, partial(self._settle, study.sequence), urgent=study.urgent)

    # The place

    def _save(self, *, force: bool = False) -> None:
        with self._save_lock:
            begun, scan = self.errands.wanted_scan()
            text = json.dumps({"place": self.ledger.place, "begun": begun, "scan": scan})
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

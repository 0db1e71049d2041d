"""What failed and is tried again, and when."""

import heapq
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from .analyses import Analysis
from .codes import Code
from .outcomes import Outcome, read_outcome, search_pattern
from .server import Server

GROWTH = 4
"""Each pause is so many times as long as the one before: what a busy machine spoils is right the second time, what is
broken should not keep the workers from the rest."""

LONGEST_PAUSE_S = 600.0
"""No pause is longer, so that what waits for a disk or a database goes on soon after these are well."""

IN_MEMORY = 10_000
"""Retries remembered at once, about 200 bytes each; further ones stay in the index until there is room."""


def pause_s(first: float, attempts: int) -> float:
    """Seconds to wait after so many attempts.

    Parameters
    ----------
    first
        Seconds after the first attempt.
    attempts
        How often it was tried, at least once.
    """
    # The exponent is bounded, since attempts are not: a full disk may last for weeks.
    return float(min(first * GROWTH ** min(attempts - 1, 20), LONGEST_PAUSE_S))


def due_after(seconds: float) -> str:
    """A moment from now, ISO 8601 in UTC."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def remaining_s(outcome: Outcome) -> float:
    """Seconds until an outcome's retry is due; at most 0 if it is, or if somebody has spoiled the time."""
    try:
        return min((datetime.fromisoformat(outcome.due) - datetime.now(UTC)).total_seconds(), LONGEST_PAUSE_S)
    except (ValueError, TypeError):
        return 0.0


class Retries:
    """The retries to come, soonest first.

    They stand in the index, as outcomes with the code ``RETRYING``; this is the timetable made of them. Each resource
    stands in it once.
    """

    def __init__(self, server: Server, analyses: Iterable[Analysis]) -> None:
        self._server = server
        self._analyses = tuple(analyses)
        self._lock = threading.Lock()
        self._timetable: list[tuple[datetime, str, str]] = []
        self._due: dict[tuple[str, str], datetime] = {}
        self._incomplete = True

    def add(self, analysis: str, identifier: str, seconds: float) -> None:
        """Try again after so many seconds, whatever was said before. Called on any thread."""
        due = datetime.now(UTC) + timedelta(seconds=seconds)
        key = (analysis, identifier)
        with self._lock:
            if key not in self._due and len(self._due) >= IN_MEMORY:
                self._incomplete = True
                return
            self._due[key] = due
            heapq.heappush(self._timetable, (due, *key))
            if len(self._timetable) > 2 * IN_MEMORY:
                # Rows that newer ones have replaced are left out when they come first; not too many of them.
                self._timetable = [(due, *key) for key, due in self._due.items()]
                heapq.heapify(self._timetable)

    def take(self, limit: int) -> list[tuple[str, str]]:
        """Those that are due, at most so many: analysis and Orthanc identifier.

        Raises
        ------
        ServerError
            If the index had to be read and could not.
        """
        if limit <= 0:
            return []
        with self._lock:
            # Not only once it is empty: what fails again and again would keep out the rest for ever.
            load = self._incomplete and len(self._due) <= IN_MEMORY // 2
            self._incomplete = self._incomplete and not load
        if load:
            try:
                self._load()
            except BaseException:
                self._incomplete = True
                raise
        taken: list[tuple[str, str]] = []
        with self._lock:
            now = datetime.now(UTC)
            while len(taken) < limit and (soonest := self._soonest()) and soonest[0] <= now:
                _, analysis, identifier = heapq.heappop(self._timetable)
                del self._due[analysis, identifier]
                taken.append((analysis, identifier))
        return taken

    def next_s(self) -> float | None:
        """Seconds until the next one is due; ``None`` if there is none."""
        with self._lock:
            soonest = self._soonest()
            return max(0.0, (soonest[0] - datetime.now(UTC)).total_seconds()) if soonest else None

    def _soonest(self) -> tuple[datetime, str, str] | None:
        """The next one that is due, without those that were put off or ahead since."""
        while self._timetable and self._due.get(self._timetable[0][1:]) != self._timetable[0][0]:
            heapq.heappop(self._timetable)
        return self._timetable[0] if self._timetable else None

    def __len__(self) -> int:
        return len(self._due)

    def _load(self) -> None:
        for analysis in self._analyses:
            pattern = {analysis.metadata: search_pattern(Code.RETRYING)}
            found = self._server.find(analysis.level, metadata=pattern, limit=IN_MEMORY)
            self._incomplete = self._incomplete or len(found) == IN_MEMORY
            for resource in found:
                outcome = read_outcome(resource.metadata, analysis.metadata)
                if outcome:
                    self.add(analysis.name, resource.identifier, max(0.0, remaining_s(outcome)))

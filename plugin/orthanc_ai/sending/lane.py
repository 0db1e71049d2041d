"""What waits for one destination: in memory, bounded, and only for as long as the server runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..retries import pause_s
from .delivery import Destination

CAPACITY = 10_000
"""Reports that a lane remembers, about 2 MB; more than that wait in the index."""

IN_FLIGHT = 2
"""Jobs for one destination at once. Orthanc works on two jobs at once by default (ConcurrentJobs), and they are also those
of others."""


@dataclass(slots=True)
class Lane:
    """What waits for one destination.

    Times are those of a monotonic clock, in seconds.

    Attributes
    ----------
    destination
        Where it goes.
    waiting
        When each report may be tried, by its Orthanc identifier, in the order in which they are.
    sending
        Orthanc's job by report; empty if it is not known which.
    broken
        Reports on which the destination broke off since it took one the last time.
    more
        More than the capacity waits in the index.
    failures
        How often the destination was found away, one after the other.
    away_until
        When it is asked again.
    """

    destination: Destination
    waiting: dict[str, float] = field(default_factory=dict)
    sending: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    more: bool = False
    failures: int = 0
    away_until: float = 0.0

    def add(self, report: str, when: float = 0.0) -> None:
        """Let a report wait; what is in hand already stays as it is."""
        if report in self.waiting or report in self.sending:
            return
        if len(self.waiting) >= CAPACITY:
            self.more = True
            return
        self.waiting[report] = when

    def room(self, now: float) -> int:
        """How many reports may be sent now: a destination that was away gets one, to see whether it is back."""
        if now < self.away_until:
            return 0
        return (1 if self.failures else IN_FLIGHT) - len(self.sending)

    def ready(self, now: float) -> Iterator[str]:
        """Reports to be sent now, the first first, as many as there is room for."""
        room = self.room(now)
        if room > 0:
            found = [report for report, when in self.waiting.items() if when <= now]
            yield from found[:room]

    def next_time(self) -> float | None:
        """When there is something to do next; ``None`` if nothing waits."""
        return max(self.away_until, min(self.waiting.values())) if self.waiting else None

    def answered(self) -> None:
        """The destination is there."""
        self.failures, self.away_until = 0, 0.0

    def away(self, now: float, first: float) -> None:
        """The destination is not there. What was under way when it went away counts once."""
        if now >= self.away_until:
            self.failures += 1
            self.away_until = now + pause_s(first, self.failures)

    @property
    def wants_more(self) -> bool:
        """Whether the index should be asked again."""
        return self.more and len(self.waiting) < CAPACITY // 2

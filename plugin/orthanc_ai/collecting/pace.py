"""When the next study may be begun: hours of the day, and so many studies in an hour."""

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Self

HOUR = timedelta(hours=1)

LONGEST_WAIT_S = 60.0
"""The clock is looked at so often at least: it may be set, or leap by an hour twice a year."""

HOURS = r"^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$"
"""Regular expression of ``20:00-06:00``."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the day, over midnight where they end before they begin; the whole day where they end when they begin.

    Attributes
    ----------
    begin, end
        Times of this machine's clock; the end is no longer within.
    """

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``20:00-06:00``.

        Raises
        ------
        ValueError
            If it is something else.
        """
        match = re.fullmatch(HOURS, text)
        if not match:
            raise ValueError("hours such as 20:00-06:00")
        return cls(time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4])))

    def within(self, moment: time) -> bool:
        """Whether a time of the day lies within the hours."""
        if self.begin < self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


class Pace:
    """Says when the next study may be begun.

    Parameters
    ----------
    studies_per_hour
        So many are begun in any 60 minutes at most; ``None``: as many as there are.
    hours
        ``None``: at any time.
    clock
        The time, with a time zone: that of this machine's clock.
    begun
        When studies were begun before a restart.
    """

    def __init__(
        self,
        studies_per_hour: int | None,
        hours: Hours | None,
        clock: Callable[[], datetime],
        begun: Iterable[datetime] = (),
    ) -> None:
        self._hours = hours
        self._clock = clock
        self._limit = studies_per_hour
        self._begun: deque[datetime] = deque(sorted(begun), maxlen=studies_per_hour or 0)

    def begin(self) -> None:
        """Note that a study is begun now."""
        self._begun.append(self._clock())

    def within_hours(self) -> bool:
        """Whether the clock lies within the hours."""
        return self._hours is None or self._hours.within(self._clock().time())

    def wait_s(self) -> float:
        """Seconds after which to ask again; 0 if the next study may be begun now."""
        if not self.within_hours():
            return LONGEST_WAIT_S
        if self._limit is None or len(self._begun) < self._limit:
            return 0.0
        left = (self._begun[0] + HOUR - self._clock()).total_seconds()
        # Where the clock was set back, what was begun lies in the future: nobody waits longer than an hour for that.
        return min(max(left, 0.0), LONGEST_WAIT_S) if left <= HOUR.total_seconds() else 0.0

"""How many X-rays are read: now, today, over the last weeks; and how long it takes from their arrival to the report.

An X-ray counts when it was read last: what is read again leaves the day on which it was read first.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from ..codes import Code
from .rows import Rows

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400

DAYS = 28
"""Days that are counted one by one, today included."""

LATE_S = DAY_S
"""What was read longer than that after its arrival was not waiting for a worker all the time: an archive that was there before
the plugin, another model, a pause. It is counted, but in no time from arrival to report."""

_STEP_S = 900
"""Every time zone is a multiple of a quarter of an hour ahead of UTC or behind (IANA time zone database, since 1972)."""

_READ = f"code = '{Code.REPORTED}'"
"""As the index on these times has it: SQLite takes that only if it is written out."""


@dataclass(frozen=True, slots=True)
class Span:
    """So many X-rays were read in a time.

    Attributes
    ----------
    begin
        In local time.
    """

    begin: datetime
    reports: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from arrival to report of what was read in a time, by nearest rank; ``None`` if there is nothing to tell.

    Attributes
    ----------
    reports
        X-rays that it is told from.
    late
        Those that were read more than `LATE_S` after their arrival, which are not among them.
    """

    reports: int
    late: int
    median_s: int | None
    percentile_95_s: int | None


@dataclass(frozen=True, slots=True)
class Throughput:
    """How fast it goes.

    Attributes
    ----------
    minute, hour
        X-rays read in the last one.
    hours
        Of today, up to this one.
    days
        The last `DAYS`, up to today.
    delay_hour, delay_today
        From arrival to report.
    """

    now: datetime
    minute: int
    hour: int
    hours: tuple[Span, ...]
    days: tuple[Span, ...]
    delay_hour: Delay
    delay_today: Delay

    @property
    def today(self) -> int:
        """X-rays read today."""
        return self.days[-1].reports


def throughput(rows: Rows, moment: int, zone: tzinfo | None = None) -> Throughput:
    """How fast it goes.

    Parameters
    ----------
    moment
        Now, in seconds since 1970.
    zone
        Whose days and hours are meant; ``None`` for that of this machine.
    """
    now = _local(moment, zone)
    days = [_midnight(now.date() - timedelta(days=back), zone) for back in range(DAYS - 1, -1, -1)]
    first, today = int(days[0].timestamp()), int(days[-1].timestamp())
    counted = rows.database.execute(
        f"SELECT at / ? * ?, COUNT(*) FROM xray WHERE {_READ} AND at >= ? AND at <= ? GROUP BY 1",
        (_STEP_S, _STEP_S, first, moment),
    ).fetchall()
    return Throughput(
        now=now,
        minute=since(rows, moment, MINUTE_S),
        hour=since(rows, moment, HOUR_S),
        hours=_spans([_local(begin, zone) for begin in range(today, moment + 1, HOUR_S)], counted),
        days=_spans(days, counted),
        delay_hour=_delay(rows, moment - HOUR_S, moment),
        delay_today=_delay(rows, today - 1, moment),
    )


def since(rows: Rows, moment: int, seconds: int) -> int:
    """X-rays read in the last seconds before a moment (seconds since 1970)."""
    [(found,)] = rows.database.execute(
        f"SELECT COUNT(*) FROM xray WHERE {_READ} AND at > ? AND at <= ?", (moment - seconds, moment)
    )
    return int(found)


def nearest_rank(ordered: Sequence[int], share: float) -> int | None:
    """The smallest of ordered values that so large a share does not exceed; ``None`` of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _local(moment: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(zone)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    # By the calendar: a day on which clocks are changed has 23 or 25 hours.
    naive = datetime(day.year, day.month, day.day)
    return naive.replace(tzinfo=zone) if zone else naive.astimezone()


def _spans(begins: Sequence[datetime], counted: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    numbers = [0] * len(begins)
    edges = [one.timestamp() for one in begins]
    for begin, reports in counted:
        place = bisect_right(edges, begin) - 1
        if place >= 0:
            numbers[place] += reports
    return tuple(map(Span, begins, numbers))


def _delay(rows: Rows, after: int, until: int) -> Delay:
    found = rows.database.execute(
        f"SELECT at - arrived FROM xray WHERE {_READ} AND at > ? AND at <= ? AND arrived IS NOT NULL",
        (after, until),
    ).fetchall()
    # Two clocks in one machine: the index' times are cut to seconds.
    taken = [max(0, one) for (one,) in found]
    ordered = sorted(one for one in taken if one <= LATE_S)
    return Delay(len(ordered), len(taken) - len(ordered), nearest_rank(ordered, 0.5), nearest_rank(ordered, 0.95))

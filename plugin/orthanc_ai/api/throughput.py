"""``/ai/throughput``: how many X-rays are read, and how long that takes, as JSON and CSV."""

import time
from collections.abc import Iterator
from typing import Literal, Self

from ..catalog.selection import Selection
from ..catalog.throughput import Delay, Throughput, throughput
from .catalog import asking
from .context import Context
from .http import Request, Response, prefers_csv
from .tables import table
from .views import Query, View

PATH = "/ai/throughput"


class ThroughputQuery(Query):
    """In which form."""

    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""


class SpanView(View):
    """An hour or a day."""

    begin: str
    """ISO 8601, in the server's local time."""
    reports: int
    """X-rays that were read in it, and not again later."""


class DelayView(View):
    """Seconds from arrival to report."""

    reports: int
    """X-rays that it is told from."""
    late: int
    """X-rays that were read more than a day after their arrival: they are not among them."""
    median_seconds: int | None
    percentile_95_seconds: int | None

    @classmethod
    def of(cls, delay: Delay) -> Self:
        """As an answer has it."""
        return cls(
            reports=delay.reports,
            late=delay.late,
            median_seconds=delay.median_s,
            percentile_95_seconds=delay.percentile_95_s,
        )


class ThroughputView(View):
    """How fast X-rays are read. One that was read again counts when it was read last."""

    at: str
    """ISO 8601, in the server's local time: today is its today."""
    minute: int
    """X-rays read in the last minute."""
    hour: int
    """In the last hour."""
    today: int
    hours: list[SpanView]
    """Hours of today, up to this one."""
    days: list[SpanView]
    """The last four weeks, up to today."""
    delay_hour: DelayView
    """Of those read in the last hour."""
    delay_today: DelayView

    @classmethod
    def of(cls, found: Throughput) -> Self:
        """As an answer has it."""
        return cls(
            at=found.now.isoformat(timespec="seconds"),
            minute=found.minute,
            hour=found.hour,
            today=found.today,
            hours=[SpanView(begin=one.begin.isoformat(), reports=one.reports) for one in found.hours],
            days=[SpanView(begin=one.begin.isoformat(), reports=one.reports) for one in found.days],
            delay_hour=DelayView.of(found.delay_hour),
            delay_today=DelayView.of(found.delay_today),
        )


class Row(View):
    """A row of the table."""

    interval: Literal["hour", "day"]
    begin: str
    reports: int


def answer(context: Context, query: ThroughputQuery, request: Request) -> ThroughputView | Response:
    """How fast it goes.

    Raises
    ------
    Problem
        ``CATALOG_LOADING`` while the index is being read, ``CATALOG_TOO_LARGE``.
    """
    with asking(context) as catalog, catalog.reading(Selection()) as rows:
        found = throughput(rows, int(time.time()))
    view = ThroughputView.of(found)
    wants_csv = query.format == "csv" if query.format else prefers_csv(request.headers.get("accept", ""))
    return table("throughput", _rows(view), {name: name for name in Row.model_fields}, None) if wants_csv else view


def _rows(view: ThroughputView) -> Iterator[Row]:
    for one in view.hours:
        yield Row(interval="hour", begin=one.begin, reports=one.reports)
    for one in view.days:
        yield Row(interval="day", begin=one.begin, reports=one.reports)

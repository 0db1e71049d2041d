"""Known answers about how fast it goes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.catalog.rows import Rows
from orthanc_ai.catalog.throughput import DAYS, nearest_rank, throughput
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome

from ..api.examples import reported
from .known import Series, tables

NOW = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")  # 14:30, and clocks were put forward at 2 o'clock this morning


def read(*entries: tuple[datetime, float]) -> Rows:
    """X-rays, each read at a time, so many seconds after its arrival."""
    made = []
    for number, (at, delay) in enumerate(entries):
        arrived = at.astimezone(UTC) - timedelta(seconds=delay)
        outcome = reported({"Mass": 0.5}, at=at.isoformat(timespec="seconds"))
        made.append(
            Series("P", f"s{number}", outcomes=[outcome], metadata={"ReceptionDate": f"{arrived:%Y%m%dT%H%M%S}"})
        )
    made.append(Series("P", "none", outcomes=[Outcome(Code.NOT_CHEST, "r", at=NOW.isoformat(timespec="seconds"))]))
    return tables(made)


def test_counts_by_minute_hour_and_day() -> None:
    rows = read(
        (NOW, 1),
        (NOW - timedelta(seconds=59), 1),
        (NOW - timedelta(seconds=60), 1),
        (NOW - timedelta(minutes=59), 1),
        (NOW - timedelta(hours=3), 1),
        (NOW - timedelta(days=1), 1),
        (NOW - timedelta(days=27), 1),
        (NOW - timedelta(days=28), 1),
        (NOW + timedelta(hours=1), 1),
    )
    found = throughput(rows, int(NOW.timestamp()), UTC)
    assert (found.minute, found.hour, found.today) == (2, 4, 5)
    assert [one.reports for one in found.hours] == [0] * 9 + [1, 0, 1, 3]
    assert [one.reports for one in found.days] == [1] + [0] * 25 + [1, 5]
    assert len(found.days) == DAYS
    assert found.days[0].begin == datetime(2026, 3, 2, tzinfo=UTC)


def test_days_and_hours_are_those_of_the_place() -> None:
    rows = read(
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), 1),  # half past midnight in Berlin
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), 1),  # the day before
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), 1),  # 3:30, the third hour of a day that has none from 2 to 3
    )
    found = throughput(rows, int(NOW.timestamp()), BERLIN)
    assert [one.reports for one in found.days[-2:]] == [1, 2]
    assert [one.reports for one in found.hours[:3]] == [1, 0, 1]
    assert [one.begin.hour for one in found.hours[:3]] == [0, 1, 3]
    assert found.days[-1].begin.isoformat() == "2026-03-29T00:00:00+01:00"
    assert found.now.isoformat() == "2026-03-29T14:30:00+02:00"


def test_time_from_arrival_to_report() -> None:
    delays = [2, 4, 6, 8, 10, 12, 14, 16, 18, 100]
    rows = read(*((NOW - timedelta(minutes=1), one) for one in delays), (NOW - timedelta(hours=2), 50), (NOW, 90_000))
    found = throughput(rows, int(NOW.timestamp()), UTC)
    assert (found.delay_hour.reports, found.delay_hour.late) == (10, 1)
    assert (found.delay_hour.median_s, found.delay_hour.percentile_95_s) == (10, 100)
    assert (found.delay_today.reports, found.delay_today.percentile_95_s) == (11, 100)


def test_of_nothing_there_is_nothing_to_tell() -> None:
    found = throughput(read(), int(NOW.timestamp()), UTC)
    assert (found.minute, found.hour, found.today) == (0, 0, 0)
    assert (found.delay_hour.median_s, found.delay_hour.percentile_95_s) == (None, None)


@pytest.mark.parametrize("at", ["", "yesterday", "99999-01-01"])
def test_a_time_that_somebody_has_spoiled_counts_nowhere(at: str) -> None:
    rows = tables([Series("P", "s", outcomes=[reported({"Mass": 0.5}, at=at)], metadata={"ReceptionDate": at})])
    assert throughput(rows, int(NOW.timestamp()), UTC).today == 0


@given(st.lists(st.integers(0, 100), min_size=1), st.floats(0.01, 1))
def test_so_large_a_share_is_not_above_the_rank(values: list[int], share: float) -> None:
    rank = nearest_rank(sorted(values), share)
    assert rank is not None
    assert sum(one <= rank for one in values) >= share * len(values) - 1e-9
    assert sum(one < rank for one in values) < share * len(values) + 1e-9

"""When the next study may be begun, with a clock that the test sets."""

from datetime import datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.collecting.pace import HOUR, LONGEST_WAIT_S, Hours, Pace

ZONE = timezone(timedelta(hours=2))
START = datetime(2026, 3, 1, 12, 0, tzinfo=ZONE)


class Clock:
    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wait(self, pace: Pace) -> float:
        """As fetching does; seconds until the next study may be begun."""
        began = self.now
        while seconds := pace.wait_s():
            assert 0 < seconds <= LONGEST_WAIT_S
            self.now += timedelta(seconds=seconds)
        return (self.now - began).total_seconds()


def test_without_limits_nothing_waits() -> None:
    pace = Pace(None, None, Clock())
    for _ in range(100):
        assert pace.wait_s() == 0
        pace.begin()


@pytest.mark.parametrize(
    ("hours", "moment", "within"),
    [
        ("20:00-06:00", "19:59", False),
        ("20:00-06:00", "20:00", True),
        ("20:00-06:00", "00:00", True),
        ("20:00-06:00", "05:59", True),
        ("20:00-06:00", "06:00", False),
        ("12:00-13:30", "12:00", True),
        ("12:00-13:30", "13:30", False),
        ("12:00-13:30", "00:00", False),
        ("12:00-12:00", "11:59", True),
        ("12:00-12:00", "12:00", True),
    ],
)
def test_hours_begin_and_end_to_the_minute(hours: str, moment: str, within: bool) -> None:
    assert Hours.parse(hours).within(time.fromisoformat(moment)) is within


def test_in_the_day_it_waits_for_the_night() -> None:
    clock = Clock()
    assert clock.wait(Pace(None, Hours.parse("20:00-06:00"), clock)) == 8 * 3600


def test_so_many_in_any_hour_and_no_more() -> None:
    clock = Clock()
    pace = Pace(3, None, clock)
    begun = []
    for _ in range(10):
        clock.wait(pace)
        pace.begin()
        begun.append(clock.now)
        clock.now += timedelta(minutes=5)
    assert [round((moment - START).total_seconds() / 60) for moment in begun] == [
        0,
        5,
        10,
        60,
        65,
        70,
        120,
        125,
        130,
        180,
    ]


def test_a_restart_forgets_nothing() -> None:
    clock = Clock()
    begun = [START - timedelta(minutes=minutes) for minutes in (59, 30, 90)]
    pace = Pace(2, None, clock, begun)
    assert clock.wait(pace) == pytest.approx(60)


def test_a_clock_that_was_set_back_does_not_hold_up_anything() -> None:
    clock = Clock()
    pace = Pace(1, None, clock, [START + timedelta(days=2)])
    assert clock.wait(pace) == 0


@settings(deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 3 * 3600), min_size=1, max_size=40),
    st.times(),
    st.times(),
)
def test_neither_limit_is_ever_exceeded(limit: int, gaps: list[int], begin: time, end: time) -> None:
    begin, end = begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    hours = Hours(begin, end)
    clock = Clock()
    pace = Pace(limit, hours, clock)
    begun: list[datetime] = []
    for gap in gaps:
        clock.now += timedelta(seconds=gap)
        clock.wait(pace)
        pace.begin()
        begun.append(clock.now)
        assert hours.within(clock.now.time())
    for first, later in zip(begun, begun[limit:], strict=False):
        assert later - first >= HOUR

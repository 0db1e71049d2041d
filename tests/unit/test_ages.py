"""Ages by the calendar, not by mean years; tests/unit/xray/test_age.py has what headers say in their ways."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.ages import OLDEST_YEARS, age_in_years


@pytest.mark.parametrize(
    ("birth", "study", "completed"),
    [
        ("20010101", "20110101", 10),  # 3,652 days: less than ten mean years
        ("20010101", "20101231", 9),
        ("20000229", "20100228", 9),
        ("20000229", "20100301", 10),
        ("20000229", "20040229", 4),
        ("20240115", "20240115", 0),
    ],
)
def test_a_year_is_completed_on_the_birthday(birth: str, study: str, completed: int) -> None:
    age = age_in_years("", birth, (study,))
    assert age is not None
    assert int(age) == completed


@given(st.dates(), st.dates())
def test_whoever_is_born_before_the_study_has_an_age_that_grows(born: date, taken: date) -> None:
    age = age_in_years("", f"{born:%Y%m%d}".zfill(8), (f"{taken:%Y%m%d}".zfill(8),))
    years = taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))
    if taken < born or years >= OLDEST_YEARS:
        assert age is None or age == OLDEST_YEARS
    else:
        assert age is not None
        assert years <= age < years + 1


def test_the_first_date_that_is_one_counts() -> None:
    assert age_in_years("", "20000101", ("", "2010-1-1", "20100101", "20200101")) == 10

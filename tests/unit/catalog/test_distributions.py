"""Known answers for every count, from headers that are written out here."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.catalog.distributions import (
    Group,
    Interval,
    ScoreRow,
    SeriesRow,
    decade,
    distribute,
    period,
    wilson,
)

ROWS = (
    SeriesRow(1, 1, 2, "DX", "CHEST", "20240115", "F", "045Y"),
    SeriesRow(1, 1, 1, "DX", "HAND", "20240115", "F", "045Y"),
    SeriesRow(1, 2, 300, "CT", "CHEST", "20240301", "F", "045Y"),
    SeriesRow(2, 3, 1, "CR", "chest ", "20231231", "M", "", "20131231"),
    SeriesRow(3, 4, 1, "DX"),
)


def by_value(groups: tuple[Group, ...]) -> dict[str, tuple[int, int, int, int]]:
    return {one.value: (one.patients, one.studies, one.series, one.images) for one in groups}


def test_totals() -> None:
    assert by_value((distribute(ROWS).total,)) == {"": (3, 4, 5, 305)}


def test_by_modality_a_study_with_two_counts_for_both() -> None:
    rows = (*ROWS, SeriesRow(1, 1, 10, "CT", "CHEST", "20240115", "F", "045Y"))
    assert by_value(distribute(rows).modalities) == {
        "CT": (1, 2, 2, 310),
        "DX": (2, 2, 3, 4),
        "CR": (1, 1, 1, 1),
    }


def test_by_body_part_whatever_the_case_and_the_unstated_last() -> None:
    parts = distribute(ROWS).body_parts
    assert by_value(parts) == {"CHEST": (2, 3, 3, 303), "HAND": (1, 1, 1, 1), "": (1, 1, 1, 1)}
    assert [one.value for one in parts] == ["CHEST", "HAND", ""]


def test_by_sex() -> None:
    assert by_value(distribute(ROWS).sexes) == {"F": (1, 2, 3, 303), "M": (1, 1, 1, 1), "": (1, 1, 1, 1)}


def test_by_age_in_decades_and_sex() -> None:
    ages = distribute(ROWS).ages
    assert [(one.value, one.first, one.last, one.part, one.studies) for one in ages] == [
        ("10\u201319", "10", "19", "M", 1),
        ("40\u201349", "40", "49", "F", 2),
        ("", "", "", "", 1),
    ]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("month", {"2023-12": 1, "2024-01": 1, "2024-03": 1, "": 1}),
        ("year", {"2023": 1, "2024": 2, "": 1}),
        # The last day of 2023 was a Sunday, the first of 2024 a Monday.
        ("week", {"2023-W52": 1, "2024-W03": 1, "2024-W09": 1, "": 1}),
    ],
)
def test_over_time(interval: Interval, expected: dict[str, int]) -> None:
    time = distribute(ROWS, interval=interval).time
    assert [(one.value, one.studies) for one in time] == list(expected.items())


@pytest.mark.parametrize(
    ("text", "interval", "expected"),
    [
        ("20240229", "month", (date(2024, 2, 1), date(2024, 2, 29))),
        ("20231201", "month", (date(2023, 12, 1), date(2023, 12, 31))),
        ("20250101", "week", (date(2024, 12, 30), date(2025, 1, 5))),
        ("20250101", "year", (date(2025, 1, 1), date(2025, 12, 31))),
        ("20230229", "month", None),
        ("2024-01-1", "month", None),
        ("", "year", None),
    ],
)
def test_periods(text: str, interval: Interval, expected: tuple[date, date] | None) -> None:
    assert period(text, interval) == expected


@pytest.mark.parametrize(
    ("age", "birth", "study", "first"),
    [
        ("009Y", "", "", 0),
        ("010Y", "", "", 10),
        ("119M", "", "", 0),
        ("120M", "", "", 10),
        ("", "20010101", "20110101", 10),  # 3,652 days: less than ten mean years
        ("", "20010101", "20101231", 0),
        ("", "20000229", "20100228", 0),
        ("", "20000229", "20100301", 10),
        ("411Y", "20000101", "20400101", 40),
        ("", "20200101", "20190101", -1),
        ("", "20200101", "", -1),
        ("", "", "20200101", -1),
    ],
)
def test_decades_begin_on_the_birthday(age: str, birth: str, study: str, first: int) -> None:
    assert decade(age, birth, study) == first


def test_rows_of_scores_add_up() -> None:
    scores = [
        ScoreRow("Mass", "m", False, 3, 10, 0, 0.5, 0.5),
        ScoreRow("Mass", "m", False, 19, 5, 5, 0.4, 0.5),
        ScoreRow("Mass", "n", True, 0, 1, 0, 0.5, 0.5),
    ]
    mass, other = distribute(ROWS, scores=scores).findings
    assert (mass.images, mass.reached, mass.thresholds, mass.demonstration) == (15, 5, (0.4, 0.5), False)
    assert mass.share == pytest.approx(1 / 3)
    assert mass.histogram == (0, 0, 0, 10, *[0] * 15, 5)
    assert (other.model, other.demonstration, other.images) == ("n", True, 1)


# As scipy 1.18.1 gives them: binomtest(reached, images).proportion_ci(0.95, method="wilson").
@pytest.mark.parametrize(
    ("reached", "images", "low", "high"),
    [
        (0, 10, 0.0, 0.27753280),
        (5, 10, 0.23659309, 0.76340691),
        (10, 10, 0.72246720, 1.0),
        (1, 1000, 0.00017655, 0.00564256),
    ],
)
def test_wilson(reached: int, images: int, low: float, high: float) -> None:
    assert wilson(reached, images) == pytest.approx((low, high), abs=1e-8)


def test_of_nothing_there_is_nothing() -> None:
    made = distribute(())
    assert (made.total, made.time, made.findings) == (Group("", 0, 0, 0, 0), (), ())


TEXT = st.text(max_size=10) | st.sampled_from(["20240115", "00010101", "99991231", "DX", "SR", "F", "045Y"])
SERIES = st.builds(
    SeriesRow,
    patient=st.integers(1, 2),
    study=st.integers(1, 3),
    images=st.integers(1, 9),
    modality=TEXT,
    body_part=TEXT,
    study_date=TEXT,
    sex=TEXT,
    age=TEXT,
    birth_date=TEXT,
)


@given(st.lists(SERIES, max_size=12), st.sampled_from(["week", "month", "year"]))
def test_whatever_headers_say_every_series_and_image_is_in_one_group_of_each_kind(
    rows: list[SeriesRow], interval: Interval
) -> None:
    made = distribute(rows, interval=interval)
    for groups in (made.time, made.modalities, made.ages, made.sexes, made.body_parts):
        assert sum(one.series for one in groups) == len(rows)
        assert sum(one.images for one in groups) == sum(one.images for one in rows)

"""Known answers about drift: the index of known histograms, no alarm where nothing has changed, and one where something has."""

import math
import random
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from orthanc_ai.catalog.drift import (
    BINS,
    CHANCE,
    LEAST,
    Drift,
    Grouping,
    Sample,
    Samples,
    Shift,
    chi_squared,
    quantile,
    samples,
    stability_index,
)
from orthanc_ai.catalog.drift import drifts as of_samples
from orthanc_ai.catalog.selection import Selection

from ..api.examples import reported
from .known import Series, tables

START = date(2024, 1, 1)  # a Monday


def sample(week: int, score: float, group: str = "", weights: str = "w") -> Sample:
    day = START + timedelta(weeks=week)
    return Sample("m", weights, False, group, f"{day:%Y%m%d}", 1, [round(score * 1e6)])


def drifts(xrays: Sequence[Sample], latest: int | None = None) -> list[Drift]:
    return of_samples(Samples(["Mass"], xrays, {("m", "w"): [500_000]}), "week", latest=latest)


def weeks(generator: random.Random, sizes: Sequence[int], shift: float = 0.0, since: int = 0) -> list[Sample]:
    """Scores spread like a beta distribution, moved by so much from a week on."""
    return [
        sample(week, min(1.0, generator.betavariate(2, 5) + (shift if week >= since else 0)))
        for week, size in enumerate(sizes)
        for _ in range(size)
    ]


def one(found: list[Drift]) -> Drift:
    [drift] = found
    return drift


def test_index_of_two_bins() -> None:
    # (0.9 - 0.5) ln(0.9 / 0.5) + (0.1 - 0.5) ln(0.1 / 0.5)
    assert stability_index([10**6, 10**6], [9 * 10**6, 10**6]) == pytest.approx(0.8789, abs=1e-4)
    assert stability_index([500, 500], [50, 50]) == 0
    assert stability_index([7, 13], [13, 7]) == pytest.approx(stability_index([13, 7], [7, 13]))


def test_an_empty_bin_makes_it_large_and_not_infinite() -> None:
    assert 0.25 < stability_index([100, 100], [50, 0]) < math.inf


def test_quantiles_of_chi_squared() -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.4, column 0.999.
    table = (10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.125, 27.877)
    assert [chi_squared(1 - CHANCE, degrees) for degrees in range(1, BINS)] == pytest.approx(table, rel=0.032)
    assert chi_squared(1 - CHANCE, BINS - 1) == pytest.approx(table[-1], rel=0.01)


def test_without_a_change_there_is_no_alarm() -> None:
    generator = random.Random(7)
    marked = compared = 0
    for _ in range(20):
        found = one(drifts(weeks(generator, [60] * 30)))
        assert [each.shift for each in found.periods[:4]] == [Shift.REFERENCE] * 4
        compared += 26
        marked += sum(each.shift in (Shift.MODERATE, Shift.LARGE) for each in found.periods)
        # By Siddiqi's limits alone, most of these weeks would be alarms.
        assert sum((each.index or 0) >= 0.1 for each in found.periods) > 8
    assert compared == 520
    # Expected is half a one.
    assert marked <= 4


def test_a_shift_is_marked_from_its_week_on() -> None:
    found = one(drifts(weeks(random.Random(1), [200] * 12, shift=0.15, since=8)))
    assert [each.shift for each in found.periods] == ([Shift.REFERENCE] * 4 + [Shift.NONE] * 4 + [Shift.LARGE] * 4)
    assert found.reference == 800
    assert found.periods[8].first == "2024-02-26"
    assert found.periods[8].last == "2024-03-03"
    assert found.periods[8].quantiles[2] - found.periods[0].quantiles[2] == pytest.approx(0.15, abs=0.05)


def test_a_small_week_is_no_alarm_however_far_it_is() -> None:
    found = one(drifts(weeks(random.Random(1), [200] * 5 + [LEAST - 1], shift=0.5, since=5)))
    assert found.periods[-1].shift is Shift.TOO_FEW
    assert found.periods[-1].index is None


def test_a_reference_takes_more_weeks_if_they_are_small_and_never_is_one_with_too_few() -> None:
    found = one(drifts(weeks(random.Random(1), [10] * 15)))
    assert [each.shift for each in found.periods] == [Shift.REFERENCE] * 10 + [Shift.TOO_FEW] * 5
    few = one(drifts(weeks(random.Random(1), [10] * 5)))
    assert few.reference == 0
    assert {each.index for each in few.periods} == {None}


def test_other_weights_are_another_model() -> None:
    old = [sample(week, 0.2 + 0.001 * k, weights="old") for week in range(6) for k in range(60)]
    new = [sample(week, 0.7 + 0.001 * k, weights="new") for week in range(6, 12) for k in range(60)]
    found = drifts(old + new)
    assert [drift.weights for drift in found] == ["old", "new"]
    assert all(each.shift in (Shift.REFERENCE, Shift.NONE) for drift in found for each in drift.periods)


def test_a_new_device_is_compared_with_those_before() -> None:
    known = [sample(week, 0.2 + 0.002 * k, "A") for week in range(8) for k in range(100)]
    new = [sample(week, 0.6 + 0.002 * k, "B") for week in range(6, 8) for k in range(60)]
    by_group = {drift.group: drift for drift in drifts(known + new)}
    assert {each.shift for each in by_group["A"].periods} == {Shift.NONE}
    assert [each.shift for each in by_group["B"].periods] == [Shift.LARGE, Shift.LARGE]


def test_scores_that_are_all_alike_are_no_shift() -> None:
    found = one(drifts([sample(week, 0.3) for week in range(8) for _ in range(60)]))
    assert {each.shift for each in found.periods[4:]} == {Shift.NONE}


def test_only_the_latest_periods_and_the_reference() -> None:
    found = one(drifts(weeks(random.Random(1), [100] * 20), latest=2))
    assert [each.first for each in found.periods] == [
        *("2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22"),
        *("2024-05-06", "2024-05-13"),
    ]


def test_quantiles_are_interpolated() -> None:
    assert [quantile([0, 100_000, 200_000, 300_000, 1_000_000], share) for share in (0, 0.25, 0.5, 0.9, 1)] == (
        pytest.approx([0, 0.1, 0.2, 0.72, 1])
    )


@pytest.mark.parametrize(
    ("selection", "source", "grouping", "found"),
    [
        (Selection(), "", None, [("", "20240101"), ("", "20240102"), ("", "")]),
        (Selection(), "", "stationName", [("ROOM", "20240101"), ("", "20240102"), ("", "")]),
        (Selection(), "PACS", "remoteAET", [("PACS", "20240102")]),
        (Selection(modality=("CR",)), "", None, [("", "20240102")]),
        (Selection(model="other"), "", None, []),
    ],
)
def test_which_images(
    selection: Selection, source: str, grouping: Grouping | None, found: list[tuple[str, str]]
) -> None:
    rows = tables(
        [
            Series(
                *("P", "1"),
                outcomes=[reported({"Mass": 0.7})],
                study_tags={"StudyDate": "20240101"},
                Modality="DX",
                StationName="ROOM",
            ),
            Series(
                *("P", "2"),
                outcomes=[reported({"Mass": 0.3, "Edema": 0.1})],
                study_tags={"StudyDate": "20240102"},
                metadata={"RemoteAET": "PACS"},
                Modality="CR",
            ),
            Series("P", "3", outcomes=[reported({"Mass": 0.2})], Modality="DX"),
        ]
    )
    made = samples(rows, selection, source, grouping)
    assert sorted((one.group, one.date) for one in made.xrays) == sorted(found)
    assert list(made.labels) == ["Mass", "Edema"]
    edema = samples(rows, Selection(finding="Edema"))
    assert list(edema.labels) == ["Edema"]
    assert [list(one.scores) for one in edema.xrays].count([100_000]) == 1
    [drift] = of_samples(edema, "year")
    assert (drift.label, drift.threshold, [one.images for one in drift.periods]) == ("Edema", 0.5, [1])

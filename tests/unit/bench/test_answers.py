"""Percentiles and spreads, with answers worked out by hand."""

import pytest

from bench.answers import percentile, spread


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.01, 1)], ids=lambda value: str(value)
)
def test_percentile_of_a_hundred(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def test_percentile_of_one_is_that_one() -> None:
    assert percentile([3.0], 0.5) == percentile([3.0], 0.99) == 3.0


def test_the_median_of_an_even_number_is_one_of_them() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0


def test_spread() -> None:
    assert spread([5.0, 1.0, 3.0, 2.0, 4.0]) == {"median": 3.0, "q1": 2.0, "q3": 4.0, "min": 1.0, "max": 5.0}
    assert spread([7.0]) == dict.fromkeys(("median", "q1", "q3", "min", "max"), 7.0)

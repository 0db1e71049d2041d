"""Filters on texts and dates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.catalog.patterns import fold, in_range, index_pattern, matches


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [
        ("Chest PA", "chest pa", True),
        ("Chest PA ", "Chest*", True),
        ("Chest PA", "*PA", True),
        ("Chest PA", "Chest ?A", True),
        ("Chest PA", "Chest", False),
        ("Thorax RÖNTGEN", "*röntgen", True),
        ("[a]", "[a]", True),
        ("a", "[a]", False),
        ("", "*", True),
        ("", "?", False),
        (" Chest", "chest", True),
        ("İstanbul", "i*", False),
        ("İstanbul", "İ*", True),
    ],
)
def test_patterns(value: str, pattern: str, fits: bool) -> None:
    assert matches(value, pattern) is fits


def test_without_wildcards_an_asterisk_is_itself() -> None:
    assert matches("A*", "a*", wildcards=False)
    assert not matches("AB", "A*", wildcards=False)


def test_a_pattern_of_many_asterisks_takes_no_time() -> None:
    assert not matches("a" * 64, "*a" * 32 + "*b")


@pytest.mark.parametrize(
    ("date", "wanted", "within"),
    [
        ("20260131", "20260131", True),
        ("20260131", "20260130", False),
        ("20260131", "20260101-", True),
        ("20251231", "20260101-", False),
        ("20261231", "-20261231", True),
        ("20270101", "-20261231", False),
        ("20260601", "20260101-20261231", True),
        ("", "-20261231", False),
    ],
)
def test_ranges_of_dates(date: str, wanted: str, within: bool) -> None:
    assert in_range(date, wanted) is within


@given(st.text(max_size=20), st.text(alphabet="aB*?ö\\K ", max_size=8))
def test_what_fits_fits_the_pattern_for_the_index(value: str, pattern: str) -> None:
    asked = index_pattern(pattern)
    assert "\\" not in asked
    if matches(value, pattern) and asked:
        assert matches(value, asked)


def test_the_index_is_asked_for_spaces_at_the_beginning_too() -> None:
    assert index_pattern("lead*") == index_pattern(" lead*") == "*lead*"
    assert index_pattern("") == index_pattern(" ") == index_pattern("**") == ""


@given(st.text(max_size=20))
def test_folding_settles(text: str) -> None:
    assert fold(fold(text)) == fold(text)

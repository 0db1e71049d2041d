"""Texts that spreadsheets take for no formula, and that can be had back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.formulas import with_apostrophe, without_apostrophe


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_formula_becomes_a_text(text: str) -> None:
    assert with_apostrophe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "1", "O'Neill", "'quoted'", "CHEST PA"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert with_apostrophe(text) == text


@given(st.text(alphabet="'=+-@\t\rA1", max_size=8))
def test_every_text_can_be_had_back(text: str) -> None:
    cell = with_apostrophe(text)
    assert without_apostrophe(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))

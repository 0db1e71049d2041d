"""Outcomes survive the way through Orthanc's metadata, and spoiled ones are told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome, OutcomeError, Result, search_pattern

results = st.builds(Result, *[st.from_regex(r"2\.25\.[1-9][0-9]{0,20}", fullmatch=True)] * 4)
outcomes = st.builds(
    Outcome,
    code=st.sampled_from(Code),
    recipe=st.text("0123456789abcdef", max_size=64),
    detail=st.text(max_size=50),
    notes=st.lists(st.sampled_from(Code), max_size=3).map(tuple),
    result=st.none() | results,
    model=st.text(max_size=20),
    data=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
    attempts=st.integers(1, 9),
)


@given(outcomes)
def test_round_trip(outcome: Outcome) -> None:
    assert Outcome.from_text(outcome.to_text()) == outcome


@given(outcomes)
def test_code_stands_first_so_that_a_wildcard_finds_it(outcome: Outcome) -> None:
    prefix = search_pattern(outcome.code).removesuffix("*")
    assert outcome.to_text().startswith(prefix)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_anything_else_is_refused_with_one_kind_of_error(text: str) -> None:
    with pytest.raises(OutcomeError):
        Outcome.from_text(text)


def test_deeply_nested_text_is_refused() -> None:
    with pytest.raises(OutcomeError):
        Outcome.from_text("[" * 100_000)


fields = st.sampled_from(
    [
        *json.loads(Outcome(Code.REPORTED, "r").to_text()),
        "detail",
        "notes",
        "model",
        "attempts",
        "due",
        "result",
        "data",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(Code).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | fields, inner, max_size=3),
)


@given(outcomes, st.dictionaries(fields, values, max_size=3))
def test_a_spoiled_outcome_is_refused_or_an_outcome(outcome: Outcome, spoiled: dict[str, object]) -> None:
    text = json.dumps(json.loads(outcome.to_text()) | spoiled)
    try:
        read = Outcome.from_text(text)
    except OutcomeError:
        return
    assert isinstance(read.attempts, int)
    assert all(isinstance(text, str) for text in (read.recipe, read.detail, read.model, read.at, read.due))
    assert Outcome.from_text(read.to_text()) == read

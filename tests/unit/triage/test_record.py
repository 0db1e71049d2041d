"""Labels are given and taken away as images come and go, whatever happens in between, and those of others stay."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.triage.record import PATTERN, Record, change

from ..sending.test_delivery import matches

labels = st.sampled_from(["urgent", "nodule", "other"])
images = st.sets(st.sampled_from("abcd"), min_size=1, max_size=3).map(frozenset)
wishes = st.dictionaries(labels, images, max_size=3)
records = st.builds(
    Record,
    st.dictionaries(labels, st.sets(st.sampled_from("abcd"), max_size=3).map(frozenset), max_size=3),
    st.sets(labels).map(frozenset),
    st.booleans(),
)


@given(records)
def test_a_record_is_read_back_and_found(record: Record) -> None:
    assert Record.from_text(record.to_text()) == record
    assert matches(record.to_text(), PATTERN)


@given(st.text() | st.sampled_from(['{"labels":[]}', '{"state":1,"labels":{"a":3}}', "[" * 100_000]))
def test_a_spoiled_record_counts_as_none(text: str) -> None:
    assert Record.from_text(text) == Record()


@given(st.lists(wishes, min_size=1, max_size=5), st.sets(labels), st.data())
def test_after_any_history_a_study_bears_what_fits_and_what_was_there_before(
    history: list[dict[str, frozenset[str]]], theirs: set[str], data: st.DataObject
) -> None:
    """With a crash before, between or after the single steps of some of the changes, each of which is then repeated."""
    record, borne = Record(), set(theirs)
    for wanted in history:
        made = change(record, wanted, frozenset(borne))
        steps: list[tuple[str, str]] = [*(("take", one) for one in made.take), *(("give", one) for one in made.give)]
        survived = data.draw(st.integers(0, len(steps)) | st.none())
        if survived is not None and steps:
            # The record says that something is being changed, and some of it was done.
            record = Record.from_text(made.during.to_text())
            _do(borne, steps[:survived])
            made = change(record, wanted, frozenset(borne))
            steps = [*(("take", one) for one in made.take), *(("give", one) for one in made.give)]
        _do(borne, steps)
        record = made.after
        assert borne == set(wanted) | theirs
        assert record.labels == wanted
        assert not record.changing
        assert change(record, wanted, frozenset(borne)).after == record


def _do(borne: set[str], steps: list[tuple[str, str]]) -> None:
    for what, label in steps:
        if what == "give":
            borne.add(label)
        else:
            borne.discard(label)


def applied(record: Record, wanted: dict[str, Any], borne: set[str]) -> Record:
    """Carry a change out on a study."""
    made = change(record, {label: frozenset(images) for label, images in wanted.items()}, frozenset(borne))
    borne -= made.take
    borne |= made.give
    return made.after


def test_a_label_that_was_taken_away_by_hand_comes_back_for_another_image_only() -> None:
    borne: set[str] = set()
    record = applied(Record(), {"urgent": "a"}, borne)
    borne.clear()
    record = applied(record, {"urgent": "a"}, borne)
    assert borne == set()
    record = applied(record, {"urgent": "ab"}, borne)
    assert borne == {"urgent"}


def test_one_image_of_several_is_enough() -> None:
    record = Record({"urgent": frozenset("ab"), "nodule": frozenset("a")})
    assert record.with_image("a", frozenset()) == {"urgent": frozenset("b")}
    assert record.with_image("c", frozenset({"nodule"})) == {"urgent": frozenset("ab"), "nodule": frozenset("ac")}

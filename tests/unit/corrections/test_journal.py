"""What stands in the metadata of an image comes back as it was, and whatever else stands there is told from it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.corrections.correction import Correction, State, Stated
from orthanc_ai.corrections.journal import JournalError, from_text, to_text
from orthanc_ai.outcomes import Result

uids = st.from_regex(r"2\.25\.[1-9][0-9]{0,37}", fullmatch=True)
fractions = st.floats(0, 1)
moments = st.datetimes().map(lambda one: one.isoformat(timespec="microseconds") + "+00:00")


@st.composite
def corrections(draw: st.DrawFn) -> Correction:
    demonstration = draw(st.booleans())
    results = [Result(*draw(st.tuples(uids, uids, uids, uids)), demonstration) for _ in range(3)]
    return Correction(
        reader=draw(st.text(min_size=1)),
        login=draw(st.booleans()),
        at=draw(moments),
        model=draw(st.text()),
        demonstration=demonstration,
        findings=tuple(draw(st.lists(st.builds(Stated, st.text(), st.booleans(), fractions, fractions), max_size=3))),
        comment=draw(st.text()),
        report=results[0],
        result=results[1],
        previous=draw(st.sampled_from([None, results[2]])),
        key=draw(st.text()),
        state=draw(st.sampled_from(State)),
        code=draw(st.sampled_from([None, Code.WORKER_DIED])),
    )


@given(st.lists(corrections(), max_size=3))
def test_it_comes_back_as_it_was(written: list[Correction]) -> None:
    text = to_text(written)
    assert from_text(text) == tuple(written)
    assert text.startswith('{"pending":true') is any(one.state is State.PENDING for one in written)
    assert text.isascii()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = json.loads(
    to_text(
        [
            Correction.make(
                "1.2",
                "A",
                [Stated("Mass", True, 0.9, 0.5)],
                "c",
                Result("1", "2", "3", "4"),
                login=True,
                model="m",
                previous=Result("1", "2", "3", "4"),
                key="k",
            )
        ]
    )
)["corrections"][0]


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), anything, min_size=1))
def test_what_somebody_has_spoiled_is_told_or_can_be_written_again(spoiled: dict[str, Any]) -> None:
    try:
        found = from_text(json.dumps({"pending": False, "corrections": [FIELDS | spoiled]}))
    except JournalError:
        return
    assert from_text(to_text(found)) == found
    to_text(found).encode()


@pytest.mark.parametrize("text", ["null", "[]", "{", '{"corrections":1}', '{"corrections":[null]}', "[" * 100_000])
def test_what_is_no_journal_is_told(text: str) -> None:
    with pytest.raises(JournalError):
        from_text(text)

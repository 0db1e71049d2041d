"""Paths to attributes, and what the data dictionary says of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.tables.columns import CODE, DEFAULT_TAGS, FRAME, ORTHANC_ID, UNFIT, Kind
from orthanc_ai.tables.dictionary import entries
from orthanc_ai.tables.lookup import NoColumnError, UnknownTagError
from orthanc_ai.tables.paths import PATTERN, Path

from .images import DICTIONARY

NAMES = st.one_of(
    st.sampled_from(["Rows", "RequestAttributesSequence", "PatientID"]),
    st.integers(0, 0xFFFFFFFF).map(lambda tag: f"({tag >> 16:04X},{tag & 0xFFFF:04X})"),
)
STEPS = st.lists(st.tuples(NAMES, st.one_of(st.none(), st.integers(0, 9999))), max_size=4)


@given(STEPS, NAMES)
def test_a_path_is_read_as_it_is_written(steps: list[tuple[str, int | None]], name: str) -> None:
    text = "".join(f"{one}[{'frame' if item is None else item}]." for one, item in steps) + name
    assert Path.parse(text) == Path(tuple(steps), name)


@given(st.text(max_size=40))
def test_what_is_no_path_is_refused(text: str) -> None:
    if re.fullmatch(PATTERN, text):
        assert Path.parse(text).names
    else:
        with pytest.raises(ValueError, match="keyword"):
            Path.parse(text)


@pytest.mark.parametrize(
    ("path", "kind", "several", "vr"),
    [
        ("Rows", Kind.INTEGER, False, "US"),
        ("KVP", Kind.REAL, False, "DS"),
        ("StudyDate", Kind.DATE, False, "DA"),
        ("PixelSpacing", Kind.REAL, True, "DS"),
        ("PixelPaddingValue", Kind.INTEGER, False, "US or SS"),
        ("(0010,0010)", Kind.TEXT, False, "PN"),
        ("(0019,100C)", Kind.TEXT, True, ""),
        ("RequestAttributesSequence[0].ScheduledProcedureStepID", Kind.TEXT, False, "SH"),
        ("(0019,1001)[0].Rows", Kind.INTEGER, False, "US"),
    ],
)
def test_the_type_of_a_column_is_that_of_the_dictionary(path: str, kind: Kind, several: bool, vr: str) -> None:
    tag = DICTIONARY.tag(path)
    assert (tag.kind, tag.several, tag.vr) == (kind, several, vr)


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("NoSuchKeyword", UnknownTagError, "NoSuchKeyword"),
        ("NoSuchSequence[0].Rows", UnknownTagError, "NoSuchSequence"),
        ("PixelData", NoColumnError, "PixelData is binary"),
        ("RequestAttributesSequence", NoColumnError, "is a sequence"),
        ("PatientID[0].Rows", NoColumnError, "PatientID is no sequence"),
    ],
)
def test_what_makes_no_column_is_named(path: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        DICTIONARY.tag(path)


def test_the_usual_columns_are_in_the_dictionary() -> None:
    assert [DICTIONARY.tag(tag).path for tag in DEFAULT_TAGS] == list(DEFAULT_TAGS)


def test_no_two_columns_can_have_one_name() -> None:
    # SQLite takes Rows and rows for one; a numbered column must be no keyword.
    keywords = {keyword.lower() for keyword in entries()}
    assert len(keywords) == len(entries())
    assert not keywords & {ORTHANC_ID, FRAME, CODE, UNFIT}
    assert not [one for one in keywords if (found := re.fullmatch(r"(.+?)1?\d", one)) and found[1] in keywords]

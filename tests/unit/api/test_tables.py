"""Tables for spreadsheets."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from orthanc_ai.api.tables import table
from orthanc_ai.api.views import CodeView, View
from orthanc_ai.codes import Code


class Row(View):
    text: str
    score: float = 0.25
    inner: CodeView | None = None
    flag: bool = True
    notes: tuple[CodeView, ...] = ()
    labels: tuple[str, ...] = ()
    scores: dict[str, float] = Field(default_factory=dict)


COLUMNS = {"text": "text", "score": "score", "code": "inner.code", "flag": "flag", "notes": "notes", "labels": "labels"}


def read(rows: list[Row]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table("t", rows, COLUMNS, None).body.decode(), newline="")))


def test_values_by_their_paths() -> None:
    code = CodeView.of(Code.HELD)
    assert read([Row(text="a", inner=code, notes=(code, code), flag=False)]) == [
        {"text": "a", "score": "0.25", "code": "HELD", "flag": "false", "notes": "HELD;HELD", "labels": ""}
    ]


def test_a_column_may_be_called_what_a_formula_is_and_have_dots() -> None:
    # Models name their findings as they like.
    columns = {label: f"scores.{label}" for label in ("=1+1", "No. of nodules", "none")}
    text = table("t", [Row(text="a", scores={"=1+1": 0.5, "No. of nodules": 0.75})], columns, None).body.decode()
    assert text == "'=1+1,No. of nodules,none\r\n0.5,0.75,\r\n"


def test_without_rows_there_is_the_heading() -> None:
    assert table("t", [], COLUMNS, None).body == b"text,score,code,flag,notes,labels\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_every_text_survives_and_none_is_a_formula(text: str) -> None:
    [row] = read([Row(text=text, labels=(text, "75%"))])
    assert not row["labels"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["text"].removeprefix("'") == text.removeprefix("'")
    assert not row["text"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_negative_number_stays_a_number() -> None:
    assert read([Row(text="a", score=-0.5)])[0]["score"] == "-0.5"


def test_the_next_page_is_a_link() -> None:
    assert table("t", [], COLUMNS, "/ai/x?cursor=3").headers["Link"] == '</ai/x?cursor=3>; rel="next"'

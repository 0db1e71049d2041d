"""Reading requests: what is refused, and with which words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from orthanc_ai.api.archive import FindingsQuery
from orthanc_ai.api.http import (
    MAXIMUM_DEPTH,
    MAXIMUM_FAULTS,
    STATUS,
    Problem,
    Request,
    parse_body,
    parse_query,
    prefers_csv,
)
from orthanc_ai.codes import Code


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


def post(body: bytes, content_type: str = "application/json") -> Request:
    return Request("POST", "/ai/x", headers={"content-type": content_type}, body=body)


def problem(body: bytes, content_type: str = "application/json", maximum: int = 1000) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_body(Anything, post(body, content_type), maximum)
    return caught.value


def test_query_values_are_decoded_and_converted() -> None:
    query = parse_query(FindingsQuery, {"patientID": "M%C3%BCller+%2B1", "minimum": "0.25", "limit": "7"})
    assert (query.patient_id, query.minimum, query.limit) == ("Müller +1", 0.25, 7)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"limit": "0"}, "limit: found '0'"),
        ({"limit": "1001"}, "limit: found '1001'"),
        ({"minimum": "2"}, "minimum: found '2'"),
        ({"minimum": "nan"}, "minimum: found 'nan'"),
        ({"presence": "maybe"}, "presence: found 'maybe'"),
        ({"studyDate": "2026-01-01"}, "studyDate: found '2026-01-01'"),
        ({"code": "FLU"}, "code: found 'FLU'"),
        ({"lable": "Mass"}, "lable: there is no such field"),
        ({"patientID": "%ff"}, "UTF-8"),
        ({"format": "xml"}, "format: found 'xml'"),
    ],
)
def test_a_wrong_parameter_is_named(raw: dict[str, str], words: str) -> None:
    with pytest.raises(Problem, match=words.replace("(", r"\(")) as caught:
        parse_query(FindingsQuery, raw)
    assert caught.value.status == 400


def test_an_empty_body_is_an_empty_object() -> None:
    assert parse_body(Nothing, post(b""), 10) == Nothing()
    assert parse_body(Nothing, post(b" \r\n"), 10) == Nothing()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[" * (MAXIMUM_DEPTH + 1), "nested deeper"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b"1" * 5000, "not JSON"),
        (rb'{"name": "\ud83d\udc"}', "not JSON"),
        (rb'{"name": "a\ud83dz"}', "half of a surrogate pair"),
        (rb'{"\uDC00": 1}', "half of a surrogate pair"),
        (b"[]", "found"),
    ],
)
def test_a_wrong_body_is_refused(body: bytes, words: str) -> None:
    found = problem(body, maximum=10_000_000)
    assert found.code is Code.BAD_REQUEST
    assert words in found.detail


def test_brackets_in_texts_are_no_nesting() -> None:
    text = "[{" * 1000 + '"\\'
    assert parse_body(Anything, post(json.dumps({"a": text}).encode()), 10_000).model_extra == {"a": text}


def test_a_body_that_is_too_large_is_not_parsed() -> None:
    found = problem(b"[" * 1001)
    assert (found.code, found.status) == (Code.BODY_TOO_LARGE, 413)
    assert "AI.MaximumBodyKiB" in found.detail


def test_another_media_type_is_refused() -> None:
    assert problem(b"a=1", "application/x-www-form-urlencoded").status == 415
    assert parse_body(Anything, post(b"{}", "application/json; charset=utf-8"), 10) == Anything()


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    try:
        parse_body(Anything, post(body), 1000)
    except Problem as found:
        assert found.status in (400, 413)  # noqa: PT017 - a body may also be a right one


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_every_flat_enough_object_is_taken(content: dict[str, Any]) -> None:
    assert parse_body(Anything, post(json.dumps(content).encode()), 1_000_000).model_extra == content


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("", False),
        ("text/csv", True),
        ("TEXT/CSV", True),
        ("*/*", False),
        ("text/html, */*;q=0.1", False),
        ("text/*", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json;q=0.9", True),
        ("text/csv;q=nonsense", False),
        ("application/json, text/csv", False),
    ],
)
def test_accept_chooses_between_json_and_csv(accept: str, csv: bool) -> None:
    assert prefers_csv(accept) is csv


@given(st.text())
def test_no_accept_header_is_an_error(accept: str) -> None:
    assert prefers_csv(accept) in (True, False)


def test_a_long_list_of_faults_is_cut_short() -> None:
    body = json.dumps({f"n{number}": 1 for number in range(MAXIMUM_FAULTS + 5)}).encode()
    with pytest.raises(Problem, match="and 5 more"):
        parse_body(Nothing, post(body), 10_000)


@pytest.mark.parametrize("code", STATUS)
def test_a_problem_document_says_everything(code: Code) -> None:
    answer = Problem(code, "because").response("/ai/thing")
    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.body) == {
        "type": f"/ai/codes/{code}",
        "title": code.sentence,
        "status": STATUS[code],
        "detail": "because",
        "instance": "/ai/thing",
        "code": str(code),
    }


def test_orthanc_knows_every_status() -> None:
    """It closes the connection on those it does not, e.g. 429; tests/live/test_api.py meets most of these."""
    assert set(STATUS.values()) <= {400, 403, 404, 405, 409, 413, 500, 503}

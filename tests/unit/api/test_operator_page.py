"""`/ai` as a page, and what it asks every few seconds, without a server."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest

from orthanc_ai.api.http import Request, Response
from orthanc_ai.api.operator_page import HEADERS
from orthanc_ai.api.routes import Routes
from orthanc_ai.catalog.catalog import Catalog
from orthanc_ai.catalog.mirror import CatalogError
from orthanc_ai.codes import Code
from orthanc_ai.desk import QueueStatus
from orthanc_ai.outcomes import Outcome
from orthanc_ai.server import Resource

from ..catalog.known import Series, known, unknown
from ..pages.test_cardiac_page import BROWSER, Elements
from .examples import Archive, Queue, context, identifier, image, reported

NASTY = '<script>alert("x")</script>\u202e'

FILMS = [
    Series(
        *("mass", "study of mass"),
        outcomes=[reported({"Mass": 0.9, "Edema": 0.1}, demonstration=True)],
        study_tags={"StudyDate": "20240201", "PatientName": NASTY, "StudyInstanceUID": "1.2"},
        Modality="DX",
        StationName="ROOM 1",
    ),
    Series(
        *("edema", "study of edema"),
        outcomes=[reported({"Mass": 0.2, "Edema": 0.6})],
        study_tags={"StudyDate": "20240301", "StudyInstanceUID": "1.3"},
        Modality="CR",
    ),
]


class Index(Archive):
    """The studies of the films, and an X-ray that was given up."""

    def __init__(self) -> None:
        given_up = Outcome(Code.FAILED, "r", detail=f"{Code.WORKER_DIED}: signal 9", attempts=3)
        super().__init__([*(one.study for one in FILMS), image(1, given_up)])

    def study_of(self, _level: str, _identifier: str) -> Resource:
        return FILMS[0].study


CATALOG = known(FILMS)
LOADING = unknown(CatalogError(Code.CATALOG_LOADING, "1 of 2 entries are read.", 2))
TOO_LARGE = unknown(CatalogError(Code.CATALOG_TOO_LARGE, "There is none.", 0))


@cache
def routes(catalog: Catalog) -> Routes:
    return Routes(dataclasses.replace(context(Index(), charts_directory=Path("/nowhere")), catalog=catalog))


def asked(
    path: str = "/ai",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] = BROWSER,
    catalog: Catalog = CATALOG,
) -> Response:
    return routes(catalog).answer(Request("GET", path, query or {}, headers))


def html(query: Mapping[str, str] | None = None, catalog: Catalog = CATALOG) -> str:
    response = asked("/ai", query, catalog=catalog)
    assert response.content_type == "text/html; charset=utf-8"
    assert response.headers.items() >= HEADERS.items()
    return response.body.decode()


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json, text/html"])
def test_programs_get_json(accept: str) -> None:
    answer = json.loads(asked(headers={"accept": accept} if accept else {}).body)
    assert answer["name"] == "Orthanc AI"
    assert answer["links"]["worklist"] == "/ai/worklist"


def test_the_form_of_the_answer_can_be_named() -> None:
    assert asked(query={"format": "json"}).content_type == "application/json"
    assert asked(query={"format": "html"}, headers={}).content_type.startswith("text/html")


def test_what_is_urgent_stands_first_and_leads_to_its_study() -> None:
    text = html()
    rows = re.findall(r'data-study="([^"]*)"', text)
    assert rows == [FILMS[0].study.identifier, FILMS[1].study.identifier]
    assert f'href="/ai/studies/{rows[0]}"' in text
    assert "/ohif/viewer?StudyInstanceUIDs=1.2" in text
    assert re.findall(r'data-study="([^"]*)"', html({"finding": "Edema", "above": "true", "source": ""})) == [rows[1]]
    assert re.findall(r'data-study="([^"]*)"', html({"source": "ROOM+1"})) == [rows[0]]


def test_a_failure_is_told_with_its_reason_and_a_button() -> None:
    text = html()
    assert Code.WORKER_DIED.sentence in text
    assert 'href="/ai/codes/WORKER_DIED"' in text
    assert "signal 9" in text
    assert f'action="/ai/jobs/xray-findings%3A{identifier(1)}/retry"' in text
    assert 'action="/ai/jobs/retry"' in text


def test_what_others_wrote_is_no_markup() -> None:
    page = Elements(html({"label": "%22%3E%3Cimg+src%3Dx%3E", "source": "%3Cscript%3E"}))
    assert not any(name == "img" for name, _ in page.found)
    scripts = [dict(attributes) for name, attributes in page.found if name == "script"]
    assert all(
        (one.get("src") or "").startswith("/ai/scripts/") or one["type"] == "application/json" for one in scripts
    )
    assert NASTY not in html()


def test_without_the_library_of_charts_it_says_so_and_has_all_numbers() -> None:
    text = html()
    assert "CHARTS_MISSING" in text
    assert text.count("<script defer") == 1
    assert "Numbers: scores by week" in text
    # Between one moment and the next, drift does not change.
    assert "Numbers: scores by week" not in html({"live": "true"})


def test_while_the_catalogue_is_read_the_rest_is_there() -> None:
    response = asked(catalog=LOADING)
    text = response.body.decode()
    assert response.headers["Refresh"] == "2"
    assert "CATALOG_LOADING" in text
    assert "1,234 of 5,000" in text
    assert Code.WORKER_DIED.sentence in text
    assert "Refresh" not in asked(catalog=TOO_LARGE).headers
    assert "CATALOG_TOO_LARGE" in html(catalog=TOO_LARGE)


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        ({}, "Working", "/ai/pause"),
        ({"idle": True}, "Idle", "/ai/pause"),
        ({"rush": True}, "Stepping back", "/ai/pause"),
        ({"rush": True, "paused": True}, "Paused", "/ai/resume"),
    ],
)
def test_it_says_how_the_work_stands(state: dict[str, bool], words: str, button: str) -> None:
    class Standing(Queue):
        def status(self) -> QueueStatus:
            return dataclasses.replace(super().status(), **cast(Any, state))

    found = Routes(dataclasses.replace(context(Index(), queue=Standing()), catalog=CATALOG))
    text = found.answer(Request("GET", "/ai", {}, BROWSER)).body.decode()
    assert f"<dt>State</dt><dd>{words}</dd>" in text
    assert f'action="{button}"' in text
    answer = json.loads(found.answer(Request("GET", "/ai/now")).body)
    assert (answer["paused"], answer["yielding"]) == (state.get("paused", False), state.get("rush", False))


def test_a_demonstration_is_called_one() -> None:
    answer = json.loads(asked("/ai/worklist").body)
    assert [one["demonstration"] for one in answer["studies"]] == [True, False]
    assert answer["demonstration"]
    assert "Not for diagnosis" in answer["warning"]
    assert json.loads(asked("/ai/drift").body)["warning"]


def test_worklist_as_a_table_page_by_page() -> None:
    first = asked("/ai/worklist", {"format": "csv", "limit": "1"})
    [row] = csv.DictReader(io.StringIO(first.body.decode()))
    assert (row["patientID"], row["finding"], row["score"], row["above"]) == ("mass", "Mass", "0.9", "Mass")
    assert row["patientName"].startswith("<script>")  # a spreadsheet shows what is there
    path, _, query = re.findall(r"<(.*)>", first.headers["Link"])[0].partition("?")
    second = asked(path, dict(one.split("=") for one in query.split("&")))
    [row] = csv.DictReader(io.StringIO(second.body.decode()))
    assert (row["patientID"], row["stationNames"]) == ("edema", "")
    assert "Link" not in second.headers


@pytest.mark.parametrize("path", ["/ai/throughput", "/ai/drift"])
def test_the_others_are_tables_too(path: str) -> None:
    rows = list(csv.DictReader(io.StringIO(asked(path, {"format": "csv"}).body.decode())))
    assert rows
    assert not any(None in row for row in rows)


def test_now_is_told_once_until_something_changes() -> None:
    first = asked("/ai/now")
    tag = first.headers["ETag"]
    assert json.loads(first.body)["failed"] == 1
    again = asked("/ai/now", headers={"if-none-match": f'"other", {tag}'})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert asked("/ai/now", headers={"if-none-match": '"other"'}).status == 200
    assert f'data-tag="{tag.replace(chr(34), "&#34;")}"' in html()


def test_now_does_not_hurry_a_catalogue_that_is_being_read() -> None:
    answer: dict[str, Any] = json.loads(asked("/ai/now", catalog=LOADING).body)
    assert (answer["minute"], answer["hour"], answer["version"]) == (None, None, None)
    assert answer["waiting"] == 3

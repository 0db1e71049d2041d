"""`/ai/catalog` and `/ai/catalog/distributions`: known answers, and what nobody gets onto the page."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.api import catalog_page
from orthanc_ai.api.http import Problem, Request, Response
from orthanc_ai.api.routes import Routes
from orthanc_ai.catalog.catalog import Catalog
from orthanc_ai.catalog.mirror import CatalogError
from orthanc_ai.codes import Code

from ..catalog.known import Series, known, unknown
from ..catalog.test_population import ARCHIVE
from ..pages.test_cardiac_page import BROWSER, Elements
from .examples import context, reported

ARCHIVED = known(ARCHIVE, {"teaching": ["s1"]})


NOWHERE = Path("/nowhere")


@cache
def routes(catalog: Catalog, charts: Path) -> Routes:
    return Routes(dataclasses.replace(context(charts_directory=charts), catalog=catalog))


def asked(
    path: str,
    query: Mapping[str, str] | None = None,
    catalog: Catalog = ARCHIVED,
    headers: Mapping[str, str] | None = None,
    charts: Path = NOWHERE,
) -> Response:
    return routes(catalog, charts).answer(Request("GET", path, query or {}, headers or {}))


def counted(catalog: Catalog = ARCHIVED, **query: Any) -> Any:
    return json.loads(asked("/ai/catalog/distributions", query, catalog).body)


def html(catalog: Catalog = ARCHIVED, charts: Path = NOWHERE, **query: Any) -> str:
    response = asked("/ai/catalog", query, catalog, BROWSER, charts)
    assert response.content_type == "text/html; charset=utf-8"
    return response.body.decode()


@pytest.mark.parametrize(
    ("query", "images", "read"),
    [
        ({}, 24, 2),
        ({"modality": "DX"}, 3, 2),
        ({"modality": "DX%2CCR", "studyDate": "", "minimum": ""}, 4, 2),
        ({"label": "teaching"}, 3, 2),
        ({"label": "Teaching"}, 0, 0),
        ({"finding": "Mass", "minimum": "0.5"}, 1, 1),
        ({"patientID": "nobody"}, 0, 0),
    ],
)
def test_filters(query: dict[str, Any], images: int, read: int) -> None:
    answer = counted(**query)
    assert answer["total"]["images"] == images
    assert max([one["images"] for one in answer["findings"]], default=0) == read


@pytest.mark.parametrize(
    "query",
    [
        {"finding": "Mass", "minimum": "2"},
        {"interval": "day"},
        {"studyDate": "2024"},
        {"modality": "dx*"},
        {"size": "1"},
    ],
)
def test_wrong_filters_are_named(query: dict[str, str]) -> None:
    for path in ("/ai/catalog", "/ai/catalog/distributions"):
        with pytest.raises(Problem) as problem:
            asked(path, query)
        assert problem.value.code is Code.BAD_REQUEST


def test_the_whole_answer() -> None:
    answer = counted(interval="year")
    assert answer["total"] == {"value": "", "patients": 2, "studies": 3, "series": 3, "images": 24}
    assert [(one["value"], one["first"], one["last"], one["studies"]) for one in answer["time"]] == [
        ("2023", "2023-01-01", "2023-12-31", 1),
        ("2024", "2024-01-01", "2024-12-31", 2),
    ]
    assert [(one["first"], one["last"], one["sex"], one["images"]) for one in answer["ages"]] == [
        (10, 19, "M", 1),
        (40, 49, "F", 23),
    ]
    assert answer["others"] == [{"modality": "SR", "series": 1, "instances": 1}]
    assert [(one["code"], one["images"]) for one in answer["outcomes"]] == [("REPORTED", 2), ("NOT_CHEST", 1)]
    mass = answer["findings"][0]
    assert (mass["label"], mass["images"], mass["reached"], mass["share"]) == ("Mass", 2, 1, 0.5)
    assert mass["concept"]["value"] == "4147007"
    assert [place for place, images in enumerate(mass["histogram"]) if images] == [6, 14]
    assert (answer["demonstration"], answer["warning"]) == (False, None)


def test_as_a_table_every_row_is_complete_in_itself() -> None:
    response = asked("/ai/catalog/distributions", {"format": "csv", "interval": "year"})
    rows = list(csv.DictReader(io.StringIO(response.body.decode())))
    assert {row["distribution"] for row in rows} == {
        *("total", "time", "modality", "bodyPart", "age", "sex", "outcome", "finding", "score", "other")
    }
    [heart] = [row for row in rows if row["value"] == "HEART"]
    assert (heart["distribution"], heart["studies"], heart["images"]) == ("bodyPart", "1", "20")
    bins = [row for row in rows if row["distribution"] == "score" and row["value"] == "Mass" and row["images"] == "1"]
    assert [(row["first"], row["last"]) for row in bins] == [("0.3", "0.35"), ("0.7", "0.75")]


def test_the_page_carries_the_very_answer() -> None:
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html(modality="DX"), re.DOTALL)
    assert json.loads(data) == counted(modality="DX")


def test_without_a_script_all_numbers_are_there() -> None:
    page = Elements(html())
    text = " ".join(re.sub(r"<[^>]+>", " ", html()).split())
    assert "Patients 2 Studies 3 Series 3 Images 24" in text
    assert "40\u201349 F 1 2 2 23" in text
    assert "Mass 0.50 1 2 50.0 % 9.5 % 90.5 %" in text
    assert "SR 1 1" in text
    assert all("open" in attributes for name, attributes in page.found if name == "details")


def test_the_form_shows_the_question_and_asks_it_again() -> None:
    page = Elements(html(modality="DX", studyDate="20240101-", count="images", bodyPart="FOOT"))
    [form] = [attributes for name, attributes in page.found if name == "form"]
    assert (form["method"], form["action"]) == ("get", "/ai/catalog")
    chosen = {attributes["value"] for name, attributes in page.found if name == "option" and "selected" in attributes}
    assert chosen == {"DX", "FOOT", "images", "month"}
    [date] = [attributes for name, attributes in page.found if name == "input" and attributes["name"] == "studyDate"]
    assert date["value"] == "20240101-"
    links = [attributes["href"] for name, attributes in page.found if name == "a"]
    query = "modality=DX&bodyPart=FOOT&studyDate=20240101-&interval=month"
    assert f"/ai/catalog/distributions?{query}&format=csv" in links


def test_a_demonstration_is_said_to_be_one() -> None:
    outcome = reported({"Mass": 0.7}, demonstration=True, model="phantom")
    catalog = known([Series("jane", "s1", outcomes=[outcome], Modality="DX")])
    assert counted(catalog)["warning"].endswith("Not for diagnosis.")
    assert html(catalog).count("Not for diagnosis.") >= 2
    assert "Not for diagnosis." not in html()


LOADING = CatalogError(Code.CATALOG_LOADING, "1234 of 5000 entries are read.", 2)


def test_while_the_index_is_read_the_page_says_so_and_comes_back() -> None:
    response = asked("/ai/catalog", catalog=unknown(LOADING), headers=BROWSER)
    assert "1,234 of 5,000" in response.body.decode()
    assert response.headers["Refresh"] == "2"
    for path in ("/ai/catalog/distributions", "/ai/catalog"):
        with pytest.raises(Problem) as problem:
            asked(path, catalog=unknown(LOADING), headers={"accept": "application/json"})
        assert (problem.value.code, problem.value.status) == (Code.CATALOG_LOADING, 503)
        assert problem.value.headers["Retry-After"] == "2"


def test_of_too_large_an_archive_the_page_says_so_and_does_not_come_back() -> None:
    error = CatalogError(Code.CATALOG_TOO_LARGE, "")
    response = asked("/ai/catalog", catalog=unknown(error), headers=BROWSER)
    assert "CATALOG_TOO_LARGE" in response.body.decode()
    assert "Refresh" not in response.headers


def test_programs_learn_from_the_same_path_where_to_begin() -> None:
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        answer = json.loads(asked("/ai/catalog", headers=headers).body)
        assert answer["counts"]["images"] == 24


def test_nothing_found_is_said() -> None:
    assert "There are no such images." in html(bodyPart="FOOT")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name in ("d3.js", "plot.js"):
        (tmp_path / name).write_text(f"// {name}")
    return tmp_path


def test_scripts_are_of_this_server_and_checked(library: Path) -> None:
    page = Elements(html(charts=library))
    scripts = [attributes for name, attributes in page.found if name == "script" and "src" in attributes]
    names = [str(one["src"]).rpartition("/")[2].partition(".")[0] for one in scripts]
    assert names == ["d3", "plot", "catalog"]
    for one in scripts:
        assert str(one["src"]).startswith("/ai/scripts/")
        assert str(one["integrity"]).startswith("sha256-")
        response = asked(str(one["src"]), charts=library)
        assert response.content_type == "text/javascript; charset=utf-8"
        assert "immutable" in response.headers["Cache-Control"]
    assert "script-src 'self'" in catalog_page.HEADERS["Content-Security-Policy"]
    assert "unsafe" not in catalog_page.HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["d3.js", "..", "catalog.py", "d3-license.txt", "d3.0000000000000000.js"])
def test_nothing_else_is_a_script(library: Path, name: str) -> None:
    with pytest.raises(Problem) as problem:
        asked(f"/ai/scripts/{name}", charts=library)
    assert problem.value.code is Code.NOT_FOUND


def test_without_the_library_the_tables_stay_and_it_is_said(tmp_path: Path) -> None:
    page = html(charts=tmp_path / "nowhere")
    assert "CHARTS_MISSING" in page
    assert "<script defer" not in page
    assert "24" in page


CONTEXT = context(charts_directory=NOWHERE)

HOSTILE = "<script>alert(1)</script>"


def with_texts(text: str) -> Elements:
    tags = {"StudyDate": text, "PatientSex": text, "PatientAge": text, "PatientBirthDate": text}
    outcome = reported({text: 0.5}, model=text)
    one = Series("p", "s", outcomes=[outcome], study_tags=tags, Modality=text, BodyPartExamined=text)
    made = dataclasses.replace(CONTEXT, catalog=known([one]))
    response = catalog_page.answer(made, catalog_page.PageQuery(), Request("GET", "/ai/catalog", headers=BROWSER))
    assert isinstance(response, Response)
    return Elements(response.body.decode())


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=30) | st.sampled_from([HOSTILE, '"><img src=x onerror=1>', "</script>", "{{ 7*7 }}"]))
def test_texts_of_headers_are_never_markup(text: str) -> None:
    page, usual = with_texts(text), with_texts("DX")
    assert page.names() == usual.names()
    assert sum(name == "script" for name, _ in page.found) == sum(name == "script" for name, _ in usual.found)

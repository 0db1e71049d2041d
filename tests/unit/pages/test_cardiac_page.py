"""The page of a CT study: what a reader finds on it, and what nobody gets onto it."""

import functools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.api import cardiac_study
from orthanc_ai.api.cardiac_page import render
from orthanc_ai.api.cardiac_study import read_study
from orthanc_ai.api.http import Request, Response
from orthanc_ai.api.routes import Routes
from orthanc_ai.outcomes import CARDIAC_METADATA
from orthanc_ai.pages.html import CONTENT_SECURITY_POLICY
from orthanc_ai.server import Server
from phantom.ct import Kind, ct_series

from ..api.examples import context
from .archive import STUDY, StudyArchive, study_archive, tags_of

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def tags(kind: Kind, damage: str | None = None, slices: int | None = None) -> list[dict[str, Any]]:
    return [tags_of(image) for image in ct_series(kind, damage=damage, slices=slices)]


def asked(archive: StudyArchive, headers: dict[str, str] | None = None, **query: str) -> Response:
    request = Request("GET", f"/ai/studies/{STUDY}/cardiac", query, headers or {})
    return Routes(context(archive)).answer(request)


def html(archive: StudyArchive) -> str:
    response = asked(archive, BROWSER)
    assert response.content_type == "text/html; charset=utf-8"
    return response.body.decode()


class Elements(HTMLParser):
    """Elements by name with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def names(self) -> set[str]:
        return {name for name, _ in self.found}


SERIES = (tags("localizer"), tags("calcium_score"), tags("ccta", "missing_slice"), tags("multiphase"))


def test_every_series_with_its_verdict_accepted_first() -> None:
    page = Elements(html(study_archive(*SERIES, StudyDescription="Cardiac")))
    text = " ".join(page.text.split())
    order = [text.index(f"Series {number}: ") for number in (3, 7, 1, 5)]
    assert order == sorted(order)
    assert "Slices are missing between others. MISSING_SLICES" in text
    assert "1 slice missing: between images 100 and 102 at 0.25 mm" in text
    assert "A localizer (topogram, scout) for planning the scan. LOCALIZER" in text
    assert "For research. Not for diagnostic use." in text


def test_links_to_the_viewer_and_the_report() -> None:
    page = Elements(html(study_archive(*SERIES)))
    links = [attributes.get("href") for name, attributes in page.found if name == "a"]
    assert "/ohif/viewer?StudyInstanceUIDs=1.2.3" in links
    assert "/ohif/viewer?StudyInstanceUIDs=1.2.3&initialSeriesInstanceUID=2.25.2" in links
    anchors = {attributes.get("id") for _, attributes in page.found}
    assert {str(link)[1:] for link in links if str(link).startswith("#")} <= anchors


def test_thumbnails_come_from_the_middle_in_the_window_of_the_role() -> None:
    found = json.loads(asked(study_archive(*SERIES), format="json").body)
    by_number = {one["number"]: one["thumbnail"] for one in found["series"]}
    assert (by_number[3]["instanceNumber"], by_number[3]["windowCenter"], by_number[3]["windowWidth"]) == (21, 40, 400)
    assert (by_number[7]["windowCenter"], by_number[7]["windowWidth"]) == (200, 800)
    assert by_number[1]["windowCenter"] is None
    for one in by_number.values():
        assert re.fullmatch(r"/instances/[0-9a-f-]{44}/rendered\?width=\d+&height=\d+[a-z0-9=&-]*", one["path"])


def test_json_says_where_every_slice_lies() -> None:
    found = json.loads(asked(study_archive(*SERIES), {"accept": "application/json"}).body)
    damaged = next(one for one in found["series"] if one["number"] == 5)
    [phase] = damaged["phases"]
    assert len(phase["positionsMm"]) == len(phase["instanceNumbers"]) == damaged["instances"] == 199
    [gap] = phase["irregular"]
    assert (gap["after"], gap["before"], gap["missing"]) == (100, 102, 1)
    assert gap["positionMm"] == phase["positionsMm"][99]
    assert damaged["verdict"]["codes"][0] == damaged["code"] == "MISSING_SLICES"


@pytest.mark.parametrize(
    ("accept", "query", "content_type"),
    [
        ("", {}, "text/html"),
        ("*/*", {}, "text/html"),
        (BROWSER["accept"], {}, "text/html"),
        ("application/json", {}, "application/json"),
        ("text/html;q=0.5, application/json", {}, "application/json"),
        ("application/json", {"format": "html"}, "text/html"),
        (BROWSER["accept"], {"format": "json"}, "application/json"),
    ],
)
def test_the_form_of_the_answer(accept: str, query: dict[str, str], content_type: str) -> None:
    answer = asked(study_archive(tags("localizer")), {"accept": accept} if accept else {}, **query)
    assert answer.content_type.partition(";")[0] == content_type


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs() -> None:
    response = asked(study_archive(*SERIES), BROWSER)
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    page = Elements(response.body.decode())
    assert not page.names() & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.found:
        assert "style" not in attributes, "the policy forbids it"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert str(attributes.get(name) or "/").startswith(("/", "#"))


def test_not_judged_yet() -> None:
    page = Elements(html(study_archive(tags("ccta"), judged=False)))
    assert "The resource has neither a report nor an outcome yet." in page.text
    assert "200 images, drawn along their normal" in page.text


def test_a_verdict_that_somebody_has_spoiled() -> None:
    archive = study_archive(tags("ccta"))
    archive.rows = [
        replace(row, metadata={CARDIAC_METADATA: '{"code":"ACCEPTED","recipe":"r","at":"","data":{"accepted":[]}}'})
        if row.level == "series"
        else row
        for row in archive.rows
    ]
    page = Elements(html(archive))
    assert "cannot be read; have the study analysed again" in page.text
    assert "200 images, drawn along their normal" in page.text


def test_a_study_that_has_grown_since() -> None:
    archive = study_archive(tags("ccta"))
    archive.rows = [
        replace(row, children=(*row.children, "another")) if row.level == "series" else row for row in archive.rows
    ]
    assert "Judged with 200 images; there are 201 now" in Elements(html(archive)).text


def test_a_study_without_ct() -> None:
    archive = study_archive(judged=False)
    assert "0 CT series" in Elements(html(archive)).text


def test_a_large_study_makes_a_page_of_bounded_size() -> None:
    images = tags("ccta", slices=420)
    series = [
        [
            {**image, "SeriesInstanceUID": f"1.2.{number}", "SOPInstanceUID": f"1.2.{number}.{index}"}
            for index, image in enumerate(images)
        ]
        for number in range(12)
    ]
    assert sum(map(len, series)) == 5040
    assert len(html(study_archive(*series))) < 1_000_000


def test_series_beyond_a_number_of_images_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cardiac_study, "MOST_IMAGES", 200)
    archive = study_archive(tags("calcium_score"), tags("ccta"))
    by_number = {one["number"]: one for one in json.loads(asked(archive, format="json").body)["series"]}
    assert (by_number[3]["lookedAt"], by_number[5]["lookedAt"]) == (True, False)
    assert (by_number[5]["phases"], by_number[5]["thumbnail"], by_number[5]["instances"]) == ([], None, 200)
    assert "so many images that those of this series are not drawn" in html(archive)


ONE = tags("localizer")
NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        (
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onmouseover='alert(1)",
            "</title><svg onload=alert(1)>",
            "{{ 7 * 7 }}{% raw %}",
            "\u202eevil\x00\x1b[31m",
            "</style><b>",
            "javascript:alert(1)",
            "\ud800",
        )
    ),
)


@functools.cache
def plain() -> Elements:
    """The page of the same study with nothing odd about it."""
    return Elements(html(study_archive([ONE[0]], StudyDescription="x", PatientID="y")))


@settings(max_examples=100, deadline=None)
@given(NASTY, NASTY, NASTY, NASTY)
def test_texts_of_others_stay_texts(description: str, study: str, patient: str, number: str) -> None:
    image = {**ONE[0], "SeriesDescription": description, "InstanceNumber": number}
    nasty = study_archive([image], StudyDescription=study, PatientID=patient)
    expected, found = plain(), Elements(render(read_study(cast(Server, nasty), STUDY)).decode())
    # A paragraph says that a verdict cannot be read.
    allowed = {("p", frozenset()), *((name, frozenset(attributes)) for name, attributes in expected.found)}
    assert {(name, frozenset(attributes)) for name, attributes in found.found} <= allowed
    assert found.text.count("49") == expected.text.count("49") or "49" in description + study + patient + number

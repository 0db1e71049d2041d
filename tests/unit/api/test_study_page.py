"""`/ai/studies/{id}`: what a reader finds there, whatever somebody has done to the metadata."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.api.access import Access
from orthanc_ai.api.http import Request, Response
from orthanc_ai.api.reading_parts import Parts
from orthanc_ai.api.routes import Routes
from orthanc_ai.api.study_page import HEADERS, SHEET, StudyQuery, answer
from orthanc_ai.api.study_view import in_words, read_state
from orthanc_ai.codes import Code
from orthanc_ai.desk import HandJob
from orthanc_ai.outcomes import (
    CARDIAC_METADATA,
    CORRECTIONS_METADATA,
    OVERLAYS_METADATA,
    REQUEST_METADATA,
    XRAY_METADATA,
    Outcome,
)
from orthanc_ai.overlays.picture import _COLORS as COLORS
from orthanc_ai.overlays.picture import _STRONGEST as STRONGEST
from orthanc_ai.server import Level, Resource

from ..pages.test_cardiac_page import BROWSER, Elements
from .examples import OPEN, Archive, Queue, context, identifier, image, reported

STUDY, SERIES, IMAGE, PRIOR = (identifier(number) for number in (90, 91, 1, 2))

CELLS = bytearray(49)
CELLS[2 * 7 + 5] = 255  # third row, sixth column
GRID = base64.b64encode(bytes(CELLS)).decode()

DATA: dict[str, Any] = {
    "demonstration": False,
    "weights": "0123456789abcdef",
    "findings": [
        {"label": "Effusion", "score": 0.2, "threshold": 0.5, "presence": False},
        {"label": "Nodule", "score": 0.75, "threshold": 0.5, "presence": True, "activation": GRID},
        {"label": "Mass", "score": 0.9, "threshold": 0.5, "presence": None, "activation": GRID},
    ],
    "box": [0, 100, 700, 700],
    "size": [900, 700],
    "ratio": {
        "code": "MEASURED",
        "value": 0.5,
        "uncertainty": 0.0125,
        "heart": [[200.5, 500.5], [400.5, 500.5]],
        "thorax": [[100.5, 600.5], [500.5, 600.5]],
        "spacing": [0.3, 0.5],
        "method": "classical 1",
    },
    "prior": {"image": "1.2.3.2", "report": "2.25.9", "date": "20230405", "scores": {"Nodule": 0.5, "Mass": 0.95}},
    "overlays": [
        {
            "kind": "heat map",
            "finding": "Nodule",
            "sopClassUID": "1",
            "sopInstanceUID": "2",
            "seriesInstanceUID": "2.25.7",
        }
    ],
}


class Index(Archive):
    """With what lies above an image."""

    def children(self, level: Level, identifier: str, of: Level, *_: Any, **__: Any) -> Iterator[Resource]:
        return super().children(level, identifier, of)

    def study_of(self, level: Level, identifier: str) -> Resource | None:
        return next((row for row in self.rows if row.level == "study"), None)


def archive(outcome: Outcome | None, metadata: Mapping[str, str] | None = None, **tags: str) -> Index:
    found = image(1, outcome, StudyInstanceUID="1.2.5")
    above = {"StudyInstanceUID": "1.2.5", "PatientID": "P1", "StudyDate": "20240102", **tags}
    return Index(
        [
            Resource("study", STUDY, above, {}, labels=("urgent",)),
            Resource("series", SERIES, {"Modality": "DX", "SeriesDescription": "Chest PA", **tags}, {}, parent=STUDY),
            replace(found, parent=SERIES, metadata={**found.metadata, **(metadata or {})}),
            image(2),
        ]
    )


def asked(
    index: Index, headers: Mapping[str, str] | None = None, access: Access = OPEN, queue: Queue | None = None
) -> Response:
    """The page, or an answer in JSON."""
    request = Request("GET", f"/ai/studies/{STUDY}", {}, headers or {})
    made = answer(context(index, access, queue), STUDY, StudyQuery(), request)
    return made if isinstance(made, Response) else Response(made.model_dump_json(by_alias=True).encode())


def state(index: Index) -> tuple[str, bool]:
    found = read_state(context(index), STUDY)
    return found.state, found.settled


def seen(index: Index) -> Any:
    """The image as JSON has it."""
    [found] = json.loads(asked(index).body)["images"]
    return found


def page(index: Index, access: Access = OPEN, **headers: str) -> Elements:
    response = asked(index, {**BROWSER, **headers}, access)
    assert response.content_type == "text/html; charset=utf-8"
    return Elements(response.body.decode())


READ_AT = reported({}, data=DATA)
READ = archive(READ_AT)


ROUTES = Routes(context(READ))


def words(found: Elements) -> str:
    return " ".join(found.text.split())


def test_findings_in_the_order_of_the_report_with_change_and_place() -> None:
    findings = seen(READ)["findings"]
    assert [one["label"] for one in findings] == ["Nodule", "Mass", "Effusion"]
    assert [one["above"] for one in findings] == [True, True, False]
    assert [one["change"] for one in findings] == [0.25, -0.05, None]
    # The sixth of seven cells across 700 pixels, the third down from row 100 on.
    assert findings[0]["map"] == {
        "side": 7,
        "values": GRID,
        "peak": [550.0, 350.0],
        "place": "the middle right of the image",
    }
    assert findings[2]["map"] is None


def test_ratio_with_its_widths_in_mm() -> None:
    ratio = seen(READ)["ratio"]
    assert (ratio["code"], ratio["value"], ratio["uncertainty"]) == ("MEASURED", 0.5, 0.0125)
    # Columns are 0.5 mm apart: the second value of Pixel Spacing.
    assert ratio["heart"] == {"start": [200.5, 500.5], "end": [400.5, 500.5], "pixels": 200.0, "mm": 100.0}
    assert ratio["thorax"]["mm"] == 200.0


def test_where_to_go_from_here() -> None:
    found = seen(READ)
    assert found["prior"]["page"] == f"/ai/studies/{STUDY}"
    assert found["overlays"][0][
        "viewer"
    ] == "/ohif/viewer?StudyInstanceUIDs=1.2.5.1&initialSeriesInstanceUID=2.25.7".replace("1.2.5.1", "1.2.5")
    assert found["picture"] == f"/instances/{IMAGE}/rendered?width=768&height=768&smooth=1"
    assert found["job"] == f"xray-findings:{IMAGE}"


def test_the_page_says_it_all() -> None:
    text = words(page(READ))
    for expected in (
        "Chest PA",
        "Nodule",
        "75.0 %, at or above its threshold of 50.0 %, present",
        "strongest in the middle right of the image",
        "+25.0 percentage points",
        "\u22125.0 percentage points",
        "2023-04-05",
        "0.50 \u00b1 0.01 standard uncertainty",
        "100.0 mm (200 pixels)",
        "classical 1",
        "weights 0123456789abcdef",
        "For research. Not for diagnostic use.",
        "urgent",
        "Heat map of Nodule in OHIF",
        "TorchXRayVision",
    ):
        assert expected in text, expected


def test_lines_and_bars_are_drawn_where_they_are() -> None:
    found = page(READ).found
    drawings = [attributes for name, attributes in found if name == "svg" and attributes.get("class") == "lines"]
    assert [one["viewbox"] for one in drawings] == ["0 0 700 900"]
    lines = [attributes["d"] for name, attributes in found if name == "path" and attributes.get("class") == "line"]
    assert lines == ["M100.5 600.5L500.5 600.5", "M200.5 500.5L400.5 500.5"]
    [shown] = [attributes for name, attributes in found if name == "img"]
    assert (shown["width"], shown["height"]) == ("597", "768")
    scores = [
        attributes["width"] for name, attributes in found if name == "rect" and attributes.get("class") == "score"
    ]
    assert scores == ["75.00", "90.00", "20.00"]
    marks = [attributes["d"] for name, attributes in found if name == "path" and attributes.get("class") == "threshold"]
    assert marks.count("M50.00 0v10") == 3


def test_a_demonstration_model_is_said_to_be_one() -> None:
    data = {**DATA, "demonstration": True}
    found = page(archive(reported({}, data=data)))
    assert "Not for diagnosis" in words(found)
    assert [1 for name, attributes in found.found if attributes.get("class") == "demonstration"]
    assert not [1 for name, attributes in page(READ).found if attributes.get("class") == "demonstration"]


@pytest.mark.parametrize(
    ("outcome", "stage", "said"),
    [
        (None, "waiting", "The resource has neither a report nor an outcome yet."),
        (Outcome(Code.HELD, "", "MODEL_MISSING"), "held", "The work waits"),
        (Outcome(Code.RETRYING, "", "WORKER_DIED"), "retrying", "will be tried again"),
        (Outcome(Code.FAILED, "", "WORKER_DIED"), "failed", "Try again"),
        (Outcome(Code.LATERAL_VIEW, "r"), "refused", "The image is a lateral view"),
    ],
)
def test_how_far_an_image_is(outcome: Outcome | None, stage: str, said: str) -> None:
    index = archive(outcome)
    assert seen(index)["stage"] == stage
    assert said in words(page(index))
    assert state(index)[1] is (stage in ("failed", "refused"))


def test_a_ratio_that_could_not_be_measured_has_its_reason() -> None:
    refused = {"code": "PIXELS_UNIFORM", "detail": "nothing to see"}
    index = archive(reported({}, data={**DATA, "ratio": refused}))
    assert seen(index)["ratio"]["value"] is None
    text = words(page(index))
    assert f"{Code.PIXELS_UNIFORM.sentence} PIXELS_UNIFORM" in text
    assert "nothing to see" in text


def test_without_a_pixel_spacing_widths_are_in_pixels() -> None:
    ratio = {**DATA["ratio"], "spacing": None}
    index = archive(reported({}, data={**DATA, "ratio": ratio}))
    assert seen(index)["ratio"]["heart"]["mm"] is None
    assert "Heart: 200 pixels" in words(page(index))


def test_the_state_is_another_one_when_anything_is() -> None:
    variants = [
        archive(None),
        READ,
        archive(reported({}, data=DATA), {OVERLAYS_METADATA: "x"}),
        archive(reported({}, data=DATA), {REQUEST_METADATA: "x"}),
        archive(reported({}, data=DATA), {CORRECTIONS_METADATA: "x"}),
        archive(reported({}, data={**DATA, "size": [901, 700]})),
    ]
    states = [state(one)[0] for one in variants]
    assert len(set(states)) == len(states)
    assert json.loads(asked(READ).body)["state"] == states[1]
    assert state(archive(reported({}, data=READ_AT.data, at=READ_AT.at))) == (states[1], True)


def test_overlays_that_were_asked_for() -> None:
    data = {name: value for name, value in DATA.items() if name != "overlays"}
    plain = archive(reported({}, data=data))
    coming = archive(reported({}, data=data), {OVERLAYS_METADATA: "x", REQUEST_METADATA: "x"})
    without = archive(reported({}, data=data), {OVERLAYS_METADATA: "x"})
    assert "Heat maps and lines into the viewer" in words(page(plain))
    assert "are being written" in words(page(coming))
    assert "the report has none" in words(page(without))
    assert [seen(one)["overlaysComing"] for one in (plain, coming, without)] == [False, True, False]


LOCKED = Access.of(
    {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "1", "bob": "2"}}, operators=[], readers=["alice"]
)


def test_who_may_state_something_and_under_which_name() -> None:
    def as_user(name: str, password: str) -> Elements:
        return page(READ, LOCKED, authorization=f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}")

    alice, bob, anybody = as_user("alice", "1"), as_user("bob", "2"), page(READ)
    assert [attributes["data-login"] for _, attributes in alice.found if "data-login" in attributes] == ["alice"]
    assert "Disagree" in alice.text
    assert "Disagree" not in bob.text
    assert [attributes for name, attributes in anybody.found if name == "input" and attributes.get("id") == "reader"]


@pytest.mark.parametrize(
    ("accept", "form", "content_type"),
    [
        ("", None, "application/json"),
        ("*/*", None, "application/json"),
        (BROWSER["accept"], None, "text/html"),
        (BROWSER["accept"], "json", "application/json"),
        ("application/json", "html", "text/html"),
    ],
)
def test_the_form_of_the_answer(accept: str, form: str | None, content_type: str) -> None:
    request = Request("GET", f"/ai/studies/{STUDY}", {"format": form} if form else {}, {"accept": accept})
    response = ROUTES.answer(request)
    assert response.content_type.partition(";")[0] == content_type


def test_the_state_has_a_route_of_its_own() -> None:
    response = ROUTES.answer(Request("GET", f"/ai/studies/{STUDY}/state"))
    assert json.loads(response.body) == {"state": state(READ)[0], "settled": True}


HOSTILE = "</style><script>alert(1)</script>\" onload='x"


def test_texts_of_others_are_no_markup_and_nothing_comes_from_elsewhere() -> None:
    data = json.loads(json.dumps(DATA).replace("Nodule", json.dumps(HOSTILE)[1:-1]))
    data["ratio"]["method"] = data["prior"]["date"] = data["weights"] = HOSTILE
    index = archive(
        reported({}, data=data, model=HOSTILE), SeriesDescription=HOSTILE, StudyDescription=HOSTILE, PatientID=HOSTILE
    )
    found = page(index)
    scripts = [attributes for name, attributes in found.found if name == "script"]
    assert [str(one["src"]).startswith("/ai/scripts/study.") for one in scripts] == [True]
    assert all("integrity" in one for one in scripts)
    assert not found.names() & {"link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in found.found:
        assert "style" not in attributes, "the policy forbids it"
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert str(attributes.get(name) or "/").startswith(("/", "#"))
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "connect-src 'self'" in HEADERS["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("findings", [{"label": "Mass"}]),
        ("findings", [{"label": "Mass", "score": 0.6, "threshold": 0.5, "presence": True, "activation": "AAA"}]),
        ("findings", [{"label": "Mass", "score": 0.6, "threshold": 0.5, "presence": True, "activation": "AAAA"}]),
        ("box", [0, 0, 0, 5]),
        ("box", [1, 2, 3]),
        ("size", ["a", 2]),
        ("size", [1e9, 2]),
        ("ratio", {"code": "MEASURED"}),
        ("ratio", {"code": "MEASURED", "value": 0.5, "uncertainty": 0, "heart": [[0, 1]], "thorax": []}),
        ("ratio", {"code": "FLU"}),
        ("ratio", 5),
        ("prior", {"image": "", "report": "1"}),
        ("prior", {"image": "1", "report": "1", "scores": {"Mass": 7}}),
        ("overlays", [{"kind": "heat map"}]),
        ("overlays", {}),
        ("weights", 5),
    ],
)
def test_a_spoiled_part_is_named_and_takes_nothing_with_it(part: str, value: object) -> None:
    index = archive(reported({}, data={**DATA, part: value}))
    found = seen(index)
    assert found["unreadable"] == [part]
    assert f"these parts cannot be read: {part}." in words(page(index))
    if part != "ratio":
        assert found["ratio"]["value"] == 0.5
    if part != "findings":
        assert len(found["findings"]) == 3


def test_spoiled_statements_are_said_to_be_so() -> None:
    assert seen(archive(reported({}, data=DATA), {CORRECTIONS_METADATA: "{"}))["unreadable"] == ["corrections"]


def test_a_spoiled_outcome_is_none() -> None:
    found = seen(archive(None, {XRAY_METADATA: "{"}))
    assert (found["stage"], found["findings"]) == ("waiting", [])
    assert "cannot be read" in found["detail"]


LEAVES = st.none() | st.booleans() | st.integers(-3, 70_000) | st.floats() | st.text(max_size=4) | st.just(GRID)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *DATA,
                    "label",
                    "score",
                    "threshold",
                    "presence",
                    "activation",
                    "code",
                    "value",
                    "heart",
                    "image",
                    "scores",
                    "kind",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(data=st.dictionaries(st.sampled_from(list(DATA)), ANYTHING, max_size=7), mixed=st.booleans())
@settings(max_examples=40)
def test_whatever_stands_in_the_metadata_there_is_a_page(data: dict[str, Any], mixed: bool) -> None:
    """Metadata can be edited by anybody who may write to Orthanc."""
    text = json.dumps({"code": "REPORTED", "recipe": "r", "at": "", "data": {**DATA, **data} if mixed else data})
    index = archive(None, {XRAY_METADATA: text})
    found = seen(index)
    assert json.dumps(found, allow_nan=False)
    page(index)


def test_a_ct_study_in_short_with_a_link_to_the_rest() -> None:
    verdict = {"accepted": True, "role": "CCTA", "number": 5}
    outcome = Outcome(Code.ACCEPTED, "r", data=verdict).to_text()
    study = {"StudyInstanceUID": "1.2.5", "PatientID": "P1", "StudyDate": "20240102"}
    index = Index(
        [
            Resource("study", STUDY, study, {CARDIAC_METADATA: Outcome(Code.REPORTED, "r").to_text()}),
            Resource(
                "series",
                SERIES,
                {"Modality": "CT", "SeriesDescription": "CorCTA"},
                {CARDIAC_METADATA: outcome},
                parent=STUDY,
            ),
        ]
    )
    found = json.loads(asked(index).body)["ct"]
    assert found["page"] == f"/ai/studies/{STUDY}/cardiac"
    assert [(one["number"], one["accepted"], one["role"]) for one in found["series"]] == [(5, True, "CCTA")]
    assert "5: CorCTA: accepted, CCTA" in words(page(index))


def test_a_study_of_something_else_says_so() -> None:
    study = {"StudyInstanceUID": "1.2.5"}
    assert "neither X-rays nor CT series" in words(page(Index([Resource("study", STUDY, study, {})])))


def test_the_page_has_the_colours_of_the_captures() -> None:
    [text] = re.findall(r"--ramp: ([^;]+);", SHEET)
    ramp = [bytes.fromhex(one.strip()[1:]) for one in text.split(",")]
    assert [tuple(one[:3]) for one in ramp] == [tuple(one) for one in COLORS.astype(int)]
    assert [one[3] for one in ramp] == [round(255 * STRONGEST * place / 4) for place in range(5)]


@given(cells=st.binary(min_size=1, max_size=100))
def test_grids_are_squares_of_which_something_stands_out(cells: bytes) -> None:
    data = {"findings": [{"label": "Mass", "activation": base64.b64encode(cells).decode()}]}
    grids = Parts.of(data).grids
    side = int(len(cells) ** 0.5)
    assert bool(grids) == (side * side == len(cells) and any(cells))
    assert bool(Parts.of(data).spoiled) == (side * side != len(cells))
    for grid in grids.values():
        column, row = grid.peak
        assert cells[row * side + column] == max(cells)


@pytest.mark.parametrize(
    ("across", "down", "said"),
    [
        (0.1, 0.1, "the upper left of the image"),
        (0.5, 0.5, "the middle of the image"),
        (0.5, 0.9, "the lower centre of the image"),
        (-3, 9, "the lower left of the image"),
    ],
)
def test_places_in_words(across: float, down: float, said: str) -> None:
    assert in_words(across, down) == said


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_what_is_in_hand_is_not_settled(state: Literal["running", "waiting"]) -> None:
    job = HandJob(
        "xray-findings", "instance", IMAGE, state, urgent=False, asked=False, attempts=0, since=datetime.now(UTC)
    )
    found = json.loads(asked(archive(None), queue=Queue(job)).body)
    assert (found["settled"], found["images"][0]["stage"]) == (False, state)

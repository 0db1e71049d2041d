"""What a request for a collection must have, and how its studies are listed."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.api.context import Context
from orthanc_ai.api.http import Problem, Request, Response
from orthanc_ai.api.routes import Routes
from orthanc_ai.batches.batches import Batches
from orthanc_ai.codes import Code
from orthanc_ai.collecting import plan
from orthanc_ai.collecting.collection import COLLECTIONS, PREVIEWS, Collections
from orthanc_ai.collecting.record import Record, StudyState
from tests.unit.collecting.archive import House

from .examples import context

REQUEST = {"peer": "modality:pacs", "studyDate": "20260101"}


@pytest.fixture
def given(tmp_path: Path) -> Context:
    """Everything but the threads that do the work."""
    made = context()
    kinds = [Collections(House().server, made.settings, fetches=fetches) for fetches in (True, False)]
    batches = {kind.name: Batches(kind, tmp_path, paused=lambda: False, warn=lambda _: None) for kind in kinds}
    return replace(made, batches=batches)


def post(given: Context, body: Any, kind: str = COLLECTIONS) -> Any:
    return json.loads(Routes(given).answer(Request("POST", f"/ai/{kind}", body=json.dumps(body).encode())).body)


def get(given: Context, path: str, **query: str) -> Response:
    return Routes(given).answer(Request("GET", path, query))


def test_it_is_taken_in_and_written_down(given: Context) -> None:
    made = post(given, {**REQUEST, "modalities": ["CT"], "hours": "20:00-06:00"})
    assert (made["state"], made["path"]) == ("waiting", f"/ai/collections/{made['id']}")
    assert made["request"]["hours"] == "20:00-06:00"
    assert json.loads(get(given, made["path"]).body)["request"] == made["request"]
    assert json.loads(get(given, "/ai/collection-previews").body) == {"batches": []}


@pytest.mark.parametrize("kind", [COLLECTIONS, PREVIEWS])
@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({**REQUEST, "peer": "modality:PACS"}, Code.PEER_UNKNOWN, "modality:PACS"),
        ({"peer": "modality:pacs"}, Code.BAD_REQUEST, "studyDate"),
        ({"peer": "modality:pacs", "studyDate": "20260230"}, Code.BAD_REQUEST, "20260230"),
        ({**REQUEST, "patientIDs": ["*"]}, Code.BAD_REQUEST, "patientIDs.0"),
        ({**REQUEST, "hours": "always"}, Code.BAD_REQUEST, "hours"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(
    given: Context, kind: str, body: dict[str, Any], code: Code, words: str
) -> None:
    with pytest.raises(Problem) as caught:
        post(given, body, kind)
    assert caught.value.code is code
    assert words in caught.value.detail


STUDIES = [
    plan.Study(f"1.2.{n}", f"P{n}", "", "20260101", "=CTA", (plan.Series(f"1.2.{n}.1", "CT", "HEART", "", "3", 9),), 2)
    for n in range(5)
]


@pytest.fixture
def listed(given: Context) -> str:
    """Path of a collection of five studies: one fetched, one failed, the rest still to come."""
    made = post(given, REQUEST)
    folder = given.batches[COLLECTIONS].output(made["id"])
    assert folder is not None
    plan.write(folder, STUDIES, {})
    records = {
        "1.2.0": Record(StudyState.FETCHED, "2026-01-01T20:00:00+01:00", attempts=1, orthanc_ids=("a",)),
        "1.2.3": Record(StudyState.FAILED, "2026-01-01T20:00:00+01:00", code=Code.PEER_SILENT, detail="nothing came"),
    }
    lines = [json.dumps([uid, record.to_json()]) + "\n" for uid, record in records.items()]
    (folder.parent / "journal.jsonl").write_text("".join(lines))
    return str(made["path"]) + "/studies"


def pages(given: Context, path: str, **query: str) -> list[list[Any]]:
    found = []
    while True:
        page = json.loads(get(given, path, **query).body)
        found.append(page["studies"])
        if page["next"] is None:
            return found
        path, _, asked = page["next"].partition("?")
        query = dict(one.split("=") for one in asked.split("&"))


def test_studies_come_in_pages_each_once(given: Context, listed: str) -> None:
    for limit, sizes in (("2", [2, 2, 1]), ("5", [5]), ("100", [5])):
        found = pages(given, listed, limit=limit)
        assert [len(page) for page in found] == sizes
        assert [one["studyInstanceUID"] for page in found for one in page] == [f"1.2.{n}" for n in range(5)]


def test_studies_by_what_became_of_them(given: Context, listed: str) -> None:
    [[failed]] = pages(given, listed, state="failed")
    assert (failed["studyInstanceUID"], failed["code"], failed["detail"]) == ("1.2.3", "PEER_SILENT", "nothing came")
    assert failed["sentence"] == Code.PEER_SILENT.sentence
    [[fetched]] = pages(given, listed, state="fetched", limit="1")
    assert (fetched["id"], fetched["attempts"], fetched["instances"]) == ("a", 1, 9)
    assert pages(given, listed, code="PEER_AWAY") == [[]]


def test_studies_as_a_table(given: Context, listed: str) -> None:
    answer = get(given, listed, format="csv", limit="4")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["state"] for row in rows] == ["fetched", "", "", "failed"]
    assert rows[0]["description"] == "'=CTA"
    assert "cursor=4" in answer.headers["Link"]


def test_before_the_search_is_done_nothing_is_listed(given: Context) -> None:
    assert pages(given, post(given, REQUEST)["path"] + "/studies") == [[]]


def test_there_is_no_such_collection(given: Context) -> None:
    for path in ("/ai/collections/0123456789abcdef", "/ai/collections/../studies", "/ai/collection-previews/x/studies"):
        with pytest.raises(Problem) as caught:
            get(given, path)
        assert caught.value.code is Code.NOT_FOUND

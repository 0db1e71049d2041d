"""Whatever is sent to whichever route: an answer of the vocabulary, nothing written, nothing changed by strangers."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orthanc_ai.api.access import Access
from orthanc_ai.api.dispatch import Dispatcher
from orthanc_ai.api.http import STATUS
from orthanc_ai.api.routes import Routes
from orthanc_ai.api.tables_of_tags import dictionary_of
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import REPORT_METADATA, XRAY_METADATA
from orthanc_ai.server import Level, Resource, Server

from .examples import CR, NASTY, OPEN, Archive, Queue, Sender, Shelves, context, identifier, image, reported
from .test_dispatch import Output

ROUTES = Routes(context()).table
PARAMETERS = sorted({info.alias or name for route in ROUTES for name, info in route.query.model_fields.items()})
LOCKED = Access.of({"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "1", "bob": "2"}}, ["alice"])

CHANGES = ("delete", "remove_metadata", "set_metadata", "set_label", "store", "set_property")
"""What of `Server` changes the archive."""


class Journal(Archive):
    """An archive that notes what is changed in it."""

    def __init__(self) -> None:
        patients = [Resource("patient", identifier(8), {"PatientID": "A/B*"}, {})]
        images = [image(1), image(2, reported({"Mass": 0.9})), image(3, SOPInstanceUID="1.9"), image(4, Modality="MR")]
        spoiled = Resource("instance", identifier(5), {"Modality": "DX"}, {XRAY_METADATA: "{"})
        super().__init__([*patients, *images, spoiled])
        self.changed: list[str] = []

    def children(self, level: Level, identifier: str, of: Level, **_: Any) -> Iterator[Resource]:
        return iter([row for row in self.rows if row.level == of])

    def lookup(self, uid: str) -> tuple[tuple[Level, str], ...]:
        uid.encode()
        return ()

    def __getattr__(self, name: str) -> Any:
        if name not in CHANGES:
            raise AttributeError(name)
        return lambda *_: self.changed.append(name)


class System:
    """The routes with nothing but stand-ins behind them."""

    def __init__(self, access: Access) -> None:
        self.archive = Journal()
        given = context(self.archive, access, maximum_body_kib=4)
        self.queue = cast(Queue, given.queue)
        self.sender = cast(Sender, given.sender)
        self.batches = cast(Shelves, given.batches)
        # Read by a program of its own, once: whoever asks for a table first would start it.
        dictionary_of(given.settings.python).tag("Rows")
        self.dispatcher = Dispatcher(cast(Server, self.archive))
        self.dispatcher.open(Routes(given))

    def ask(self, method: str, path: str, **request: Any) -> Output:
        # As Orthanc hands it over: parameters with GET only, a body with POST and PUT only.
        if method != "GET":
            request.pop("get", None)
        if method not in ("POST", "PUT"):
            request.pop("body", None)
        output = Output()
        self.dispatcher.callback(output, path, method=method, groups=(), **request)
        return output


@pytest.fixture(scope="module")
def mine() -> System:
    return System(OPEN)


@pytest.fixture(scope="module")
def locked() -> System:
    return System(LOCKED)


@pytest.fixture(scope="module", autouse=True)
def _dictionary() -> None:
    """A program of its own gives it to the first request for tables; for all others it is there."""
    dictionary_of(context().settings.python).tag("Rows")


written: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: everything by which a file could be written, or a program started. It cannot be removed again."""
    if not _watching:
        return
    changing = event.startswith(("os.", "shutil.", "subprocess.", "socket.connect", "pickle.", "exec"))
    if (event == "open" and str(arguments[1] or "r").strip("rbt")) or (
        changing and event not in ("os.listdir", "os.scandir")
    ):
        written.append(f"{event} {arguments}")


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[None]:
    global _watching
    written.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert written == []


# Requests

KNOWN = (
    *(identifier(1), identifier(2), identifier(4), identifier(5), identifier(8), "1.9", "A/B*", "phantom", "HELD"),
    *(f"xray-findings:{identifier(2)}", f"cardiac-ct:{identifier(2)}", f"send:{identifier(6)}:dicom-web:V N/A", "1-5"),
    *("0123456789abcdef", "manifest.json"),
)

texts = st.sampled_from(NASTY) | st.sampled_from(KNOWN) | st.text(max_size=20)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A path of a route with anything as its parameters; now and then another path."""
    if draw(st.integers(0, 9)) == 0:
        return "/ai/" + draw(texts)
    route = draw(st.sampled_from(ROUTES))
    path = route.template
    for name in route.pattern.groupindex:
        path = path.replace(f"{{{name}}}", draw(texts))
    return path


methods = st.sampled_from(["GET", "GET", "GET", "POST", "POST", "PUT", "DELETE"])
encoded = st.builds(
    lambda text, escape: escape(text.encode(errors="surrogatepass")),
    texts | st.just("\ud800"),
    st.sampled_from([quote, quote_plus]),
)
values = encoded | st.sampled_from(["%ff", "%", "%zz", "+", "1", "5", "0.5", "json", "csv", "20260101-", "HELD"])
queries: st.SearchStrategy[dict[str, str]] = st.just({}) | st.dictionaries(
    st.sampled_from(PARAMETERS) | encoded, values, max_size=3
)
headers = st.dictionaries(
    st.sampled_from(["accept", "content-type", "authorization", "host", "origin", "if-none-match", "x-y"]),
    st.sampled_from(["application/json", "text/csv", "text/csv;q=", ";;;,,,q=nan", "Basic", "Basic =", "http://x", ""])
    | st.text(max_size=20),
    max_size=3,
)
any_text = st.text(max_size=5) | st.just("\ud800")  # JSON can name what UTF-8 cannot hold
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
bodies = (
    st.sampled_from([b"", b"{}", b"[" * 1000, b'{"a":' * 600, b"\xff", b"NaN", b'{"a":1,"a":2}', b" " * 5000])
    | st.binary(max_size=50)
    | json_values.map(lambda value: json.dumps(value).encode())
)

EXAMPLES = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(output: Output, path: str) -> Code | None:
    """Whether an answer is well-formed; its code, if it is a problem."""
    types = [value for name, value in output.headers if name == "Content-Type"]
    if output.status == 405:
        assert dict(output.headers)["Allow"]
        return Code.METHOD_NOT_ALLOWED
    assert ("Cache-Control", "no-store") in output.headers
    assert not any(character in name + value for name, value in output.headers for character in "\r\n\0")
    if output.status in (200, 202):
        if types[0] == "application/json":
            json.loads(output.body)
        else:
            assert types[0].startswith("text/csv")
        return None
    assert types[0] == "application/problem+json"
    problem = json.loads(output.body)
    code = Code(problem["code"])
    assert output.status == problem["status"]
    assert output.status in (STATUS[code], 415)
    assert problem["title"] == code.sentence
    assert problem["instance"] == path
    return code


@EXAMPLES
@given(method=methods, path=paths(), query=queries, given_headers=headers, body=bodies)
@example("POST", f"/ai/instances/{identifier(1)}/analyze", {}, {}, b'{"\\ud800": 1}')
@example("GET", "/ai/findings", {"%ED%A0%80": "1"}, {}, b"")
def test_every_request_is_answered_from_the_vocabulary(
    mine: System, method: str, path: str, query: dict[str, str], given_headers: dict[str, str], body: bytes
) -> None:
    with watched():
        output = mine.ask(method, path, get=query, headers=given_headers, body=body)
    code = check(output, path)
    assert code not in {Code.INTERNAL_ERROR, Code.DATABASE_BUSY}, mine.archive.errors
    told = (mine.archive.changed, mine.queue.requests, mine.sender.requests, mine.batches.requests)
    if method == "GET":
        assert told == ([], [], [], []), "reading changes nothing"
    for one in told:
        one.clear()


@EXAMPLES
@given(method=methods, path=paths(), query=queries, given_headers=headers, body=bodies)
def test_strangers_change_nothing(
    locked: System, method: str, path: str, query: dict[str, str], given_headers: dict[str, str], body: bytes
) -> None:
    output = locked.ask(method, path, get=query, headers=given_headers, body=body)
    code = check(output, path)
    assert (locked.archive.changed, locked.queue.requests, locked.sender.requests) == ([], [], [])
    assert locked.batches.requests == []
    if method != "GET":
        assert code in {Code.OPERATOR_ONLY, Code.CROSS_SITE, Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED}


stored_values = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0.5, 1e999, -1, 10**400, float("nan"), "Mass", "\ud800", "HELD", "REPORTED", "=1+1", "2026"])
    | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
NAMES = ("recipe", "at", "detail", "notes", "model", "attempts", "due", "result", "data")
FINDING = ("label", "score", "threshold", "presence")


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Metadata that somebody has edited: much as an outcome, and something wrong in it."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.text(max_size=30))
    outcome: dict[str, Any] = json.loads(reported({"Mass": 0.9}).to_text())
    outcome |= draw(st.dictionaries(st.sampled_from(NAMES), stored_values, max_size=2))
    if draw(st.booleans()):
        finding = dict.fromkeys(FINDING, 0.5) | {"label": "Mass", "presence": True}
        outcome["data"] = {"findings": [finding | draw(st.dictionaries(st.sampled_from(FINDING), stored_values))]}
    return json.dumps(outcome)


@settings(EXAMPLES, max_examples=300)
@given(spoiled())
@example('{"code":"REPORTED","recipe":"r","at":"","detail":"\\ud800"}')
@example('{"code":"REPORTED","recipe":"r","at":"","attempts":1e999}')
def test_spoiled_metadata_spoils_no_answer(mine: System, text: str) -> None:
    """Whoever may write to Orthanc may write into its metadata."""
    bad = dataclasses.replace(image(9), metadata={"SopClassUid": CR, XRAY_METADATA: text})
    mine.archive.rows.append(bad)
    for path in ("/ai/findings", "/ai/outcomes", "/ai/jobs", f"/ai/instances/{bad.identifier}/findings"):
        for form in ("application/json", "text/csv"):
            output = mine.ask("GET", path, headers={"accept": form})
            assert check(output, path) is None, mine.archive.errors
            assert b"NaN" not in output.body
            assert b"Infinity" not in output.body
    mine.archive.rows.pop()


@st.composite
def spoiled_marks(draw: st.DrawFn) -> str:
    """Marks of reports that somebody has edited."""
    delivery = {"destination": "modality:PACS", "state": "failed", "since": "2026-01-02T03:04:05+00:00"}
    delivery |= draw(
        st.dictionaries(st.sampled_from((*delivery, "attempts", "job", "due", "code", "detail")), stored_values)
    )
    return json.dumps(
        {"send": draw(st.sampled_from(["open", "failed"])), "to": draw(st.sampled_from([[delivery], delivery]))}
    )


@settings(EXAMPLES, max_examples=200)
@given(spoiled_marks())
def test_spoiled_marks_spoil_no_list(mine: System, text: str) -> None:
    mine.archive.rows.append(Resource("instance", identifier(9), {}, {REPORT_METADATA: text}))
    for form in ("application/json", "text/csv"):
        output = mine.ask("GET", "/ai/jobs", headers={"accept": form})
        assert check(output, "/ai/jobs") is None, mine.archive.errors
    mine.archive.rows.pop()


def test_writing_would_be_seen(tmp_path: Any) -> None:
    with pytest.raises(AssertionError, match="open"), watched():
        (tmp_path / "weights").write_text("x")

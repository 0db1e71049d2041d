"""Between Orthanc's threads and ours: every request is answered, whatever happens."""

import json
import threading
from typing import Any, cast

import pytest

from orthanc_ai.api.dispatch import DECODES_QUERIES, Dispatcher
from orthanc_ai.api.routes import Routes
from orthanc_ai.sdk import Sdk
from orthanc_ai.server import Server, ServerError

from .examples import Archive, BrokenArchive, context, identifier, image


class Output:
    """What Orthanc's `RestOutput` does with an answer, as measured on 1.12.7."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.headers: list[tuple[str, str]] = []

    def SetHttpHeader(self, name: str, value: str) -> None:  # noqa: N802
        assert not self.status, "the header is sent already"
        self.headers.append((name, value))

    def AnswerBuffer(self, body: bytes, mime: str) -> None:  # noqa: N802
        self.SetHttpHeader("Content-Type", mime)
        self.status, self.body = 200, body

    def SendHttpStatus(self, status: int, body: bytes) -> None:  # noqa: N802
        assert status not in (301, 405), "Orthanc wants the dedicated methods"
        if body:
            self.SetHttpHeader("Content-Type", "text/plain")
        self.status, self.body = status, body

    def StartStreamAnswer(self, mime: str) -> None:  # noqa: N802
        self.SetHttpHeader("Content-Type", mime)
        self.status = 200

    def SendStreamChunk(self, chunk: bytes) -> None:  # noqa: N802
        assert chunk, "an empty chunk ends the answer"
        self.body += chunk

    def SendMethodNotAllowed(self, allowed: str) -> None:  # noqa: N802
        self.headers = [("Allow", allowed)]
        self.status = 405


def ask(dispatcher: Dispatcher, path: str, method: str = "GET", **request: Any) -> Output:
    output = Output()
    dispatcher.callback(output, path, method=method, groups=(), **request)
    return output


def dispatcher(archive: Archive) -> Dispatcher:
    made = Dispatcher(cast(Server, archive))
    made.open(Routes(context(archive)))
    return made


def test_an_answer() -> None:
    output = ask(dispatcher(Archive()), "/ai/codes/HELD", get={}, headers={})
    assert (output.status, json.loads(output.body)["code"]) == (200, "HELD")
    assert ("Cache-Control", "no-store") in output.headers


def test_an_accepted_request() -> None:
    output = ask(dispatcher(Archive([image(1)])), f"/ai/instances/{identifier(1)}/analyze", "POST", body=b"{}")
    assert (output.status, json.loads(output.body)["jobs"]) == (202, 1)
    assert ("Content-Type", "application/json") in output.headers


def test_a_problem_comes_with_its_type() -> None:
    output = ask(dispatcher(Archive()), "/ai/nothing")
    assert (output.status, json.loads(output.body)["code"]) == (404, "NOT_FOUND")
    assert next(value for name, value in output.headers if name == "Content-Type") == "application/problem+json"


def test_a_wrong_method_names_the_right_ones() -> None:
    output = ask(dispatcher(Archive()), "/ai/status", "DELETE")
    assert (output.status, output.headers) == (405, [("Allow", "GET")])


@pytest.mark.parametrize(
    ("error", "answer"), [(ServerError, (503, "DATABASE_BUSY")), (ZeroDivisionError, (500, "INTERNAL_ERROR"))]
)
def test_a_fault_is_answered_and_the_log_names_no_patient(error: type[Exception], answer: tuple[int, str]) -> None:
    archive = BrokenArchive(error)
    output = ask(dispatcher(archive), f"/ai/studies/{identifier(7)}/findings")
    assert (output.status, json.loads(output.body)["code"]) == answer
    [line] = archive.errors
    assert answer[1] in line
    assert "DOE" not in line + output.body.decode()
    assert identifier(7) not in line


def test_before_the_start_and_after_the_stop() -> None:
    made = Dispatcher(cast(Server, Archive()))
    output = ask(made, "/ai/status")
    assert (output.status, json.loads(output.body)["code"]) == (503, "STARTING")
    made.stop()
    output = ask(made, "/ai/status")
    assert (output.status, json.loads(output.body)["code"]) == (503, "STOPPING")


def test_work_is_done_on_threads_of_our_own() -> None:
    names: list[str] = []

    class Watched(Archive):
        def get(self, path: str, **options: Any) -> Any:
            names.append(threading.current_thread().name)
            return super().get(path, **options)

    ask(dispatcher(Watched()), "/ai/status")
    assert names
    assert all(name.startswith("ai-api") for name in names)


@pytest.mark.parametrize("depth", [600, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    path = f"/ai/instances/{identifier(1)}/analyze"
    output = ask(dispatcher(Archive([image(1)])), path, "POST", body=b"[" * depth)
    assert output.status == 400


class VersionedSdk:
    """As much of the SDK as the dispatcher asks when it registers."""

    def __init__(self, decodes: int) -> None:
        self.decodes = decodes

    def CheckVersionAdvanced(self, *version: int) -> int:  # noqa: N802
        assert version == DECODES_QUERIES
        return self.decodes

    def RegisterRestCallback(self, regex: str, callback: object) -> None:  # noqa: N802
        pass


@pytest.mark.parametrize(("decodes", "handed_over"), [(0, "a%2Bb+%252B"), (1, "a+b %2B")])
def test_a_query_is_decoded_once_by_orthanc_or_here(decodes: int, handed_over: str) -> None:
    made = dispatcher(Archive())
    made.register(cast(Sdk, VersionedSdk(decodes)))
    output = ask(made, "/ai/findings", get={"limit": handed_over}, headers={})
    assert "limit: found 'a+b %2B'" in json.loads(output.body)["detail"]

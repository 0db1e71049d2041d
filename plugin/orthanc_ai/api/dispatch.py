"""From Orthanc's HTTP threads to threads of our own, and back.

The C stack of Debian's HTTP threads is 100 KB: 600 nested brackets in a request body overflow it and take the server down.
So the callback only hands over the raw request and waits; parsing, validating and the work itself happen on Python's
own threads, whose stacks the plugin makes large.
"""

import traceback
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote_plus

from ..codes import Code
from ..sdk import UTF8, RestOutput, Sdk, immortal, raise_pending
from ..server import Server, ServerError
from .http import Problem, Request, Response
from .origins import share
from .routes import Routes

URI = f"/ai(|/{UTF8})"
"""Regular expression of what is answered here; Orthanc matches it against the whole path."""

THREADS = 8
"""Requests at work at once. They wait for Orthanc's database for the most part."""

DECODES_QUERIES = (1, 12, 10)
"""From this version on, Orthanc percent-decodes the query of an HTTP request before it hands it over ("enabling of URI
decoding in civetweb 1.16", 2025-09-23); those of Debian before it do not."""

_OK = 200
_METHOD_NOT_ALLOWED = 405

_PRIVATE = {"Cache-Control": "no-store"}
"""Answers are about patients, and of a moment."""


class Dispatcher:
    """Answers Orthanc's HTTP requests for ``/ai``.

    Orthanc takes callbacks only while it loads its plugins, before there is anything to answer with, so the routes come
    later; until then the answer is ``STARTING``.
    """

    def __init__(self, server: Server) -> None:
        self._routes: Routes | None = None
        self._server = server
        self._decoded = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ai-api")

    def register(self, sdk: Sdk) -> None:
        """Take the requests."""
        self._decoded = bool(sdk.CheckVersionAdvanced(*DECODES_QUERIES))
        sdk.RegisterRestCallback(URI, immortal(self.callback))

    def open(self, routes: Routes) -> None:
        """Begin to answer."""
        self._routes = routes

    def stop(self) -> None:
        """Answer no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def callback(self, output: RestOutput, uri: str, **request: object) -> None:
        """Called by Orthanc on one of its HTTP threads: hand over, wait, answer. Always answers."""
        try:
            raise_pending()
            response = self._threads.submit(self._answer, uri, request).result()
        except UnicodeError:
            response = Problem(Code.BAD_REQUEST, "The query is not UTF-8.").response(uri)
        except (CancelledError, RuntimeError):
            response = Problem(Code.STOPPING).response(uri)
        if response.chunks is None:
            send(output, response)
        else:
            self._send_chunks(output, response, response.chunks)

    def _send_chunks(self, output: RestOutput, response: Response, chunks: Iterator[bytes]) -> None:
        """Send an answer piece by piece. Orthanc ends it by closing the connection, so it may as well end too early."""
        _set_headers(output, response)
        try:
            output.StartStreamAnswer(response.content_type)
            while chunk := self._threads.submit(next, chunks, b"").result():
                output.SendStreamChunk(chunk)
        except Exception as error:  # noqa: BLE001 - the client has gone, a file has, or the server stops
            self._server.warn(f"AI: a download was cut off: {type(error).__name__}")
        finally:
            # It may hold open files.
            with suppress(RuntimeError):
                self._threads.submit(_close, chunks)

    def _answer(self, uri: str, raw: Mapping[str, object]) -> Response:
        request = _request(uri, raw, self._decoded)
        response = self._answer_to(uri, request)
        return share(response, request, self._routes.allowed_origins) if self._routes else response

    def _answer_to(self, uri: str, request: Request) -> Response:
        try:
            if self._routes is None:
                raise Problem(Code.STARTING)
            return self._routes.answer(request)
        except Problem as problem:
            return problem.response(uri)
        except ServerError:
            self._server.error(f"AI: {Code.DATABASE_BUSY} in a request")
            return Problem(Code.DATABASE_BUSY).response(uri)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            # Neither the path nor the message, since both may name a patient.
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._server.error(
                f"AI: {Code.INTERNAL_ERROR} in a request: {type(error).__name__} at {Path(place.filename).name}:"
                f"{place.lineno}"
            )
            return Problem(Code.INTERNAL_ERROR).response(uri)


def send(output: RestOutput, response: Response) -> None:
    """Hand an answer to Orthanc.

    Orthanc's interface for plugins gives a status other than 200 a second Content-Type of its own (``text/plain``)
    after ours, and no body at all to 405.
    """
    _set_headers(output, response)
    if response.status == _OK:
        output.AnswerBuffer(response.body, response.content_type)
    elif response.status == _METHOD_NOT_ALLOWED:
        output.SendMethodNotAllowed(response.headers["Allow"])
    else:
        output.SetHttpHeader("Content-Type", response.content_type)
        output.SendHttpStatus(response.status, response.body)


def _set_headers(output: RestOutput, response: Response) -> None:
    for name, value in {**_PRIVATE, **response.headers}.items():
        if name != "Allow":
            output.SetHttpHeader(name, value)


def _close(chunks: Iterator[bytes]) -> None:
    if isinstance(chunks, Generator):
        chunks.close()


def _request(uri: str, request: Mapping[str, object], decoded: bool) -> Request:
    """What Orthanc hands over, its query percent-encoded whether or not Orthanc has `decoded` it.

    Orthanc leaves out what the method has not.
    """
    query, headers, body = (request.get(name) for name in ("get", "headers", "body"))
    if decoded and isinstance(query, Mapping):
        query = {quote_plus(name): quote_plus(value) for name, value in query.items()}
    return Request(
        method=str(request.get("method", "GET")),
        path=uri.rstrip("/") or "/",
        query=dict(query) if isinstance(query, Mapping) else {},
        headers=dict(headers) if isinstance(headers, Mapping) else {},
        body=body if isinstance(body, bytes) else b"",
    )

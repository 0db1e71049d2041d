"""Requests, answers and problems of the ``/ai/`` routes: HTTP without Orthanc.

Nothing here may run on one of Orthanc's HTTP threads: their C stack of 100 KB is too small for parsers.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, ValidationError

from ..codes import Code
from .views import View

JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
CSV_TYPE = "text/csv"
HTML_TYPE = "text/html"

MAXIMUM_DEPTH = 16
"""Nesting of a request body. What the routes take is flat; a parser's stack is not for others to fill."""

MAXIMUM_FAULTS = 20
"""How many wrong fields are named: more than anybody mends at once."""

# Orthanc 1.12.7 closes the connection on a status that it does not know, e.g. 429; these it knows. For 405 it sends no
# body. Both were measured.
STATUS: Mapping[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.TAG_UNKNOWN: 400,
    Code.TAG_WITHOUT_COLUMN: 400,
    Code.OPERATOR_ONLY: 403,
    Code.READER_DIFFERS: 403,
    Code.CROSS_SITE: 403,
    Code.NOT_FOUND: 404,
    Code.NOT_AN_XRAY: 404,
    Code.NOT_CT: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOTHING_TO_ANALYZE: 409,
    Code.FINDING_UNKNOWN: 409,
    Code.NOTHING_STATED: 409,
    Code.READER_MISSING: 409,
    Code.NOTHING_TO_CORRECT: 409,
    Code.TOO_MANY_CORRECTIONS: 409,
    Code.CORRECTIONS_UNREADABLE: 409,
    Code.PEER_UNKNOWN: 409,
    Code.AMBIGUOUS_IDENTIFIER: 409,
    Code.KEY_DESTROYED: 409,
    Code.LABELS_UNREADABLE: 409,
    Code.LABELS_CONTRADICT: 409,
    Code.BODY_TOO_LARGE: 413,
    Code.INTERNAL_ERROR: 500,
    Code.DATABASE_BUSY: 503,
    Code.TOO_MANY_BATCHES: 503,
    Code.BATCHES_UNAVAILABLE: 503,
    Code.CATALOG_LOADING: 503,
    Code.CATALOG_TOO_LARGE: 503,
    Code.STARTING: 503,
    Code.STOPPING: 503,
    Code.VIEWER_MISSING: 503,
}
"""HTTP status of each code that can be the answer to a request."""

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""What may be half of a surrogate pair."""

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as Orthanc hands it over.

    Attributes
    ----------
    path
        Decoded and normalised by Orthanc: no ``..``, no empty parts, no slash at the end.
    query
        Names and values as they stand in the address, still percent-encoded. Of a name that stands there twice,
        Orthanc keeps the last. Only requests with GET have any.
    headers
        By name in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one HTTP request.

    Attributes
    ----------
    chunks
        In place of the body, piece by piece and none empty, of an answer that is too large to be held in memory; its status
        is 200. An error on the way cuts it off, since the status has been sent by then.
    """

    body: bytes
    content_type: str = JSON_TYPE
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterator[bytes] | None = None


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """A request that cannot be answered as wished.

    Attributes
    ----------
    code
        Why; it gives the HTTP status.
    detail
        What a user needs beyond the code's own sentence.
    status
        If it differs from that of the code.
    headers
        Further headers of the answer.
    """

    def __init__(
        self, code: Code, detail: str = "", *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or code.sentence)
        self.code = code
        self.detail = detail or code.sentence
        self.status = status or STATUS[code]
        self.headers = dict(headers or {})

    def response(self, path: str) -> Response:
        """The problem as an answer to a request for `path`."""
        document = ProblemView(
            type=f"/ai/codes/{self.code}",
            title=self.code.sentence,
            status=self.status,
            detail=self.detail,
            instance=path,
            code=self.code,
        )
        return Response(document.model_dump_json().encode(), PROBLEM_TYPE, self.status, self.headers)


class ProblemView(View):
    """A problem document (RFC 9457) with the code as a further member."""

    type: str
    """Where the code is explained."""
    title: str
    """The code's sentence."""
    status: int
    """HTTP status."""
    detail: str
    """What is wrong with this request."""
    instance: str
    """Path of this request."""
    code: Code


def parse_query[Q: BaseModel](model: type[Q], raw: Mapping[str, str]) -> Q:
    """Read the parameters of a request.

    Parameters
    ----------
    raw
        Names and values, percent-encoded.

    Raises
    ------
    Problem
        With a line for each wrong parameter.
    """
    try:
        parameters = {_decode(name): _decode(value) for name, value in raw.items()}
    except UnicodeDecodeError:
        raise Problem(Code.BAD_REQUEST, "The query is not UTF-8.") from None
    return _validate(model, parameters)


def parse_body[B: BaseModel](model: type[B], request: Request, maximum_bytes: int) -> B:
    """Read the JSON body of a request; an empty one counts as an empty object.

    Raises
    ------
    Problem
        If it is too large, not UTF-8, not JSON (RFC 8259: no NaN, no name twice), nested too deeply, or not what the
        route takes.
    """
    body = request.body
    if len(body) > maximum_bytes:
        detail = f"The request body has {len(body)} bytes; allowed: {maximum_bytes} (AI.MaximumBodyKiB)."
        raise Problem(Code.BODY_TOO_LARGE, detail)
    if not body.strip():
        return _validate(model, {})
    media_type = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    if media_type != JSON_TYPE:
        raise Problem(Code.BAD_REQUEST, f"The request body is {media_type!r}; allowed: {JSON_TYPE}.", status=415)
    _check_depth(body)
    try:
        content = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError:
        raise Problem(Code.BAD_REQUEST, "The request body is not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise Problem(Code.BAD_REQUEST, f"The request body is not JSON: {error}.") from None
    if _HALF.search(body):
        # Half of a character is no text in any encoding (RFC 8259 section 8.2), so it could not be written down.
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Problem(Code.BAD_REQUEST, "The request body has half of a surrogate pair.") from None
    return _validate(model, content)


def prefers_csv(accept: str) -> bool:
    """Whether an Accept header prefers CSV to JSON. JSON if it does not matter."""
    return preferred(accept, (JSON_TYPE, CSV_TYPE)) == CSV_TYPE


def preferred(accept: str, media_types: Sequence[str]) -> str:
    """Which media type an Accept header (RFC 9110 section 12.5.1) prefers; the first if it does not matter."""
    qualities = dict(_qualities(accept))

    def quality(media_type: str) -> float:
        for pattern in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
            if pattern in qualities:
                return qualities[pattern]
        return 0.0

    return max(media_types, key=quality)


def _qualities(accept: str) -> Iterable[tuple[str, float]]:
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        yield media_type, quality


def _decode(text: str) -> str:
    return unquote_plus(text, errors="strict")


def _validate[M: BaseModel](model: type[M], content: Any) -> M:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors()
        lines = [_line(model, fault) for fault in faults[:MAXIMUM_FAULTS]]
        if len(faults) > MAXIMUM_FAULTS:
            lines.append(f"and {len(faults) - MAXIMUM_FAULTS} more")
        raise Problem(Code.BAD_REQUEST, "; ".join(lines)) from None


def _line(model: type[BaseModel], fault: Any) -> str:
    """One sentence on one wrong field: its name, what was found, what is allowed."""
    name = ".".join(str(part) for part in fault["loc"]) or "the content"
    if fault["type"] == "extra_forbidden":
        known = ", ".join(info.alias or field for field, info in model.model_fields.items()) or "none"
        return f"{name}: there is no such field; allowed: {known}"
    return f"{name}: found {fault['input']!r}; allowed: {fault['msg']}"


def _check_depth(body: bytes) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        token = match.group()
        depth += (token in b"[{") - (token in b"]}")
        if depth > MAXIMUM_DEPTH:
            raise Problem(Code.BAD_REQUEST, f"The request body is nested deeper than {MAXIMUM_DEPTH}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")

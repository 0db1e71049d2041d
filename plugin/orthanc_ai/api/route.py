"""`Route`: one method of one path, and what its requests and answers look like."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ..codes import Code
from .context import Context
from .http import JSON_TYPE, Request, Response, parse_body, parse_query
from .views import Query

_BYTES_PER_KIB = 1024

_WITH_SLASHES = ("patient", "job", "file")
"""Parameters of paths that may contain slashes: a Patient ID may, and the name of a DICOMweb server in that of a job."""


class NoQuery(Query):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its route.

    Attributes
    ----------
    path
        Values of the path's parameters.
    query, body
        What the request carries, checked: objects of the route's models.
    """

    request: Request
    path: Mapping[str, str]
    query: Any
    body: Any = None


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes
    ----------
    template
        Path with parameters in braces.
    handler
        Makes the answer.
    answer
        Model of the JSON answer; ``None`` for a document without one.
    query, body
        Models of what the request may carry.
    csv, html
        Whether the answer comes as CSV too, or as a page.
    of_readers
        Whether it adds a reader's own statement and changes nothing else, so that readers may, too.
    media_type
        Of an answer without a model.
    problems
        Codes of the answers other than the wished one, beside those that every route may give.
    """

    method: str
    template: str
    summary: str
    handler: Callable[[Context, Call], BaseModel | Response]
    answer: type[BaseModel] | None
    status: int = 200
    query: type[Query] = NoQuery
    body: type[BaseModel] | None = None
    csv: bool = False
    media_type: str = JSON_TYPE
    html: bool = False
    of_readers: bool = False
    problems: Sequence[Code] = field(default=())

    @property
    def changes(self) -> bool:
        """Whether it starts, changes or deletes anything: everything but reading does."""
        return self.method != "GET"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a path of this route looks like."""
        pieces = re.split(r"\{(\w+)\}", self.template)
        for position in range(1, len(pieces), 2):
            name = pieces[position]
            pieces[position] = f"(?P<{name}>{'.+' if name in _WITH_SLASHES else '[^/]+'})"
        pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
        return re.compile("".join(pieces), re.DOTALL)

    def answer_to(self, context: Context, request: Request, parameters: Mapping[str, str]) -> Response:
        """Check what the request carries, and answer it.

        Raises
        ------
        Problem
            If it comes from somebody who may not, carries what the route does not take, or the handler says so.
        """
        if self.changes:
            context.access.check(request.headers, of_readers=self.of_readers)
        query = parse_query(self.query, request.query)
        body = None
        if self.body is not None:
            body = parse_body(self.body, request, context.settings.maximum_body_kib * _BYTES_PER_KIB)
        made = self.handler(context, Call(request, parameters, query, body))
        if isinstance(made, Response):
            return made
        return Response(made.model_dump_json(by_alias=True).encode(), status=self.status)

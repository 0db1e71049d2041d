"""The routes that all kinds of batches have."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from ...codes import Code
from .. import batches
from ..context import Context
from ..route import Route


def of_batches(
    kind: str,
    what: str,
    body: type[BaseModel],
    begin: Callable[[Context, Any], batches.BatchView],
    problems: Sequence[Code] = (),
) -> list[Route]:
    """The routes of a kind of batches, e.g. of what is called ``an export``.

    Parameters
    ----------
    begin
        Takes in the body of ``POST``.
    problems
        Further codes of ``POST``.
    """
    return [
        Route(
            "POST",
            f"/ai/{kind}",
            f"Begin {what}",
            lambda context, call: begin(context, call.body),
            batches.BatchView,
            status=202,
            body=body,
            problems=(Code.TOO_MANY_BATCHES, Code.BATCHES_UNAVAILABLE, Code.BODY_TOO_LARGE, *problems),
        ),
        Route(
            "GET",
            f"/ai/{kind}",
            "All of them, the newest first",
            lambda context, _: batches.list_batches(context, kind),
            batches.BatchList,
        ),
        Route(
            "GET",
            f"/ai/{kind}/{{id}}",
            "How far it is, and what came of it",
            lambda context, call: batches.one(context, kind, call.path["id"]),
            batches.BatchView,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "DELETE",
            f"/ai/{kind}/{{id}}",
            "Cancel it if it is not done, and remove what it made",
            lambda context, call: batches.remove(context, kind, call.path["id"]),
            batches.Removed,
            problems=(Code.NOT_FOUND, Code.BATCHES_UNAVAILABLE),
        ),
    ]

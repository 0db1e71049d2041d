"""Collections from other archives, and previews of them."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from ...codes import Code
from ...collecting.collection import COLLECTIONS, PREVIEWS
from ...collecting.request import CollectionRequest
from .. import batches, collections
from ..context import Context
from ..http import Response
from ..route import Call, Route
from .batches import of_batches


def of_collections() -> list[Route]:
    """Their routes."""
    made = []
    for kind, what in (
        (COLLECTIONS, "a collection from another archive"),
        (PREVIEWS, "a preview: search, fetch nothing"),
    ):
        made += of_batches(kind, what, CollectionRequest, _beginning(kind), [Code.PEER_UNKNOWN])
        made.append(
            Route(
                "GET",
                f"/ai/{kind}/{{id}}/studies",
                "The studies that are wanted, and what became of them",
                _listing(kind),
                collections.StudiesPage,
                query=collections.StudiesQuery,
                csv=True,
                problems=(Code.NOT_FOUND,),
            )
        )
    return made


def _beginning(kind: str) -> Callable[[Context, Any], batches.BatchView]:
    return lambda context, body: collections.begin(context, kind, body)


def _listing(kind: str) -> Callable[[Context, Call], BaseModel | Response]:
    return lambda context, call: collections.list_studies(context, kind, call.path["id"], call.query, call.request)

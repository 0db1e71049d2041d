"""``/ai/studies/{id}/cardiac`` as a page for people; `cardiac_study` has what is on it."""

from typing import Literal

from ..pages.drawing import WIDTH, draw
from ..pages.html import HEADERS, page
from .cardiac_study import CardiacStudy, Judged, read_study
from .context import Context
from .http import HTML_TYPE, JSON_TYPE, Request, Response, preferred
from .views import Query

FIELDS = 3000
"""Fields to point at on one page, of a hundred bytes each."""

LEAST_FIELDS = 20
"""Fields of one row, however many rows there are."""


class CardiacQuery(Query):
    """In which form."""

    format: Literal["html", "json"] | None = None
    """Without it, the header Accept decides; if that does not care, it is the page."""


def answer(context: Context, identifier: str, query: CardiacQuery, request: Request) -> CardiacStudy | Response:
    """The page, or what is on it as JSON.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    judged = read_study(context.server, identifier)
    wanted = {"html": HTML_TYPE, "json": JSON_TYPE, None: ""}[query.format]
    if (wanted or preferred(request.headers.get("accept", ""), (HTML_TYPE, JSON_TYPE))) == JSON_TYPE:
        return judged.view
    return Response(render(judged), f"{HTML_TYPE}; charset=utf-8", headers=HEADERS)


def render(judged: Judged) -> bytes:
    """The page."""
    rows = sum(len(positions.rows) for positions in judged.positions)
    fields = max(LEAST_FIELDS, FIELDS // max(1, rows))
    drawings = [draw(positions, fields) for positions in judged.positions]
    series = judged.view.series
    content = {
        "study": judged.view,
        "series": list(zip(series, drawings, strict=True)),
        "accepted": sum(one.accepted for one in series),
        "width": WIDTH,
    }
    return page("cardiac.html", content)

"""``/ai/studies/{id}`` as a page for people; `study_view` has what is on it."""

from typing import Any, Literal

from ..pages.html import FOLDER, STYLE, digest, headers, page
from . import scripts
from .context import Context
from .http import HTML_TYPE, JSON_TYPE, Request, Response, preferred
from .study_view import IMAGE_PIXELS, read_study
from .study_views import SeenImage, StudyView
from .views import Query

SHEET = STYLE + (FOLDER / "study.css").read_text(encoding="utf-8")

HEADERS = headers(digest(SHEET), scripts=True, asks=True)


class StudyQuery(Query):
    """In which form."""

    format: Literal["html", "json"] | None = None
    """Without it, the header Accept decides; if that does not care, it is JSON."""


def answer(context: Context, identifier: str, query: StudyQuery, request: Request) -> StudyView | Response:
    """The page, or what is on it as JSON.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    view = read_study(context, identifier)
    wanted = {"html": HTML_TYPE, "json": JSON_TYPE, None: ""}[query.format]
    if (wanted or preferred(request.headers.get("accept", ""), (JSON_TYPE, HTML_TYPE))) == JSON_TYPE:
        return view
    login = context.access.user(request.headers)
    return Response(
        render(view, login, may_state=context.access.may_read_out(request.headers)),
        f"{HTML_TYPE}; charset=utf-8",
        headers=HEADERS,
    )


def render(view: StudyView, login: str | None = None, *, may_state: bool = True) -> bytes:
    """The page.

    Parameters
    ----------
    login
        Name of the user who asks; ``None`` where nobody is asked for it.
    may_state
        Whether the one who asks may agree or disagree.
    """
    content = {
        "study": view,
        "login": login,
        "may_state": may_state,
        "shown": {one.instance_id: shown_size(one) for one in view.images},
        "lines": {one.instance_id: _lines(one) for one in view.images},
        "cards": {one.name: one for one in view.models},
        "script": scripts.own("study.js"),
        "latest_of": latest_of,
    }
    return page("study.html", content, SHEET)


def latest_of(image: SeenImage, label: str) -> list[dict[str, Any]]:
    """What each reader has stated last about a finding."""
    latest: dict[str, bool] = {}
    for statement in image.statements:
        for said in statement.findings:
            if said.finding == label:
                latest.setdefault(statement.reader, said.present)
    return [{"reader": reader, "present": present} for reader, present in latest.items()]


def shown_size(image: SeenImage) -> tuple[int, int] | None:
    """Width and height of the picture that Orthanc draws, so that the page does not move when it arrives."""
    if image.rows is None or image.columns is None:
        return None
    scale = IMAGE_PIXELS / max(image.rows, image.columns)
    return max(1, round(image.columns * scale)), max(1, round(image.rows * scale))


def _lines(image: SeenImage) -> list[dict[str, Any]]:
    """The two widths as the page draws them, in pixels of the image."""
    ratio = image.ratio
    if ratio is None or ratio.heart is None or ratio.thorax is None or image.rows is None or image.columns is None:
        return []
    tick = image.rows / 60
    letters = max(image.rows, image.columns) / 30
    # The names stand away from each other: that of the upper line above it, that of the lower one below.
    above = ratio.heart.start[1] <= ratio.thorax.start[1]
    drawn = []
    # The shorter one last, to lie on the longer one where both are in one row.
    for name, width, over in (("Thorax", ratio.thorax, not above), ("Heart", ratio.heart, above)):
        (left, y), (right, z) = width.start, width.end
        drawn.append(
            {
                "name": name,
                "path": f"M{left:g} {y:g}L{right:g} {z:g}",
                "ticks": f"M{left:g} {y - tick:g}v{2 * tick:g}M{right:g} {z - tick:g}v{2 * tick:g}",
                "x": (left + right) / 2,
                "y": (y + z) / 2 + (-letters / 2 if over else letters * 1.2),
                "letters": letters,
                "words": f"{name} {words_of(width.pixels, width.mm)}",
            }
        )
    return drawn


def words_of(pixels: float, mm: float | None) -> str:
    """A length as people read it."""
    return f"{pixels:.0f} pixels" if mm is None else f"{mm:.0f} mm"

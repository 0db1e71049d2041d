"""``/ai/catalog`` as a page for people: `distributions` drawn in the browser, with a form that asks for others."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from ..catalog.mirror import CatalogError
from ..catalog.population import Choices, choices
from ..catalog.selection import Selection
from ..codes import Code
from ..pages.html import FOLDER, STYLE, digest, headers, inert, page
from . import catalog, distributions, scripts
from .context import Context
from .distributions import DistributionsQuery, DistributionsView, FindingDistribution, counted
from .http import HTML_TYPE, JSON_TYPE, Request, Response, preferred
from .views import DEMONSTRATION_WARNING, CodeView

SHEET = STYLE + (FOLDER / "catalog.css").read_text(encoding="utf-8")

PLOTS_OWN = "sha256-1fDzhcNzdHzXI45iC4iMUe1f12pPSD0sOIoPEacmGzI="
"""Of the style element that Observable Plot 0.6.17 puts into a drawing of the class `chart-svg`."""

HEADERS = headers(digest(SHEET), PLOTS_OWN, scripts=True, form=True)

Counting = Literal["patients", "studies", "series", "images"]


class PageQuery(DistributionsQuery):
    """Which images, and how they are drawn; of all this, JSON takes nothing."""

    count: Counting = "studies"
    """What the charts of the page count."""
    format: Literal["html", "json"] | None = None  # type: ignore[assignment]
    """Without it, the header Accept decides."""


def answer(context: Context, query: PageQuery, request: Request) -> catalog.CatalogIndex | Response:
    """The page, or where to begin as JSON; while the index is being read, a page that says so and comes back.

    Raises
    ------
    Problem
        ``BAD_REQUEST``; ``CATALOG_LOADING`` and ``CATALOG_TOO_LARGE`` to those who want JSON.
    """
    wanted = {"html": HTML_TYPE, "json": JSON_TYPE, None: ""}[query.format]
    # Programs that say nothing, or that anything will do, get JSON, as everywhere under /ai.
    if (wanted or preferred(request.headers.get("accept", ""), (JSON_TYPE, HTML_TYPE))) == JSON_TYPE:
        return catalog.begin(context)
    try:
        view = counted(context.catalog, query.selection(), query.interval, context.cards)
        with context.catalog.reading(Selection()) as rows:
            there = choices(rows)
    except CatalogError as error:
        return _waiting(context, query, error)
    return _response(_content(context, query, view, there), {})


def _waiting(context: Context, query: PageQuery, error: CatalogError) -> Response:
    done, total = context.catalog.mirror.progress
    content = {
        **_frame(query),
        "view": None,
        "done": done,
        "total": total,
        "loading": error.retry_after > 0,
        "trouble": CodeView.of(error.code),
        "scripts": (),
    }
    # The browser asks again by itself, without a script.
    return _response(content, {"Refresh": str(error.retry_after)} if error.retry_after else {})


def _response(content: Mapping[str, Any], further: Mapping[str, str]) -> Response:
    body = page("catalog.html", content, SHEET)
    return Response(body, f"{HTML_TYPE}; charset=utf-8", headers={**HEADERS, **further})


def _frame(query: PageQuery) -> dict[str, Any]:
    asked = query.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"count", "format"})
    same = f"{distributions.PATH}?{urlencode(asked)}"
    links = (
        (f"{same}&format=json", "These counts as JSON"),
        (f"{same}&format=csv", "as CSV"),
        ("/ai/findings", "Findings, one by one"),
    )
    return {
        "path": catalog.PATH,
        "counting": query.count,
        "links": [{"path": path, "words": words} for path, words in links],
    }


def _content(context: Context, query: PageQuery, view: DistributionsView, there: Choices) -> dict[str, Any]:
    by_model: dict[str, list[FindingDistribution]] = {}
    for one in view.findings:
        by_model.setdefault(one.model, []).append(one)
    library = scripts.library(context.settings.charts_directory)
    return {
        **_frame(query),
        "view": view,
        "asked": {name: "" if value is None else value for name, value in dict(query).items()},
        "choices": {
            "modalities": _options(there.modalities, query.modality),
            "body_parts": _options(there.body_parts, query.body_part),
            "codes": [(one, f"{one}: {Code(one).sentence}") for one, _ in _options(there.codes, query.code)],
            "models": _options(there.models, query.model),
            "findings": _options(there.findings, query.finding),
        },
        "models": list(by_model.items()),
        "places": {(one.model, one.label): place for place, one in enumerate(view.findings)},
        "undated": sum(getattr(one, query.count) for one in view.time if one.first is None),
        "warning": DEMONSTRATION_WARNING,
        "missing": None if library else CodeView.of(Code.CHARTS_MISSING),
        "scripts": (*library, scripts.own("catalog.js")) if library else (),
        "data": inert(view.model_dump_json(by_alias=True)),
    }


def _options(values: Sequence[str], asked: str | None) -> list[tuple[str, str]]:
    """What was asked for by hand is among them, or the form would show another question than the answer's."""
    return [(one, one) for one in sorted({*values, *([asked] if asked else [])})]

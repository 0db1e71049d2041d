"""The catalogue counted: as JSON and CSV, and as a page."""

from ...codes import Code
from .. import catalog, catalog_page, distributions
from ..route import Route

_LOADING = (Code.CATALOG_LOADING, Code.CATALOG_TOO_LARGE)


def of_distributions() -> list[Route]:
    """Their routes."""
    return [
        Route(
            "GET",
            catalog.PATH,
            "What the archive holds: where to begin, or a page with everything counted and drawn",
            lambda context, call: catalog_page.answer(context, call.query, call.request),
            catalog.CatalogIndex,
            query=catalog_page.PageQuery,
            html=True,
            problems=_LOADING,
        ),
        Route(
            "GET",
            distributions.PATH,
            "How the images are spread: over time, modalities, ages, sexes, body parts, findings, scores",
            lambda context, call: distributions.answer(context, call.query, call.request),
            distributions.DistributionsView,
            query=distributions.DistributionsQuery,
            csv=True,
            problems=_LOADING,
        ),
    ]

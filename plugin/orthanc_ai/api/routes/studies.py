"""One study as its reader sees it."""

from ...codes import Code
from .. import study_page, study_view, study_views
from ..route import Route


def of_studies() -> list[Route]:
    """Their routes."""
    resource = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)
    return [
        Route(
            "GET",
            "/ai/studies/{id}",
            "One study: its X-rays with findings, places, ratio and prior, as JSON or as a page",
            lambda context, call: study_page.answer(context, call.path["id"], call.query, call.request),
            study_views.StudyView,
            query=study_page.StudyQuery,
            html=True,
            problems=resource,
        ),
        Route(
            "GET",
            "/ai/studies/{id}/state",
            "Whether anything about one study is new",
            lambda context, call: study_view.read_state(context, call.path["id"]),
            study_views.StudyState,
            problems=resource,
        ),
    ]

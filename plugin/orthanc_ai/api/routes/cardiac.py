"""CT series, their verdicts, and the best of them."""

from ...codes import Code
from .. import best_series, cardiac_page, cardiac_study, quarantine, series_cardiac, series_list
from ..route import Route


def of_cardiac_ct() -> list[Route]:
    """Their routes."""
    resource = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)
    return [
        Route(
            "GET",
            series_list.PATH,
            "CT series of the whole archive with their verdicts",
            lambda context, call: series_list.list_series(context, call.query, call.request),
            series_list.SeriesPage,
            query=series_list.SeriesQuery,
            csv=True,
        ),
        Route(
            "GET",
            "/ai/series/{id}/cardiac",
            "One CT series with its full reasoning",
            lambda context, call: series_cardiac.reasoning(context, call.path["id"]),
            series_cardiac.SeriesReasoning,
            problems=(*resource, Code.NOT_CT),
        ),
        Route(
            "GET",
            "/ai/studies/{id}/best",
            "The best CT series of one study for each role",
            lambda context, call: best_series.of_study(context, call.path["id"]),
            best_series.StudyBest,
            problems=resource,
        ),
        Route(
            "GET",
            "/ai/patients/{patient}/best",
            "The best CT series of one patient for each role",
            lambda context, call: best_series.of_patient(context, call.path["patient"], call.query),
            best_series.PatientBest,
            query=best_series.PatientQuery,
            problems=resource,
        ),
        Route(
            "GET",
            "/ai/studies/{id}/cardiac",
            "The CT series of one study, judged and drawn",
            lambda context, call: cardiac_page.answer(context, call.path["id"], call.query, call.request),
            cardiac_study.CardiacStudy,
            query=cardiac_page.CardiacQuery,
            html=True,
            problems=resource,
        ),
        Route(
            "GET",
            quarantine.PATH,
            "CT studies that stand for no patient",
            lambda context, call: quarantine.list_quarantine(context, call.query, call.request),
            quarantine.QuarantinePage,
            query=quarantine.QuarantineQuery,
            csv=True,
        ),
    ]

"""How the work stands and what it has found: for programs, and as a page for those who run the server."""

from ...codes import Code
from .. import drift, index, now, operator_page, status, throughput, worklist
from ..route import Route

_LOADING = (Code.CATALOG_LOADING, Code.CATALOG_TOO_LARGE)


def of_operation(read_status: status.StatusReader) -> list[Route]:
    """Their routes."""
    return [
        Route(
            "GET",
            operator_page.PATH,
            "Where to begin, or the operator's page",
            lambda context, call: operator_page.answer(context, read_status, call.query, call.request),
            index.Index,
            query=operator_page.PageQuery,
            html=True,
        ),
        Route(
            "GET",
            "/ai/status",
            "Versions, model, queue, latest trouble",
            lambda context, _: read_status.read(context),
            status.Status,
        ),
        Route(
            "GET",
            now.PATH,
            "How the work stands: to be asked often",
            lambda context, call: now.answer(context, call.request),
            now.Now,
        ),
        Route(
            "GET",
            worklist.PATH,
            "Studies with X-rays, the most urgent first",
            lambda context, call: worklist.answer(context, call.query, call.request),
            worklist.Worklist,
            query=worklist.WorklistQuery,
            csv=True,
            problems=_LOADING,
        ),
        Route(
            "GET",
            throughput.PATH,
            "How many X-rays are read, and how long it takes from their arrival",
            lambda context, call: throughput.answer(context, call.query, call.request),
            throughput.ThroughputView,
            query=throughput.ThroughputQuery,
            csv=True,
            problems=_LOADING,
        ),
        Route(
            "GET",
            drift.PATH,
            "Whether scores are still spread as in the first weeks",
            lambda context, call: drift.answer(context, call.query, call.request),
            drift.DriftsView,
            query=drift.DriftQuery,
            csv=True,
            problems=_LOADING,
        ),
    ]

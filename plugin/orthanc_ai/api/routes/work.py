"""The work that is not done, and what an operator may do about it."""

from ...codes import Code
from .. import job_list, pause, reconcile, retry
from ..route import Route
from ..views import Nothing


def of_work() -> list[Route]:
    """Their routes."""
    return [
        Route(
            "GET",
            job_list.PATH,
            "Work that is not done",
            lambda context, call: job_list.list_jobs(context, call.query, call.request),
            job_list.JobsPage,
            query=job_list.JobsQuery,
            csv=True,
        ),
        Route(
            "POST",
            "/ai/jobs/retry",
            "Try everything again that was given up",
            lambda context, _: retry.retry_failed(context),
            retry.Retried,
            status=202,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "POST",
            "/ai/jobs/{job}/retry",
            "Try one job again",
            lambda context, call: retry.retry_one(context, call.path["job"]),
            retry.Retried,
            status=202,
            body=Nothing,
            problems=(Code.NOT_FOUND, Code.BODY_TOO_LARGE),
        ),
        Route(
            "POST",
            "/ai/pause",
            "Begin nothing more",
            lambda context, _: pause.pause(context),
            pause.PauseView,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "POST",
            "/ai/resume",
            "Go on",
            lambda context, _: pause.resume(context),
            pause.PauseView,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "GET",
            reconcile.PATH,
            "How far the look through the archive has come",
            lambda context, _: reconcile.progress(context),
            reconcile.Progress,
        ),
        Route(
            "POST",
            reconcile.PATH,
            "Look through the whole archive for what has no outcome",
            lambda context, call: reconcile.begin(context, call.body),
            reconcile.Progress,
            status=202,
            body=reconcile.ReconcileRequest,
            problems=(Code.BODY_TOO_LARGE,),
        ),
    ]

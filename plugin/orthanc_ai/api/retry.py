"""``POST /ai/jobs/{job}/retry``, ``POST /ai/jobs/retry``: try again, at once."""

from ..analyses import CARDIAC, XRAY
from ..codes import Code
from ..outcomes import CARDIAC_METADATA, XRAY_METADATA
from ..sending.delivery import DeliveryState
from ..server import Level
from .context import Context
from .http import Problem
from .job_id import JobId
from .views import View

_WHERE: dict[str, tuple[Level, str]] = {XRAY: ("instance", XRAY_METADATA), CARDIAC: ("study", CARDIAC_METADATA)}


class Retried(View):
    """What is tried again."""

    analyses: int
    """X-rays and CT studies."""
    deliveries: int
    """Reports on their way to some destination. One that is under way or done is not sent again."""
    jobs: str = "/ai/jobs"
    """Path at which the progress is."""


def retry_one(context: Context, name: str) -> Retried:
    """Try one job again, its attempts counted anew.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    job = JobId.parse(name)
    if job.destination:
        state = context.sender.retry(job.resource, job.destination)
        if state is None:
            raise Problem(Code.NOT_FOUND, "There is no report of this server that is meant for this destination.")
        return Retried(analyses=0, deliveries=int(state is DeliveryState.DUE))
    if not _is_there(context, job):
        raise Problem(Code.NOT_FOUND, "There is no such job: nothing was analysed yet. POST …/analyze asks for it.")
    context.queue.retry(job.analysis, job.resource)
    return Retried(analyses=1, deliveries=0)


def retry_failed(context: Context) -> Retried:
    """Try everything again that was given up, analyses and deliveries."""
    return Retried(analyses=context.queue.retry_failed(), deliveries=context.sender.retry_failed())


def _is_there(context: Context, job: JobId) -> bool:
    """Whether the resource has an outcome, of whatever kind, or its analysis is in hand."""
    level, metadata = _WHERE[job.analysis]
    resource = context.server.resource(level, job.resource)
    if resource is None:
        return False
    return metadata in resource.metadata or any(
        (one.analysis, one.identifier) == (job.analysis, job.resource) for one in context.queue.in_hand()
    )

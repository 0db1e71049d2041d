"""``POST /ai/.../analyze``: analyse again."""

from ..codes import Code
from ..server import Level, Resource
from .context import Context
from .http import Problem
from .identify import identify
from .views import Nothing, View

_COLLECTIONS: dict[Level, str] = {
    "instance": "instances",
    "series": "series",
    "study": "studies",
    "patient": "patients",
}


class AnalyzeRequest(Nothing):
    """Nothing can be chosen: an analysis follows the server's configuration. An empty body does."""


class Queued(View):
    """Work that was taken."""

    level: Level
    id: str
    """Orthanc identifier."""
    jobs: int
    """How many X-rays and CT studies are looked at again. What is up to date already ends at once, and nothing is made
    twice."""
    findings: str
    """Path at which the result will be."""
    status: str
    """Path at which the progress is."""


def analyze(context: Context, level: Level, identifier: str) -> Queued:
    """Analyse the X-rays and CT studies of a resource again.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOTHING_TO_ANALYZE``.
    """
    resource = identify(context.server, level, identifier)
    jobs = context.queue.request(level, resource.identifier)
    if not jobs:
        raise Problem(Code.NOTHING_TO_ANALYZE)
    return queued(level, resource, jobs)


def queued(level: Level, resource: Resource, jobs: int) -> Queued:
    """Where to look for what was asked for."""
    findings = f"/ai/{_COLLECTIONS[level]}/{resource.identifier}/findings"
    return Queued(level=level, id=resource.identifier, jobs=jobs, findings=findings, status="/ai/status")

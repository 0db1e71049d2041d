"""``/ai/now``: what a page asks every few seconds, and is told only if something has changed."""

import hashlib
import time
from datetime import UTC, datetime, timedelta

from ..catalog.mirror import CatalogError
from ..catalog.selection import Selection
from ..catalog.throughput import HOUR_S, MINUTE_S, since
from .context import Context
from .http import Request, Response
from .views import View

PATH = "/ai/now"


class Now(View):
    """How the work stands. It has an `ETag` of its content: asked with `If-None-Match`, it answers 304 while nothing changes."""

    waiting: int
    running: int
    studies_to_come: int
    paused: bool
    yielding: bool
    """Images come so fast that the analysis steps back."""
    held: int
    retrying: int
    failed: int
    deliveries_failed: int
    oldest_since: str | None
    """When the oldest change that is not settled was made, ISO 8601, UTC; `null` if there is none."""
    model_ready: bool
    minute: int | None
    """X-rays read in the last minute; `null` while the catalogue is being read, or without one."""
    hour: int | None
    """In the last hour."""
    version: int | None
    """Another one after each change of the catalogue."""


def answer(context: Context, request: Request) -> Response:
    """How the work stands; 304 (RFC 9110 section 13.1.2) to those who know it."""
    content, tag = _tagged(context)
    if tag in (one.strip() for one in request.headers.get("if-none-match", "").split(",")):
        return Response(b"", status=304, headers={"ETag": tag})
    return Response(content, headers={"ETag": tag})


def tag_of(context: Context) -> str:
    """The `ETag` of how the work stands now."""
    return _tagged(context)[1]


def _tagged(context: Context) -> tuple[bytes, str]:
    content = now(context).model_dump_json(by_alias=True).encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def now(context: Context) -> Now:
    """How the work stands."""
    counts = context.counter.read()
    work = context.queue.status()
    oldest = None
    if work.oldest_s:
        # The row's own time, in whole seconds, or every answer would be another one.
        begun = datetime.now(UTC) - timedelta(seconds=work.oldest_s) + timedelta(seconds=0.5)
        oldest = begun.replace(microsecond=0).isoformat()
    minute, hour, version = _read(context)
    return Now(
        waiting=work.waiting,
        running=work.running,
        studies_to_come=work.studies_to_come,
        paused=work.paused,
        yielding=work.rush,
        held=counts.held,
        retrying=counts.retrying,
        failed=counts.failed,
        deliveries_failed=counts.not_taken,
        oldest_since=oldest,
        model_ready=context.models.state().ready,
        minute=minute,
        hour=hour,
        version=version,
    )


def _read(context: Context) -> tuple[int, int, int] | tuple[None, None, None]:
    if not context.catalog.mirror.ready:
        # Not to be hurried: a page left open somewhere is not in need of it.
        return None, None, None
    try:
        with context.catalog.reading(Selection()) as rows:
            moment = int(time.time())
            return since(rows, moment, MINUTE_S), since(rows, moment, HOUR_S), rows.version
    except CatalogError:
        return None, None, None

"""``/ai/reconcile``: look through the whole archive for what has no outcome."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from .context import Context
from .views import Query, View

PATH = "/ai/reconcile"


class ReconcileRequest(Query):
    """From when on."""

    since: Annotated[str, Field(json_schema_extra={"format": "date"})] | None = None
    """Earliest day of reception, e.g. `2026-01-31`. Without it: since the first start, or since what `AI.Backfill` said."""

    @field_validator("since")
    @classmethod
    def _real_date(cls, since: str | None) -> str | None:
        # Other forms of ISO 8601 are dates to Python, but not to RFC 3339, which the description names.
        if since is not None and date.fromisoformat(since).isoformat() != since:
            raise ValueError("a date in the form YYYY-MM-DD")
        return since


class Progress(View):
    """How far a look through the archive has come."""

    state: Literal["none", "waiting", "running", "ended"]
    """`none`: there was none since the server started. `waiting`: it is asked for and has not begun."""
    studies: int
    """Studies in the archive."""
    looked_at: int
    """Studies that were looked at."""
    found: int
    """Images and CT studies that had no outcome."""
    settled: int
    """How many of these have one by now."""
    started: str | None
    """ISO 8601, UTC."""
    ended: str | None
    """ISO 8601, UTC."""


def begin(context: Context, request: ReconcileRequest) -> Progress:
    """Ask for a look through the archive; if one runs, another follows it."""
    context.queue.reconcile(date.fromisoformat(request.since) if request.since else None)
    return progress(context)


def progress(context: Context) -> Progress:
    """How far the look through the archive has come that runs, or the latest one."""
    latest = context.queue.reconciliation()
    if latest is None:
        return Progress(state="none", studies=0, looked_at=0, found=0, settled=0, started=None, ended=None)
    return Progress(
        state="ended" if not latest.running else "running" if latest.started else "waiting",
        studies=latest.studies,
        looked_at=latest.looked_at,
        found=latest.found,
        settled=latest.settled,
        started=latest.started or None,
        ended=latest.ended or None,
    )

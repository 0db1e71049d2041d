"""``/ai`` as a page for those who run the server: how the work stands, what failed, what is urgent, whether scores drift."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from ..catalog.distributions import Interval
from ..catalog.drift import Grouping
from ..catalog.mirror import CatalogError
from ..catalog.population import choices
from ..catalog.selection import Selection
from ..catalog.throughput import throughput
from ..catalog.worklist import sources
from ..codes import Code
from ..pages.html import FOLDER, STYLE, digest, headers, inert, page
from . import drift, index, now, scripts, worklist
from .catalog_page import PLOTS_OWN
from .catalog_query import cursor_of
from .context import Context
from .drift import DriftQuery
from .http import HTML_TYPE, JSON_TYPE, Request, Response, preferred
from .job_list import JobsPage, JobsQuery, ListedJob, list_jobs
from .status import StatusReader
from .throughput import ThroughputView
from .views import DEMONSTRATION_WARNING, CodeView
from .worklist import Flag, WorklistQuery

PATH = "/ai"

SHEET = STYLE + "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("catalog.css", "operator.css"))

HEADERS = headers(digest(SHEET), PLOTS_OWN, scripts=True, form=True, asks=True)

STUDIES = 25
"""Studies of the worklist on one page."""

FAILURES = 20
"""Jobs of each kind on the page; the list of jobs has all."""

PERIODS = 26
"""Weeks of drift after the first ones: half a year."""


class PageQuery(WorklistQuery):
    """Which X-rays the worklist is about, and how drift is drawn; of all this, JSON takes nothing."""

    by: Grouping | None = None
    """Drift of each Station Name or application entity title by itself."""
    interval: Interval = "week"
    """What drift divides time into."""
    live: Flag | None = None
    """Without drift, which does not change from one moment to the next."""
    format: Literal["html", "json"] | None = None  # type: ignore[assignment]
    """Without it, the header Accept decides."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that has failed, and the study that it is about."""

    job: ListedJob
    study: str
    patient: str
    date: str

    @property
    def action(self) -> str:
        """Where to ask for another try."""
        return f"/ai/jobs/{quote(self.job.id)}/retry"


def answer(context: Context, read_status: StatusReader, query: PageQuery, request: Request) -> index.Index | Response:
    """The page, or where to begin as JSON.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """
    wanted = {"html": HTML_TYPE, "json": JSON_TYPE, None: ""}[query.format]
    # Programs that say nothing, or that anything will do, get JSON, as everywhere under /ai.
    if (wanted or preferred(request.headers.get("accept", ""), (JSON_TYPE, HTML_TYPE))) == JSON_TYPE:
        return index.index(context)
    # First: what changes while the page is made is then asked for once more.
    content = {
        "tag": now.tag_of(context),
        "now": datetime.now().astimezone(),
        **_of_work(context, read_status, request),
        **_of_catalog(context, query),
        "asked": {name: "" if value is None else value for name, value in dict(query).items()},
        "filters": _filters(query),
        "library": scripts.library(context.settings.charts_directory),
        "own": scripts.own("operator.js"),
        "missing": CodeView.of(Code.CHARTS_MISSING),
        "warning": DEMONSTRATION_WARNING,
        "path": PATH,
        "local": _local,
    }
    # The browser comes back by itself, without a script.
    further = {"Refresh": str(content["retry_after"])} if content["retry_after"] else {}
    body = page("operator.html", content, SHEET)
    return Response(body, f"{HTML_TYPE}; charset=utf-8", headers={**HEADERS, **further})


def _of_work(context: Context, read_status: StatusReader, request: Request) -> dict[str, Any]:
    found: list[Failure] = []
    for state in ("failed", "retrying"):
        jobs = list_jobs(context, JobsQuery(state=state, limit=FAILURES, format="json"), request)
        assert isinstance(jobs, JobsPage)
        found += [_failure(context, one) for one in jobs.jobs]
    return {"status": read_status.read(context), "failures": found, "most": FAILURES}


def _failure(context: Context, job: ListedJob) -> Failure:
    if job.level == "study":
        study = context.server.resource("study", job.resource_id)
    else:
        study = context.server.study_of("instance", job.resource_id)
    if study is None:
        return Failure(job, "", "", "")
    return Failure(job, study.identifier, str(study.tags.get("PatientID", "")), str(study.tags.get("StudyDate", "")))


def _of_catalog(context: Context, query: PageQuery) -> dict[str, Any]:
    """What is made from the catalogue's tables; while they are not there, why."""
    found: dict[str, Any] = {
        **dict.fromkeys(("speed", "studies", "following", "choices", "drift", "trouble", "today_data", "drift_data")),
        "retry_after": 0,
        "progress": (0, 0),
    }
    catalog = context.catalog
    try:
        with catalog.reading(Selection()) as rows:
            speed = ThroughputView.of(throughput(rows, int(time.time())))
            there = choices(rows)
            known = sources(rows)
        studies, place = worklist.listed(catalog, context, query, query.place(), STUDIES)
        drifts = (
            None if query.live == "true" else drift.compared(catalog, DriftQuery(by=query.by, interval=query.interval))
        )
    except CatalogError as error:
        return found | {
            "trouble": CodeView.of(error.code),
            "retry_after": error.retry_after,
            "progress": catalog.mirror.progress,
        }
    asked = urlencode({**_asked(query), "cursor": cursor_of(place)}) if place else ""
    return found | {
        "speed": speed,
        "studies": studies,
        "following": f"{PATH}?{asked}" if asked else None,
        "choices": {
            "modality": _options(there.modalities, query.modality),
            "model": _options(there.models, query.model),
            "finding": _options(there.findings, query.finding),
            "source": _options(known, query.source),
        },
        "drift": drifts,
        "today_data": speed.model_dump_json(by_alias=True, include={"hours", "days"}),
        "drift_data": inert(drifts.model_dump_json(by_alias=True)) if drifts else None,
    }


def _asked(query: PageQuery) -> dict[str, Any]:
    return query.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"limit", "live", "format", "cursor"}
    )


def _filters(query: PageQuery) -> str:
    """The same question to `worklist`."""
    asked: Mapping[str, Any] = {name: value for name, value in _asked(query).items() if name not in ("by", "interval")}
    return f"{worklist.PATH}?{urlencode(asked)}"


def _options(values: Any, asked: str | None) -> list[tuple[str, str]]:
    """What was asked for by hand is among them, or the form would show another question than the answer's."""
    return [(one, one) for one in sorted({*values, *([asked] if asked else [])})]


def _local(text: str) -> str:
    """A time as the server's clock shows it, to a minute; as it stands if somebody has spoiled it."""
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text

"""``/ai/jobs``: work that is not done, analyses and deliveries alike, from memory and from the index."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Annotated, Literal

from pydantic import StringConstraints

from ..analyses import CARDIAC, XRAY
from ..codes import Code
from ..counts import Counts
from ..desk import HandJob
from ..outcomes import CARDIAC_METADATA, REPORT_METADATA, XRAY_METADATA, Outcome, search_pattern
from ..sending.delivery import FAILED_PATTERN, OPEN_PATTERN, Delivery, DeliveryState, read_mark
from ..server import Level, Resource
from .context import Context
from .filters import PageQuery
from .http import Request, Response
from .job_id import JobId
from .paging import CURSOR, Selection, page
from .reading import outcome_of
from .tables import table
from .views import View

PATH = "/ai/jobs"

Kind = Literal["analysis", "delivery"]
State = Literal["running", "waiting", "sending", "retrying", "failed", "held"]

UNDONE: frozenset[State] = frozenset({"running", "waiting", "sending", "retrying", "failed"})
"""What is listed unless somebody asks for a state: what is held waits for something else, by the thousand at times."""

_OUTCOMES: dict[Code, State] = {Code.RETRYING: "retrying", Code.FAILED: "failed", Code.HELD: "held"}

_DELIVERIES: dict[DeliveryState, State] = {
    DeliveryState.DUE: "waiting",
    DeliveryState.SENDING: "sending",
    DeliveryState.RETRYING: "retrying",
    DeliveryState.FAILED: "failed",
}

_CURSOR = rf"(?:0-[0-9]{{1,6}}|[1-8]-(?:{CURSOR})?)"
"""Regular expression of a cursor: the part of the list, 0 for memory and then those of `_SOURCES`, and where to go on in it."""


class JobsQuery(PageQuery):
    """Which jobs."""

    cursor: Annotated[str, StringConstraints(pattern=f"^{_CURSOR}$")] | None = None
    """Where to go on: part of the `next` of the page before."""
    state: State | None = None
    """`running`, `waiting`, `sending` (Orthanc has been asked to), `retrying`, `failed` (given up) or `held` (until the model
    is there, or the pause is over). Without it: all but `held`."""
    kind: Kind | None = None
    """`analysis`, or `delivery` of a report to a destination."""


class ListedJob(View):
    """One job."""

    id: str
    """Name of the job, for `/ai/jobs/{job}/retry`."""
    kind: Kind
    analysis: str | None
    """Name of the analysis; `null` for a delivery."""
    destination: str | None
    """Where the report is sent, e.g. `modality:PACS`, `dicom-web:VNA` or `webhook:worklist`; `null` for an analysis."""
    level: Level
    """Of the resource that is analysed, or of the report that is sent."""
    resource_id: str
    """Its Orthanc identifier."""
    state: State
    urgent: bool | None
    """Whether it overtakes the rest; `null` where that does not matter."""
    age_seconds: int | None
    """Since when it is in this state; `null` if that is not known."""
    attempts: int
    """That have failed. A destination that is away refuses nothing, so those do not count."""
    next_attempt: str | None
    """ISO 8601, UTC."""
    code: Code | None
    """Why it failed, or is held."""
    sentence: str | None
    detail: str
    resource: str
    """Path of the resource in Orthanc."""
    findings: str | None
    """Path of all that is known of it; `null` for a delivery."""
    orthanc_job: str | None
    """Path of Orthanc's job that sends it."""


class JobsPage(View):
    """Jobs: those in hand, then those in the index, the latest first."""

    jobs: list[ListedJob]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    name: name
    for name in (
        *("id", "kind", "analysis", "destination", "level", "resourceID", "state", "urgent", "ageSeconds", "attempts"),
        *("nextAttempt", "code", "sentence", "detail", "resource", "orthancJob"),
    )
}

_COLLECTIONS: dict[Level, str] = {
    "instance": "instances",
    "series": "series",
    "study": "studies",
    "patient": "patients",
}


@dataclass(frozen=True, slots=True)
class _Source:
    """A part of the list that the index gives.

    Attributes
    ----------
    kind, states
        What it may hold.
    count
        How many resources it is made from, of all that are counted in the archive.
    """

    kind: Kind
    states: frozenset[State]
    level: Level
    metadata: str
    pattern: str
    items: Callable[[Resource], Iterator[ListedJob]]
    count: Callable[[Counts], int]


def _sources() -> tuple[_Source, ...]:
    analyses: tuple[tuple[str, Level, str], ...] = (
        (XRAY, "instance", XRAY_METADATA),
        (CARDIAC, "study", CARDIAC_METADATA),
    )
    found = [
        _Source(
            "analysis",
            frozenset({state}),
            level,
            metadata,
            search_pattern(code),
            partial(_analyses, name, metadata),
            attrgetter(state),
        )
        for code, state in _OUTCOMES.items()
        for name, level, metadata in analyses
    ]
    undone: frozenset[State] = frozenset({"waiting", "sending", "retrying", "failed"})
    # A report is open or failed as a whole; where it is open, single deliveries may have failed. Each is listed once.
    for pattern, still_open, count in ((OPEN_PATTERN, True, "to_send"), (FAILED_PATTERN, False, "not_taken")):
        items = partial(_deliveries, still_open)
        found.append(_Source("delivery", undone, "instance", REPORT_METADATA, pattern, items, attrgetter(count)))
    return tuple(found)


def list_jobs(context: Context, query: JobsQuery, request: Request) -> JobsPage | Response:
    """One page of jobs.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """
    wanted: frozenset[State] = frozenset({query.state}) if query.state else UNDONE
    in_hand = [_in_hand(one) for one in context.queue.in_hand()]
    taken = {one.id for one in in_hand}
    number, place = _parse(query.cursor)
    jobs: list[ListedJob] = []
    if number == 0:
        if query.kind in (None, "analysis"):
            jobs = [one for one in in_hand if one.state in wanted]
        first = int(place or 0)
        jobs, more = jobs[first : first + query.limit], len(jobs) > first + query.limit
        number, place = (0, str(first + query.limit)) if more else (1, "")
    cursor: str | None = f"{number}-{place}" if number == 0 else None
    if number > 0:
        more_jobs, cursor = _from_index(context, query, wanted, taken, (number, place), query.limit - len(jobs))
        jobs += more_jobs
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        return table("jobs", jobs, COLUMNS, following)
    return JobsPage(jobs=jobs, next=following)


def _from_index(
    context: Context,
    query: JobsQuery,
    wanted: frozenset[State],
    taken: set[str],
    begin: tuple[int, str],
    limit: int,
) -> tuple[list[ListedJob], str | None]:
    """Jobs from the index from a place on, and the cursor of what follows."""
    jobs: list[ListedJob] = []
    first, place = begin
    counts = context.counter.known()
    for number, source in enumerate(_SOURCES[first - 1 :], first):
        if query.kind not in (None, source.kind) or not source.states & wanted:
            continue
        # To find nothing takes a look at every outcome of the archive.
        if counts and not source.count(counts):
            place = ""
            continue
        if len(jobs) == limit:
            return jobs, f"{number}-"
        selection = Selection(source.level, {source.metadata: source.pattern}, {}, ())
        found, cursor = page(
            context.server,
            selection,
            # What is in hand was listed already: the index still says what became of the attempt before.
            partial(_items, source, wanted, taken),
            place or None,
            limit - len(jobs),
        )
        jobs, place = jobs + found, ""
        if cursor is not None:
            return jobs, f"{number}-{cursor}"
    return jobs, None


def _items(source: _Source, wanted: frozenset[State], taken: set[str], row: Resource) -> list[ListedJob]:
    return [one for one in source.items(row) if one.state in wanted and one.id not in taken]


def _parse(cursor: str | None) -> tuple[int, str]:
    """Number of the source, 0 for memory, and the cursor within it."""
    if cursor is None:
        return 0, ""
    number, _, place = cursor.partition("-")
    return int(number), place


def _in_hand(job: HandJob) -> ListedJob:
    return _analysis(
        job.analysis,
        job.level,
        job.identifier,
        job.state,
        urgent=job.urgent,
        age_seconds=_age(job.since),
        attempts=job.attempts,
    )


def _analyses(name: str, metadata: str, row: Resource) -> Iterator[ListedJob]:
    """The job that an outcome in the index tells of."""
    outcome = outcome_of(row, metadata)
    if outcome is None or outcome.code not in _OUTCOMES:
        return
    code, detail = _reason(outcome)
    yield _analysis(
        name,
        row.level,
        row.identifier,
        _OUTCOMES[outcome.code],
        urgent=None,
        age_seconds=_age_of(outcome.at),
        attempts=0 if outcome.code is Code.HELD else outcome.attempts,
        next_attempt=outcome.due or None,
        code=code,
        detail=detail,
    )


def _analysis(
    name: str,
    level: Level,
    identifier: str,
    state: State,
    *,
    urgent: bool | None,
    age_seconds: int | None,
    attempts: int,
    next_attempt: str | None = None,
    code: Code | None = None,
    detail: str = "",
) -> ListedJob:
    collection = _COLLECTIONS[level]
    return ListedJob(
        id=str(JobId(name, identifier)),
        kind="analysis",
        analysis=name,
        destination=None,
        level=level,
        resource_id=identifier,
        state=state,
        urgent=urgent,
        age_seconds=age_seconds,
        attempts=attempts,
        next_attempt=next_attempt,
        code=code,
        sentence=code.sentence if code else None,
        detail=detail,
        resource=f"/{collection}/{identifier}",
        findings=f"/ai/{collection}/{identifier}/findings",
        orthanc_job=None,
    )


def _reason(outcome: Outcome) -> tuple[Code, str]:
    """Why something failed or is held: the detail of such outcomes begins with the code."""
    name, _, words = outcome.detail.partition(":")
    return (Code(name), words.strip()) if name in Code else (outcome.code, outcome.detail)


def _deliveries(still_open: bool, row: Resource) -> Iterator[ListedJob]:
    """The jobs that the mark of a report tells of."""
    text = row.metadata.get(REPORT_METADATA, "")
    mark = read_mark(text)
    if mark is None or mark.is_open is not still_open:
        return
    for delivery in mark.deliveries:
        if delivery.state in _DELIVERIES:
            yield _delivery(row, delivery)


def _delivery(row: Resource, delivery: Delivery) -> ListedJob:
    return ListedJob(
        id=str(JobId("", row.identifier, delivery.destination)),
        kind="delivery",
        analysis=None,
        destination=str(delivery.destination),
        level="instance",
        resource_id=row.identifier,
        state=_DELIVERIES[delivery.state],
        urgent=None,
        age_seconds=_age_of(delivery.since),
        attempts=delivery.attempts,
        next_attempt=delivery.due or None,
        code=delivery.code,
        sentence=delivery.code.sentence if delivery.code else None,
        detail=delivery.detail,
        resource=f"/instances/{row.identifier}",
        findings=None,
        orthanc_job=f"/jobs/{delivery.job}" if delivery.job and delivery.destination.kind != "webhook" else None,
    )


def _age(since: datetime) -> int:
    return max(0, int((datetime.now(UTC) - since).total_seconds()))


def _age_of(text: str) -> int | None:
    """Age of a time in the index, which somebody may have spoiled."""
    try:
        return _age(datetime.fromisoformat(text))
    except (ValueError, TypeError):
        return None


_SOURCES: Sequence[_Source] = _sources()

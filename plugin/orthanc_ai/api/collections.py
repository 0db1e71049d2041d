"""``/ai/collections`` and ``/ai/collection-previews``: studies found at another archive, and fetched from it."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from pydantic import StringConstraints

from ..codes import Code
from ..collecting import plan
from ..collecting.peers import is_known
from ..collecting.plan import Study
from ..collecting.record import Record, StudyState
from ..collecting.request import CollectionRequest
from . import batches
from .context import Context
from .filters import PageQuery
from .http import Problem, Request, Response
from .tables import table
from .views import View


class StudiesQuery(PageQuery):
    """Which of the studies."""

    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")] | None = None
    """Where to go on: part of the `next` of the page before."""
    state: StudyState | None = None
    """`fetched`, `here` (all that is wanted of it was here) or `failed`."""
    code: Code | None = None
    """Only those that failed with this code, e.g. `PEER_REFUSED`."""


class WantedSeries(View):
    """A wanted series, as the other archive describes it."""

    series_instance_uid: str
    modality: str
    body_part: str
    description: str
    number: str
    instances: int | None
    """`null` if the other archive does not say."""


class WantedStudy(View):
    """A wanted study, as the other archive describes it, and what became of it."""

    study_instance_uid: str
    patient_id: str
    issuer: str
    """Issuer of Patient ID."""
    study_date: str
    description: str
    series: list[WantedSeries]
    wanted_series: int
    """How many of its series are wanted."""
    other_series: int
    """How many of its series are not."""
    instances: int | None
    """Of the wanted series; `null` if the other archive does not say."""
    state: StudyState | None
    """`null`: it is still to be fetched, or this is a preview."""
    at: str | None
    """Since when, ISO 8601."""
    attempts: int
    """How often the other archive was asked for it."""
    code: Code | None
    """Why it failed."""
    sentence: str | None
    detail: str
    id: str | None
    """Orthanc identifier of the study here."""


class StudiesPage(View):
    """Studies, in the order in which they were found."""

    studies: list[WantedStudy]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    name: name
    for name in (
        *(
            "studyInstanceUID",
            "patientID",
            "issuer",
            "studyDate",
            "description",
            "wantedSeries",
            "otherSeries",
            "instances",
        ),
        *("state", "at", "attempts", "code", "sentence", "detail", "id"),
    )
}


def begin(context: Context, kind: str, request: CollectionRequest) -> batches.BatchView:
    """Begin a collection or a preview.

    Raises
    ------
    Problem
        ``PEER_UNKNOWN``, ``BAD_REQUEST``, ``TOO_MANY_BATCHES``, ``BATCHES_UNAVAILABLE``
    """
    if not is_known(context.server, request.destination):
        raise Problem(Code.PEER_UNKNOWN, f"Orthanc's configuration names no {request.peer}.")
    try:
        request.check()
    except ValueError as error:
        raise Problem(Code.BAD_REQUEST, str(error)) from None
    return batches.begin(context, kind, request.model_dump(mode="json", by_alias=True))


def list_studies(
    context: Context, kind: str, identifier: str, query: StudiesQuery, request: Request
) -> StudiesPage | Response:
    """One page of a collection's studies.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    output = context.batches[kind].output(identifier)
    settled = context.batches[kind].settled(identifier)
    if output is None or settled is None:
        raise batches.missing(kind)
    start = int(query.cursor or 0)

    def rows() -> Iterator[tuple[int, WantedStudy]]:
        for number, study in enumerate(plan.read(output, start), start + 1):
            record = settled.get(study.study_instance_uid)
            row = _row(study, Record.from_json(record) if record else None)
            if query.state in (None, row.state) and query.code in (None, row.code):
                yield number, row

    # One more than fits, to know whether there is more.
    found = list(islice(rows(), query.limit + 1))
    shown = [row for _, row in found[: query.limit]]
    cursor = str(found[query.limit - 1][0]) if len(found) > query.limit else None
    following = query.next_page(f"/ai/{kind}/{identifier}/studies", cursor)
    if query.wants_csv(request):
        return table(kind, shown, COLUMNS, following)
    return StudiesPage(studies=shown, next=following)


def _row(study: Study, record: Record | None) -> WantedStudy:
    return WantedStudy(
        study_instance_uid=study.study_instance_uid,
        patient_id=study.patient_id,
        issuer=study.issuer,
        study_date=study.date,
        description=study.description,
        series=[
            WantedSeries(
                series_instance_uid=one.series_instance_uid,
                modality=one.modality,
                body_part=one.body_part,
                description=one.description,
                number=one.number,
                instances=one.instances,
            )
            for one in study.series
        ],
        wanted_series=len(study.series),
        other_series=study.others,
        instances=study.instances,
        state=record.state if record else None,
        at=record.at if record else None,
        attempts=record.attempts if record else 0,
        code=record.code if record else None,
        sentence=record.code.sentence if record and record.code else None,
        detail=record.detail if record else "",
        id=next(iter(record.orthanc_ids), None) if record else None,
    )

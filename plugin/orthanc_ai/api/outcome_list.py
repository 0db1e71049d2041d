"""``/ai/outcomes``: what became of each X-ray instance, CT study or CT series."""

from typing import Literal

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, XRAY_METADATA, search_pattern
from ..server import Resource
from .context import Context
from .filters import ListQuery
from .http import Request, Response
from .identify import IDENTIFYING_TAGS
from .paging import Selection, page
from .reading import is_demonstration, notes_of, outcome_of, tag
from .tables import table
from .views import CodeView, View, viewer_link

PATH = "/ai/outcomes"

OutcomeLevel = Literal["instance", "study", "series"]

_TAGS: dict[OutcomeLevel, tuple[str, ...]] = {
    "instance": IDENTIFYING_TAGS,
    "series": IDENTIFYING_TAGS,
    "study": ("StudyInstanceUID", "PatientID", "StudyDate"),
}
_COLLECTIONS = {"instance": "instances", "series": "series", "study": "studies"}


class OutcomesQuery(ListQuery):
    """Which outcomes."""

    level: OutcomeLevel = "instance"
    """`instance` for X-rays, `study` or `series` for cardiac CT."""
    code: Code | None = None
    """Only outcomes with this code, e.g. `FAILED`, `HELD` or `NOT_CHEST`."""


class ListedOutcome(View):
    """What became of one resource."""

    level: OutcomeLevel
    id: str
    """Orthanc identifier."""
    code: Code
    sentence: str
    detail: str
    notes: list[CodeView]
    model: str | None
    demonstration: bool
    attempts: int
    at: str
    """Time of the outcome, ISO 8601, UTC."""
    study_instance_uid: str
    series_instance_uid: str | None
    sop_instance_uid: str | None
    patient_id: str
    study_date: str
    modality: str
    report_uid: str | None
    """The latest report."""
    findings: str
    """Path of all that is known."""
    viewer: str
    """Path at which OHIF shows the study."""


class OutcomesPage(View):
    """Outcomes: X-rays by their reception, the latest first; studies and series by their latest change."""

    outcomes: list[ListedOutcome]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    name: name
    for name in (
        *("level", "id", "code", "sentence", "detail", "notes", "model", "demonstration", "attempts", "at"),
        *("patientID", "studyDate", "modality", "studyInstanceUID", "seriesInstanceUID", "sopInstanceUID"),
    )
} | {"reportUID": "reportUID"}


def list_outcomes(context: Context, query: OutcomesQuery, request: Request) -> OutcomesPage | Response:
    """One page of outcomes.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """

    def items(row: Resource) -> list[ListedOutcome]:
        return _listed(query, row)

    name = _metadata(query.level)
    pattern = search_pattern(query.code) if query.code else "*"
    wanted = query.index_query()
    if query.level == "study" and "Modality" in wanted:
        wanted["ModalitiesInStudy"] = wanted.pop("Modality")
    selection = Selection(query.level, {name: pattern}, wanted, _TAGS[query.level])
    outcomes, cursor = page(context.server, selection, items, query.cursor, query.limit)
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        return table("outcomes", outcomes, COLUMNS, following)
    return OutcomesPage(outcomes=outcomes, next=following)


def _metadata(level: OutcomeLevel) -> str:
    return XRAY_METADATA if level == "instance" else CARDIAC_METADATA


def _listed(query: OutcomesQuery, row: Resource) -> list[ListedOutcome]:
    outcome = outcome_of(row, _metadata(query.level))
    if outcome is None or not query.admits(row):
        return []
    if query.model not in (None, outcome.model) or query.code not in (None, outcome.code):
        return []
    study = tag(row, "StudyInstanceUID")
    return [
        ListedOutcome(
            level=query.level,
            id=row.identifier,
            code=outcome.code,
            sentence=outcome.code.sentence,
            detail=outcome.detail,
            notes=notes_of(outcome.notes),
            model=outcome.model or None,
            demonstration=is_demonstration(outcome),
            attempts=outcome.attempts,
            at=outcome.at,
            study_instance_uid=study,
            series_instance_uid=tag(row, "SeriesInstanceUID") or None,
            sop_instance_uid=tag(row, "SOPInstanceUID") or None,
            patient_id=tag(row, "PatientID"),
            study_date=tag(row, "StudyDate"),
            modality=tag(row, "Modality"),
            report_uid=outcome.result.sop_instance_uid if outcome.result else None,
            findings=f"/ai/{_COLLECTIONS[query.level]}/{row.identifier}/findings",
            viewer=viewer_link(study),
        )
    ]

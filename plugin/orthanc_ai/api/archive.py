"""``/ai/findings``: the findings of the whole archive."""

from typing import Annotated

from pydantic import Field

from ..codes import Code
from ..outcomes import XRAY_METADATA, search_pattern
from ..server import Resource
from .context import Context
from .filters import ListQuery, ShortText
from .http import Request, Response
from .identify import IDENTIFYING_TAGS
from .paging import Selection, page
from .reading import FindingView, findings_of, is_demonstration, notes_of, outcome_of, tag
from .tables import table
from .views import CodeView, ConceptView, Presence, View, viewer_link

PATH = "/ai/findings"

Fraction = Annotated[float, Field(ge=0, le=1)]


class FindingsQuery(ListQuery):
    """Which findings."""

    label: ShortText | None = None
    """The model's name of the finding, e.g. `Cardiomegaly`."""
    concept: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    """Code value of the finding's concept, e.g. `60046008`: the same for all models."""
    minimum: Fraction | None = None
    """Lowest score, inclusive."""
    maximum: Fraction | None = None
    """Highest score, inclusive."""
    presence: Presence | None = None
    """The model's decision; a demonstration model makes none."""
    code: Code | None = None
    """Only images whose outcome has this code among its notes, e.g. `BODY_PART_NOT_STATED`."""


class ListedFinding(View):
    """One finding of one image."""

    label: str
    concept: ConceptView | None
    site: ConceptView | None
    score: float
    """The model's output, 0 to 1. Not a calibrated probability."""
    threshold: float
    presence: Presence | None
    model: str
    demonstration: bool
    """Of a demonstration model: not for diagnosis."""
    notes: list[CodeView]
    at: str
    """Time of the outcome, ISO 8601, UTC."""
    instance_id: str
    """Orthanc identifier of the image."""
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    modality: str
    report_uid: str | None
    viewer: str
    """Path at which OHIF shows the study."""


class FindingsPage(View):
    """Findings of the archive, those of the latest image first."""

    findings: list[ListedFinding]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    "label": "label",
    "score": "score",
    "threshold": "threshold",
    "presence": "presence",
    "findingCode": "concept.value",
    "findingScheme": "concept.scheme",
    "findingMeaning": "concept.meaning",
    "siteCode": "site.value",
    "siteScheme": "site.scheme",
    "siteMeaning": "site.meaning",
    "model": "model",
    "demonstration": "demonstration",
    "notes": "notes",
    "at": "at",
    "patientID": "patientID",
    "studyDate": "studyDate",
    "modality": "modality",
    "studyInstanceUID": "studyInstanceUID",
    "seriesInstanceUID": "seriesInstanceUID",
    "sopInstanceUID": "sopInstanceUID",
    "instanceID": "instanceID",
    "reportUID": "reportUID",
}


def list_findings(context: Context, query: FindingsQuery, request: Request) -> FindingsPage | Response:
    """One page of the archive's findings.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """

    def items(row: Resource) -> list[ListedFinding]:
        return _listed(context, query, row)

    reported = {XRAY_METADATA: search_pattern(Code.REPORTED)}
    each = len(context.models.card.outputs)
    selection = Selection("instance", reported, query.index_query(), IDENTIFYING_TAGS, each)
    findings, cursor = page(context.server, selection, items, query.cursor, query.limit)
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        return table("findings", findings, COLUMNS, following)
    return FindingsPage(findings=findings, next=following)


def _listed(context: Context, query: FindingsQuery, row: Resource) -> list[ListedFinding]:
    outcome = outcome_of(row, XRAY_METADATA)
    if outcome is None or not query.admits(row):
        return []
    if query.model not in (None, outcome.model) or query.code not in (None, outcome.code, *outcome.notes):
        return []
    study = tag(row, "StudyInstanceUID")
    return [
        ListedFinding(
            **dict(finding),
            model=outcome.model,
            demonstration=is_demonstration(outcome),
            notes=notes_of(outcome.notes),
            at=outcome.at,
            instance_id=row.identifier,
            sop_instance_uid=tag(row, "SOPInstanceUID"),
            series_instance_uid=tag(row, "SeriesInstanceUID"),
            study_instance_uid=study,
            patient_id=tag(row, "PatientID"),
            study_date=tag(row, "StudyDate"),
            modality=tag(row, "Modality"),
            report_uid=outcome.result.sop_instance_uid if outcome.result else None,
            viewer=viewer_link(study),
        )
        for finding in findings_of(outcome, context.cards)
        if _admits(query, finding)
    ]


def _admits(query: FindingsQuery, finding: FindingView) -> bool:
    return (
        query.label in (None, finding.label)
        and query.concept in (None, finding.concept.value if finding.concept else "")
        and query.presence in (None, finding.presence)
        and (query.minimum is None or finding.score >= query.minimum)
        and (query.maximum is None or finding.score <= query.maximum)
    )

"""``/ai/series``: the CT series of the archive, each with its verdict in short."""

from typing import Literal

from ..cardiac.roles import Role
from ..codes import Code
from ..outcomes import CARDIAC_METADATA, search_pattern
from ..server import Resource
from .context import Context
from .filters import StudyQuery
from .http import Request, Response
from .identify import IDENTIFYING_TAGS
from .paging import Selection, page
from .reading import outcome_of, tag
from .tables import table
from .verdicts import StoredVerdict, code_views
from .views import CodeView, View, viewer_link

PATH = "/ai/series"


class SeriesQuery(StudyQuery):
    """Which series."""

    role: Role | None = None
    """What accepted series are for."""
    verdict: Literal["accepted", "rejected"] | None = None
    """Whether it is a cardiac series whose images make a sound volume."""
    code: Code | None = None
    """Only series with this code: the reason, a remark, or a piece of evidence."""


class ListedSeries(View):
    """One CT series and its verdict."""

    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    number: int | None
    """Series Number."""
    description: str
    """Series Description."""
    instances: int
    accepted: bool
    role: Role | None
    code: Code
    """`ACCEPTED`, or why it was rejected."""
    sentence: str
    codes: list[CodeView]
    """Everything remarkable, the decisive first."""
    score: int
    """Points for the heart."""
    phases: list[str]
    kernel: str
    slices: int | None
    """Of one phase."""
    thickness_mm: float | None
    spacing_mm: float | None
    coverage_mm: float | None
    at: str
    """Time of the verdict, ISO 8601, UTC."""
    cardiac: str
    """Path of the verdict's full reasoning."""
    viewer: str
    """Path at which OHIF shows the study."""


class SeriesPage(View):
    """CT series, those changed last first."""

    series: list[ListedSeries]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    name: name
    for name in (
        *("id", "accepted", "role", "code", "sentence", "codes", "score", "number", "description", "instances"),
        *("phaseLabels", "kernel", "slices", "thicknessMm", "spacingMm", "coverageMm", "at"),
        *("patientID", "studyDate", "studyInstanceUID", "seriesInstanceUID"),
    )
} | {"phaseLabels": "phases"}


def list_series(context: Context, query: SeriesQuery, request: Request) -> SeriesPage | Response:
    """One page of CT series.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """

    def items(row: Resource) -> list[ListedSeries]:
        return _listed(query, row)

    selection = Selection("series", {CARDIAC_METADATA: _pattern(query)}, query.index_query(), IDENTIFYING_TAGS)
    series, cursor = page(context.server, selection, items, query.cursor, query.limit)
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        return table("series", series, COLUMNS, following)
    return SeriesPage(series=series, next=following)


def _pattern(query: SeriesQuery) -> str:
    """What the index can leave out: it sees the outcome as a text, the code first. `_listed` decides."""
    start = search_pattern(Code.ACCEPTED) if query.verdict == "accepted" else "*"
    if query.role:
        return f'{start}"role":"{query.role}"*'
    if query.verdict == "rejected":
        return f'{start}"accepted":false*'
    return f'{start}"{query.code}"*' if query.code not in (None, Code.ACCEPTED) else start


def _listed(query: SeriesQuery, row: Resource) -> list[ListedSeries]:
    outcome = outcome_of(row, CARDIAC_METADATA)
    verdict = StoredVerdict.of(outcome) if outcome else None
    if outcome is None or verdict is None or not query.admits(row):
        return []
    if query.role not in (None, verdict.role) or query.verdict not in (None, _word(verdict.accepted)):
        return []
    if query.code not in (None, outcome.code, *verdict.codes, *(one.code for one in verdict.evidence)):
        return []
    study = tag(row, "StudyInstanceUID")
    return [
        ListedSeries(
            id=row.identifier,
            series_instance_uid=tag(row, "SeriesInstanceUID"),
            study_instance_uid=study,
            patient_id=tag(row, "PatientID"),
            study_date=tag(row, "StudyDate"),
            number=verdict.number,
            description=verdict.description,
            instances=verdict.instances,
            accepted=verdict.accepted,
            role=verdict.role,
            code=outcome.code,
            sentence=outcome.code.sentence,
            codes=code_views(verdict.codes),
            score=verdict.score,
            phases=[phase.label for phase in verdict.phases],
            kernel=verdict.convolution_kernel,
            slices=verdict.geometry.slices,
            thickness_mm=verdict.geometry.thickness_mm,
            spacing_mm=verdict.geometry.spacing_mm,
            coverage_mm=verdict.geometry.coverage_mm,
            at=outcome.at,
            cardiac=f"/ai/series/{row.identifier}/cardiac",
            viewer=viewer_link(study),
        )
    ]


def _word(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"

"""``/ai/quarantine``: CT studies that stand for no patient, since whose they are is missing or contradicted."""

from typing import Literal

from ..cardiac.patients import Identity
from ..codes import Code
from ..namesakes import namesakes
from ..outcomes import CARDIAC_METADATA
from ..server import Resource, Server
from .context import Context
from .filters import StudyQuery
from .http import Request, Response
from .paging import Selection, page
from .reading import outcome_of, tag
from .tables import table
from .verdicts import quarantine_of
from .views import View, viewer_link

PATH = "/ai/quarantine"


class QuarantineQuery(StudyQuery):
    """Which studies."""

    code: Literal["PATIENT_ID_MISSING", "PATIENT_ID_CONFLICT"] | None = None
    """Why they stand for no patient."""


class QuarantinedStudy(View):
    """A CT study in quarantine. It was judged as any other."""

    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    patient_id: str
    issuer: str
    """Issuer of Patient ID."""
    study_date: str
    code: Code
    sentence: str
    contradicted_by: list[str]
    """Orthanc identifiers of the studies that contradict it now. If there are none left, analyse the study again."""
    outcome: Code
    """What became of the study."""
    at: str
    """Time of the outcome, ISO 8601, UTC."""
    findings: str
    """Path of all that is known."""
    viewer: str
    """Path at which OHIF shows the study."""


class QuarantinePage(View):
    """Studies in quarantine, those changed last first."""

    studies: list[QuarantinedStudy]
    next: str | None
    """Path of the next page; `null` on the last one."""


COLUMNS = {
    name: name
    for name in (
        *("id", "code", "sentence", "outcome", "at", "patientID", "issuer", "studyDate", "studyInstanceUID"),
        "contradictedBy",
    )
}


def list_quarantine(context: Context, query: QuarantineQuery, request: Request) -> QuarantinePage | Response:
    """One page of studies in quarantine.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """

    def items(row: Resource) -> list[QuarantinedStudy]:
        return _listed(context.server, query, row)

    # What the index can leave out; `_listed` decides.
    pattern = {CARDIAC_METADATA: f'*"{query.code or "PATIENT_ID_"}*'}
    selection = Selection("study", pattern, query.index_query(), ("StudyInstanceUID", "PatientID", "StudyDate"))
    studies, cursor = page(context.server, selection, items, query.cursor, query.limit)
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        return table("quarantine", studies, COLUMNS, following)
    return QuarantinePage(studies=studies, next=following)


def _listed(server: Server, query: QuarantineQuery, row: Resource) -> list[QuarantinedStudy]:
    outcome = outcome_of(row, CARDIAC_METADATA)
    code = quarantine_of(outcome)
    if outcome is None or code is None or query.code not in (None, code) or not query.admits(row):
        return []
    own = Identity.from_tags(row.tags)
    contradicting = [one.identifier for one in namesakes(server, row) if own.contradicts(Identity.from_tags(one.tags))]
    study = tag(row, "StudyInstanceUID")
    return [
        QuarantinedStudy(
            id=row.identifier,
            study_instance_uid=study,
            patient_id=tag(row, "PatientID"),
            issuer=own.issuer,
            study_date=tag(row, "StudyDate"),
            code=code,
            sentence=code.sentence,
            contradicted_by=contradicting,
            outcome=outcome.code,
            at=outcome.at,
            findings=f"/ai/studies/{row.identifier}/findings",
            viewer=viewer_link(study),
        )
    ]

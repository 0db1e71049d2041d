"""``/ai/series/{id}/cardiac``: one CT series with the full reasoning of its verdict."""

from typing import Any

from ..codes import Code
from ..outcomes import CARDIAC_METADATA
from .context import Context
from .findings import report_id
from .http import Problem
from .identify import identify
from .reading import ReportView, outcome_of, tag
from .verdicts import EvidenceView, RoleView, StoredVerdict, code_views, evidence_views, raw
from .views import CodeView, View, viewer_link

UNSETTLED = frozenset({Code.NOT_ANALYZED_YET, Code.HELD, Code.RETRYING})


class SeriesReasoning(View):
    """A CT series, what became of it, and why."""

    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    code: Code
    """`ACCEPTED`, why it was rejected, or what became of its study if it was not judged."""
    sentence: str
    detail: str
    settled: bool
    """Whether this is the last word: false while the study waits for its judgement."""
    accepted: bool
    role: RoleView | None
    score: int
    """Points for the heart."""
    evidence: list[EvidenceView]
    """Where the points come from."""
    codes: list[CodeView]
    """Everything remarkable, the decisive first."""
    verdict: dict[str, Any]
    """The whole verdict with phases and geometry, as docs/cardiac-ct.md describes it."""
    at: str | None
    """Time of the verdict, ISO 8601, UTC."""
    report: ReportView | None
    """The latest report on the study."""
    best: str
    """Path of the best series of the study."""
    viewer: str
    """Path at which OHIF shows the study."""


def reasoning(context: Context, identifier: str) -> SeriesReasoning:
    """Why a CT series was accepted or rejected.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOT_CT``.
    """
    series = identify(context.server, "series", identifier)
    outcome = outcome_of(series, CARDIAC_METADATA)
    if outcome is None and tag(series, "Modality") != "CT":
        raise Problem(Code.NOT_CT)
    study = context.server.resource("study", series.parent)
    of_study = outcome_of(study, CARDIAC_METADATA) if study else None
    verdict = StoredVerdict.of(outcome) if outcome else None
    shown = outcome if verdict else of_study
    code = shown.code if shown and (verdict or shown.code is not Code.REPORTED) else Code.NOT_ANALYZED_YET
    report = of_study.result if of_study else None
    return SeriesReasoning(
        id=series.identifier,
        series_instance_uid=tag(series, "SeriesInstanceUID"),
        study_instance_uid=tag(series, "StudyInstanceUID"),
        patient_id=tag(series, "PatientID"),
        study_date=tag(series, "StudyDate"),
        code=code,
        sentence=code.sentence,
        detail=shown.detail if shown else "",
        settled=code not in UNSETTLED,
        accepted=verdict.accepted if verdict else False,
        role=RoleView.of(verdict.role) if verdict and verdict.role else None,
        score=verdict.score if verdict else 0,
        evidence=evidence_views(verdict.evidence) if verdict else [],
        codes=code_views(verdict.codes) if verdict else [],
        verdict=raw(outcome) if outcome and verdict else {},
        at=shown.at if shown else None,
        report=ReportView.of(report, report_id(context.server, report.sop_instance_uid)) if report else None,
        best=f"/ai/studies/{series.parent}/best",
        viewer=viewer_link(tag(series, "StudyInstanceUID")),
    )

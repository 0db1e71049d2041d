"""What is known of one X-ray instance: its outcome in the index, put into words."""

from collections.abc import Sequence
from typing import TypedDict

from pydantic import FiniteFloat, TypeAdapter, ValidationError

from ..codes import Code
from ..models.card import Output
from ..outcomes import XRAY_METADATA, Outcome, Result, read_outcome
from ..server import Resource
from .cards import Cards
from .views import DEMONSTRATION_WARNING, CodeView, ConceptView, Presence, View, viewer_link

_UNSETTLED = frozenset({Code.NOT_ANALYZED_YET, Code.HELD})


class FindingView(View):
    """One output of the model."""

    label: str
    """The model's own name of the finding."""
    concept: ConceptView | None
    """What was looked for; `null` if the model's card is no longer there."""
    site: ConceptView | None
    """Where in the body; `null` if the model's card is no longer there."""
    score: float
    """The model's output, 0 to 1. Not a calibrated probability."""
    threshold: float
    """The score from which on the finding counts as present."""
    presence: Presence | None
    """`undetermined` within the undetermined band; `null` with a demonstration model, which decides nothing."""


class ReportView(View):
    """A stored DICOM SR."""

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    instance_id: str | None = None
    """Orthanc identifier; `null` if the report was deleted since."""

    @classmethod
    def of(cls, result: Result, instance_id: str | None) -> "ReportView":
        """The report as an answer has it."""
        return cls(
            sop_instance_uid=result.sop_instance_uid,
            series_instance_uid=result.series_instance_uid,
            study_instance_uid=result.study_instance_uid,
            instance_id=instance_id,
        )


class ImageFindings(View):
    """What became of one X-ray instance."""

    instance_id: str
    """Orthanc identifier of the instance."""
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient_id: str
    study_date: str
    modality: str
    code: Code
    """`REPORTED`, a reason why there is no report, or `NOT_ANALYZED_YET`."""
    sentence: str
    """The code's sentence."""
    detail: str
    """What a reader needs beyond it; often empty."""
    settled: bool
    """Whether this is the last word: false while the image waits for its analysis or for the model."""
    notes: list[CodeView]
    """Remarks that do not change the outcome."""
    model: str | None
    demonstration: bool
    """Made with a demonstration model: not for diagnosis."""
    warning: str | None
    attempts: int
    at: str | None
    """Time of the outcome, ISO 8601, UTC."""
    report: ReportView | None
    """The latest report. Where the code is not `REPORTED`, it is an earlier one that still stands."""
    findings: list[FindingView]
    """In the model's own order; empty without a report."""
    viewer: str
    """Path at which OHIF shows the study."""


class _StoredFinding(TypedDict):
    label: str
    score: FiniteFloat
    threshold: FiniteFloat
    presence: bool | None


_STORED: TypeAdapter[list[_StoredFinding]] = TypeAdapter(list[_StoredFinding])


def outcome_of(resource: Resource, metadata: str) -> Outcome | None:
    """The outcome in a resource's metadata; ``None`` if there is none, or one that somebody has spoiled."""
    return read_outcome(resource.metadata, metadata)


def is_demonstration(outcome: Outcome) -> bool:
    """Whether findings are of a demonstration model."""
    return outcome.data.get("demonstration") is True


def findings_of(outcome: Outcome, cards: Cards) -> list[FindingView]:
    """The findings in an outcome, each with its concept; none if there are none or somebody has spoiled them."""
    try:
        stored = _STORED.validate_python(outcome.data.get("findings", []))
    except ValidationError:
        return []
    return [_finding(one, cards.output(outcome.model, one["label"]), is_demonstration(outcome)) for one in stored]


def _finding(stored: _StoredFinding, output: Output | None, demonstration: bool) -> FindingView:
    return FindingView(
        label=stored["label"],
        concept=ConceptView.of(output.finding) if output else None,
        site=ConceptView.of(output.site) if output else None,
        score=stored["score"],
        threshold=stored["threshold"],
        presence=None if demonstration else _presence(stored["presence"]),
    )


def _presence(presence: bool | None) -> Presence:
    if presence is None:
        return "undetermined"
    return "present" if presence else "absent"


def tag(resource: Resource, keyword: str) -> str:
    """A DICOM tag from the index; empty if it is missing."""
    return str(resource.tags.get(keyword, ""))


def notes_of(codes: Sequence[Code]) -> list[CodeView]:
    """Remarks with their sentences."""
    return [CodeView.of(code) for code in codes]


def read_image(resource: Resource, cards: Cards, report_id: str | None, not_yet: str = "") -> ImageFindings:
    """What became of an X-ray instance.

    Parameters
    ----------
    resource
        The instance, with the tags of `identify.IDENTIFYING_TAGS`.
    report_id
        Orthanc identifier of its report.
    not_yet
        What to say of an instance without an outcome.
    """
    outcome = outcome_of(resource, XRAY_METADATA)
    if outcome is None and XRAY_METADATA in resource.metadata:
        not_yet = f"The metadata {XRAY_METADATA} cannot be read; analyse the image again."
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    demonstration = is_demonstration(outcome) if outcome else False
    return ImageFindings(
        instance_id=resource.identifier,
        sop_instance_uid=tag(resource, "SOPInstanceUID"),
        series_instance_uid=tag(resource, "SeriesInstanceUID"),
        study_instance_uid=tag(resource, "StudyInstanceUID"),
        patient_id=tag(resource, "PatientID"),
        study_date=tag(resource, "StudyDate"),
        modality=tag(resource, "Modality"),
        code=code,
        sentence=code.sentence,
        detail=outcome.detail if outcome else not_yet,
        settled=code not in _UNSETTLED,
        notes=notes_of(outcome.notes) if outcome else [],
        model=(outcome.model or None) if outcome else None,
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
        attempts=outcome.attempts if outcome else 0,
        at=outcome.at if outcome else None,
        report=ReportView.of(outcome.result, report_id) if outcome and outcome.result else None,
        findings=findings_of(outcome, cards) if outcome else [],
        viewer=viewer_link(tag(resource, "StudyInstanceUID")),
    )

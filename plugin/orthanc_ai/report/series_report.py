"""The report on the series of a CT study: which of them are cardiac, and why the others are not.

One report for a study, one group for each series. Nothing was measured in the images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from highdicom.sr import (
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    TrackingIdentifier,
    UIDRefContentItem,
)
from pydicom.dataset import Dataset

from .. import __version__
from ..concepts import Concept
from . import provenance, tree, vocabulary
from .charset import make_ascii
from .document import Frame, Predecessor
from .encoding import encode_item
from .header import InstanceReference, inherit, instance_reference
from .uids import ReportIdentity, tracking_uid
from .vocabulary import coded

SERIES_NUMBER = 9011
"""Series Number of these reports: behind the images of any study."""

RULES_NAME = "cardiac-ct-series"
RULES_TITLE = "Cardiac CT series selection"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a series, by its UIDs."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """What the report says about a series.

    Attributes
    ----------
    series_instance_uid
        Of the series.
    series_number, description, modality
        As the header has them; ``None`` or empty if it does not.
    accepted
        Whether it is a cardiac series that can be analysed.
    role
        What it is for, in words; empty if it was not accepted.
    best
        Whether it is the best series of the study for its role.
    reason
        Why it was not accepted, in words; empty if it was.
    phases, geometry, contrast, evidence, remarks
        In words; empty if there is nothing to say.
    instances
        All instances of the series.
    """

    series_instance_uid: str
    series_number: int | None
    description: str
    modality: str
    accepted: bool
    role: str = ""
    best: bool = False
    reason: str = ""
    phases: str = ""
    geometry: str = ""
    contrast: str = ""
    evidence: str = ""
    remarks: str = ""
    instances: tuple[Instance, ...] = ()

    @property
    def title(self) -> str:
        """How people call the series."""
        number = "without a number" if self.series_number is None else str(self.series_number)
        modality = "" if self.modality == "CT" else f" ({self.modality or 'no modality'})"
        return f"Series {number}{modality}: {' '.join(self.description.split()) or 'without a description'}"


def series_report(
    source: Dataset,
    lines: Sequence[SeriesLine],
    identity: ReportIdentity,
    content_datetime: datetime,
    *,
    rules_version: str,
    title: Concept = vocabulary.DIAGNOSTIC_IMAGING_REPORT,
    notes: Sequence[str] = (),
    predecessor: Predecessor | None = None,
    plugin_version: str = __version__,
) -> bytes:
    """Make the report on a study.

    Parameters
    ----------
    source
        Header of any instance of the study, for patient and study.
    lines
        At least one. The report has those that are accepted first, else in this order.
    identity
        See `uids.report_identity`, with the Study Instance UID as source.
    content_datetime
        When the report was made, with or without a time zone.
    rules_version
        Version of the rules that judged the series.
    title
        Coded title, see `vocabulary.check_title`.
    notes
        Remarks on the study as a whole, e.g. that its patient is not known for certain.
    predecessor
        The report that this one replaces.

    Returns
    -------
    bytes
        A whole DICOM file, Comprehensive 3D SR, Explicit VR Little Endian.

    Raises
    ------
    ReportError
        If the source lacks a UID, or the title is one that viewers do not show as text.
    ValueError
        If there is no line.
    """
    if not lines:
        raise ValueError("a report on series needs at least one series")
    vocabulary.check_title(title)
    inherited = inherit(source)
    study = instance_reference(source).study_instance_uid
    plain = inherited.character_sets is not None
    maker = provenance.of_rules(
        RULES_NAME,
        RULES_TITLE,
        rules_version,
        plugin_version,
        (
            provenance.RESEARCH,
            "Series are judged by their headers, contrast by the blood in a few slices; nothing was measured.",
        ),
    )
    lines = sorted(lines, key=lambda line: not line.accepted)
    groups = [_group(line) for line in lines]
    root = tree.series_tree(maker, title, groups, [*maker.statements, *notes, *_summary(lines)])[0]
    if plain:
        make_ascii(root)
    frame = Frame.prepare(maker, SERIES_NUMBER, root, [vocabulary.VERDICT], plain=plain)
    return frame.document(
        inherited,
        _evidence(study, lines),
        identity,
        content_datetime,
        predecessor,
        map(encode_item, root.ContentSequence),
    )


def _summary(lines: Sequence[SeriesLine]) -> Iterator[str]:
    accepted = [line.title for line in lines if line.accepted]
    if not accepted:
        yield f"None of {len(lines)} series is accepted as cardiac CT."
        return
    yield f"{len(accepted)} of {len(lines)} series accepted as cardiac CT: {'; '.join(accepted)}."
    best = [line.title for line in lines if line.best]
    if best:
        yield f"Best for their roles: {'; '.join(best)}."


def _evidence(study: bytes, lines: Sequence[SeriesLine]) -> Iterator[InstanceReference]:
    for line in lines:
        series = _uid(line.series_instance_uid)
        for instance in line.instances:
            yield InstanceReference(_uid(instance.sop_class_uid), _uid(instance.sop_instance_uid), series, study)


def _uid(uid: str) -> bytes:
    return uid.strip(" \0").encode("iso8859", "replace")


def _group(line: SeriesLine) -> MeasurementsAndQualitativeEvaluations:
    verdict = vocabulary.ACCEPTED if line.accepted else vocabulary.NOT_ACCEPTED
    evaluation = QualitativeEvaluation(coded(vocabulary.VERDICT), coded(verdict))
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=tracking_uid(line.series_instance_uid, RULES_NAME), identifier=line.title
        ),
        qualitative_evaluations=[evaluation],
    )
    content = group[0].ContentSequence
    # A text each, not a code or a number: what a program needs is in the outcome of the series, and Orthanc pays for
    # every element of a report several times.
    for name, text in (
        (vocabulary.REASON, line.reason),
        (vocabulary.ROLE, line.role),
        (vocabulary.CARDIAC_PHASES, line.phases),
        (vocabulary.GEOMETRY, line.geometry),
        (vocabulary.CONTRAST, line.contrast),
        (vocabulary.EVIDENCE, line.evidence),
        (vocabulary.COMMENT, line.remarks),
        (vocabulary.INSTANCES, str(len(line.instances))),
    ):
        if text:
            content.append(tree.text_item(name, text))
    content.append(
        UIDRefContentItem(
            coded(vocabulary.SERIES_INSTANCE_UID),
            # What is no UID at all may hold letters that the element cannot.
            _uid(line.series_instance_uid).decode("iso8859"),
            RelationshipTypeValues.CONTAINS,
        )
    )
    return group

"""Content trees of Measurement Reports (PS3.16 TID 1500), built with highdicom.

Two readers are in mind: programs, which find their way by template and code, and people, who see what a viewer prints.
OHIF prints the items of every container in order, a line each, but only where Continuity Of Content is SEPARATE, and
prints nothing below a number, code or text. So what a reader must see is put into containers, and what only a program
needs (the source image) below the numbers.

A third reader is the archive: Orthanc turns each element into JSON several times when it stores a report, and copies it
once for each level above it. So what all findings have in common is stated once, above them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from highdicom.sr import (
    CompositeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    FindingSite,
    ImageContentItem,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    NumContentItem,
    ObservationContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurement,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset

from ..concepts import Concept
from . import vocabulary
from .provenance import Provenance
from .vocabulary import coded


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding as the report states it.

    Attributes
    ----------
    label
        The model's name of the output; becomes the Tracking Identifier.
    tracking_uid
        See `uids.tracking_uid`.
    percent
        The score in percent, rounded for people.
    exact_percent
        The score in percent as the model gave it.
    threshold_percent
        The threshold in percent.
    presence
        A code of CID 240, or none.
    capture
        SOP Class and SOP Instance UID of the heat map, or none.
    """

    label: str
    tracking_uid: str
    finding: Concept
    site: Concept
    percent: float
    exact_percent: float
    threshold_percent: float
    presence: Concept | None
    capture: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """The image that was read, with its Image Library Entry Descriptors (TID 1602)."""

    sop_class_uid: str
    sop_instance_uid: str
    descriptors: tuple[ContentItem, ...] = ()


def findings_tree(
    provenance: Provenance, title: Concept, image: Image, findings: Sequence[FindingLine], comments: Iterable[str]
) -> MeasurementReport:
    """The tree of a findings report on one image.

    Parameters
    ----------
    findings
        At least one, in the order of the report.
    comments
        Texts that stand before everything that was found.
    """
    groups = [_finding_group(image, line) for line in findings]
    return _report(provenance, title, vocabulary.RADIOGRAPHY, groups, comments, _image_library(image))


def series_tree(
    provenance: Provenance,
    title: Concept,
    groups: Sequence[MeasurementsAndQualitativeEvaluations],
    comments: Iterable[str],
) -> MeasurementReport:
    """The tree of a report on the series of a CT study."""
    return _report(provenance, title, vocabulary.COMPUTED_TOMOGRAPHY, groups, comments, None)


def lengths_tree(
    provenance: Provenance,
    image: Image,
    groups: Sequence[MeasurementsAndQualitativeEvaluations],
    comments: Iterable[str],
) -> MeasurementReport:
    """The tree of a report on lengths in one image, titled as viewers expect it of one that they draw."""
    title = vocabulary.IMAGING_MEASUREMENT_REPORT
    return _report(provenance, title, vocabulary.RADIOGRAPHY, groups, comments, _image_library(image))


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What a reader says of a finding.

    Attributes
    ----------
    label, tracking_uid, finding, site
        As the findings report has them.
    presence
        `vocabulary.PRESENT` or `vocabulary.ABSENT`.
    remark
        What the model had said, in words.
    """

    label: str
    tracking_uid: str
    finding: Concept
    site: Concept
    presence: Concept
    remark: str


def correction_tree(
    observer: ObservationContext,
    title: Concept,
    image: Image,
    report: tuple[str, str],
    statements: Sequence[StatementLine],
    warning: str,
    about: str,
    comments: Sequence[str],
) -> MeasurementReport:
    """The tree of a reader's statement on a findings report.

    Parameters
    ----------
    observer
        The reader, TID 1003.
    report
        SOP Class UID and SOP Instance UID of the findings report.
    warning, about, comments
        What stands before the statements, in this order. Viewers cannot print a reference: that to the report hangs below the
        text that says what this is about.
    """
    tree = MeasurementReport(
        observation_context=observer,
        procedure_reported=coded(vocabulary.RADIOGRAPHY),
        imaging_measurements=[_statement_group(line) for line in statements],
        title=coded(title),
    )
    *context, measurements = tree[0].ContentSequence
    texts = [text_item(vocabulary.COMMENT, comment) for comment in (warning, about, *comments)]
    reference = CompositeContentItem(
        coded(vocabulary.SOURCE_REPORT), *report, relationship_type=RelationshipTypeValues.INFERRED_FROM
    )
    texts[1].ContentSequence = ContentSequence([reference])
    tree[0].ContentSequence = ContentSequence([*context, *texts, _image_library(image), measurements])
    separate(tree[0])
    return tree


def _statement_group(line: StatementLine) -> MeasurementsAndQualitativeEvaluations:
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=line.tracking_uid, identifier=line.label),
        finding_type=coded(line.finding),
        finding_sites=[FindingSite(coded(line.site))],
        qualitative_evaluations=[QualitativeEvaluation(coded(vocabulary.PRESENCE), coded(line.presence))],
    )
    group[0].ContentSequence.append(text_item(vocabulary.COMMENT, line.remark))
    return group


def text_item(name: Concept, text: str) -> TextContentItem:
    """A text that stands in a container."""
    return TextContentItem(coded(name), text, RelationshipTypeValues.CONTAINS)


def number_item(
    name: Concept,
    value: float,
    unit: Concept,
    relationship: RelationshipTypeValues = RelationshipTypeValues.CONTAINS,
) -> NumContentItem:
    """A number with its unit; an integer is written without the decimal point that highdicom gives it."""
    item = NumContentItem(coded(name), value, coded(unit), relationship_type=relationship)
    if isinstance(value, int):
        item.MeasuredValueSequence[0].NumericValue = str(value)
    return item


def presence_item(presence: Concept) -> Dataset:
    """Presence of property, CID 240."""
    (item,) = QualitativeEvaluation(coded(vocabulary.PRESENCE), coded(presence))
    return item


def capture_item(sop_class_uid: str, sop_instance_uid: str) -> ImageContentItem:
    """The heat map of a score.

    It explains the number, which does not come from it. As a direct item of the group, viewers would say that they do not
    print images.
    """
    return ImageContentItem(
        coded(vocabulary.CLASS_ACTIVATION),
        sop_class_uid,
        sop_instance_uid,
        relationship_type=RelationshipTypeValues.HAS_PROPERTIES,
    )


def _report(
    provenance: Provenance,
    title: Concept,
    procedure: Concept,
    groups: Sequence[MeasurementsAndQualitativeEvaluations],
    comments: Iterable[str],
    library: ContentItem | None,
) -> MeasurementReport:
    report = MeasurementReport(
        observation_context=provenance.observation_context(),
        procedure_reported=coded(procedure),
        imaging_measurements=groups,
        title=coded(title),
    )
    *context, measurements = report[0].ContentSequence
    # Of all measurements: TID 1500 has Algorithm Identification there, too.
    measurements.ContentSequence = ContentSequence([*provenance.algorithm(), *measurements.ContentSequence])
    # TID 1500 is extensible: comments and the image library go before the measurements, where a reader begins.
    texts = [text_item(vocabulary.COMMENT, comment) for comment in comments]
    report[0].ContentSequence = ContentSequence([*context, *texts, *([library] if library else []), measurements])
    separate(report[0])
    return report


def _finding_group(image: Image, line: FindingLine) -> MeasurementsAndQualitativeEvaluations:
    probability = Measurement(
        name=coded(vocabulary.PROBABILITY),
        value=line.percent,
        unit=coded(vocabulary.PERCENT),
        referenced_images=[SourceImageForMeasurement(image.sop_class_uid, image.sop_instance_uid)],
    )
    # Numeric Value is rounded for people; Floating Point Value is there for what a decimal string leaves out.
    probability[0].MeasuredValueSequence[0].FloatingPointValue = line.exact_percent
    if line.capture is not None:
        probability[0].ContentSequence.append(capture_item(*line.capture))
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=line.tracking_uid, identifier=line.label),
        finding_type=coded(line.finding),
        finding_sites=[FindingSite(coded(line.site))],
        measurements=[probability],
    )
    whole = line.threshold_percent.is_integer()
    threshold = int(line.threshold_percent) if whole else line.threshold_percent
    group[0].ContentSequence.append(number_item(vocabulary.THRESHOLD_VALUE, threshold, vocabulary.PERCENT))
    if line.presence is not None:
        group[0].ContentSequence.append(presence_item(line.presence))
    return group


def _image_library(image: Image) -> ContainerContentItem:
    """Image Library, TID 1600, with one image.

    highdicom's own refuses radiographs without orientation or pixel spacing, which are common.
    """
    entry = ImageContentItem(
        coded(vocabulary.SOURCE),
        image.sop_class_uid,
        image.sop_instance_uid,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
    if image.descriptors:
        entry.ContentSequence = ContentSequence(image.descriptors)
    group = ContainerContentItem(
        coded(vocabulary.IMAGE_LIBRARY_GROUP), relationship_type=RelationshipTypeValues.CONTAINS
    )
    group.ContentSequence = ContentSequence([entry])
    library = ContainerContentItem(coded(vocabulary.IMAGE_LIBRARY), relationship_type=RelationshipTypeValues.CONTAINS)
    library.ContentSequence = ContentSequence([group])
    return library


def separate(item: Dataset) -> None:
    """Make every container a list of separate items; highdicom writes CONTINUOUS, which viewers print as one line."""
    if item.ValueType == "CONTAINER":
        item.ContinuityOfContent = "SEPARATE"
    for child in item.get("ContentSequence", ()):
        separate(child)

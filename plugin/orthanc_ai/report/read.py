"""Reading findings reports back, for tests and for those who have nothing but the stored object.

Only pydicom is needed, so that a server can read a report without loading what writes it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from ..codes import Code
from ..concepts import Concept, Finding
from ..dicom_file import FileError, open_file
from . import vocabulary
from .errors import ReportError
from .ratio import Ratio, RatioRefusal

_NOTE = re.compile(r"\(([A-Z_]+)\)$")
_PRESENCE = {vocabulary.PRESENT: True, vocabulary.ABSENT: False, vocabulary.UNDETERMINED: None}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a findings report says of the patient's earlier one.

    Attributes
    ----------
    report
        Its SOP Instance UID.
    image, date
        SOP Instance UID and Study Date (YYYYMMDD) of the image that it is about.
    changes
        Change of the scores by label, in percentage points.
    """

    report: str
    image: str
    date: str
    changes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FindingsReport:
    """What a findings report says.

    Attributes
    ----------
    model, model_version
        Name and version of the model, as on its card.
    source_sop_class_uid, source_sop_instance_uid
        The image that was read.
    findings
        In the order of the report. Scores and thresholds are 0 to 1.
    decides
        Whether the model decides on presence; a demonstration model does not.
    notes
        Remarks on this image.
    comments
        Every text that stands before the measurements, in order; the notes are among them.
    ratio
        The cardiothoracic ratio, or why there is none; ``None`` if the report says nothing of it.
    objects
        SOP Instance UIDs of what the ratio comes from, beside the image.
    captures
        SOP Instance UIDs of heat maps, by label.
    earlier
        What the report is compared with.
    """

    model: str
    model_version: str
    source_sop_class_uid: str
    source_sop_instance_uid: str
    findings: tuple[Finding, ...]
    decides: bool
    notes: tuple[Code, ...]
    comments: tuple[str, ...]
    ratio: Ratio | RatioRefusal | None = None
    objects: tuple[str, ...] = ()
    captures: Mapping[str, str] = field(default_factory=dict)
    earlier: Earlier | None = None


def read_findings_report(document: bytes | Dataset) -> FindingsReport:
    """Read a findings report of this project.

    Parameters
    ----------
    document
        A DICOM file, or the dataset in it.

    Raises
    ------
    ReportError
        If it is something else.
    """
    try:
        dataset = open_file(document) if isinstance(document, bytes) else document
        return _report(dataset)
    except FileError as error:
        raise ReportError(error.code, f"not a findings report of this project: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises whatever it likes at a malformed header
        raise ReportError(Code.HEADER_UNREADABLE, f"not a findings report of this project: {error}") from error


def _report(dataset: Dataset) -> FindingsReport:
    comments = tuple(str(item.TextValue) for item in _children(dataset, vocabulary.COMMENT))
    measurements = _child(dataset, vocabulary.IMAGING_MEASUREMENTS)
    every = list(_children(measurements, vocabulary.MEASUREMENT_GROUP))
    groups = [group for group in every if any(_children(group, vocabulary.PROBABILITY))]
    ratios = [group for group in every if _is_ratio(group)]
    # The first form of the reports states the algorithm below each number.
    first = _child(groups[0], vocabulary.PROBABILITY)
    algorithm = first if any(_children(first, vocabulary.ALGORITHM_NAME)) else measurements
    library = _child(_child(dataset, vocabulary.IMAGE_LIBRARY), vocabulary.IMAGE_LIBRARY_GROUP)
    source = _child(library, vocabulary.SOURCE).ReferencedSOPSequence[0]
    codes = (match[1] for match in map(_NOTE.search, comments) if match)
    return FindingsReport(
        model=str(_child(algorithm, vocabulary.ALGORITHM_NAME).TextValue),
        model_version=str(_child(algorithm, vocabulary.ALGORITHM_VERSION).TextValue),
        source_sop_class_uid=str(source.ReferencedSOPClassUID),
        source_sop_instance_uid=str(source.ReferencedSOPInstanceUID),
        findings=tuple(_finding(group) for group in groups),
        decides=any(True for _ in _children(groups[0], vocabulary.PRESENCE)),
        notes=tuple(Code(code) for code in codes if code in Code.__members__),
        comments=comments,
        ratio=_ratio(ratios[0]) if ratios else None,
        objects=_sources(ratios[0])[1:] if ratios else (),
        captures=dict(_captures(groups)),
        earlier=_earlier(dataset, groups),
    )


def _is_ratio(group: Dataset) -> bool:
    names = [_concept(item.ConceptCodeSequence[0]) for item in _children(group, vocabulary.FINDING)]
    return names == [vocabulary.CARDIOTHORACIC_RATIO]


def _ratio(group: Dataset) -> Ratio | RatioRefusal:
    for item in _children(group, vocabulary.REASON):
        match = _NOTE.search(str(item.TextValue))
        if match is None:
            raise ValueError("a reason without its code")
        detail = next((str(comment.TextValue) for comment in _children(group, vocabulary.COMMENT)), "")
        return RatioRefusal(Code(match[1]), detail)
    quotient = _child(group, vocabulary.CARDIOTHORACIC_RATIO)
    heart, thorax = (_child(group, name) for name in (vocabulary.CARDIAC_WIDTH, vocabulary.THORACIC_WIDTH))
    return Ratio(
        value=_number(quotient),
        uncertainty=_number(_child(quotient, vocabulary.UNCERTAINTY)),
        heart=_number(heart),
        thorax=_number(thorax),
        millimeters=_concept(heart.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]) == vocabulary.MILLIMETER,
        method=str(_child(group, vocabulary.ALGORITHM_NAME).TextValue),
    )


def _sources(group: Dataset) -> tuple[str, ...]:
    """What a ratio comes from: the image, then the rest."""
    return tuple(
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for quotient in _children(group, vocabulary.CARDIOTHORACIC_RATIO)
        for item in _children(quotient, vocabulary.SOURCE_OF_MEASUREMENT)
    )


def _captures(groups: Iterable[Dataset]) -> Iterator[tuple[str, str]]:
    for group in groups:
        for item in _children(_child(group, vocabulary.PROBABILITY), vocabulary.CLASS_ACTIVATION):
            uid = str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            yield str(_child(group, vocabulary.TRACKING_IDENTIFIER).TextValue), uid


def _earlier(dataset: Dataset, groups: Iterable[Dataset]) -> Earlier | None:
    for item in _children(dataset, vocabulary.COMPARISON):
        report = _child(item, vocabulary.PRIOR_REPORT).ReferencedSOPSequence[0]
        changes = {
            str(_child(group, vocabulary.TRACKING_IDENTIFIER).TextValue): _number(change)
            for group in groups
            for change in _children(group, vocabulary.CHANGE)
        }
        if not all(-100 <= change <= 100 for change in changes.values()):
            raise ValueError("a change is none")
        return Earlier(
            report=str(report.ReferencedSOPInstanceUID),
            image=str(_child(item, vocabulary.SOURCE).UID),
            date=str(_child(item, vocabulary.STUDY_DATE).Date),
            changes=changes,
        )
    return None


def _number(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].FloatingPointValue)


def _finding(group: Dataset) -> Finding:
    value = _child(group, vocabulary.PROBABILITY).MeasuredValueSequence[0]
    threshold = _child(group, vocabulary.THRESHOLD_VALUE).MeasuredValueSequence[0]
    score = float(value.FloatingPointValue) / 100
    if not 0 <= score <= 1:  # refuses NaN too
        raise ValueError("a score is none")
    presence = [_concept(item.ConceptCodeSequence[0]) for item in _children(group, vocabulary.PRESENCE)]
    return Finding(
        label=str(_child(group, vocabulary.TRACKING_IDENTIFIER).TextValue),
        concept=_concept(_child(group, vocabulary.FINDING).ConceptCodeSequence[0]),
        site=_concept(_child(group, vocabulary.FINDING_SITE).ConceptCodeSequence[0]),
        score=score,
        # Undo the binary fraction, as writing the percentage did.
        threshold=round(float(threshold.NumericValue) / 100, 8),
        presence=_PRESENCE[presence[0]] if presence else None,
    )


def _children(item: Dataset, name: Concept) -> Iterator[Dataset]:
    """Children with a concept name, by its code."""
    for child in item.get("ContentSequence", ()):
        found = child.ConceptNameCodeSequence[0]
        if (found.CodeValue, found.CodingSchemeDesignator) == (name.value, name.scheme):
            yield child


def _child(item: Dataset, name: Concept) -> Dataset:
    child = next(_children(item, name), None)
    if child is None:
        raise ValueError(f"there is no {name.meaning!r}")
    return child


def _concept(code: Dataset) -> Concept:
    return Concept(str(code.CodeValue), str(code.CodingSchemeDesignator), str(code.CodeMeaning))

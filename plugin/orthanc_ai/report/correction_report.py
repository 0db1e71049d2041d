"""A reader's statement on a findings report, as an SR of its own.

It is made from the findings report alone: that has the patient and the study as the image has them, the concepts of the
findings, and the reference to the image. So a statement needs neither the image's file nor a model card that may have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from highdicom.sr import ObservationContext, ObserverContext, PersonObserverIdentifyingAttributes
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from .. import __version__
from ..codes import Code
from ..concepts import Concept, Finding
from ..dicom_file import open_file
from . import provenance, tree, vocabulary
from .charset import ascii_text, make_ascii
from .document import Frame, Predecessor
from .encoding import encode_item
from .errors import ReportError
from .findings_report import percent, threshold_percent
from .header import InstanceReference, inherit, instance_reference
from .read import FindingsReport, read_findings_report
from .uids import ReportIdentity, tracking_uid

SERIES_NUMBER = 9005
"""Series Number of readers' statements: behind all that a model has made."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a reader says of the findings of one report.

    Attributes
    ----------
    reader
        Name of the reader, a single component group of a Person Name (PS3.5 section 6.2).
    login
        Whether that is the name of a login.
    present
        At least one finding by its label, and whether it is there.
    comment
        In the reader's own words; may be empty.
    """

    reader: str
    login: bool
    present: dict[str, bool]
    comment: str


def correction_report(
    report: bytes,
    statement: Statement,
    identity: ReportIdentity,
    content_datetime: datetime,
    previous: Predecessor | None = None,
    plugin_version: str = __version__,
) -> bytes:
    """Make the SR of a statement.

    Parameters
    ----------
    report
        File of the findings report that the statement is about.
    identity
        See `uids.report_identity`.
    content_datetime
        When it was stated, with or without a time zone.
    previous
        The SR of the same reader's previous statement on the image.

    Returns
    -------
    bytes
        A whole DICOM file, Comprehensive 3D SR, Explicit VR Little Endian.

    Raises
    ------
    ReportError, FileError
        If the report cannot be read, or has no such finding.
    ValueError
        If nothing is stated.
    """
    if not statement.present:
        raise ValueError("a statement is on at least one finding")
    document = open_file(report)
    # Before anybody looks at a value: pydicom replaces what it cannot decode.
    inherited = inherit(document)
    reference = instance_reference(document)
    read = read_findings_report(document)
    plain = inherited.character_sets is not None
    known = {finding.label: finding for finding in read.findings}
    if unknown := statement.present.keys() - known.keys():
        raise ReportError(Code.FINDING_UNKNOWN, f"the report has no finding {min(unknown)!r}")
    # In the order of the report.
    stated = [(known[label], statement.present[label]) for label in known if label in statement.present]
    maker = provenance.of_reader(read.model, not read.decides, plugin_version)
    warning, about = maker.statements
    title = _title(document)
    root = tree.correction_tree(
        _observer(statement, plain=plain),
        title,
        tree.Image(read.source_sop_class_uid, read.source_sop_instance_uid),
        (reference.sop_class_uid.decode("iso8859"), reference.sop_instance_uid.decode("iso8859")),
        [_line(read, finding, present) for finding, present in stated],
        warning,
        about,
        _comments(statement, stated, plain=plain),
    )[0]
    if plain:
        make_ascii(root)
    concepts = [title, *(concept for finding, _ in stated for concept in (finding.concept, finding.site))]
    frame = Frame.prepare(maker, SERIES_NUMBER, root, concepts, plain=plain)
    return frame.document(
        inherited,
        [_image(document, read), reference],
        identity,
        content_datetime,
        _Reference(reference),
        map(encode_item, root.ContentSequence),
        further=[previous] if previous else [],
    )


class _Reference:
    """A reference in the form of a predecessor."""

    def __init__(self, reference: InstanceReference) -> None:
        self.sop_class_uid = reference.sop_class_uid.decode("iso8859")
        self.sop_instance_uid = reference.sop_instance_uid.decode("iso8859")
        self.series_instance_uid = reference.series_instance_uid.decode("iso8859")
        self.study_instance_uid = reference.study_instance_uid.decode("iso8859")


def _title(report: Dataset) -> Concept:
    """The title of the report: what is no title that viewers show as text stands on none of ours."""
    code = report.ConceptNameCodeSequence[0]
    return vocabulary.check_title(Concept(str(code.CodeValue), str(code.CodingSchemeDesignator), str(code.CodeMeaning)))


def _image(report: Dataset, read: FindingsReport) -> InstanceReference:
    """The reference to the image among the report's evidence, which alone knows its series.

    Raises
    ------
    ReportError
        If it is not there.
    """
    for study in report.get("CurrentRequestedProcedureEvidenceSequence", ()):
        for series in study.ReferencedSeriesSequence:
            for one in series.ReferencedSOPSequence:
                if str(one.ReferencedSOPInstanceUID) == read.source_sop_instance_uid:
                    uids = (
                        read.source_sop_class_uid,
                        read.source_sop_instance_uid,
                        series.SeriesInstanceUID,
                        study.StudyInstanceUID,
                    )
                    return InstanceReference(*(str(uid).encode("iso8859", "replace") for uid in uids))
    raise ReportError(Code.HEADER_UNREADABLE, "the report does not list its image as evidence")


def _observer(statement: Statement, *, plain: bool) -> ObservationContext:
    """The reader as observer, TID 1003."""
    name = ascii_text(statement.reader) if plain else statement.reader
    return ObservationContext(
        observer_person_context=ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=PersonObserverIdentifyingAttributes(
                # Said to be the family name, where it does not say what its parts are: else highdicom warns.
                name=name if "^" in name else f"{name}^",
                login_name=name if statement.login else None,
            ),
        )
    )


def _comments(statement: Statement, stated: Sequence[tuple[Finding, bool]], *, plain: bool) -> list[str]:
    """The statement in words, for whoever reads or copies the comments alone: with the reader's name."""
    lines = [f"Reader: {_readable(statement.reader)}"]
    if plain and not statement.reader.isascii():
        lines.append(f"Reader, in UTF-8 and percent-encoded: {quote(statement.reader)}")
    for word, wanted in (("Present", True), ("Absent", False)):
        meant = [finding.concept.meaning for finding, present in stated if present is wanted]
        if meant:
            lines.append(f"{word} according to the reader: {', '.join(meant)}.")
    if statement.comment:
        lines.append(f"The reader's comment: {statement.comment}")
        if plain and not statement.comment.isascii():
            lines.append(f"The same, in UTF-8 and percent-encoded: {quote(statement.comment)}")
    return lines


def _readable(name: str) -> str:
    """A Person Name as people write it: prefix, given, middle and family name, suffix."""
    family, given, middle, prefix, suffix = (part.strip() for part in [*name.split("^"), "", "", "", ""][:5])
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def _line(read: FindingsReport, finding: Finding, present: bool) -> tree.StatementLine:
    score = percent(finding.score, finding.threshold)
    above = finding.score >= finding.threshold
    agreement = "The reader agrees." if above is present else "The reader disagrees."
    side = "at or above" if above else "below"
    return tree.StatementLine(
        label=finding.label,
        tracking_uid=tracking_uid(read.source_sop_instance_uid, finding.label),
        finding=finding.concept,
        site=finding.site,
        presence=vocabulary.PRESENT if present else vocabulary.ABSENT,
        remark=f"The score is {score:g} %, {side} its threshold of {threshold_percent(finding.threshold):g} %. {agreement}",
    )

"""``/ai/instances/{id}/corrections`` and ``/ai/corrections``: what readers state about findings."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from ..codes import Code
from ..corrections.correction import LONGEST_COMMENT, LONGEST_READER, Correction, State, Stated
from ..corrections.desk import CorrectionRefusedError
from ..corrections.journal import ANY_PATTERN, JournalError
from ..outcomes import CORRECTIONS_METADATA, XRAY_METADATA
from ..server import Resource
from ..xray.select import is_xray
from .context import Context
from .filters import ListQuery, ShortText
from .http import Problem, Request, Response
from .identify import IDENTIFYING_TAGS, identify
from .paging import Selection, page
from .reading import FindingView, ReportView, findings_of, outcome_of, tag
from .tables import table
from .views import DEMONSTRATION_WARNING, Query, View, viewer_link

PATH = "/ai/corrections"

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
"""Control characters without tabulator and line feed, which DICOM's VR UT takes."""

_MOST_CARETS = 4
"""Between the five components of a Person Name (PS3.5 section 6.2); backslash and equals sign have a meaning there, too."""

_IN_NAMES = rf"[^\\=^\t\n{_CONTROLS}]"

NAME = rf"^{_IN_NAMES}*(\^{_IN_NAMES}*){{0,{_MOST_CARETS}}}$"
"""Regular expression of a reader's name; it may be empty."""


class StatedRequest(Query):
    """What a reader says of one finding."""

    finding: ShortText
    """The model's name of it, e.g. `Nodule`."""
    present: bool = Field(strict=True)
    """Whether the reader says that it is there."""


class CorrectionRequest(Query):
    """What a reader says of the findings of one image."""

    reader: Annotated[str, StringConstraints(max_length=LONGEST_READER, pattern=NAME)] = ""
    """Name of the reader, as people write it or as DICOM does (`Family^Given^Middle^Prefix^Suffix`). Where users log in it is
    the name of the login, and may be left out."""
    findings: list[StatedRequest] = Field(default=[], max_length=256)
    """At least one. Nothing is said of the others."""
    comment: Annotated[str, StringConstraints(max_length=LONGEST_COMMENT, pattern=rf"^[^{_CONTROLS}]*$")] = ""
    key: Annotated[str, StringConstraints(max_length=64, pattern=rf"^[^\t\n{_CONTROLS}]*$")] = ""
    """A name for this request, e.g. a UUID: sent again with the same one, it is the same correction. Without it, what says the
    same as the reader's latest correction is that one."""


class StatedView(View):
    """What a reader says of one finding, beside what the model had said."""

    finding: str
    present: bool
    """What the reader says."""
    score: float
    threshold: float
    agrees: bool
    """Whether reader and score lie on the same side of the threshold."""


class CorrectionView(View):
    """One statement of one reader."""

    instance_id: str
    """Orthanc identifier of the image."""
    sop_instance_uid: str
    """Of the image."""
    study_instance_uid: str
    patient_id: str
    study_date: str
    modality: str
    reader: str
    login: bool
    """Whether the reader had logged in under this name."""
    at: str
    """When it was stated, ISO 8601, UTC."""
    model: str
    demonstration: bool
    """About findings of a demonstration model: not for diagnosis."""
    warning: str | None
    findings: list[StatedView]
    comment: str
    report_uid: str
    """SOP Instance UID of the report that it is about."""
    state: State
    """`pending` until its DICOM SR is stored, then `stored`; `failed` if there is none: `code` says why."""
    code: Code | None
    sentence: str | None
    """The code's sentence."""
    correction: ReportView
    """Its DICOM SR. Whoever deletes that in Orthanc takes the statement back."""
    viewer: str
    """Path at which OHIF shows the study."""


class Statements(View):
    """What readers have stated about one image."""

    reader: str | None
    """Under which name the one who asks has logged in; `null` where nobody is asked."""
    may_correct: bool
    """Whether the one who asks may add a correction."""
    corrections: list[CorrectionView]
    """Newest first."""


class CorrectionsQuery(ListQuery):
    """Which corrections."""

    reader: ShortText | None = None
    """Name of the reader, exactly."""
    finding: ShortText | None = None
    """The model's name of a finding of which something is said, e.g. `Nodule`."""
    agrees: bool | None = None
    """Only corrections in which the reader agrees, or does not, with any finding, or with the `finding` that is named."""


class CorrectionsPage(View):
    """Corrections of the archive: those of the latest image first, of each image the newest first."""

    corrections: list[CorrectionView]
    next: str | None
    """Path of the next page; `null` on the last one."""


class _Row(View):
    """One finding of one correction, for a table."""

    stated: StatedView
    correction: CorrectionView


COLUMNS = {
    "finding": "stated.finding",
    "present": "stated.present",
    "score": "stated.score",
    "threshold": "stated.threshold",
    "agrees": "stated.agrees",
    "reader": "correction.reader",
    "login": "correction.login",
    "at": "correction.at",
    "comment": "correction.comment",
    "model": "correction.model",
    "demonstration": "correction.demonstration",
    "state": "correction.state",
    "patientID": "correction.patientID",
    "studyDate": "correction.studyDate",
    "modality": "correction.modality",
    "studyInstanceUID": "correction.studyInstanceUID",
    "sopInstanceUID": "correction.sopInstanceUID",
    "instanceID": "correction.instanceID",
    "reportUID": "correction.reportUID",
    "correctionUID": "correction.correction.sopInstanceUID",
}


def correct(context: Context, identifier: str, asked: CorrectionRequest, request: Request) -> CorrectionView:
    """Write down what a reader says.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOT_AN_XRAY``, ``NOTHING_TO_CORRECT``, ``FINDING_UNKNOWN``,
        ``NOTHING_STATED``, ``READER_MISSING``, ``READER_DIFFERS``, ``TOO_MANY_CORRECTIONS``, ``CORRECTIONS_UNREADABLE``,
        ``BAD_REQUEST``
    """
    login = context.access.user(request.headers)
    reader = _reader(asked.reader, login)
    if not asked.findings:
        raise Problem(Code.NOTHING_STATED)
    image = _image(context, identifier)
    outcome = outcome_of(image, XRAY_METADATA)
    report = outcome.result if outcome else None
    if outcome is None or report is None or not outcome.data.get("findings"):
        raise Problem(
            Code.NOTHING_TO_CORRECT, f"What became of the image: {outcome.code if outcome else 'nothing yet'}."
        )
    stated = _stated(asked.findings, findings_of(outcome, context.cards))
    model = outcome.model

    def make(there: Sequence[Correction]) -> Correction:
        of_reader = [one for one in there if (one.reader, one.login) == (reader, login is not None)]
        return Correction.make(
            tag(image, "SOPInstanceUID"),
            reader,
            stated,
            asked.comment,
            report,
            login=login is not None,
            model=model,
            previous=of_reader[-1].result if of_reader else None,
            key=asked.key,
        )

    try:
        correction = context.corrections.state(image, make)
    except CorrectionRefusedError as refused:
        # What contradicts what is there is well-formed all the same.
        raise Problem(refused.code, refused.detail, status=409 if refused.code is Code.BAD_REQUEST else None) from None
    return _view(image, correction, "")


def of_instance(context: Context, identifier: str, request: Request) -> Statements:
    """What readers have stated about an image.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``, ``NOT_AN_XRAY``, ``CORRECTIONS_UNREADABLE``
    """
    image = _image(context, identifier)
    try:
        found = context.corrections.of(image)
    except JournalError:
        raise Problem(Code.CORRECTIONS_UNREADABLE) from None
    return Statements(
        reader=context.access.user(request.headers),
        may_correct=context.access.may_read_out(request.headers),
        corrections=[_view(image, *one) for one in found],
    )


def list_corrections(context: Context, query: CorrectionsQuery, request: Request) -> CorrectionsPage | Response:
    """One page of the archive's corrections.

    Raises
    ------
    Problem
        ``BAD_REQUEST``
    """

    def items(row: Resource) -> list[CorrectionView]:
        return _listed(context, query, row)

    selection = Selection("instance", {CORRECTIONS_METADATA: ANY_PATTERN}, query.index_query(), IDENTIFYING_TAGS)
    corrections, cursor = page(context.server, selection, items, query.cursor, query.limit)
    following = query.next_page(PATH, cursor)
    if query.wants_csv(request):
        rows = [_Row(stated=one, correction=correction) for correction in corrections for one in correction.findings]
        return table("corrections", rows, COLUMNS, following)
    return CorrectionsPage(corrections=corrections, next=following)


def _listed(context: Context, query: CorrectionsQuery, row: Resource) -> list[CorrectionView]:
    if not query.admits(row):
        return []
    try:
        found = context.corrections.of(row)
    except JournalError:
        return []  # Asked for by itself, the image says so.
    return [_view(row, *one) for one in found if _admits(query, one[0])]


def _admits(query: CorrectionsQuery, correction: Correction) -> bool:
    findings = [one for one in correction.findings if query.finding in (None, one.finding)]
    return (
        query.reader in (None, correction.reader)
        and query.model in (None, correction.model)
        and any(query.agrees in (None, one.agrees) for one in findings)
    )


def _image(context: Context, identifier: str) -> Resource:
    image = identify(context.server, "instance", identifier)
    if not is_xray(tag(image, "Modality"), image.metadata.get("SopClassUid", "")):
        raise Problem(Code.NOT_AN_XRAY)
    return image


def _reader(named: str, login: str | None) -> str:
    """Name of the reader: the login's, where there is one."""
    named = " ".join(named.split())
    if login is not None and named not in ("", login):
        raise Problem(Code.READER_DIFFERS, f"reader: found {named!r}; allowed: nothing, or the name of the login")
    reader = named if login is None else login
    if not reader:
        raise Problem(Code.READER_MISSING)
    # What was named has been looked at; a login may be anything.
    if len(reader) > LONGEST_READER or not re.fullmatch(NAME, reader):
        raise Problem(Code.BAD_REQUEST, f"reader: the login {reader!r} is no Person Name of DICOM")
    if not reader.strip("^ "):
        raise Problem(Code.READER_MISSING)
    return reader


def _stated(asked: Sequence[StatedRequest], findings: Sequence[FindingView]) -> list[Stated]:
    known = {one.label: one for one in findings}
    labels = [one.finding for one in asked]
    for label in labels:
        if label not in known:
            raise Problem(Code.FINDING_UNKNOWN, f"finding: found {label!r}; allowed: {', '.join(known)}")
        if labels.count(label) > 1:
            raise Problem(Code.BAD_REQUEST, f"findings: {label!r} stands there twice", status=409)
    return [Stated(one.finding, one.present, known[one.finding].score, known[one.finding].threshold) for one in asked]


def _view(image: Resource, correction: Correction, identifier: str) -> CorrectionView:
    return CorrectionView(
        instance_id=image.identifier,
        sop_instance_uid=tag(image, "SOPInstanceUID"),
        study_instance_uid=tag(image, "StudyInstanceUID"),
        patient_id=tag(image, "PatientID"),
        study_date=tag(image, "StudyDate"),
        modality=tag(image, "Modality"),
        reader=correction.reader,
        login=correction.login,
        at=correction.at,
        model=correction.model,
        demonstration=correction.demonstration,
        warning=DEMONSTRATION_WARNING if correction.demonstration else None,
        findings=[
            StatedView(
                finding=one.finding,
                present=one.present,
                score=one.score,
                threshold=one.threshold,
                agrees=one.agrees,
            )
            for one in correction.findings
        ],
        comment=correction.comment,
        report_uid=correction.report.sop_instance_uid,
        state=correction.state,
        code=correction.code,
        sentence=correction.code.sentence if correction.code else None,
        correction=ReportView.of(correction.result, identifier or None),
        viewer=viewer_link(tag(image, "StudyInstanceUID")),
    )

"""``/ai/corrections/agreement``: how often readers agree with the model, finding by finding."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from ..corrections.agreement import Agreement
from ..corrections.correction import Correction
from ..corrections.journal import ANY_PATTERN, JournalError
from ..outcomes import CORRECTIONS_METADATA
from ..server import Resource
from .context import Context
from .filters import DateRange, ShortText
from .http import Request, Response, prefers_csv
from .identify import IDENTIFYING_TAGS
from .paging import MAXIMUM_SCAN, Selection, page
from .tables import table
from .views import Query, View

PATH = "/ai/corrections/agreement"


class AgreementQuery(Query):
    """Whose statements on what."""

    reader: ShortText | None = None
    """Name of the reader, exactly."""
    model: ShortText | None = None
    """Name of the model."""
    modality: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,16}$")] | None = None
    """Modality of the series, e.g. `DX`."""
    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""
    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""


class FindingAgreement(View):
    """Readers' statements on one finding of one model."""

    model: str
    demonstration: bool
    """A demonstration model: not for diagnosis."""
    finding: str
    images: int
    """On which somebody has said something of this finding."""
    statements: int
    """One for each reader and image: the latest."""
    above_present: int
    """The score reaches its threshold, and the reader says that it is there."""
    above_absent: int
    below_present: int
    below_absent: int
    agreement: float
    """Part of the statements on the side of the score, 0 to 1. Of images that somebody chose to look at: it is no accuracy."""
    disputed: int
    """Images on which readers disagree among themselves."""


class AgreementView(View):
    """How often readers agree with the model."""

    findings: list[FindingAgreement]
    images: int
    """With statements that were counted."""
    complete: bool
    """Whether these are all; otherwise the latest of them."""


COLUMNS = {
    name: name
    for name in (
        *("model", "demonstration", "finding", "images", "statements"),
        *("abovePresent", "aboveAbsent", "belowPresent", "belowAbsent", "agreement", "disputed"),
    )
}


def agreement(context: Context, query: AgreementQuery, request: Request) -> AgreementView | Response:
    """Tables of all findings."""
    wanted = {"StudyDate": query.study_date, "Modality": query.modality}
    selection = Selection(
        "instance",
        {CORRECTIONS_METADATA: ANY_PATTERN},
        {keyword: value for keyword, value in wanted.items() if value is not None},
        IDENTIFYING_TAGS,
    )

    def of_image(row: Resource) -> list[list[Correction]]:
        try:
            found = [one for one, _ in reversed(context.corrections.of(row))]
        except JournalError:
            return []  # Asked for by itself, the image says so.
        admitted = [one for one in found if query.reader in (None, one.reader) and query.model in (None, one.model)]
        return [admitted] if admitted else []

    images, more = page(context.server, selection, of_image, None, MAXIMUM_SCAN)
    made = Agreement()
    for image in images:
        made.add(image)
    findings = [
        FindingAgreement(
            model=model,
            demonstration=demonstration,
            finding=finding,
            images=one.images,
            statements=one.statements,
            above_present=one.above_present,
            above_absent=one.above_absent,
            below_present=one.below_present,
            below_absent=one.below_absent,
            agreement=one.agreeing / one.statements,
            disputed=one.disputed,
        )
        for (model, demonstration, finding), one in made.tables()
    ]
    as_csv = query.format == "csv" if query.format else prefers_csv(request.headers.get("accept", ""))
    if as_csv:
        return table("agreement", findings, COLUMNS, None)
    return AgreementView(findings=findings, images=len(images), complete=more is None)

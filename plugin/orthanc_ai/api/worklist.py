"""``/ai/worklist``: studies with X-rays, the most urgent first."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import StringConstraints

from ..catalog.catalog import Catalog, Place
from ..catalog.selection import Selection
from ..catalog.worklist import Entry, Order, Scored, Wanted, worklist
from ..server import Resource
from .catalog import asking
from .catalog_query import CURSOR, cursor_of, read_place
from .context import Context
from .filters import DateRange, PageQuery, ShortText
from .forms import FormQuery
from .http import Request, Response
from .tables import table
from .views import DEMONSTRATION_WARNING, View, viewer_link

PATH = "/ai/worklist"

Flag = Literal["true", "false"]
"""What JSON calls a boolean, and nothing else."""

_MODALITIES = r"^[A-Z0-9_]{1,16}(,[A-Z0-9_]{1,16}){0,31}$"


class WorklistFilters(FormQuery):
    """Which X-rays: a study is listed if it holds one that passes all filters. An empty value is none, as a form sends it."""

    finding: ShortText | None = None
    """The model's name of a finding: it alone makes a study urgent, and only X-rays with a score of it are meant."""
    above: Flag | None = None
    """Only X-rays with a score, of the finding if there is one, at or above its threshold."""
    corrected: Flag | None = None
    """Only studies about whose X-rays a reader has stated something (`true`), or those that wait for it (`false`)."""
    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""
    modality: Annotated[str, StringConstraints(pattern=_MODALITIES)] | None = None
    """Modalities of the series, e.g. `DX` or `CR,DX`: one of them is enough."""
    source: ShortText | None = None
    """Where the X-ray comes from: Station Name of the series, or the application entity title that sent it."""
    label: ShortText | None = None
    """A label of Orthanc that the study bears."""
    model: ShortText | None = None
    """Name of the model that read the X-ray."""
    sort: Order = "urgency"
    """The score that is farthest above its threshold first, or what Orthanc has received last."""

    def wanted(self) -> Wanted:
        """What the filters mean."""
        return Wanted(
            Selection(
                modality=tuple(self.modality.split(",")) if self.modality else (),
                study_date=self.study_date or "",
                label=self.label or "",
                finding=self.finding or "",
                model=self.model or "",
            ),
            source=self.source or "",
            above=self.above == "true",
            corrected=None if self.corrected is None else self.corrected == "true",
            order=self.sort,
        )


class WorklistQuery(WorklistFilters, PageQuery):
    """A page of the worklist."""

    cursor: Annotated[str, StringConstraints(pattern=CURSOR)] | None = None
    """Where to go on: part of the `next` of the page before."""
    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""

    def place(self) -> Place | None:
        """Where to go on; ``None`` to begin."""
        return read_place(self.cursor) if self.cursor else None


class ScoredView(View):
    """A finding of a study: the X-ray on which it is farthest above its threshold, or least below it."""

    label: str
    """The model's own name of the finding."""
    score: float
    """The model's output, 0 to 1. Not a calibrated probability."""
    threshold: float
    """The score from which on the finding counts as present."""
    excess: float
    """`score` less `threshold`."""
    image_id: str
    """Orthanc identifier of the X-ray."""

    @classmethod
    def of(cls, one: Scored) -> Self:
        """The finding as an answer has it."""
        return cls(
            label=one.label, score=one.score, threshold=one.threshold, excess=round(one.excess, 6), image_id=one.image
        )


class WorklistEntry(View):
    """A study. What is said of X-rays is said of those that pass the filters."""

    study_id: str
    """Orthanc identifier."""
    study_instance_uid: str
    patient_id: str
    patient_name: str
    study_date: str
    study_description: str
    labels: list[str]
    """Of the study, in Orthanc."""
    images: int
    """X-rays with scores."""
    modalities: list[str]
    station_names: list[str]
    remote_aets: list[str]
    """Application entity titles that have sent them."""
    models: list[str]
    demonstration: bool
    """Scores of a demonstration model: not for diagnosis."""
    first: ScoredView | None
    """What makes it urgent: of the finding that is asked for, or of all the one that is farthest above its threshold."""
    above: list[ScoredView]
    """All findings at or above their thresholds."""
    corrected: bool
    """A reader has stated something about the findings of one of these X-rays."""
    received: str | None
    """When the latest of them arrived, ISO 8601, UTC."""
    reported: str | None
    """When the latest of them was read, ISO 8601, UTC."""
    page: str
    """Path of the page and of all that is known of the study."""
    viewer: str
    """Path at which OHIF shows it."""

    @classmethod
    def of(cls, entry: Entry, study: Resource) -> Self:
        """A study as an answer has it."""

        def tag(keyword: str) -> str:
            return str(study.tags.get(keyword, "")).strip()

        return cls(
            study_id=entry.study,
            study_instance_uid=tag("StudyInstanceUID"),
            patient_id=tag("PatientID"),
            patient_name=tag("PatientName"),
            study_date=tag("StudyDate"),
            study_description=tag("StudyDescription"),
            labels=sorted(study.labels),
            images=entry.images,
            modalities=sorted(entry.modalities),
            station_names=sorted(entry.stations),
            remote_aets=sorted(entry.aets),
            models=sorted(entry.models),
            demonstration=entry.demonstration,
            first=ScoredView.of(entry.first) if entry.first else None,
            above=[ScoredView.of(one) for one in entry.above],
            corrected=entry.corrected,
            received=_time(entry.arrived),
            reported=_time(entry.at),
            page=f"/ai/studies/{entry.study}",
            viewer=viewer_link(tag("StudyInstanceUID")),
        )


class Worklist(View):
    """A page of the worklist."""

    studies: list[WorklistEntry]
    next: str | None
    """Path of the next page; `null` on the last one."""
    demonstration: bool
    """Whether any score on the page is of a demonstration model."""
    warning: str | None


class Row(View):
    """A row of the table: a study in one line."""

    study_id: str
    study_instance_uid: str
    patient_id: str
    patient_name: str
    study_date: str
    study_description: str
    labels: list[str]
    images: int
    modalities: list[str]
    station_names: list[str]
    remote_aets: list[str]
    models: list[str]
    demonstration: bool
    finding: str | None
    score: float | None
    threshold: float | None
    excess: float | None
    above: list[str]
    corrected: bool
    received: str | None
    reported: str | None
    page: str


def answer(context: Context, query: WorklistQuery, request: Request) -> Worklist | Response:
    """A page of the worklist.

    Raises
    ------
    Problem
        ``BAD_REQUEST``; ``CATALOG_LOADING`` while the index is being read, ``CATALOG_TOO_LARGE``.
    """
    with asking(context) as catalog:
        entries, place = listed(catalog, context, query, query.place(), query.limit)
    following = query.next_page(quote(request.path), cursor_of(place) if place else None)
    if query.wants_csv(request):
        return table("worklist", map(_row, entries), _columns(), following)
    demonstration = any(one.demonstration for one in entries)
    return Worklist(
        studies=entries,
        next=following,
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
    )


def listed(
    catalog: Catalog, context: Context, query: WorklistFilters, after: Place | None, limit: int
) -> tuple[list[WorklistEntry], Place | None]:
    """Studies of a page, and behind which one the next page begins.

    Raises
    ------
    CatalogError
        While the index is being read, or if it is too large.
    """
    wanted = query.wanted()
    with catalog.reading(wanted.selection) as rows:
        entries, place = worklist(rows, wanted, after=after, limit=limit)
    # Names and labels are no part of the tables.
    read = {one.identifier: one for one in context.server.read("study", [one.study for one in entries])}
    return [WorklistEntry.of(one, read[one.study]) for one in entries if one.study in read], place


def _row(one: WorklistEntry) -> Row:
    kept = {
        name: getattr(one, name) for name in Row.model_fields if name in WorklistEntry.model_fields and name != "above"
    }
    first = one.first
    return Row(
        **kept,
        finding=first.label if first else None,
        score=first.score if first else None,
        threshold=first.threshold if first else None,
        excess=first.excess if first else None,
        above=[each.label for each in one.above],
    )


def _columns() -> dict[str, str]:
    names: Iterable[str] = (info.alias or name for name, info in Row.model_fields.items())
    return {name: name for name in names}


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()

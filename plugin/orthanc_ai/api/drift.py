"""``/ai/drift``: whether scores are still spread as in the first weeks, as JSON and CSV."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from ..ages import read_date
from ..catalog.catalog import Catalog
from ..catalog.distributions import Interval
from ..catalog.drift import BINS, CHANCE, LARGE, MODERATE, SHARES, Drift, Grouping, Period, Shift, drifts, samples
from ..catalog.selection import Selection
from .catalog import asking
from .context import Context
from .filters import ShortText
from .forms import FormQuery
from .http import Request, Response, prefers_csv
from .tables import table
from .views import DEMONSTRATION_WARNING, View

PATH = "/ai/drift"

LATEST = 26
"""Periods after the reference unless somebody asks for more: half a year of weeks."""

_MODALITIES = r"^[A-Z0-9_]{1,16}(,[A-Z0-9_]{1,16}){0,31}$"


class DriftQuery(FormQuery):
    """Of which X-rays. An empty value is none, as a form sends it."""

    finding: ShortText | None = None
    """The model's name of a finding; without it, of all."""
    model: ShortText | None = None
    """Name of the model that read the X-ray."""
    modality: Annotated[str, StringConstraints(pattern=_MODALITIES)] | None = None
    """Modalities of the series, e.g. `DX` or `CR,DX`."""
    source: ShortText | None = None
    """Station Name of the series, or the application entity title that sent the X-ray: compared with its own first weeks."""
    label: ShortText | None = None
    """A label of Orthanc that the study bears."""
    by: Grouping | None = None
    """Each Station Name, or each application entity title, by itself: all compared with the first weeks of all of them."""
    interval: Interval = "week"
    """What time is divided into, by Study Date; weeks begin on Monday (ISO 8601)."""
    latest: Annotated[int, Field(ge=1, le=1040)] = LATEST
    """How many periods to answer with after those of the reference, the latest ones."""
    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""

    def selection(self) -> Selection:
        """What the filters mean."""
        return Selection(
            modality=tuple(self.modality.split(",")) if self.modality else (),
            label=self.label or "",
            finding=self.finding or "",
            model=self.model or "",
        )


class PeriodView(View):
    """Scores of a week, month or year. Those without images are left out."""

    first: str
    """First day, ISO 8601."""
    last: str
    """Last day."""
    images: int
    quantiles: list[float]
    """Of the scores, at the `shares`."""
    stability_index: float | None
    """Population stability index against the reference; `null` of the reference, and of fewer than 50 images."""
    by_chance: float | None
    """What the index would exceed in one of a thousand cases with nothing to find, with so few images."""
    shift: Shift
    """`moderate` from 0.1 on, `large` from 0.25 on, and only beyond `byChance`."""

    @classmethod
    def of(cls, one: Period) -> Self:
        """As an answer has it."""
        return cls(
            first=one.first,
            last=one.last,
            images=one.images,
            quantiles=[round(value, 6) for value in one.quantiles],
            stability_index=None if one.index is None else round(one.index, 4),
            by_chance=None if one.chance is None else round(one.chance, 4),
            shift=one.shift,
        )


class DriftView(View):
    """How the scores of one finding by one model have been spread."""

    label: str
    """The model's own name of the finding."""
    model: str
    weights: str
    """First digits of the SHA-256 of its weights; empty of results that do not say. Other weights are another model."""
    demonstration: bool
    """Of a demonstration model: not for diagnosis."""
    group: str
    """Of what was asked for with `by`; empty without it, and of images that do not say."""
    threshold: float | None
    """The highest that was in force."""
    reference: int
    """X-rays that all is compared with; 0 while there are fewer than 100 in the first periods."""
    latest: Shift | None
    """The latest period that was compared; `null` if none was."""
    periods: list[PeriodView]

    @classmethod
    def of(cls, one: Drift) -> Self:
        """As an answer has it."""
        compared = [each.shift for each in one.periods if each.index is not None]
        return cls(
            label=one.label,
            model=one.model,
            weights=one.weights,
            demonstration=one.demonstration,
            group=one.group,
            threshold=one.threshold,
            reference=one.reference,
            latest=compared[-1] if compared else None,
            periods=[PeriodView.of(each) for each in one.periods],
        )


class DriftsView(View):
    """How scores have been spread over time, and whether that has changed."""

    interval: Interval
    by: Grouping | None
    bins: int = BINS
    """Of the index: tenths of the reference, fewer where scores coincide."""
    moderate: float = MODERATE
    large: float = LARGE
    chance: float = CHANCE
    shares: list[float]
    """Of the quantiles."""
    undated: int
    """X-rays with scores and without a Study Date: they are in none of it."""
    findings: list[DriftView]
    demonstration: bool
    """Whether any finding is of a demonstration model."""
    warning: str | None


class Row(View):
    """A row of the table: a period of a finding."""

    label: str
    model: str
    weights: str
    demonstration: bool
    group: str
    threshold: float | None
    reference: int
    first: str
    last: str
    images: int
    q05: float
    q25: float
    q50: float
    q75: float
    q95: float
    stability_index: float | None
    by_chance: float | None
    shift: Shift


def answer(context: Context, query: DriftQuery, request: Request) -> DriftsView | Response:
    """How scores have been spread.

    Raises
    ------
    Problem
        ``BAD_REQUEST``; ``CATALOG_LOADING`` while the index is being read, ``CATALOG_TOO_LARGE``.
    """
    with asking(context) as catalog:
        view = compared(catalog, query)
    wants_csv = query.format == "csv" if query.format else prefers_csv(request.headers.get("accept", ""))
    if wants_csv:
        columns = [info.alias or name for name, info in Row.model_fields.items()]
        return table("drift", _rows(view.findings), {name: name for name in columns}, None)
    return view


def compared(catalog: Catalog, query: DriftQuery) -> DriftsView:
    """How scores have been spread; of a large archive, not a moment ago (see `catalog.remembered`).

    Raises
    ------
    CatalogError
        While the index is being read, or if it is too large.
    """
    question = query.model_dump_json(exclude={"format"})
    return catalog.remembered.answer(question, lambda: _compared(catalog, query))


def _compared(catalog: Catalog, query: DriftQuery) -> DriftsView:
    selection = query.selection()
    with catalog.reading(selection) as rows:
        found = samples(rows, selection, query.source or "", query.by)
    # Nobody else waits for the tables meanwhile.
    views = [DriftView.of(one) for one in drifts(found, query.interval, latest=query.latest)]
    demonstration = any(one.demonstration for one in views)
    return DriftsView(
        interval=query.interval,
        by=query.by,
        shares=list(SHARES),
        undated=sum(one.images for one in found.xrays if read_date(one.date) is None),
        findings=views,
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
    )


def _rows(found: Sequence[DriftView]) -> Iterator[Row]:
    for one in found:
        shared = {name: getattr(one, name) for name in DriftView.model_fields if name in Row.model_fields}
        for each in one.periods:
            kept = {name: getattr(each, name) for name in PeriodView.model_fields if name in Row.model_fields}
            low, quarter, middle, upper, high = each.quantiles
            yield Row(**shared, **kept, q05=low, q25=quarter, q50=middle, q75=upper, q95=high)

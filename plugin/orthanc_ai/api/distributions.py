"""``/ai/catalog/distributions``: how the archive is spread, as JSON and CSV. The page `catalog_page` draws the same."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from ..catalog.catalog import Catalog
from ..catalog.distributions import SCORE_EDGES, Distributions, Group, Interval
from ..catalog.population import population
from ..catalog.selection import Selection
from ..codes import Code
from .cards import Cards
from .catalog import asking
from .catalog_query import CatalogFilters
from .context import Context
from .forms import FormQuery
from .http import Request, Response, prefers_csv
from .tables import table
from .views import DEMONSTRATION_WARNING, ConceptView, View

PATH = "/ai/catalog/distributions"


class DistributionsQuery(CatalogFilters, FormQuery):
    """Which images, and how finely. An empty value is none, as a form sends it."""

    interval: Interval = "month"
    """What time is divided into; weeks begin on Monday (ISO 8601)."""
    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""


class GroupView(View):
    """How much there is of one value. Patients, studies and series count wherever they have an image of it."""

    value: str
    """As the headers have it; empty if they state none."""
    patients: int
    studies: int
    series: int
    images: int


class PeriodView(GroupView):
    """A week, month or year of Study Dates; without `first` and `last`, those that state none."""

    first: str | None
    """First day, ISO 8601."""
    last: str | None
    """Last day."""


class AgeView(GroupView):
    """A decade of ages at the time of the study, and one sex."""

    first: int | None
    """Youngest, in completed years; `null` if the headers do not tell."""
    last: int | None
    sex: str
    """Patient's Sex; empty if it is not stated."""


class OutcomeCount(View):
    """X-rays with one outcome."""

    code: Code
    sentence: str
    images: int


class FindingDistribution(View):
    """How often a model has found something, and with which scores. Not how frequent a disease is."""

    label: str
    """The model's own name of the finding."""
    concept: ConceptView | None
    """What was looked for; `null` if the model's card is no longer there."""
    model: str
    demonstration: bool
    """Of a demonstration model: not for diagnosis."""
    images: int
    """X-rays with a score of it."""
    reached: int
    """Those whose score is at or above the threshold that was in force when they were read."""
    share: float
    """`reached` of `images`."""
    low: float
    """Lower end of the Wilson score interval of 95 %, as if no two images were of one patient."""
    high: float
    """Its upper end."""
    lowest_threshold: float
    highest_threshold: float
    """Another than the lowest only if the setting was changed in between."""
    histogram: list[int]
    """Images by score, between the `scoreEdges`: each bin has its lower edge, the last one both."""


class OtherView(View):
    """Instances that are no images, such as reports: in none of the other counts, and listed where nothing is filtered."""

    modality: str
    series: int
    instances: int


class DistributionsView(View):
    """How the images that are asked about are spread."""

    total: GroupView
    interval: Interval
    time: list[PeriodView]
    """By Study Date; periods with nothing in them are left out."""
    modalities: list[GroupView]
    body_parts: list[GroupView]
    ages: list[AgeView]
    sexes: list[GroupView]
    outcomes: list[OutcomeCount]
    """What became of the X-rays."""
    findings: list[FindingDistribution]
    score_edges: list[float]
    others: list[OtherView]
    demonstration: bool
    """Whether any finding is of a demonstration model."""
    warning: str | None


COLUMNS = {
    name: name
    for name in (
        *("distribution", "value", "first", "last", "sex", "model", "demonstration"),
        *("patients", "studies", "series", "images", "instances", "reached", "share", "low", "high"),
    )
}


class Row(View):
    """A row of the table: one count of one distribution."""

    distribution: str
    value: str
    first: str | float | None = None
    last: str | float | None = None
    sex: str | None = None
    model: str | None = None
    demonstration: bool | None = None
    patients: int | None = None
    studies: int | None = None
    series: int | None = None
    images: int | None = None
    instances: int | None = None
    reached: int | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None


def answer(context: Context, query: DistributionsQuery, request: Request) -> DistributionsView | Response:
    """The counts.

    Raises
    ------
    Problem
        ``BAD_REQUEST``; ``CATALOG_LOADING`` while the index is being read, ``CATALOG_TOO_LARGE``.
    """
    with asking(context) as catalog:
        view = counted(catalog, query.selection(), query.interval, context.cards)
    wants_csv = query.format == "csv" if query.format else prefers_csv(request.headers.get("accept", ""))
    return table("distributions", rows(view), COLUMNS, None) if wants_csv else view


def counted(catalog: Catalog, selection: Selection, interval: Interval, cards: Cards) -> DistributionsView:
    """How what a selection means is spread.

    Raises
    ------
    CatalogError
        While the index is being read, or if it is too large.
    """
    with catalog.reading(selection) as tables:
        found = population(tables, selection)
    made = found.distributions(interval)
    demonstration = any(one.demonstration for one in made.findings)
    return DistributionsView(
        total=_group(made.total),
        interval=interval,
        time=[PeriodView(**_counts(one), first=one.first or None, last=one.last or None) for one in made.time],
        modalities=list(map(_group, made.modalities)),
        body_parts=list(map(_group, made.body_parts)),
        ages=[
            AgeView(
                **_counts(one),
                first=int(one.first) if one.first else None,
                last=int(one.last) if one.last else None,
                sex=one.part,
            )
            for one in made.ages
        ],
        sexes=list(map(_group, made.sexes)),
        outcomes=[
            OutcomeCount(code=Code(code), sentence=Code(code).sentence, images=images) for code, images in made.outcomes
        ],
        findings=list(_findings(made, cards)),
        score_edges=list(SCORE_EDGES),
        others=[OtherView(modality=one.modality, series=one.series, instances=one.instances) for one in made.others],
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
    )


def rows(view: DistributionsView) -> Iterator[Row]:
    """The same as rows of one table, each complete in itself."""
    yield Row(distribution="total", **dict(view.total))
    yield from (Row(distribution="time", **dict(one)) for one in view.time)
    yield from _rows("modality", view.modalities)
    yield from _rows("bodyPart", view.body_parts)
    yield from (Row(distribution="age", **dict(one)) for one in view.ages)
    yield from _rows("sex", view.sexes)
    yield from (Row(distribution="outcome", value=one.code, images=one.images) for one in view.outcomes)
    for one in view.findings:
        of_model: Mapping[str, Any] = {"value": one.label, "model": one.model, "demonstration": one.demonstration}
        yield Row(
            distribution="finding",
            **of_model,
            images=one.images,
            reached=one.reached,
            share=one.share,
            low=one.low,
            high=one.high,
        )
        for edge, images in enumerate(one.histogram):
            first, last = view.score_edges[edge : edge + 2]
            yield Row(distribution="score", **of_model, first=first, last=last, images=images)
    for other in view.others:
        yield Row(distribution="other", value=other.modality, series=other.series, instances=other.instances)


def _rows(distribution: str, groups: Iterable[GroupView]) -> Iterator[Row]:
    return (Row(distribution=distribution, **dict(one)) for one in groups)


def _counts(group: Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in ("value", "patients", "studies", "series", "images")}


def _group(group: Group) -> GroupView:
    return GroupView(**_counts(group))


def _findings(made: Distributions, cards: Cards) -> Iterator[FindingDistribution]:
    for one in made.findings:
        output = cards.output(one.model, one.label)
        yield FindingDistribution(
            label=one.label,
            concept=ConceptView.of(output.finding) if output else None,
            model=one.model,
            demonstration=one.demonstration,
            images=one.images,
            reached=one.reached,
            share=one.share,
            low=one.low,
            high=one.high,
            lowest_threshold=one.thresholds[0],
            highest_threshold=one.thresholds[1],
            histogram=list(one.histogram),
        )

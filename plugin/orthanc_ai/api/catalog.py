"""``/ai/catalog``: patients, studies, series and images, and how many there are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal
from urllib.parse import quote

from ..catalog.catalog import Catalog, Counts, Place
from ..catalog.mirror import CatalogError
from ..catalog.question import Table
from ..catalog.selection import Selection
from ..codes import Code
from ..server import Level, Resource
from .catalog_query import CatalogFilters, CatalogQuery, cursor_of
from .catalog_views import (
    CatalogCount,
    CatalogCounts,
    CatalogImage,
    CatalogImageInformation,
    CatalogPatient,
    CatalogSeries,
    CatalogStudy,
)
from .context import Context
from .http import Problem, Request, Response
from .identify import identify
from .tables import table
from .views import View

PATH = "/ai/catalog"

Collection = Literal["patients", "studies", "series", "images"]

NOTHING = Counts(0, 0, 0, 0)

_FROM_FILE = {
    "WindowCenter": "0028-1050",
    "WindowWidth": "0028-1051",
    "WindowCenterWidthExplanation": "0028-1055",
    "VOILUTFunction": "0028-1056",
}
"""Tags that Orthanc's index does not keep."""


class CatalogPatients(View):
    """Patients who have images."""

    patients: list[CatalogPatient]
    next: str | None
    """Path of the next page; `null` on the last one."""


class CatalogStudies(View):
    """Studies that have images."""

    studies: list[CatalogStudy]
    next: str | None
    """Path of the next page; `null` on the last one."""


class CatalogSeriesPage(View):
    """Series of images."""

    series: list[CatalogSeries]
    next: str | None
    """Path of the next page; `null` on the last one."""


class CatalogImages(View):
    """Images."""

    images: list[CatalogImage]
    next: str | None
    """Path of the next page; `null` on the last one."""


class CatalogLinks(View):
    """Where to go on."""

    patients: str = f"{PATH}/patients"
    studies: str = f"{PATH}/studies"
    series: str = f"{PATH}/series"
    images: str = f"{PATH}/images"
    counts: str = f"{PATH}/counts"
    distributions: str = f"{PATH}/distributions"


class CatalogIndex(View):
    """Where to begin."""

    counts: CatalogCounts
    findings: list[str]
    """Names of the findings that images have scores of."""
    links: CatalogLinks


# Counts


def begin(context: Context) -> CatalogIndex:
    """What the whole archive holds."""
    with asking(context) as catalog:
        counts = catalog.count(Selection())
        with catalog.mirror.reading() as rows:
            findings = sorted(rows.labels)
    return CatalogIndex(counts=CatalogCounts(**counts._asdict()), findings=findings, links=CatalogLinks())


def count(context: Context, query: CatalogFilters, within: tuple[Level, str] | None = None) -> CatalogCounts:
    """How many there are of everything."""
    with asking(context) as catalog:
        counts = catalog.count(query.selection(within))
    return CatalogCounts(**counts._asdict())


def count_one(context: Context, query: CatalogFilters, collection: Collection) -> CatalogCount:
    """How many there are of one kind."""
    return CatalogCount(count=getattr(count(context, query), collection))


def count_in(context: Context, level: Level, name: str, query: CatalogFilters) -> CatalogCounts:
    """How much a patient, a study or a series holds."""
    return count(context, query, (level, identify(context.server, level, name).identifier))


# Lists


def list_patients(context: Context, query: CatalogQuery, request: Request) -> CatalogPatients | Response:
    """A page of patients."""

    def entries(catalog: Catalog, found: Sequence[Resource]) -> list[CatalogPatient]:
        counts = catalog.counts_of("patient", [one.identifier for one in found])
        return [CatalogPatient.of(one, counts.get(one.identifier, NOTHING)) for one in found]

    patients, following = _page(context, request, "patient", query, None, entries)
    if query.wants_csv(request):
        return table("patients", patients, columns_of(CatalogPatient), following)
    return CatalogPatients(patients=patients, next=following)


def list_studies(
    context: Context, query: CatalogQuery, request: Request, patient: str | None = None
) -> CatalogStudies | Response:
    """A page of studies, of all patients or of one."""

    def entries(catalog: Catalog, found: Sequence[Resource]) -> list[CatalogStudy]:
        counts = catalog.counts_of("study", [one.identifier for one in found])
        return [CatalogStudy.of(one, counts.get(one.identifier, NOTHING)) for one in found]

    studies, following = _page(context, request, "study", query, _within(context, "patient", patient), entries)
    if query.wants_csv(request):
        return table("studies", studies, columns_of(CatalogStudy), following)
    return CatalogStudies(studies=studies, next=following)


def list_series(
    context: Context, query: CatalogQuery, request: Request, study: str | None = None
) -> CatalogSeriesPage | Response:
    """A page of series, of all studies or of one."""

    def entries(catalog: Catalog, found: Sequence[Resource]) -> list[CatalogSeries]:
        counts = catalog.counts_of("series", [one.identifier for one in found])
        above = {one.identifier: one for one in context.server.read("study", sorted({one.parent for one in found}))}
        return [
            CatalogSeries.of(one, above[one.parent], counts.get(one.identifier, NOTHING))
            for one in found
            if one.parent in above
        ]

    series, following = _page(context, request, "series", query, _within(context, "study", study), entries)
    if query.wants_csv(request):
        return table("series", series, columns_of(CatalogSeries), following)
    return CatalogSeriesPage(series=series, next=following)


def list_images(
    context: Context, query: CatalogQuery, request: Request, series: str | None = None
) -> CatalogImages | Response:
    """A page of images, of all series or of one."""
    selection = query.selection(_within(context, "series", series))
    with asking(context) as catalog:
        found, place = catalog.image_page(
            selection, query.sort_key, descending=query.descending, after=query.place(), limit=query.limit
        )
    images = [CatalogImage.of(one) for one in found]
    following = _following(request, query, place)
    if query.wants_csv(request):
        labels = dict.fromkeys(label for image in images for label in image.scores)
        columns = columns_of(CatalogImage)
        del columns["scores"]
        columns |= {f"scores.{label}" if label in columns else label: f"scores.{label}" for label in labels}
        return table("images", images, columns, following)
    return CatalogImages(images=images, next=following)


# One of them


def patient(context: Context, name: str) -> CatalogPatient:
    """One patient."""
    found = identify(context.server, "patient", name)
    return CatalogPatient.of(found, _counts(context, "patient", found))


def study(context: Context, name: str) -> CatalogStudy:
    """One study."""
    found = identify(context.server, "study", name)
    # Once more, with its labels and the tags of its patient.
    return CatalogStudy.of(_read(context, "study", found.identifier), _counts(context, "study", found))


def series(context: Context, name: str) -> CatalogSeries:
    """One series."""
    found = identify(context.server, "series", name)
    return CatalogSeries.of(found, _read(context, "study", found.parent), _counts(context, "series", found))


def image(context: Context, name: str) -> CatalogImageInformation:
    """One image."""
    found = context.catalog.one_image(identify(context.server, "instance", name).identifier)
    if found is None:
        raise Problem(Code.NOT_FOUND, "The instance is no image.")
    values = {keyword: context.server.value(found.image.identifier, tag) for keyword, tag in _FROM_FILE.items()}
    return CatalogImageInformation.with_file(found, values)


# What they share


@contextmanager
def asking(context: Context) -> Iterator[Catalog]:
    """The catalogue.

    Raises
    ------
    Problem
        ``CATALOG_LOADING`` or ``CATALOG_TOO_LARGE``.
    """
    try:
        yield context.catalog
    except CatalogError as error:
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        raise Problem(error.code, error.detail, headers=headers) from None


def _page[Entry](
    context: Context,
    request: Request,
    of: Table,
    query: CatalogQuery,
    within: tuple[Level, str] | None,
    entries: Callable[[Catalog, Sequence[Resource]], list[Entry]],
) -> tuple[list[Entry], str | None]:
    """A page of a list, and the path of the next one."""
    with asking(context) as catalog:
        found, place = catalog.page(
            of,
            query.selection(within),
            query.sort_key,
            descending=query.descending,
            after=query.place(),
            limit=query.limit,
        )
        return entries(catalog, found), _following(request, query, place)


def _following(request: Request, query: CatalogQuery, place: Place | None) -> str | None:
    return query.next_page(quote(request.path), cursor_of(place) if place else None)


def _within(context: Context, level: Level, name: str | None) -> tuple[Level, str] | None:
    return None if name is None else (level, identify(context.server, level, name).identifier)


def _counts(context: Context, of: Table, one: Resource) -> Counts:
    with asking(context) as catalog:
        return catalog.counts_of(of, [one.identifier]).get(one.identifier, NOTHING)


def _read(context: Context, level: Level, identifier: str) -> Resource:
    found = context.server.read(level, [identifier])
    if not found:
        raise Problem(Code.NOT_FOUND)
    return found[0]


def columns_of(view: type[View]) -> dict[str, str]:
    """A column for each member, by its name in JSON."""
    names = [info.alias or name for name, info in view.model_fields.items()]
    return dict(zip(names, names, strict=True))

"""The catalogue: lists, counts, and one of each kind."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from ...codes import Code
from ...server import Level
from .. import catalog, catalog_files
from ..catalog_query import CatalogFilters, CatalogImagesQuery, CatalogQuery, CatalogSeriesQuery, CatalogStudiesQuery
from ..catalog_views import (
    CatalogCount,
    CatalogCounts,
    CatalogImageInformation,
    CatalogPatient,
    CatalogSeries,
    CatalogStudy,
)
from ..context import Context
from ..http import Response
from ..route import Call, Route

_LOADING = (Code.CATALOG_LOADING, Code.CATALOG_TOO_LARGE)
_ONE = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)


def of_catalog() -> list[Route]:
    """The routes; the longer paths first, since a Patient ID may contain slashes."""
    return [
        Route(
            "GET",
            f"{catalog.PATH}/counts",
            "How many patients, studies, series and images there are",
            lambda context, call: catalog.count(context, call.query),
            CatalogCounts,
            query=CatalogFilters,
            problems=_LOADING,
        ),
        *(_count(collection) for collection in ("patients", "studies", "series", "images")),
        *(
            Route(
                "GET",
                f"{catalog.PATH}/{collection}/{{{parameter}}}/counts",
                f"How much one {level} holds",
                _counts(level, parameter),
                CatalogCounts,
                query=CatalogFilters,
                problems=(*_ONE, *_LOADING),
            )
            for collection, level, parameter in _LEVELS
        ),
        _list("patients", "Patients", catalog.list_patients, catalog.CatalogPatients, CatalogQuery),
        _list("studies", "Studies", catalog.list_studies, catalog.CatalogStudies, CatalogStudiesQuery),
        _list("series", "Series", catalog.list_series, catalog.CatalogSeriesPage, CatalogSeriesQuery),
        _list("images", "Images", catalog.list_images, catalog.CatalogImages, CatalogImagesQuery),
        _list(
            "patients/{patient}/studies",
            "Studies of one patient",
            catalog.list_studies,
            catalog.CatalogStudies,
            CatalogStudiesQuery,
        ),
        _list(
            "studies/{id}/series",
            "Series of one study",
            catalog.list_series,
            catalog.CatalogSeriesPage,
            CatalogSeriesQuery,
        ),
        _list(
            "series/{id}/images", "Images of one series", catalog.list_images, catalog.CatalogImages, CatalogImagesQuery
        ),
        Route(
            "GET",
            f"{catalog.PATH}/files/{{file}}",
            "Images of datasets by the name of their file",
            lambda context, call: catalog_files.files(context, call.path["file"]),
            catalog_files.NamedFiles,
            problems=(Code.NOT_FOUND,),
        ),
        _one("patients/{patient}", "One patient", catalog.patient, CatalogPatient),
        _one("studies/{id}", "One study", catalog.study, CatalogStudy),
        _one("series/{id}", "One series", catalog.series, CatalogSeries),
        _one("images/{id}", "One image", catalog.image, CatalogImageInformation),
    ]


_LEVELS: tuple[tuple[str, Level, str], ...] = (
    ("patients", "patient", "patient"),
    ("studies", "study", "id"),
    ("series", "series", "id"),
)


def _count(collection: catalog.Collection) -> Route:
    return Route(
        "GET",
        f"{catalog.PATH}/{collection}/count",
        f"How many {collection} there are",
        lambda context, call: catalog.count_one(context, call.query, collection),
        CatalogCount,
        query=CatalogFilters,
        problems=_LOADING,
    )


def _counts(level: Level, parameter: str) -> Callable[[Context, Call], BaseModel]:
    return lambda context, call: catalog.count_in(context, level, call.path[parameter], call.query)


def _list(
    path: str,
    summary: str,
    handler: Callable[..., BaseModel | Response],
    answer: type[BaseModel],
    query: type[CatalogQuery],
) -> Route:
    within = "{" in path
    return Route(
        "GET",
        f"{catalog.PATH}/{path}",
        summary,
        lambda context, call: handler(context, call.query, call.request, *call.path.values()),
        answer,
        query=query,
        csv=True,
        problems=(*(_ONE if within else ()), *_LOADING),
    )


def _one(path: str, summary: str, handler: Callable[[Context, str], Any], answer: type[BaseModel]) -> Route:
    return Route(
        "GET",
        f"{catalog.PATH}/{path}",
        summary,
        lambda context, call: handler(context, next(iter(call.path.values()))),
        answer,
        problems=(*_ONE, *_LOADING),
    )

"""The one table of routes: dispatching and the OpenAPI description are both made from it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from ..codes import Code
from ..collecting.collection import COLLECTIONS, PREVIEWS
from ..collecting.request import CollectionRequest
from ..server import Level
from ..volumes.orders import VOLUMES
from . import (
    analyze,
    archive,
    batches,
    best_series,
    cardiac_page,
    cardiac_study,
    collections,
    demonstration,
    findings,
    index,
    job_list,
    model_cards,
    outcome_list,
    pause,
    quarantine,
    reconcile,
    retry,
    series_cardiac,
    series_list,
    status,
    vocabulary,
    volumes,
)
from .context import Context
from .http import JSON_TYPE, Problem, Request, Response, parse_body, parse_query
from .openapi import describe
from .reading import ImageFindings
from .views import CodeView, Nothing, Query

_BYTES_PER_KIB = 1024

_WITH_SLASHES = ("patient", "job", "file")
"""Parameters of paths that may contain slashes: a Patient ID may, and the name of a DICOMweb server in that of a job."""


class NoQuery(Query):
    """No parameters."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its route.

    Attributes
    ----------
    path
        Values of the path's parameters.
    query, body
        What the request carries, checked: objects of the route's models.
    """

    request: Request
    path: Mapping[str, str]
    query: Any
    body: Any = None


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes
    ----------
    template
        Path with parameters in braces.
    handler
        Makes the answer.
    answer
        Model of the JSON answer; ``None`` for a document without one.
    query, body
        Models of what the request may carry.
    csv, html
        Whether the answer comes as CSV too, or as a page.
    media_type
        Of an answer without a model.
    problems
        Codes of the answers other than the wished one, beside those that every route may give.
    """

    method: str
    template: str
    summary: str
    handler: Callable[[Context, Call], BaseModel | Response]
    answer: type[BaseModel] | None
    status: int = 200
    query: type[Query] = NoQuery
    body: type[BaseModel] | None = None
    csv: bool = False
    media_type: str = JSON_TYPE
    html: bool = False
    problems: Sequence[Code] = field(default=())

    @property
    def changes(self) -> bool:
        """Whether it starts, changes or deletes anything: everything but reading does."""
        return self.method != "GET"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a path of this route looks like."""
        pieces = re.split(r"\{(\w+)\}", self.template)
        for position in range(1, len(pieces), 2):
            name = pieces[position]
            pieces[position] = f"(?P<{name}>{'.+' if name in _WITH_SLASHES else '[^/]+'})"
        pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
        return re.compile("".join(pieces), re.DOTALL)

    def answer_to(self, context: Context, request: Request, parameters: Mapping[str, str]) -> Response:
        """Check what the request carries, and answer it.

        Raises
        ------
        Problem
            If it comes from somebody who may not, carries what the route does not take, or the handler says so.
        """
        if self.changes:
            context.access.check(request.headers)
        query = parse_query(self.query, request.query)
        body = None
        if self.body is not None:
            body = parse_body(self.body, request, context.settings.maximum_body_kib * _BYTES_PER_KIB)
        made = self.handler(context, Call(request, parameters, query, body))
        if isinstance(made, Response):
            return made
        return Response(made.model_dump_json(by_alias=True).encode(), status=self.status)


def _of_level(level: Level, collection: str, parameter: str) -> list[Route]:
    resource = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)

    def found(context: Context, call: Call) -> BaseModel:
        return findings.of_resource(context, level, call.path[parameter])

    def asked(context: Context, call: Call) -> BaseModel:
        return analyze.analyze(context, level, call.path[parameter])

    of_one = level == "instance"
    return [
        Route(
            "GET",
            f"/ai/{collection}/{{{parameter}}}/findings",
            f"Findings of one {level}",
            (lambda context, call: findings.of_instance(context, call.path[parameter])) if of_one else found,
            ImageFindings if of_one else findings.ResourceFindings,
            problems=(*resource, Code.NOT_AN_XRAY) if of_one else resource,
        ),
        Route(
            "POST",
            f"/ai/{collection}/{{{parameter}}}/analyze",
            f"Analyse one {level} again",
            asked,
            analyze.Queued,
            status=202,
            body=analyze.AnalyzeRequest,
            problems=(*resource, Code.NOTHING_TO_ANALYZE, Code.BODY_TOO_LARGE),
        ),
    ]


def _of_work() -> list[Route]:
    return [
        Route(
            "GET",
            job_list.PATH,
            "Work that is not done",
            lambda context, call: job_list.list_jobs(context, call.query, call.request),
            job_list.JobsPage,
            query=job_list.JobsQuery,
            csv=True,
        ),
        Route(
            "POST",
            "/ai/jobs/retry",
            "Try everything again that was given up",
            lambda context, _: retry.retry_failed(context),
            retry.Retried,
            status=202,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "POST",
            "/ai/jobs/{job}/retry",
            "Try one job again",
            lambda context, call: retry.retry_one(context, call.path["job"]),
            retry.Retried,
            status=202,
            body=Nothing,
            problems=(Code.NOT_FOUND, Code.BODY_TOO_LARGE),
        ),
        Route(
            "POST",
            "/ai/pause",
            "Begin nothing more",
            lambda context, _: pause.pause(context),
            pause.PauseView,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "POST",
            "/ai/resume",
            "Go on",
            lambda context, _: pause.resume(context),
            pause.PauseView,
            body=Nothing,
            problems=(Code.BODY_TOO_LARGE,),
        ),
        Route(
            "GET",
            reconcile.PATH,
            "How far the look through the archive has come",
            lambda context, _: reconcile.progress(context),
            reconcile.Progress,
        ),
        Route(
            "POST",
            reconcile.PATH,
            "Look through the whole archive for what has no outcome",
            lambda context, call: reconcile.begin(context, call.body),
            reconcile.Progress,
            status=202,
            body=reconcile.ReconcileRequest,
            problems=(Code.BODY_TOO_LARGE,),
        ),
    ]


def _of_batches(
    kind: str,
    what: str,
    body: type[BaseModel],
    begin: Callable[[Context, Any], batches.BatchView],
    problems: Sequence[Code] = (),
) -> list[Route]:
    """The routes of a kind of batches, e.g. of what is called ``an export``.

    Parameters
    ----------
    begin
        Takes in the body of ``POST``.
    problems
        Further codes of ``POST``.
    """
    return [
        Route(
            "POST",
            f"/ai/{kind}",
            f"Begin {what}",
            lambda context, call: begin(context, call.body),
            batches.BatchView,
            status=202,
            body=body,
            problems=(Code.TOO_MANY_BATCHES, Code.BATCHES_UNAVAILABLE, Code.BODY_TOO_LARGE, *problems),
        ),
        Route(
            "GET",
            f"/ai/{kind}",
            "All of them, the newest first",
            lambda context, _: batches.list_batches(context, kind),
            batches.BatchList,
        ),
        Route(
            "GET",
            f"/ai/{kind}/{{id}}",
            "How far it is, and what came of it",
            lambda context, call: batches.one(context, kind, call.path["id"]),
            batches.BatchView,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "DELETE",
            f"/ai/{kind}/{{id}}",
            "Cancel it if it is not done, and remove what it made",
            lambda context, call: batches.remove(context, kind, call.path["id"]),
            batches.Removed,
            problems=(Code.NOT_FOUND, Code.BATCHES_UNAVAILABLE),
        ),
    ]


def _of_cardiac_ct() -> list[Route]:
    resource = (Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER)
    return [
        Route(
            "GET",
            series_list.PATH,
            "CT series of the whole archive with their verdicts",
            lambda context, call: series_list.list_series(context, call.query, call.request),
            series_list.SeriesPage,
            query=series_list.SeriesQuery,
            csv=True,
        ),
        Route(
            "GET",
            "/ai/series/{id}/cardiac",
            "One CT series with its full reasoning",
            lambda context, call: series_cardiac.reasoning(context, call.path["id"]),
            series_cardiac.SeriesReasoning,
            problems=(*resource, Code.NOT_CT),
        ),
        Route(
            "GET",
            "/ai/studies/{id}/best",
            "The best CT series of one study for each role",
            lambda context, call: best_series.of_study(context, call.path["id"]),
            best_series.StudyBest,
            problems=resource,
        ),
        Route(
            "GET",
            "/ai/patients/{patient}/best",
            "The best CT series of one patient for each role",
            lambda context, call: best_series.of_patient(context, call.path["patient"], call.query),
            best_series.PatientBest,
            query=best_series.PatientQuery,
            problems=resource,
        ),
        Route(
            "GET",
            "/ai/studies/{id}/cardiac",
            "The CT series of one study, judged and drawn",
            lambda context, call: cardiac_page.answer(context, call.path["id"], call.query, call.request),
            cardiac_study.CardiacStudy,
            query=cardiac_page.CardiacQuery,
            html=True,
            problems=resource,
        ),
        Route(
            "GET",
            quarantine.PATH,
            "CT studies that stand for no patient",
            lambda context, call: quarantine.list_quarantine(context, call.query, call.request),
            quarantine.QuarantinePage,
            query=quarantine.QuarantineQuery,
            csv=True,
        ),
    ]


def _of_volumes() -> list[Route]:
    return [
        *_of_batches(
            VOLUMES,
            "an export of CT volumes",
            volumes.VolumesRequest,
            volumes.begin_export,
            problems=(Code.NOT_FOUND, Code.AMBIGUOUS_IDENTIFIER),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/manifest",
            "What an export holds, and what it does not",
            lambda context, call: volumes.read_manifest(context, call.path["id"]),
            volumes.Manifest,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/zip",
            "Everything that an export has made so far",
            lambda context, call: volumes.download_all(context, call.path["id"]),
            None,
            media_type="application/zip",
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            f"/ai/{VOLUMES}/{{id}}/files/{{file}}",
            "One file of an export",
            lambda context, call: volumes.download_file(context, call.path["id"], call.path["file"]),
            None,
            media_type="application/octet-stream",
            problems=(Code.NOT_FOUND,),
        ),
    ]


def _of_collections() -> list[Route]:
    made = []
    for kind, what in (
        (COLLECTIONS, "a collection from another archive"),
        (PREVIEWS, "a preview: search, fetch nothing"),
    ):
        made += _of_batches(kind, what, CollectionRequest, _beginning(kind), [Code.PEER_UNKNOWN])
        made.append(
            Route(
                "GET",
                f"/ai/{kind}/{{id}}/studies",
                "The studies that are wanted, and what became of them",
                _listing(kind),
                collections.StudiesPage,
                query=collections.StudiesQuery,
                csv=True,
                problems=(Code.NOT_FOUND,),
            )
        )
    return made


def _beginning(kind: str) -> Callable[[Context, Any], batches.BatchView]:
    return lambda context, body: collections.begin(context, kind, body)


def _listing(kind: str) -> Callable[[Context, Call], BaseModel | Response]:
    return lambda context, call: collections.list_studies(context, kind, call.path["id"], call.query, call.request)


def _routes(read_status: status.StatusReader) -> list[Route]:
    return [
        Route("GET", "/ai", "Where to begin", lambda context, _: index.index(context), index.Index),
        Route(
            "GET",
            "/ai/status",
            "Versions, model, queue, latest trouble",
            lambda context, _: read_status.read(context),
            status.Status,
        ),
        Route(
            "GET",
            "/ai/models",
            "All model cards",
            lambda context, _: model_cards.list_models(context),
            model_cards.ModelList,
        ),
        Route(
            "GET",
            "/ai/models/{name}",
            "One model card",
            lambda context, call: model_cards.model(context, call.path["name"]),
            model_cards.ModelView,
            problems=(Code.NOT_FOUND,),
        ),
        Route(
            "GET",
            archive.PATH,
            "Findings of the whole archive",
            lambda context, call: archive.list_findings(context, call.query, call.request),
            archive.FindingsPage,
            query=archive.FindingsQuery,
            csv=True,
        ),
        Route(
            "GET",
            outcome_list.PATH,
            "What became of the X-rays and CT studies",
            lambda context, call: outcome_list.list_outcomes(context, call.query, call.request),
            outcome_list.OutcomesPage,
            query=outcome_list.OutcomesQuery,
            csv=True,
        ),
        *_of_cardiac_ct(),
        *_of_work(),
        *_of_volumes(),
        *_of_collections(),
        *_of_level("instance", "instances", "id"),
        *_of_level("series", "series", "id"),
        *_of_level("study", "studies", "id"),
        *_of_level("patient", "patients", "patient"),
        Route(
            "DELETE",
            "/ai/demonstration",
            "Remove what a demonstration model has written",
            lambda context, _: demonstration.forget(context),
            demonstration.Forgotten,
        ),
        Route("GET", "/ai/codes", "All codes", lambda *_: vocabulary.list_codes(), vocabulary.CodeList),
        Route(
            "GET",
            "/ai/codes/{code}",
            "One code",
            lambda _, call: vocabulary.one_code(call.path["code"]),
            CodeView,
            problems=(Code.NOT_FOUND,),
        ),
    ]


class Routes:
    """The routes, and which of them a request means."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # The description is one of the routes that it describes.
        self.table: list[Route] = [
            *_routes(status.StatusReader(context.server)),
            Route("GET", "/ai/openapi.json", "This description", lambda *_: Response(self._description), None),
        ]
        self._description = describe(self.table, authentication=context.access.authentication)

    def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises
        ------
        Problem
            If it cannot be answered as wished.
        """
        matching = [(route, found) for route in self.table if (found := route.pattern.fullmatch(request.path))]
        for route, found in matching:
            if route.method == request.method:
                return route.answer_to(self._context, request, found.groupdict())
        if matching:
            raise Problem(
                Code.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted({route.method for route, _ in matching}))}
            )
        raise Problem(Code.NOT_FOUND, "There is no such path; /ai/openapi.json describes those that there are.")

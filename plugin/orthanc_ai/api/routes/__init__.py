"""The one table of routes: dispatching and the OpenAPI description are both made from it."""

from ...codes import Code
from .. import archive, demonstration, model_cards, outcome_list, scripts, status, vocabulary
from ..context import Context
from ..http import Problem, Request, Response
from ..openapi import describe
from ..route import Route
from ..views import CodeView
from .cardiac import of_cardiac_ct
from .catalog import of_catalog
from .collections import of_collections
from .corrections import of_corrections
from .datasets import of_datasets
from .distributions import of_distributions
from .levels import of_level
from .operation import of_operation
from .studies import of_studies
from .tables import of_tables
from .triage import of_triage
from .volumes import of_volumes
from .work import of_work


def _routes(read_status: status.StatusReader) -> list[Route]:
    return [
        *of_operation(read_status),
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
        *of_cardiac_ct(),
        *of_work(),
        *of_corrections(),
        *of_triage(),
        *of_volumes(),
        *of_collections(),
        *of_distributions(),
        *of_catalog(),
        *of_tables(),
        *of_datasets(),
        *of_studies(),
        *of_level("instance", "instances", "id"),
        *of_level("series", "series", "id"),
        *of_level("study", "studies", "id"),
        *of_level("patient", "patients", "patient"),
        Route(
            "DELETE",
            "/ai/demonstration",
            "Remove what a demonstration model has written",
            lambda context, _: demonstration.forget(context),
            demonstration.Forgotten,
        ),
        Route(
            "GET",
            f"{scripts.PATH}/{{script}}",
            "A script of a page",
            lambda context, call: scripts.answer(context.settings.charts_directory, call.path["script"]),
            None,
            media_type="text/javascript",
            problems=(Code.NOT_FOUND,),
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

    @property
    def allowed_origins(self) -> list[str]:
        """Origins of other sites whose pages may read what is answered."""
        return self._context.settings.allowed_origins

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

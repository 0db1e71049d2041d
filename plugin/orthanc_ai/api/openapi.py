"""``/ai/openapi.json``: the description of the routes (OpenAPI 3.1), made from their table."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from .. import __version__
from ..codes import Code
from .http import CSV_TYPE, HTML_TYPE, JSON_TYPE, PROBLEM_TYPE, STATUS, ProblemView

if TYPE_CHECKING:
    from .route import Route

_REFERENCE = "#/components/schemas/{model}"

_ABOUT = """\
Findings, outcomes and models of the AI that runs inside this Orthanc server.

Resources are named by their Orthanc identifier or by their DICOM identifier (SOP, Series or Study Instance UID,
Patient ID). Errors are problem documents (RFC 9457) with a member `code`; `/ai/codes` lists the codes. A method that
a path does not have is answered with 405 and without a body.

Who may read is Orthanc's to decide. Whatever is not a GET starts, changes or deletes something: it is for operators, the
users of Orthanc whom `AI.Operators` names, and never for pages of other web sites."""

_PARAMETERS = {
    "id": "Orthanc identifier, or the DICOM UID of the resource",
    "patient": "Orthanc identifier or Patient ID, which may contain slashes",
    "name": "Name of the model",
    "code": "A code",
    "file": "Path of a file, as the manifest names folder and file",
    "script": "Name of a script, as the page has it",
    "job": "A job, as `/ai/jobs` names it",
}

_ALWAYS = (Code.BAD_REQUEST, Code.INTERNAL_ERROR, Code.STARTING, Code.STOPPING)
"""Problems that every route may answer with."""

_CHANGING = (Code.OPERATOR_ONLY, Code.CROSS_SITE)
"""Problems of the routes that change something."""

_SCHEME = "orthanc"

_SECURITY = {
    "type": "http",
    "scheme": "basic",
    "description": "Users of Orthanc (`RegisteredUsers`). This server asks for them if `security` says so.",
}


def describe(table: "Sequence[Route]", *, authentication: bool) -> bytes:
    """The description as JSON.

    Parameters
    ----------
    authentication
        Whether this server asks who somebody is.
    """
    answers = [route.answer for route in table if route.answer is not None]
    queries = [route.query for route in table]
    bodies = [route.body for route in table if route.body is not None]
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in answers]
    wanted += [(ProblemView, "serialization")]
    wanted += [(model, "validation") for model in (*queries, *bodies)]
    references, definitions = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REFERENCE)
    schemas = definitions.get("$defs", {})
    paths: dict[str, Any] = {}
    for route in table:
        described = _operation(route, references, schemas)
        if authentication:
            described["responses"]["401"] = {"description": "Orthanc wants to know who you are."}
        paths.setdefault(route.template, {})[route.method.lower()] = described
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Orthanc AI",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "security": [{_SCHEME: []}] if authentication else [],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {_SCHEME: _SECURITY}},
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _operation(route: "Route", references: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {route.media_type: {"schema": {"type": "object"}}}
    if route.media_type != JSON_TYPE:
        content = {route.media_type: {}}
    if route.answer is not None:
        content = {JSON_TYPE: {"schema": references[route.answer, "serialization"]}}
    if route.csv:
        content[CSV_TYPE] = {"schema": {"type": "string"}}
    if route.html:
        content[HTML_TYPE] = {"schema": {"type": "string"}}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route, references, schemas)],
        "responses": {str(route.status): {"description": route.summary, "content": content}},
    }
    if route.body is not None:
        schema = references[route.body, "validation"]
        required = any(field.is_required() for field in route.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": {JSON_TYPE: {"schema": schema}}}
    problem = {PROBLEM_TYPE: {"schema": references[ProblemView, "serialization"]}}
    codes: dict[int, list[Code]] = {}
    for code in (*route.problems, *(_CHANGING if route.changes else ()), *_ALWAYS):
        codes.setdefault(STATUS[code], []).append(code)
    if route.changes:
        codes[415] = [Code.BAD_REQUEST]
    for status in sorted(codes):
        sentences = " ".join(f"`{code}`: {code.sentence}" for code in codes[status])
        operation["responses"][str(status)] = {"description": sentences, "content": problem}
    return operation


def _operation_id(route: "Route") -> str:
    words = re.findall(r"[a-z]+", re.sub(r"\{\w+\}", "one", route.template.removeprefix("/ai")))
    return "_".join([route.method.lower(), *(words or ["index"])])


def _path_parameters(route: "Route") -> Iterator[dict[str, Any]]:
    for name in route.pattern.groupindex:
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name],
            "schema": {"type": "string"},
        }


def _query_parameters(route: "Route", references: Any, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    reference = references[route.query, "validation"]["$ref"]
    model = schemas[reference.rpartition("/")[2]]
    for name, schema in model.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }

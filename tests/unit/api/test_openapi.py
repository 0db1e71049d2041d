"""The description and the routes are the same set, and the description is a right one."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from orthanc_ai.api.routes import Routes

from .examples import context


@pytest.fixture(scope="module")
def routes() -> Routes:
    return Routes(context())


@pytest.fixture(scope="module")
def description(routes: Routes) -> Any:
    [route] = [route for route in routes.table if route.template == "/ai/openapi.json"]
    answer = route.handler(None, None)  # type: ignore[arg-type]
    return json.loads(answer.body)  # type: ignore[union-attr]


def test_it_is_openapi(description: Any) -> None:
    OpenAPIV31SpecValidator(description).validate()


def test_described_is_what_is_routed(routes: Routes, description: Any) -> None:
    described = {(method.upper(), path) for path, item in description["paths"].items() for method in item}
    assert described == {(route.method, route.template) for route in routes.table}
    assert len(described) == len(routes.table)


def test_every_parameter_is_described(routes: Routes, description: Any) -> None:
    for route in routes.table:
        operation = description["paths"][route.template][route.method.lower()]
        described = {(parameter["in"], parameter["name"]) for parameter in operation["parameters"]}
        aliases = {("query", info.alias or name) for name, info in route.query.model_fields.items()}
        assert described == aliases | {("path", name) for name in route.pattern.groupindex}
        assert all(parameter["description"] for parameter in operation["parameters"])
        assert ("requestBody" in operation) == (route.body is not None)


def test_operations_have_names_of_their_own(description: Any) -> None:
    names = [operation["operationId"] for item in description["paths"].values() for operation in item.values()]
    assert len(set(names)) == len(names)

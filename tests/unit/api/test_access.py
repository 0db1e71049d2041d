"""Who may change anything: operators, and no page of another web site."""

import dataclasses
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from orthanc_ai.api.access import Access
from orthanc_ai.api.http import Problem, Request, Response
from orthanc_ai.api.route import Route
from orthanc_ai.api.routes import Routes
from orthanc_ai.codes import Code
from orthanc_ai.collecting.request import CollectionRequest

from .examples import OPEN, context

USERS = {"alice": "long: and winding", "bob": "2", "alice:long": "x"}
LOCKED = {"AuthenticationEnabled": True, "RegisteredUsers": USERS}
HERE = {"host": "pacs.hospital:8042"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def refused(access: Access, headers: Mapping[str, str]) -> Problem | None:
    try:
        access.check(headers)
    except Problem as problem:
        return problem
    return None


def code(access: Access, headers: Mapping[str, str]) -> Code | None:
    problem = refused(access, headers)
    return problem.code if problem else None


# Operators


@pytest.mark.parametrize(
    ("configuration", "asks"),
    [
        ({}, False),
        ({"AuthenticationEnabled": False}, False),
        ({"AuthenticationEnabled": True}, True),
        ({"RemoteAccessAllowed": True}, True),
        ({"RemoteAccessAllowed": True, "AuthenticationEnabled": False, "Authorization": {}}, True),
        ({"RemoteAccessAllowed": False}, False),
        ({"Authorization": {}}, True),
    ],
)
def test_whether_it_asks_who_it_is_is_as_in_orthanc(configuration: dict[str, Any], asks: bool) -> None:
    assert Access.of(configuration, ()).authentication is asks
    assert code(Access.of(configuration, ()), {}) is (Code.OPERATOR_ONLY if asks else None)


def test_an_operator_may_and_nobody_else() -> None:
    access = Access.of(LOCKED, ["alice"])
    assert refused(access, basic("alice", "long: and winding")) is None
    others: list[dict[str, str]] = [
        basic("bob", "2"),
        basic("ALICE", "long: and winding"),
        basic("alice", ""),
        basic("alice", "2"),
        # Decoded, this begins with the operator's name too; it is another user's.
        basic("alice:long", "x"),
        {"authorization": "Bearer alice"},
        {"authorization": basic("alice", "long: and winding")["authorization"].replace("Basic", "basic")},
        {"authorization": "Basic alice"},
        {"authorization": "Basic \udcff"},
        {"authorization": ""},
        {},
    ]
    for headers in others:
        assert code(access, headers) is Code.OPERATOR_ONLY


def test_the_name_alone_makes_no_operator_of_anybody() -> None:
    """The authorization plugin may know a user whom Orthanc has no password for; then Orthanc has checked nothing."""
    access = Access.of({"Authorization": {}, "AuthenticationEnabled": False}, ["carol"])
    assert access.nobody
    for password in ("", "None", "carol"):
        assert code(access, basic("carol", password)) is Code.OPERATOR_ONLY


def test_a_refusal_says_what_to_do() -> None:
    [nobody, somebody] = [refused(Access.of(LOCKED, names), basic("bob", "2")) for names in ((), ("alice",))]
    assert nobody is not None
    assert somebody is not None
    assert (nobody.status, somebody.status) == (403, 403)
    assert "AI.Operators" in nobody.detail
    assert "RegisteredUsers" in nobody.detail
    assert "Log in" in somebody.detail
    assert "alice" not in somebody.detail


def test_passwords_do_not_show() -> None:
    assert "Basic" not in repr(Access.of(LOCKED, ["alice"]))


# Other web sites


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://pacs.hospital:8042"},
        {"origin": "https://PACS.hospital:8042"},
        # Behind a reverse proxy that hands on another Host.
        {"sec-fetch-site": "same-origin", "origin": "https://pacs.example"},
        {"user-agent": "curl/8.5.0"},
        {"user-agent": "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1"},
        {"user-agent": "node", "accept-language": "*"},
    ],
)
def test_pages_of_this_server_and_programs_pass(headers: dict[str, str]) -> None:
    assert refused(OPEN, HERE | headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "cross-site", "origin": "http://pacs.hospital:8042"},
        {"origin": "http://evil.example"},
        {"origin": "http://pacs.hospital:3000"},
        {"origin": "http://pacs.hospital"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "pacs.hospital:8042"},
        {"origin": "http://["},
        {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", "accept-language": "de"},
    ],
)
def test_others_do_not_not_even_with_an_operators_password(headers: dict[str, str]) -> None:
    for access in (OPEN, Access.of(LOCKED, ["bob"])):
        problem = refused(access, HERE | basic("bob", "2") | headers)
        assert problem is not None
        assert (problem.code, problem.status) == (Code.CROSS_SITE, 403)
    assert code(OPEN, {"origin": "http://"}) is Code.CROSS_SITE, "not even without a Host"


def test_a_part_of_a_form_is_refused() -> None:
    """Orthanc hands it over with its own headers instead of the request's."""
    problem = refused(OPEN, {"content-disposition": 'form-data; name="x"'})
    assert problem is not None
    assert (problem.code, problem.status) == (Code.BAD_REQUEST, 415)


# All routes


def recording(access: Access) -> tuple[Routes, list[Route]]:
    """The routes, and those whose handlers were called."""
    routes = Routes(context(access=access))
    called: list[Route] = []

    def recorded(route: Route) -> Route:
        def handler(*_: object) -> Response:
            called.append(route)
            return Response(b"{}")

        return dataclasses.replace(route, handler=handler)

    routes.table = [recorded(route) for route in routes.table]
    return routes, called


def asked(route: Route) -> Request:
    path = route.template
    for name in route.pattern.groupindex:
        path = path.replace(f"{{{name}}}", "x")
    body = b'{"peer": "modality:pacs", "patientIDs": ["1"]}' if route.body is CollectionRequest else b""
    return Request(route.method, path, body=body)


def test_whatever_is_no_get_needs_an_operator() -> None:
    routes, called = recording(Access.of(LOCKED, ["alice"]))
    for route in routes.table:
        request = dataclasses.replace(asked(route), headers=basic("bob", "2"))
        if route.method == "GET":
            routes.answer(request)
        else:
            with pytest.raises(Problem) as refusal:
                routes.answer(request)
            assert refusal.value.code is Code.OPERATOR_ONLY
    assert {route.method for route in called} == {"GET"}


def test_an_operator_reaches_every_route() -> None:
    routes, called = recording(Access.of(LOCKED, ["alice"]))
    for route in routes.table:
        routes.answer(dataclasses.replace(asked(route), headers=basic("alice", USERS["alice"])))
    assert [(route.method, route.template) for route in called] == [
        (route.method, route.template) for route in routes.table
    ]


def test_the_description_says_who_may() -> None:
    for access in (OPEN, Access.of(LOCKED, ["alice"])):
        routes = Routes(context(access=access))
        description = json.loads(routes.answer(Request("GET", "/ai/openapi.json")).body)
        assert bool(description["security"]) is access.authentication
        for route in routes.table:
            responses = description["paths"][route.template][route.method.lower()]["responses"]
            assert ("401" in responses) is access.authentication
            assert ("403" in responses) is (route.method != "GET")
            assert "403" not in responses or "OPERATOR_ONLY" in responses["403"]["description"]

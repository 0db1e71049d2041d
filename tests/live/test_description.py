"""schemathesis asks every described route everything that its description allows, and much that it does not.

New routes take part by being described.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import requests
import schemathesis
from hypothesis import assume
from hypothesis import strategies as st
from pydicom.uid import UID
from schemathesis import Case, Response
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi import checks as described

from orthanc_ai.api.access import Access
from orthanc_ai.api.http import Request
from orthanc_ai.api.routes import Routes
from phantom.dicom import chest_dx
from tests.unit.api.examples import OPEN, context

from .orthanc import Orthanc

type AnyCase = Case[Any]

OPERATOR, READER = ("operator", "1"), ("reader", "2")
OPTIONS = {"AuthenticationEnabled": True, "RegisteredUsers": dict([OPERATOR, READER])}

STORED = {"instances": "2.25.11", "series": "2.25.12", "studies": "2.25.13", "patients": "A/B C"}
"""What the servers hold, by the part of the path that it stands behind."""

OTHERS = {"name": "phantom", "code": "HELD"}


schemathesis.openapi.format("dicom-attribute", st.sampled_from(["default", "Rows", "(0018,0060)", "PatientID"]))


def description(access: Access) -> Any:
    """The description as a server gives it, with something stored as an example of each parameter."""
    answer = Routes(context(access=access)).answer(Request("GET", "/ai/openapi.json"))
    document = json.loads(answer.body)
    for template, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    collection = template.split("/")[2]
                    parameter["example"] = STORED.get(collection, OTHERS.get(parameter["name"], "x"))
    return document


def schema(access: Access, examples: int) -> Any:
    config = SchemathesisConfig(
        seed=20260131,
        projects=ProjectsConfig(
            default=ProjectConfig(
                generation=GenerationConfig(
                    max_examples=examples, deterministic=True, with_security_parameters=False, database="none"
                )
            )
        ),
    )
    return schemathesis.openapi.from_dict(description(access), config=config)


unlocked = schema(OPEN, 25)
locked = schema(Access.of(OPTIONS, [OPERATOR[0]]), 10)

CHECKS = [
    schemathesis.checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_headers_conformance,
    described.response_schema_conformance,
    described.negative_data_rejection,
    described.positive_data_acceptance,
]


def checks(case: AnyCase) -> list[Any]:
    """What is checked of an answer."""
    # Ratios add up to 1, and a kind of scaling has fields of its own: no description says so, but a code does.
    refused_for_more = case.path == "/ai/datasets"
    return [one for one in CHECKS if not (refused_for_more and one is described.positive_data_acceptance)]


def started(orthanc: Orthanc) -> Orthanc:
    """A server that holds what the examples name."""
    image = chest_dx(1, 64, 64)
    image.SOPInstanceUID, image.SeriesInstanceUID, image.StudyInstanceUID = (
        UID(STORED[level]) for level in ("instances", "series", "studies")
    )
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PatientID = STORED["patients"]
    orthanc.start()
    orthanc.upload([image])
    orthanc.wait_idle()
    return orthanc


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    orthanc = started(Orthanc(tmp_path_factory.mktemp("described")))
    yield orthanc
    assert orthanc.stop() == 0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    orthanc = started(Orthanc(tmp_path_factory.mktemp("guarded"), {"Operators": [OPERATOR[0]]}, OPTIONS))
    yield orthanc
    assert orthanc.stop() == 0


def ask(orthanc: Orthanc, case: AnyCase, user: tuple[str, str] | None) -> Response:
    # Orthanc's web server takes backslashes for slashes and drops those at the end: this is the path above.
    assume(all(unquote(str(value)).strip("\\") for value in (case.path_parameters or {}).values()))
    headers = {"Authorization": "Basic " + b64encode(":".join(user).encode()).decode()} if user else {}
    response = case.call(base_url=orthanc.url, headers=headers)
    if response.status_code == 202 and "path" in response.json():
        # More than a hundred batches of a kind are not let wait.
        requests.delete(orthanc.url + response.json()["path"], headers=headers, timeout=60).raise_for_status()
    # Of two types, the first is ours; Orthanc adds the second to whatever is not 200.
    if types := response.headers.get("content-type"):
        response.headers["content-type"] = [types[0].partition(", ")[0]]
    return response


def test_a_server_describes_itself_so(mine: Orthanc, guarded: Orthanc) -> None:
    for orthanc, used in ((mine, unlocked), (guarded, locked)):
        own = orthanc.get("/ai/openapi.json")
        assert own["paths"].keys() == used.raw_schema["paths"].keys()
        assert own["security"] == used.raw_schema["security"]


@unlocked.parametrize()  # type: ignore[untyped-decorator]
def test_everything_is_as_described(mine: Orthanc, case: AnyCase) -> None:
    case.validate_response(ask(mine, case, None), checks=checks(case))


@locked.parametrize()  # type: ignore[untyped-decorator]
def test_to_an_operator_too(guarded: Orthanc, case: AnyCase) -> None:
    case.validate_response(ask(guarded, case, OPERATOR), checks=checks(case))


@locked.parametrize()  # type: ignore[untyped-decorator]
def test_a_reader_only_reads(guarded: Orthanc, case: AnyCase) -> None:
    response = ask(guarded, case, READER)
    case.validate_response(response, checks=CHECKS[:5])
    if case.method in {"POST", "PUT", "DELETE"} and response.status_code != 405:
        assert response.json()["code"] in {"OPERATOR_ONLY", "NOT_FOUND"}

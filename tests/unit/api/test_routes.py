"""Which route a path means, and what a request must carry for it."""

import json
from typing import Any, cast

import pytest

from orthanc_ai.api.context import Context
from orthanc_ai.api.http import Problem, Request
from orthanc_ai.api.identify import identify
from orthanc_ai.api.routes import Routes
from orthanc_ai.codes import Code
from orthanc_ai.server import Level, Resource, Server

from .examples import Archive, context, identifier, image, reported


def get(given: Context, path: str, **query: str) -> Any:
    return json.loads(Routes(given).answer(Request("GET", path, query)).body)


def problem(method: str, path: str, **query: str) -> Problem:
    with pytest.raises(Problem) as caught:
        Routes(context(Archive([image(1)]))).answer(Request(method, path, query))
    return caught.value


def test_a_path_that_does_not_exist() -> None:
    for path in ("/ai/nothing", "/ai/findings/x", "/ai/instances/findings", "/aix", "/ai/statuS"):
        assert problem("GET", path).code is Code.NOT_FOUND


def test_a_method_that_a_path_does_not_have() -> None:
    found = problem("DELETE", f"/ai/studies/{identifier(1)}/analyze")
    assert found.code is Code.METHOD_NOT_ALLOWED
    assert found.headers == {"Allow": "POST"}


def test_parameters_where_there_are_none() -> None:
    assert problem("GET", "/ai/status", verbose="1").code is Code.BAD_REQUEST


def test_a_patient_id_may_contain_slashes() -> None:
    matches = [route.pattern.fullmatch("/ai/patients/A/B 1/findings") for route in Routes(context()).table]
    [found] = [match for match in matches if match]
    assert found["patient"] == "A/B 1"


def test_status_says_how_everything_stands() -> None:
    answer = get(context(), "/ai/status")
    assert answer["queue"]["waiting"] == 3
    assert answer["queue"]["counted"] == {"MR": 2}
    assert answer["queue"]["lastError"]["code"] == "DEADLINE_EXCEEDED"
    assert answer["model"]["code"] == "MODEL_MISSING"
    assert answer["orthancVersion"] == "1.12.7"


def test_the_configured_models_card_has_its_state_and_others_have_none() -> None:
    models = get(context(), "/ai/models")
    with_state = [card["name"] for card in models["models"] if card["state"]]
    assert with_state == [models["configured"]]
    assert len(models["models"]) > 1


def test_findings_across_the_archive_by_every_filter() -> None:
    archive = Archive(
        [
            image(1, reported({"Mass": 0.9, "Effusion": 0.4}, notes=(Code.VIEW_NOT_STATED,))),
            image(2, reported({"Mass": 0.3}, demonstration=True, model="phantom")),
        ]
    )

    def labels(**query: str) -> list[tuple[str, float]]:
        answer = get(context(archive), "/ai/findings", **query)
        return [(finding["label"], finding["score"]) for finding in answer["findings"]]

    assert labels() == [("Mass", 0.3), ("Mass", 0.9), ("Effusion", 0.4)]
    assert labels(label="Mass") == [("Mass", 0.3), ("Mass", 0.9)]
    assert labels(minimum="0.4") == [("Mass", 0.9), ("Effusion", 0.4)]
    assert labels(maximum="0.4") == [("Mass", 0.3), ("Effusion", 0.4)]
    assert labels(presence="present") == [("Mass", 0.9)]
    assert labels(concept="60046008") == [("Effusion", 0.4)]
    assert labels(model="phantom") == [("Mass", 0.3)]
    assert labels(code="VIEW_NOT_STATED") == [("Mass", 0.9), ("Effusion", 0.4)]
    assert labels(patientID="P2") == [("Mass", 0.3)]


def test_next_keeps_the_question() -> None:
    archive = Archive([image(number, reported({"Mass": 0.9})) for number in range(3)])
    answer = get(context(archive), "/ai/findings", label="Mass", limit="2")
    path, _, query = answer["next"].partition("?")
    assert (path, set(query.split("&"))) == ("/ai/findings", {"label=Mass", "limit=2", "cursor=1"})


def test_an_ambiguous_identifier_names_the_candidates() -> None:
    archive = Archive([image(1, SOPInstanceUID="1.9"), image(2, SOPInstanceUID="1.9")])
    with pytest.raises(Problem) as caught:
        get(context(archive), "/ai/instances/1.9/findings")
    assert caught.value.code is Code.AMBIGUOUS_IDENTIFIER
    assert identifier(1) in caught.value.detail
    assert identifier(2) in caught.value.detail


def test_an_asterisk_in_a_patient_id_is_itself() -> None:
    patients = [Resource("patient", identifier(n), {"PatientID": name}, {}) for n, name in enumerate(("A*", "AB"))]
    archive = Archive(patients)
    assert identify(cast(Server, archive), "patient", "A*").identifier == identifier(0)
    levels: tuple[Level, ...] = ("patient", "instance")
    for level in levels:
        with pytest.raises(Problem) as caught:
            identify(cast(Server, archive), level, "*")
        assert caught.value.code is Code.NOT_FOUND


def test_an_instance_that_is_no_xray() -> None:
    archive = Archive([image(1, Modality="MR")])
    with pytest.raises(Problem) as caught:
        get(context(archive), f"/ai/instances/{identifier(1)}/findings")
    assert caught.value.code is Code.NOT_AN_XRAY

"""A wrong value names the field, what was found and what is allowed; a right one arrives."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.settings import SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[2]


def configuration(**ai: Any) -> dict[str, Any]:
    return {"Python": {"AllowThreads": True}, "AI": ai}


@pytest.mark.parametrize(
    ("ai", "field", "found", "allowed"),
    [
        ({"Workers": "two"}, "AI.Workers", "'two'", "valid integer"),
        ({"Workers": 0}, "AI.Workers", "0", "greater than or equal to 1"),
        ({"Engine": "tensorrt"}, "AI.Engine", "'tensorrt'", "'onnx' or 'torch'"),
        ({"Backfill": "yes"}, "AI.Backfill", "'yes'", "since"),
        ({"Backfill": "since:2024-02-30"}, "AI.Backfill", "since:2024-02-30", "day"),
        ({"XRay": {"UnstatedBodyPart": "maybe"}}, "AI.XRay.UnstatedBodyPart", "'maybe'", "'analyze' or 'skip'"),
        ({"XRay": {"Thresholds": {"Mass": 1.5}}}, "AI.XRay.Thresholds.Mass", "1.5", "less than or equal to 1"),
        ({"XRay": {"ReportTitle": {"CodeValue": "126000"}}}, "AI.XRay.ReportTitle.CodeValue", "126000", "126003"),
        ({"Sources": {"RemoteAET": "ROOM1"}}, "AI.Sources.RemoteAET", "'ROOM1'", "list"),
        ({"CardiacCT": {"Words": ["heart("]}}, "AI.CardiacCT.Words", "heart(", "regular expression"),
        ({"Modell": "phantom"}, "AI.Modell", "no such field", "docs/configuration.md"),
    ],
)
def test_wrong_value_is_explained(ai: dict[str, Any], field: str, found: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(configuration(**ai))
    message = str(error.value)
    assert message.startswith(field + ":")
    assert found in message
    assert allowed in message


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(configuration(Workers=0, Engine="x"))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize("python", [{}, {"AllowThreads": False}, {"AllowThreads": "true"}])
def test_without_threads_the_plugin_refuses(python: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="AllowThreads"):
        read_settings({"Python": python, "AI": {}})


def test_the_product_configuration_is_valid() -> None:
    text = re.sub(r"^\s*//.*$", "", (ROOT / "orthanc.json").read_text(), flags=re.MULTILINE)
    product = json.loads(text)
    assert (product["ExecuteLuaEnabled"], product["RestApiWriteToFileSystemEnabled"]) == (False, False)
    settings = read_settings(product)
    assert settings.model == "densenet121-res224-all", "the product is configured for the model of record"
    assert settings.backfill == "none"


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"RegisteredUsers": {"alice": "1", "bob": "2"}}, True),
        ({"RegisteredUsers": {"bob": "2"}}, False),
        ({}, False),
        ({"Authorization": {"WebService": "http://127.0.0.1:9/"}}, True),
    ],
)
def test_operators_are_registered_users(options: dict[str, Any], accepted: bool) -> None:
    given = {**configuration(Operators=["alice"]), "AuthenticationEnabled": True, **options}
    if accepted:
        assert read_settings(given).operators == ["alice"]
    else:
        with pytest.raises(SettingsError, match=r"AI.Operators: found \['alice'\]; allowed: .*RegisteredUsers"):
            read_settings(given)


def test_readers_are_registered_users_or_all_of_them() -> None:
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"bob": "2"}}
    assert read_settings({**configuration(Readers=["bob", "*"]), **users}).readers == ["bob", "*"]
    with pytest.raises(SettingsError, match=r"AI.Readers: found \['alice'\]; allowed: .*RegisteredUsers"):
        read_settings({**configuration(Readers=["alice"]), **users})


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"RegisteredUsers": {"bob": "2"}}, True),
        ({"RegisteredUsers": {"bob": "2"}, "AuthenticationEnabled": True}, True),
        ({"RegisteredUsers": {"bob": "2"}, "AuthenticationEnabled": False}, False),
        ({"RegisteredUsers": {}, "AuthenticationEnabled": True}, False),
        ({}, False),
        ({"AuthenticationEnabled": False, "Authorization": {}}, True),
    ],
)
def test_others_are_let_in_only_if_they_say_who_they_are(options: dict[str, Any], accepted: bool) -> None:
    """Orthanc turns authentication on by itself if remote access is allowed and nothing else is said."""
    given = {**configuration(), "RemoteAccessAllowed": True, **options}
    if accepted:
        read_settings(given)
    else:
        with pytest.raises(SettingsError, match="RegisteredUsers"):
            read_settings(given)

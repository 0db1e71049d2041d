"""An X-ray gives the labels that its rules say, and rules that cannot be meant are refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.models.card import load_card
from orthanc_ai.outcomes import Outcome
from orthanc_ai.settings import AI, SettingsError, TriageRule, read_settings
from orthanc_ai.triage.rules import check_rules, labels_by

from ..sending.reading import outcome

MODELS = Path(__file__).resolve().parents[3] / "models"

URGENT = {"Label": "urgent", "Findings": ["Pneumothorax", "Mass"]}


def labels(rule: dict[str, Any], read: Outcome, metadata: dict[str, str] | None = None, view: str = "PA") -> set[str]:
    return set(labels_by([TriageRule.model_validate(rule)], read, metadata or {}, {"ViewPosition": view}))


@pytest.mark.parametrize(
    ("rule", "scores", "fits"),
    [
        (URGENT, {"Mass": 0.5, "Pneumothorax": 0.1}, True),
        (URGENT, {"Mass": 0.499999, "Pneumothorax": 0.1}, False),
        (URGENT, {"Nodule": 0.9}, False),
        (URGENT | {"Threshold": 0.8}, {"Mass": 0.7}, False),
        (URGENT | {"Threshold": 0.2}, {"Mass": 0.3}, True),
        (URGENT, {}, False),
    ],
)
def test_a_finding_at_or_above_its_threshold_gives_the_label(
    rule: dict[str, Any], scores: dict[str, float], fits: bool
) -> None:
    assert labels(rule, outcome(scores)) == ({"urgent"} if fits else set())


def test_a_demonstration_gives_a_label_only_where_a_rule_says_so() -> None:
    read = outcome({"Mass": 0.9}, demonstration=True)
    assert labels(URGENT, read) == set()
    assert labels(URGENT | {"Demonstration": True}, read) == {"urgent"}


def test_sender_model_and_view_limit_a_rule() -> None:
    rule = URGENT | {"Sources": {"RemoteAET": ["ER_DX"]}, "Models": ["densenet121-res224-all"], "Views": ["AP"]}
    read = outcome({"Mass": 0.9})
    assert labels(rule, read, {"RemoteAET": "ER_DX"}, "AP") == {"urgent"}
    assert labels(rule, read, {"RemoteAET": "ER_DX"}, "PA") == set()
    assert labels(rule, read, {"RemoteAET": "WARD"}, "AP") == set()
    assert labels(rule, outcome({"Mass": 0.9}, model="other"), {"RemoteAET": "ER_DX"}, "AP") == set()


@pytest.mark.parametrize(
    ("ratio", "fits"),
    [
        ({"code": "MEASURED", "value": 0.56}, True),
        ({"code": "MEASURED", "value": 0.55}, False),
        ({"code": "HEART_UNCERTAIN", "value": 0.7}, False),
        ({"code": "MEASURED"}, False),
    ],
)
def test_a_measured_ratio_above_the_limit_gives_the_label(ratio: dict[str, Any], fits: bool) -> None:
    read = outcome({})
    measured = Outcome(read.code, "", model=read.model, data={"demonstration": False, "ratio": ratio})
    assert labels({"Label": "large-heart", "CardiothoracicRatioAbove": 0.55}, measured) == (
        {"large-heart"} if fits else set()
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["demonstration", "findings", "ratio"]), JSON))
def test_spoiled_outcomes_give_no_label(data: dict[str, Any]) -> None:
    """Anybody who may write to Orthanc may edit metadata."""
    found = labels(URGENT, Outcome(outcome().code, "", data=data))
    assert found == set()


def settings(**ai: Any) -> AI:
    return read_settings({"Python": {"AllowThreads": True}, "AI": ai})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Findings": ["Mass"]}, ["AI.Triage.0.Label", "found nothing"]),
        ({"Label": "two words", "Findings": ["Mass"]}, ["AI.Triage.0.Label", "'two words'", "A-Za-z0-9_-"]),
        ({"Label": "x"}, ["AI.Triage.0", "one of Findings and CardiothoracicRatioAbove"]),
        ({"Label": "x", "Findings": ["Mass"], "CardiothoracicRatioAbove": 0.5}, ["AI.Triage.0", "one of Findings"]),
        ({"Label": "x", "CardiothoracicRatioAbove": 0.5, "Threshold": 0.5}, ["AI.Triage.0", "Threshold"]),
        ({"Label": "x", "Findings": ["Mass"], "Threshold": 2}, ["AI.Triage.0.Threshold", "2"]),
        ({"Label": "x", "Findings": ["Mass"], "Views": ["LL"]}, ["AI.Triage.0.Views.0", "'LL'", "'PA' or 'AP'"]),
        ({"Label": "cardiac-ct", "Findings": ["Mass"]}, ["AI", "'cardiac-ct' is the label of AI.CardiacCT"]),
    ],
)
def test_a_rule_that_cannot_be_meant_is_explained(rule: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        settings(Triage=[rule])
    for word in words:
        assert word in str(error.value)


def test_findings_that_no_model_looks_for_are_all_named() -> None:
    unknown = settings(
        Triage=[{"Label": "x", "Findings": ["Mass", "mass"]}, {"Label": "y", "Findings": ["Mass"], "Models": ["none"]}],
        SendTo={"Modalities": [{"Name": "pacs", "Findings": ["Broken arm"]}]},
    )
    with pytest.raises(SettingsError) as error:
        check_rules(unknown, lambda name: load_card(MODELS, name))
    first, second, third = str(error.value).splitlines()
    assert first.startswith("AI.Triage.0.Findings: found 'mass'; allowed: what densenet121-res224-all looks for (")
    assert second.startswith("AI.Triage.1.Models: found 'none'; allowed: names of model cards")
    assert third.startswith("AI.SendTo.Modalities.0.Findings: found 'Broken arm'")


def test_rules_for_what_the_model_looks_for_are_let_through() -> None:
    ai = settings(
        Triage=[URGENT, {"Label": "x", "Findings": ["Mass"], "Models": ["phantom", "densenet121-res224-all"]}]
    )
    check_rules(ai, lambda name: load_card(MODELS, name))

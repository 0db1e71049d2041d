"""Outcomes put into words."""

import json

import pytest

from orthanc_ai.api.cards import Cards
from orthanc_ai.api.reading import findings_of, outcome_of, read_image
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import XRAY_METADATA, Outcome
from orthanc_ai.server import Resource

from .examples import ROOT, image, reported

CARDS = Cards(ROOT / "models")


def test_a_read_image_has_its_findings_with_their_concepts() -> None:
    answer = read_image(image(1, reported({"Effusion": 0.7, "Mass": 0.2})), CARDS, "the-report")
    assert [(one.label, one.presence) for one in answer.findings] == [("Effusion", "present"), ("Mass", "absent")]
    assert answer.findings[0].concept is not None
    assert tuple(answer.findings[0].concept.model_dump().values()) == ("60046008", "SCT", "Pleural effusion")
    assert answer.findings[0].site is not None
    assert answer.findings[0].site.meaning == "Pleura"
    assert (answer.code, answer.settled, answer.demonstration, answer.warning) == (Code.REPORTED, True, False, None)
    assert answer.report is not None
    assert answer.report.instance_id == "the-report"
    assert answer.viewer == "/ohif/viewer?StudyInstanceUIDs=1.2.5.1"


def test_a_demonstration_model_decides_nothing_and_says_so() -> None:
    outcome = reported({"Mass": 0.9}, demonstration=True)
    answer = read_image(image(1, outcome), CARDS, None)
    assert answer.findings[0].presence is None
    assert answer.demonstration
    assert "Not for diagnosis" in (answer.warning or "")


def test_within_the_band_nothing_is_decided() -> None:
    data = {"findings": [{"label": "Mass", "score": 0.5, "threshold": 0.5, "presence": None}], "demonstration": False}
    [finding] = findings_of(reported({}, data=data), CARDS)
    assert finding.presence == "undetermined"


def test_an_image_without_outcome_is_not_settled() -> None:
    answer = read_image(image(1), CARDS, None, "why not")
    assert (answer.code, answer.settled, answer.detail) == (Code.NOT_ANALYZED_YET, False, "why not")


def test_a_held_image_is_not_settled_and_a_refused_one_is() -> None:
    held = Outcome(Code.HELD, "", detail="MODEL_MISSING", model="m")
    assert read_image(image(1, held), CARDS, None).settled is False
    assert read_image(image(1, Outcome(Code.LATERAL_VIEW, "r")), CARDS, None).settled is True


def test_a_model_whose_card_is_gone_leaves_the_scores() -> None:
    [finding] = findings_of(reported({"Mass": 0.5}, model="no-such-model"), CARDS)
    assert (finding.score, finding.concept, finding.site) == (0.5, None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"code":"FLU","recipe":"","at":""}', '"x"', "null", '{"code":[]}'])
def test_spoiled_metadata_is_no_outcome(text: str) -> None:
    resource = Resource("instance", "i", {}, {XRAY_METADATA: text})
    assert outcome_of(resource, XRAY_METADATA) is None
    answer = read_image(resource, CARDS, None)
    assert answer.code is Code.NOT_ANALYZED_YET
    assert "cannot be read" in answer.detail


@pytest.mark.parametrize("findings", [None, 3, [3], [{"label": "Mass"}], [{"label": 1, "score": "x"}]])
def test_spoiled_findings_are_none(findings: object) -> None:
    outcome = reported({}, data={"findings": findings})
    assert findings_of(Outcome.from_text(json.dumps(json.loads(outcome.to_text()))), CARDS) == []

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from orthanc_ai.models.card import load_card, with_thresholds
from orthanc_ai.xray.classify import classify

MODELS = Path(__file__).resolve().parents[3] / "models"
CARD = load_card(MODELS, "densenet121-res224-all")
SPARSE = load_card(MODELS, "densenet121-res224-rsna")


def test_every_output_becomes_a_finding_with_its_code() -> None:
    scores = np.linspace(0, 1, 18, dtype=np.float32)
    findings = classify(CARD, scores)
    assert [finding.label for finding in findings] == [output.label for output in CARD.outputs]
    assert [finding.score for finding in findings] == pytest.approx(scores.tolist())
    cardiomegaly = findings[10]
    assert cardiomegaly.concept == ("8186001", "SCT", "Cardiomegaly")
    assert cardiomegaly.site == ("80891009", "SCT", "Heart")


def test_unnamed_outputs_are_left_out() -> None:
    scores = np.zeros(18, np.float32)
    scores[8], scores[16] = 0.9, 0.2
    assert [(finding.label, finding.presence) for finding in classify(SPARSE, scores)] == [
        ("Pneumonia", True),
        ("Lung Opacity", False),
    ]


def test_thresholds_and_the_undetermined_band() -> None:
    card = with_thresholds(CARD, {"Atelectasis": 0.7})
    scores = np.full(18, 0.65, np.float32)
    assert [finding.presence for finding in classify(card, scores)[:2]] == [False, True]
    assert [finding.presence for finding in classify(card, scores, band=0.1)[:2]] == [None, True]
    assert [finding.presence for finding in classify(card, scores, band=0.2)[:2]] == [None, None]


def test_a_score_on_the_threshold_is_present() -> None:
    assert classify(CARD, np.full(18, 0.5, np.float32))[0].presence is True


def test_a_demonstration_model_decides_nothing() -> None:
    demonstration = dataclasses.replace(CARD, demonstration=True)
    findings = classify(demonstration, np.ones(18, np.float32))
    assert {finding.presence for finding in findings} == {None}
    assert findings[0].score == 1


@pytest.mark.parametrize("scores", [np.zeros(17), np.zeros((1, 18)), np.full(18, np.nan), np.full(18, 1.1)])
def test_scores_that_cannot_be(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueError, match="score"):
        classify(CARD, scores.astype(np.float32))

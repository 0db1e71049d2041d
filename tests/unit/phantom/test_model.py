"""The committed demonstration model finds what phantoms that it has never seen show."""

import hashlib
import json

import numpy as np
import pytest

from orthanc_ai.models.card import load_card
from phantom.chest import LABELS, draw_chest
from phantom.dataset import SEEDS, make_sample
from phantom.evaluate import MODEL, PAGE, SERVING_SIZE, auc, markdown_table
from phantom.network import load_network, predict

COUNT = 60
FIRST_SEED = SEEDS["test"] + 10_000  # beyond the test set's own
REQUIRED = ("Cardiomegaly", "Effusion", "Pneumothorax", "Consolidation", "Mass")
"""Held to an AUC of 0.90 on the test set of 500; on fewer phantoms the area scatters, so here to a little less."""
REQUIRED_AUC, SCATTER = 0.90, 0.06


@pytest.fixture(scope="module")
def scored() -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.float32]], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
]:
    samples = [make_sample(seed) for seed in range(FIRST_SEED, FIRST_SEED + COUNT)]
    scores = predict(load_network(MODEL / "weights.npz"), np.stack([sample.image for sample in samples]), SERVING_SIZE)
    return scores, np.stack([sample.labels for sample in samples])


@pytest.mark.parametrize("label", REQUIRED)
def test_area_under_the_curve(label: str, scored: tuple[np.ndarray, np.ndarray]) -> None:  # type: ignore[type-arg]
    scores, truth = scored
    index = LABELS.index(label)
    assert auc(scores[:, index], truth[:, index]) > REQUIRED_AUC - SCATTER


def test_scores_are_probabilities_that_differ(scored: tuple[np.ndarray, np.ndarray]) -> None:  # type: ignore[type-arg]
    scores, _ = scored
    assert scores.min() > 0
    assert scores.max() < 1
    assert (scores.std(axis=0) > 0.02).all()


def test_card_weights_and_evaluation_belong_together() -> None:
    card = load_card(MODEL.parent, "phantom")
    weights = MODEL / card.weights.file
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card.weights.sha256
    assert weights.stat().st_size <= 16 * 2**20
    evaluation = json.loads((MODEL / "evaluation.json").read_text())
    assert evaluation["test"]["phantoms"] == 500
    assert {output.label: output.threshold for output in card.outputs} == {
        label: row["threshold"] for label, row in evaluation["findings"].items()
    }
    for label in REQUIRED:
        assert evaluation["findings"][label]["auc"] >= REQUIRED_AUC


def test_every_output_is_a_finding_that_the_phantom_builds() -> None:
    shown = {label for seed in range(300) for label in draw_chest(seed).labels}
    assert {output.label for output in load_card(MODEL.parent, "phantom").outputs} == shown


def test_page_shows_the_evaluation() -> None:
    assert markdown_table(json.loads((MODEL / "evaluation.json").read_text())) in PAGE.read_text()

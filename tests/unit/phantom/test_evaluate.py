"""Measures with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom.evaluate import area, auc, compact_json, put_into_page, roc, youden_threshold

TRUTH = np.array([False, False, True, True])


@pytest.mark.parametrize(
    ("score", "expected"),
    [([0.1, 0.2, 0.8, 0.9], 1.0), ([0.9, 0.8, 0.2, 0.1], 0.0), ([0.1, 0.4, 0.35, 0.8], 0.75), ([0.5] * 4, 0.5)],
)
def test_auc_of_known_cases(score: list[float], expected: float) -> None:
    assert auc(np.array(score), TRUTH) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    score, truth = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs])
    if truth.all() or not truth.any():
        assert np.isnan(auc(score, truth))
        return
    difference = score[truth][:, None] - score[~truth][None]
    assert auc(score, truth) == pytest.approx(((difference > 0) + 0.5 * (difference == 0)).mean())


def test_interval_holds_the_area_and_is_the_same_each_time() -> None:
    generator = np.random.default_rng(3)
    truth = generator.random(300) < 0.3
    score = truth + generator.normal(0, 1, 300)
    found = area(score, truth)
    assert found == area(score, truth)
    assert found.low < found.value < found.high
    assert found.high - found.low < 0.15
    assert found.positives == truth.sum()


def test_threshold_parts_what_can_be_parted() -> None:
    score = np.array([0.1, 0.2, 0.8, 0.9])
    assert 0.2 < youden_threshold(score, TRUTH) <= 0.8


def test_roc_climbs_from_strict_to_lenient() -> None:
    generator = np.random.default_rng(3)
    false_rate, true_rate, threshold = roc(generator.random(50), generator.random(50) < 0.5)
    assert (np.diff(false_rate) >= 0).all()
    assert (np.diff(true_rate) >= 0).all()
    assert (np.diff(threshold) <= 0).all()
    assert false_rate[-1] == true_rate[-1] == 1


def test_compact_json_is_the_same_json_on_fewer_lines() -> None:
    value = {"a": {"auc_95": [0.1, 0.2], "name": "x [1, 2]"}, "roc": [[0.0, 1.0], [0.5]], "none": None}
    text = compact_json(value)
    assert json.loads(text) == value
    assert '"auc_95": [ 0.1, 0.2 ],' in text


def test_table_is_put_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- evaluation -->\nold\n<!-- end of evaluation -->\nafter\n")
    for _ in range(2):
        put_into_page(page, "new\n")
    assert page.read_text() == "before\n<!-- evaluation -->\nnew\n<!-- end of evaluation -->\nafter\n"

"""What is drawn from a seed and what can be asked for."""

import tomllib
from pathlib import Path

import pytest

from phantom.chest.body import draw_body
from phantom.chest.findings import DERIVED, LABELS, NOT_SHOWN, PREVALENCE, draw_chest
from phantom.chest.lungs import inner_width

FINDINGS = Path(__file__).parents[4] / "models" / "findings.toml"


def test_same_seed_same_chest() -> None:
    assert draw_chest(5) == draw_chest(5)
    assert draw_chest(5) != draw_chest(6)


def test_findings_leave_the_body_alone() -> None:
    assert draw_chest(5, ["Mass"]).body == draw_chest(5, []).body == draw_body(5)


def test_a_finding_is_the_same_with_and_without_another() -> None:
    assert draw_chest(5, ["Nodule"]).find("Nodule") == draw_chest(5, ["Effusion", "Nodule"]).find("Nodule")


def test_every_label_of_the_table_is_shown_or_explained() -> None:
    table = tomllib.loads(FINDINGS.read_text())
    assert set(LABELS) | set(NOT_SHOWN) == set(table)
    assert not set(LABELS) & set(NOT_SHOWN)
    assert set(LABELS) == set(PREVALENCE) | set(DERIVED)


def test_derived_labels_follow_their_parts() -> None:
    assert draw_chest(1, ["Nodule"]).labels == {"Nodule", "Lung Lesion", "Lung Opacity"}
    assert draw_chest(1, ["Effusion"]).labels == {"Effusion"}
    assert draw_chest(1, []).labels == frozenset()


def test_drawn_phantoms_have_healthy_ones_and_every_finding_at_every_grade() -> None:
    chests = [draw_chest(seed) for seed in range(400)]
    assert 0.1 < sum(not chest.findings for chest in chests) / 400 < 0.3
    for label in PREVALENCE:
        grades = [finding.grade for chest in chests if (finding := chest.find(label))]
        assert len(grades) >= 16, label
        assert min(grades) < 0.25, label
        assert max(grades) > 0.75, label


def test_grade_can_be_asked_for() -> None:
    finding = draw_chest(3, {"Nodule": 0.5}).find("Nodule")
    assert finding is not None
    assert finding.grade == 0.5
    assert finding.size_mm == pytest.approx(19.5)


@pytest.mark.parametrize("label", ["Pneumonia", "Lung Opacity", "nodule", ""])
def test_what_is_not_built_is_refused_by_name(label: str) -> None:
    with pytest.raises(ValueError, match="does not build"):
        draw_chest(0, [label])


@pytest.mark.parametrize("grade", [-0.1, 1.1])
def test_grade_out_of_range_is_refused(grade: float) -> None:
    with pytest.raises(ValueError, match="grades run from 0 to 1"):
        draw_chest(0, {"Mass": grade})


def test_cardiomegaly_is_a_ratio_above_one_half() -> None:
    for seed in range(40):
        assert draw_chest(seed, []).cardiothoracic_ratio < 0.5
        assert draw_chest(seed, ["Cardiomegaly"]).cardiothoracic_ratio > 0.51


def test_thorax_has_a_human_width() -> None:
    for seed in range(40):
        assert 200 < inner_width(*draw_chest(seed).lungs) < 350

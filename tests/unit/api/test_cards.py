"""Looking up what a label means."""

from pathlib import Path

from orthanc_ai.api.cards import Cards

from .examples import MODEL, ROOT


def test_labels_of_a_model_have_concepts() -> None:
    output = Cards(ROOT / "models").output(MODEL, "Cardiomegaly")
    assert output is not None
    assert output.finding == ("8186001", "SCT", "Cardiomegaly")


def test_unknown_models_and_labels_mean_nothing() -> None:
    cards = Cards(ROOT / "models")
    assert cards.output("no-such-model", "Mass") is None
    assert cards.output(MODEL, "Flu") is None
    assert cards.card("../models/" + MODEL) is None


def test_a_broken_card_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.toml").write_text("format = 99")
    cards = Cards(tmp_path)
    assert cards.names() == ("broken",)
    assert cards.card("broken") is None

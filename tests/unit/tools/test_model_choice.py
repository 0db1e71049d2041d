from pathlib import Path

import pytest

from tools.model_choice import DEMONSTRATION, READY, UNAVAILABLE, ModelChoiceError, choose, prepare_model

RECORD = "densenet121-res224-all"


class Preparing:
    """Stands in for the preparation: which models can be had, and which were asked for."""

    def __init__(self, *available: str) -> None:
        self.available = available
        self.asked: list[str] = []

    def __call__(self, model: str, _data: Path) -> int:
        self.asked.append(model)
        return READY if model in self.available else UNAVAILABLE


def test_with_network_the_model_of_record_is_taken_and_kept(tmp_path: Path) -> None:
    assert choose("", RECORD, tmp_path, Preparing(RECORD, DEMONSTRATION)) == RECORD
    assert choose("", RECORD, tmp_path, Preparing(DEMONSTRATION)) == RECORD


def test_without_network_the_demonstration_is_taken_loudly_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose("", RECORD, tmp_path, Preparing(DEMONSTRATION)) == DEMONSTRATION
    assert "NOT FOR DIAGNOSIS" in capsys.readouterr().out
    later = Preparing(RECORD, DEMONSTRATION)
    assert choose("", RECORD, tmp_path, later) == DEMONSTRATION
    assert later.asked == [DEMONSTRATION]


def test_a_model_that_was_asked_for_is_never_replaced(tmp_path: Path) -> None:
    assert choose("", RECORD, tmp_path, Preparing(DEMONSTRATION)) == DEMONSTRATION
    assert choose(RECORD, RECORD, tmp_path, Preparing(DEMONSTRATION)) == RECORD
    assert choose("", RECORD, tmp_path, Preparing(DEMONSTRATION)) == RECORD


def test_refused_weights_stop_the_start_and_choose_nothing(tmp_path: Path) -> None:
    def refuse(_model: str, _data: Path) -> int:
        raise ModelChoiceError("tampered")

    with pytest.raises(ModelChoiceError, match="tampered"):
        choose("", RECORD, tmp_path, refuse)
    assert not (tmp_path / "model").exists()


def test_an_unknown_model_is_refused_by_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelChoiceError, match="densenet999"):
        prepare_model("densenet999", tmp_path)
    assert RECORD in capfd.readouterr().out

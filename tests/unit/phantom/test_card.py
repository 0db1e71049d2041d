"""The demonstration model's card says what the server's loader wants to hear."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from orthanc_ai.models.card import load_card
from phantom.card import card_text
from phantom.chest import LABELS, NOT_SHOWN

MODELS = Path(__file__).parents[3] / "models"


def evaluation() -> dict[str, Any]:
    row = {"auc": 0.95, "auc_95": [0.9, 0.97], "threshold": 0.25}
    return {
        "test": {"phantoms": 500},
        "validation": {"phantoms": 800},
        "findings": {label: {**row, "threshold": (index + 1) / 100} for index, label in enumerate(LABELS)},
    }


def test_card_loads_and_promises_a_demonstration_only(tmp_path: Path) -> None:
    folder = tmp_path / "phantom"
    folder.mkdir()
    shutil.copy(MODELS / "findings.toml", tmp_path)
    weights = folder / "weights.npz"
    weights.write_bytes(b"weights")
    (folder / "model.toml").write_text(card_text(evaluation(), weights, "3", 224))
    card = load_card(tmp_path, "phantom")
    assert card.demonstration
    assert "not for diagnosis" in card.intended_use.text
    assert card.input_size == 224
    assert card.weights.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert [output.label for output in card.outputs] == list(LABELS)
    assert [output.index for output in card.outputs] == list(range(len(LABELS)))
    assert [output.threshold for output in card.outputs] == [(i + 1) / 100 for i in range(len(LABELS))]
    assert {output.operating_point for output in card.outputs} == {0.5}
    assert not {output.label for output in card.outputs} & set(NOT_SHOWN)

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.files import sha256_of
from orthanc_ai.models.card import with_thresholds
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.prepared import PREPARED_FILE, Prepared, load_prepared, save_prepared
from tests.unit.networks import MODELS, NAME, card


@pytest.fixture
def ready(tmp_path: Path) -> Prepared:
    folder = tmp_path / NAME
    folder.mkdir()
    onnx, weights = folder / "x.onnx", folder / "weights.pt"
    onnx.write_bytes(b"a network")
    weights.write_bytes(b"its weights")
    prepared = Prepared(card(), sha256_of(weights), weights, onnx, sha256_of(onnx), {"torch": "2"})
    save_prepared(prepared, tmp_path)
    return prepared


def refusal(cache: Path) -> Code:
    with pytest.raises(ModelError) as caught:
        load_prepared(card(), cache)
    return caught.value.code


def test_what_is_saved_is_found(ready: Prepared, tmp_path: Path) -> None:
    assert load_prepared(card(), tmp_path) == ready


def test_the_cache_may_be_moved(ready: Prepared, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    ready.onnx.parent.rename(moved / NAME)
    found = load_prepared(card(), moved)
    assert found.onnx.read_bytes() == b"a network"
    assert found.weights.read_bytes() == b"its weights"


def test_thresholds_need_no_new_export(ready: Prepared, tmp_path: Path) -> None:
    changed = with_thresholds(card(), {"Mass": 0.9})
    assert load_prepared(changed, tmp_path).card == changed
    assert load_prepared(changed, tmp_path).onnx == ready.onnx


def test_another_network_needs_a_new_export(ready: Prepared, tmp_path: Path) -> None:
    outputs = [dataclasses.replace(output, operating_point=0.3) for output in card().outputs]
    with pytest.raises(ModelError, match="prepared anew") as caught:
        load_prepared(dataclasses.replace(card(), outputs=tuple(outputs)), tmp_path)
    assert caught.value.code is Code.MODEL_MISSING
    assert ready.onnx.exists()


def test_nothing_prepared(tmp_path: Path) -> None:
    assert refusal(tmp_path) is Code.MODEL_MISSING


def test_an_export_that_is_gone(ready: Prepared, tmp_path: Path) -> None:
    ready.onnx.unlink()
    assert refusal(tmp_path) is Code.MODEL_MISSING


def test_an_export_that_was_changed(ready: Prepared, tmp_path: Path) -> None:
    ready.onnx.write_bytes(b"another network")
    assert refusal(tmp_path) is Code.MODEL_TAMPERED


@pytest.mark.parametrize("note", ["", "{}", "[1]", '{"card": 5}'])
def test_a_note_that_cannot_be_read(ready: Prepared, tmp_path: Path, note: str) -> None:
    (ready.onnx.parent / PREPARED_FILE).write_text(note)
    assert refusal(tmp_path) is Code.MODEL_INVALID


def test_the_server_and_its_workers_get_by_without_torch() -> None:
    script = (
        "import sys, orthanc_ai.models.prepared, orthanc_ai.models.engine, orthanc_ai.models.prepare,"
        " orthanc_ai.xray.pixels, orthanc_ai.xray.select, orthanc_ai.xray.classify\n"
        "assert not {'torch', 'torchxrayvision', 'skimage', 'pickle5', 'orthanc'} & set(sys.modules), sorted(sys.modules)"
    )
    path = str(MODELS.parent / "plugin")
    subprocess.run([sys.executable, "-c", script], check=True, env={"PYTHONPATH": path}, timeout=60)

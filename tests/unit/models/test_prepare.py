"""From a weights file of the real form to an exported network, and what is refused on the way."""

import dataclasses
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orthanc_ai.codes import Code
from orthanc_ai.files import sha256_of
from orthanc_ai.models.card import CARD_FILE, FINDINGS_FILE, ModelCard, load_card
from orthanc_ai.models.engine import OnnxEngine
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.prepare import main, prepare
from orthanc_ai.models.prepared import Prepared, load_prepared
from orthanc_ai.models.weights import LOCK_FILE, locked_digest
from tests.unit.networks import MODELS, NAME, card, films, prepared, reference, scratch, weights_file

from .mirror import Manner, mirror


class Burglar:
    """A pickle that leaves a trace when it is opened."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self._trace),))


def refusal(cache: Path, **options: Any) -> Code:
    with pytest.raises(ModelError) as caught:
        prepare(card(), MODELS, cache, **options)
    return caught.value.code


def copied(ready: Prepared, cache: Path) -> Path:
    """A cache of its own with a prepared model; its folder."""
    shutil.copytree(ready.onnx.parent, cache / NAME)
    return cache / NAME


def test_the_command_fetches_checks_exports_and_then_needs_no_network(tmp_path: Path) -> None:
    with mirror(weights_file().read_bytes()) as address:
        command = [sys.executable, "-m", "orthanc_ai.models.prepare", NAME, "--models", str(MODELS)]
        command += ["--cache", str(tmp_path), "--timeout", "120", "--mirror", address]
        environment = {"PYTHONPATH": str(MODELS.parent / "plugin"), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        run = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].startswith(f"{NAME} is ready: ")
    assert "not what a third party states" in run.stdout
    ready = load_prepared(card(), tmp_path)
    assert ready.weights_digest == sha256_of(weights_file()) == locked_digest(tmp_path / NAME)
    assert set(ready.versions) == {"torch", "torchxrayvision", "onnx", "onnxruntime"}
    # TorchXRayVision's own cache in the home folder is not used.
    assert not (tmp_path / ".torchxrayvision").exists()
    images = films(2, seed=5)
    with torch.inference_mode():
        wanted = reference()(torch.from_numpy(images)).numpy()
    assert np.abs(OnnxEngine(ready).scores(images) - wanted).max() < 1e-4
    # The mirror is gone by now.
    assert prepare(card(), MODELS, tmp_path, mirror=address) == ready


@pytest.mark.parametrize("manner", ["cut without length", "sign-in page"])
def test_a_file_that_is_no_model_is_neither_kept_nor_locked(tmp_path: Path, manner: Manner) -> None:
    with mirror(weights_file().read_bytes(), manner) as address:
        assert refusal(tmp_path, mirror=address) is Code.MODEL_INVALID
    assert [entry.name for entry in (tmp_path / NAME).iterdir()] == [".in-use"]


def test_a_changed_weights_file_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    folder = copied(prepared(), tmp_path / "cache")
    (folder / "prepared.json").unlink()
    trace = tmp_path / "trace"
    torch.save(Burglar(trace), folder / card().weights.file)
    assert refusal(tmp_path / "cache") is Code.MODEL_TAMPERED
    assert not trace.exists()
    # Not a vain check: unlocked, it would have been opened.
    (folder / LOCK_FILE).unlink()
    assert refusal(tmp_path / "cache") is Code.MODEL_INVALID
    assert trace.exists()


def test_a_mirror_cannot_change_locked_weights(tmp_path: Path) -> None:
    folder = copied(prepared(), tmp_path / "cache")
    (folder / "prepared.json").unlink()
    (folder / card().weights.file).unlink()
    trace = tmp_path / "trace"
    torch.save(Burglar(trace), tmp_path / "bad.pt")
    with mirror((tmp_path / "bad.pt").read_bytes()) as address:
        assert refusal(tmp_path / "cache", mirror=address) is Code.MODEL_TAMPERED
    assert not trace.exists()


def test_a_changed_export_is_refused(tmp_path: Path) -> None:
    folder = copied(prepared(), tmp_path)
    (folder / prepared().onnx.name).write_bytes(b"")
    assert refusal(tmp_path) is Code.MODEL_TAMPERED


def test_leftovers_of_a_killed_run_are_swept_up(tmp_path: Path) -> None:
    folder = copied(prepared(), tmp_path)
    (folder / ".fetch.killed").mkdir()
    (folder / ".fetch.killed" / "half").write_bytes(b"half")
    (folder / ".x.onnx.killed").write_bytes(b"half")
    prepare(card(), MODELS, tmp_path)
    assert [entry.name for entry in folder.glob(".*")] == [".in-use"]


def test_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--models", str(MODELS), "--cache", str(tmp_path)]
    with mirror(b"", "not found") as address:
        assert main([NAME, *options, "--mirror", address]) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("MODEL_MISSING: ")
    assert main(["no-such-model", *options]) == 5
    assert capsys.readouterr().out.splitlines()[-1].startswith("MODEL_INVALID: ")
    (copied(prepared(), tmp_path / "changed") / prepared().onnx.name).write_bytes(b"")
    assert main([NAME, "--models", str(MODELS), "--cache", str(tmp_path / "changed")]) == 4
    assert capsys.readouterr().out.splitlines()[-1].startswith("MODEL_TAMPERED: ")


def test_a_card_that_tells_another_story_than_the_library(tmp_path: Path) -> None:
    outputs = (dataclasses.replace(card().outputs[0], operating_point=0.3), *card().outputs[1:])
    with pytest.raises(ModelError, match="differ about the model") as caught:
        prepare(dataclasses.replace(card(), outputs=outputs), MODELS, tmp_path, weights_file=weights_file())
    assert caught.value.code is Code.MODEL_INVALID


# ---- Weights beside the card -----------------------------------------------------------------------------------


@functools.cache
def arrays_file() -> Path:
    """The network of `reference` as plain arrays, in 16 bits where they suffice."""
    file = scratch() / "weights.npz"
    arrays = {
        name: value.numpy().astype(np.float32 if name.endswith("running_var") else np.float16)
        for name, value in reference().state_dict().items()
        if not name.endswith("num_batches_tracked") and name != "op_threshs"
    }
    np.savez(file, **arrays)
    return file


@pytest.fixture
def embedded(tmp_path: Path) -> ModelCard:
    """A card whose weights lie beside it, with three of 18 outputs."""
    folder = tmp_path / "models" / "embedded"
    folder.mkdir(parents=True)
    shutil.copy(arrays_file(), folder / "weights.npz")
    shutil.copy(MODELS / FINDINGS_FILE, tmp_path / "models")
    return described(tmp_path / "models")


def described(models: Path) -> ModelCard:
    text = (MODELS / NAME / CARD_FILE).read_text()
    head, *outputs = text.split("[[outputs]]")
    weights = (
        f'[weights]\nloader = "arrays"\nfile = "weights.npz"\nsha256 = "{sha256_of(models / "embedded/weights.npz")}"\n'
    )
    head = head[: head.index("[weights]")] + weights + head[head.index("\n[intended_use]") :]
    head = head.replace("demonstration = false", "demonstration = true")
    (models / "embedded" / CARD_FILE).write_text("[[outputs]]".join([head, *outputs[:3]]))
    return load_card(models, "embedded")


def test_embedded_weights(embedded: ModelCard, tmp_path: Path) -> None:
    ready = prepare(embedded, tmp_path / "models", tmp_path / "cache")
    assert ready.weights == tmp_path / "models" / "embedded" / "weights.npz"
    assert ready.weights_digest == embedded.weights.sha256
    images = films(2, seed=6)
    scores = OnnxEngine(ready).scores(images)
    with torch.inference_mode():
        logits = reference().classifier(reference().features2(torch.from_numpy(images)))
        wanted = torch.sigmoid(logits).numpy()
        offered = reference()(torch.from_numpy(images)).numpy()
    # 16-bit weights; outputs that the card does not offer are plain sigmoids.
    assert np.abs(scores[:, :3] - offered[:, :3]).max() < 0.02
    assert np.abs(scores[:, 3:] - wanted[:, 3:]).max() < 0.02
    assert load_prepared(embedded, tmp_path / "cache") == ready


def test_embedded_weights_that_were_changed(embedded: ModelCard, tmp_path: Path) -> None:
    file = tmp_path / "models" / "embedded" / "weights.npz"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelError) as caught:
        prepare(embedded, tmp_path / "models", tmp_path / "cache")
    assert caught.value.code is Code.MODEL_TAMPERED
    file.unlink()
    with pytest.raises(ModelError) as missing:
        prepare(embedded, tmp_path / "models", tmp_path / "cache")
    assert missing.value.code is Code.MODEL_MISSING


def test_embedded_weights_are_never_unpickled(embedded: ModelCard, tmp_path: Path) -> None:
    folder, trace = tmp_path / "models" / "embedded", tmp_path / "trace"
    np.savez(folder / "weights.npz", burglar=np.array([Burglar(trace)], dtype=object))
    with pytest.raises(ModelError) as caught:
        prepare(described(tmp_path / "models"), tmp_path / "models", tmp_path / "cache")
    assert caught.value.code is Code.MODEL_INVALID
    assert not trace.exists()
    assert embedded.weights.file == "weights.npz"
    assert (folder / "weights.npz").exists()


def test_embedded_weights_that_overflowed(embedded: ModelCard, tmp_path: Path) -> None:
    file = tmp_path / "models" / "embedded" / "weights.npz"
    np.savez(file, some=np.array([np.inf], np.float16))
    with pytest.raises(ModelError, match="not finite"):
        prepare(described(tmp_path / "models"), tmp_path / "models", tmp_path / "cache")
    assert embedded.demonstration


def test_embedded_weights_of_another_network(embedded: ModelCard, tmp_path: Path) -> None:
    np.savez(tmp_path / "models" / "embedded" / "weights.npz", some=np.zeros(3, np.float16))
    with pytest.raises(ModelError, match="missing") as caught:
        prepare(described(tmp_path / "models"), tmp_path / "models", tmp_path / "cache")
    assert caught.value.code is Code.MODEL_INVALID
    assert embedded.demonstration

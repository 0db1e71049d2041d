import dataclasses
from pathlib import Path

import numpy as np
import pytest

from orthanc_ai.codes import Code
from orthanc_ai.models.engine import EngineName, OnnxEngine, TorchEngine, load_engine
from orthanc_ai.models.errors import ModelError
from tests.unit.networks import engine, films, prepared, reference


def test_engines_agree() -> None:
    images = films(2, seed=3)
    torch_engine = load_engine(prepared(), "torch")
    assert isinstance(torch_engine, TorchEngine)
    assert np.abs(torch_engine.scores(images) - engine().scores(images)).max() < 1e-4
    scores, features = engine().scores_and_features(images)
    torch_scores, torch_features = torch_engine.scores_and_features(images)
    assert features.shape == (2, 1024, 7, 7)
    assert features.dtype == scores.dtype == np.float32
    assert np.abs(scores - torch_scores).max() < 1e-4
    assert np.abs(features - torch_features).max() / torch_features.max() < 1e-4


@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_activations_sum_to_the_scores(name: EngineName) -> None:
    """The mean of a map and the classifier's bias are the logit of the sigmoid, which operating points then scale."""
    images = films(2, seed=5)
    scores, activations = load_engine(prepared(), name).scores_and_activations(images)
    assert activations.shape == (2, 18, prepared().card.grid_side, prepared().card.grid_side)
    assert scores.dtype == activations.dtype == np.float32
    assert np.ptp(scores, axis=0).max() > 0.1
    assert np.abs(scores - engine().scores(images)).max() < 1e-4
    logits = activations.astype(np.float64).mean((2, 3)) + reference().classifier.bias.detach().numpy()
    sigmoid, points = 1 / (1 + np.exp(-logits)), reference().op_threshs.numpy()
    wanted = np.where(sigmoid < points, sigmoid / (2 * points), 1 - (1 - sigmoid) / (2 * (1 - points)))
    assert np.abs(scores - wanted).max() < 1e-4


@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_no_engine_takes_the_processors_for_a_gpu(name: EngineName) -> None:
    """The libraries that the product brings along are built without CUDA; either would go on without it."""
    with pytest.raises(ModelError, match="without CUDA") as caught:
        load_engine(prepared(), name, device="cuda")
    assert caught.value.code is Code.DEVICE_MISSING


def test_a_batch_is_its_images_one_by_one() -> None:
    images = films(3, seed=4)
    together = engine().scores(images)
    assert together.shape == (3, 18)
    assert np.ptp(together, axis=0).max() > 0.1
    for image, scores in zip(images, together, strict=True):
        assert np.abs(engine().scores(image[np.newaxis])[0] - scores).max() < 1e-4


@pytest.mark.parametrize(
    "batch", [np.zeros((1, 1, 200, 224), np.float32), np.zeros((1, 224, 224), np.float32), np.zeros((1, 1, 224, 224))]
)
def test_what_is_no_batch(batch: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    with pytest.raises(ValueError, match="a batch has shape"):
        engine().scores(batch)


def test_changed_files_are_refused_by_the_worker_too(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    with pytest.raises(ModelError) as caught:
        OnnxEngine(dataclasses.replace(prepared(), onnx=other))
    assert caught.value.code is Code.MODEL_TAMPERED
    with pytest.raises(ModelError) as caught:
        TorchEngine(dataclasses.replace(prepared(), weights=other))
    assert caught.value.code is Code.MODEL_TAMPERED

"""The demonstration network's weights: 16 bits, no pickle, the same answers."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from phantom.network import LARGEST_VARIANCE, load_network, load_weights, make_network, predict, save_weights, tame_stem


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """A network whose first statistics are as large as training with inputs of +-1024 makes them."""
    torch.manual_seed(1)
    network = make_network(3)
    weights = dict(network.state_dict())
    channels = len(weights["features.norm0.running_var"])
    weights["features.norm0.running_var"] = torch.linspace(1e3, 3e6, channels)
    weights["features.norm0.running_mean"] = torch.linspace(-2e3, 2e3, channels)
    return weights


def scores(weights: dict[str, torch.Tensor], images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> torch.Tensor:
    network = make_network(3)
    network.load_state_dict(weights)
    return torch.from_numpy(predict(network, images, 64))


def test_tamed_stem_gives_the_same_scores(state: dict[str, torch.Tensor]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 64), np.uint8)
    tame = tame_stem(state)
    assert float(tame["features.norm0.running_var"].max()) <= LARGEST_VARIANCE
    assert torch.allclose(scores(state, images), scores(tame, images), atol=1e-5)


def test_saved_weights_come_back_within_16_bits(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    file = tmp_path / "weights.npz"
    save_weights(state, file)
    back = load_weights(file)
    assert back.keys() == state.keys()
    for key, tensor in tame_stem(state).items():
        assert torch.allclose(back[key].float(), tensor.float(), rtol=1e-3, atol=1e-6), key
    assert all(name.endswith(".npy") for name in zipfile.ZipFile(file).namelist())
    assert not load_network(file).training


def test_weights_that_do_not_fit_are_refused(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    large = {**state, "classifier.bias": torch.tensor([1.0, 1e6, 0.0])}
    with pytest.raises(ValueError, match=r"classifier\.bias"):
        save_weights(large, tmp_path / "weights.npz")


def test_pickled_arrays_are_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "weights.npz"
    np.savez(file, evil=np.array([{"a": 1}], dtype=object))  # what allow_pickle would run
    with pytest.raises(ValueError, match="allow_pickle"):
        load_weights(file)

"""The demonstration network: TorchXRayVision's DenseNet-121, and its weights as 16-bit numbers without a pickle."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

# TorchXRayVision's input range for an image between black and white.
INPUT_RANGE = 1024.0
# Half-precision floats end at 65,504.
LARGEST_VARIANCE = 20_000.0


def make_network(outputs: int) -> Any:
    """TorchXRayVision's DenseNet-121 without weights; its forward pass gives logits."""
    import torchxrayvision

    return torchxrayvision.models.DenseNet(
        num_classes=outputs,
        in_channels=1,
        growth_rate=32,
        block_config=(6, 12, 24, 16),
        num_init_features=64,
        weights=None,
        op_threshs=None,
        apply_sigmoid=False,
    )


def tame_stem(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same network with a first layer whose statistics fit into 16 bits.

    Inputs of +-1024 make the variances behind the first convolution too large for 16-bit floats. The normalisation
    that follows divides by them, so weights, means and (squared) variances may be divided by one power of two.
    """
    tame = dict(state)
    variance = float(state["features.norm0.running_var"].max())
    factor = 2.0 ** max(0, math.ceil(math.log2(variance / LARGEST_VARIANCE) / 2))
    tame["features.conv0.weight"] = state["features.conv0.weight"] / factor
    tame["features.norm0.running_mean"] = state["features.norm0.running_mean"] / factor
    tame["features.norm0.running_var"] = state["features.norm0.running_var"] / factor**2
    return tame


def save_weights(state: dict[str, torch.Tensor], path: Path) -> None:
    """Writes a state dict as 16-bit floats (counters as they are) to an .npz file.

    Raises
    ------
    ValueError
        A weight does not fit into 16 bits.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for key, tensor in tame_stem(state).items():
        array = tensor.detach().cpu().numpy()
        if array.dtype == np.float32:
            if not np.abs(array).max(initial=0) <= np.finfo(np.float16).max:
                raise ValueError(f"{key} does not fit into 16 bits")
            array = array.astype(np.float16)
        arrays[key] = array
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Reads what `save_weights` wrote, as 32-bit floats; nothing is unpickled."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return {
        key: torch.from_numpy(array.astype(np.float32) if array.dtype == np.float16 else array.copy())
        for key, array in arrays.items()
    }


def load_network(path: Path) -> Any:
    """The network with weights from `save_weights`, for inference; it gives logits."""
    state = load_weights(path)
    network = make_network(len(state["classifier.bias"]))
    network.load_state_dict(state)
    return network.eval()


def predict(network: Any, images: NDArray[np.uint8], size: int, batch: int = 25) -> NDArray[np.float32]:
    """Scores between 0 and 1 of grey images.

    Parameters
    ----------
    images : uint8 array of shape (n, rows, columns)
        Square.
    size : int
        Side that they are resized to.

    Returns
    -------
    float32 array of shape (n, outputs)
    """
    network.eval()
    scores = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            part = torch.from_numpy(images[start : start + batch].astype(np.float32))[:, None] / 255
            part = functional.interpolate(part, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
            features = network.features((part * 2 - 1) * INPUT_RANGE)
            scores.append(torch.sigmoid(network.classifier(functional.relu(features).mean((2, 3)))).numpy())
    return np.concatenate(scores)

"""Export of a torch network to ONNX, checked against torch before it is used."""

import hashlib
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from ..codes import Code
from ..files import write_atomically
from .card import ModelCard
from .errors import ModelError
from .network import PoolingFirst, WithActivations
from .prepared import Preparable, Prepared, network_digest

OPSET = 17
"""Of ONNX, for all that is exported."""

# Largest difference of a score from torch's, a twentieth of what is promised between the two; it is 1e-6 as a rule, and
# more for networks that react sharply. Of a feature or an activation, relative to the largest.
_SCORE_TOLERANCE = 1e-4
_MAP_TOLERANCE = 1e-4
_OUTPUTS = ["scores", "features", "activations"]
_LIBRARIES = ("torch", "torchxrayvision", "onnx", "onnxruntime")


def export(card: ModelCard, network: nn.Module, weights: Path, weights_digest: str, cache: Path) -> Prepared:
    """Export a network as ``<cache>/<name>/<digest>.onnx``.

    Parameters
    ----------
    network
        In evaluation mode, as `network.load_network` gives it; `weights` and `weights_digest` say what it came from.

    Raises
    ------
    ModelError
        ``MODEL_INVALID`` if the exported network does not answer as torch does.
    """
    content = _to_onnx(card, network)
    _check(card, network, content)
    return kept(card, weights, weights_digest, cache, content)


def kept[C: Preparable](card: C, weights: Path, weights_digest: str, cache: Path, content: bytes) -> Prepared[C]:
    """Write an exported network that was found to be right into the cache."""
    identity = hashlib.sha256(f"{weights_digest} {network_digest(card)}".encode()).hexdigest()
    file = cache / card.name / f"{identity}.onnx"
    write_atomically(file, content)
    versions = {library: version(library) for library in _LIBRARIES}
    return Prepared(card, weights_digest, weights, file, hashlib.sha256(content).hexdigest(), versions)


def _to_onnx(card: ModelCard, network: nn.Module) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            PoolingFirst(card, network).eval(),
            (torch.zeros(1, 1, card.input_size, card.input_size),),
            file,
            input_names=["image"],
            output_names=_OUTPUTS,
            dynamic_axes={name: {0: "batch"} for name in ("image", *_OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
        content = file.read_bytes()
    onnx.checker.check_model(onnx.load_model_from_string(content))
    return content


def _check(card: ModelCard, network: nn.Module, content: bytes) -> None:
    """Compare with TorchXRayVision's own forward pass on random images, together and one by one."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    size = card.input_size
    coarse = np.random.default_rng(0).uniform(-1024, 1024, (2, 1, size // 8 + 1, size // 8 + 1))
    images = coarse.repeat(8, axis=2).repeat(8, axis=3)[..., :size, :size].astype(np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(images)).numpy()
        wanted_maps = [found.numpy() for found in WithActivations(card, network)(torch.from_numpy(images))[1:]]
    for part in (slice(0, 2), slice(0, 1), slice(1, 2)):
        scores, *maps = session.run(_OUTPUTS, {"image": images[part]})
        difference = float(np.abs(scores - wanted[part]).max())
        of_maps = [
            float(np.abs(found - right[part]).max() / np.abs(right).max())
            for found, right in zip(maps, wanted_maps, strict=True)
        ]
        # Negated, so that NaN does not pass.
        if not (difference <= _SCORE_TOLERANCE and all(each <= _MAP_TOLERANCE for each in of_maps)):
            message = f"the export of {card.name} differs from torch by {difference:g} in scores"
            raise ModelError(
                Code.MODEL_INVALID, f"{message}, {of_maps[0]:g} in features, {of_maps[1]:g} in activations"
            )

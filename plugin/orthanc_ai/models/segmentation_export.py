"""TorchXRayVision's segmentation network, loaded by its own code and exported to ONNX.

Only the process that prepares models imports this module.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torchxrayvision.baseline_models import chestx_det

from ..codes import Code
from .errors import ModelError
from .export import OPSET, kept
from .prepared import Prepared
from .segmentation_card import STRUCTURES, SegmentationCard
from .weights import private_copy

# Largest difference of a probability from torch's.
_TOLERANCE = 1e-3


def load_segmentation_network(card: SegmentationCard, weights: Path, digest: str) -> nn.Module:
    """TorchXRayVision's network in evaluation mode, on the CPU.

    Parameters
    ----------
    weights, digest
        The weights file, and the SHA-256 (hex) that it must have.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``, or ``MODEL_INVALID`` if the file does not hold what the card promises.
    """
    if tuple(chestx_det.PSPNet.targets) != card.structures:
        message = f"the card {card.name} and the installed TorchXRayVision differ about the structures"
        raise ModelError(Code.MODEL_INVALID, message)
    with private_copy(weights, digest) as copy:
        try:
            network: nn.Module = chestx_det.PSPNet(cache_dir=str(copy.parent)).eval()
        except Exception as error:  # a file that somebody else made
            raise ModelError(Code.MODEL_INVALID, f"{weights} cannot be loaded: {error}") from error
        return network


class Probabilities(nn.Module):
    """The network with what its callers have to do before and behind it, for the structures that are used.

    Maps images (n, 1, size, size), from -1024 to 1024, to probabilities (n, 3, size, size).
    """

    network: Any  # nn.Module gives attributes no type
    normalize: Any

    def __init__(self, card: SegmentationCard, network: Any) -> None:
        super().__init__()
        self.network = network.model
        self.normalize = network.transform
        self._places = [card.structures.index(name) for name in STRUCTURES]

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        images = self.normalize((image.repeat(1, 3, 1, 1) + 1024) / 2048)
        return torch.sigmoid(self.network(images)[:, self._places])


def export_segmentation(
    card: SegmentationCard, network: nn.Module, weights: Path, weights_digest: str, cache: Path
) -> Prepared[SegmentationCard]:
    """Export a network as ``<cache>/<name>/<digest>.onnx``, see `export.export`.

    Raises
    ------
    ModelError
        ``MODEL_INVALID`` if the exported network does not answer as torch does.
    """
    module = Probabilities(card, network).eval()
    size = card.input_size
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            module,
            (torch.zeros(1, 1, size, size),),
            file,
            input_names=["image"],
            output_names=["probabilities"],
            opset_version=OPSET,
            dynamo=False,
        )
        content = file.read_bytes()
    onnx.checker.check_model(onnx.load_model_from_string(content))
    _check(card, module, content)
    return kept(card, weights, weights_digest, cache, content)


def _check(card: SegmentationCard, module: nn.Module, content: bytes) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    size = card.input_size
    coarse = np.random.default_rng(0).uniform(-1024, 1024, (1, 1, size // 8, size // 8))
    image = coarse.repeat(8, axis=2).repeat(8, axis=3).astype(np.float32)
    with torch.inference_mode():
        wanted = module(torch.from_numpy(image)).numpy()
    (found,) = session.run(["probabilities"], {"image": image})
    difference = float(np.abs(found - wanted).max())
    # Negated, so that NaN does not pass.
    if not difference <= _TOLERANCE:
        message = f"the export of {card.name} differs from torch by {difference:g} in probabilities"
        raise ModelError(Code.MODEL_INVALID, message)

"""Networks in torch: built and loaded by TorchXRayVision's own code.

Only processes that prepare a model, and workers with ``Engine: torch``, import this module.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchxrayvision
from torch import Tensor, nn
from torch.nn import functional

from ..codes import Code
from .card import ModelCard
from .errors import ModelError
from .weights import private_copy


def load_network(card: ModelCard, weights: Path, digest: str) -> nn.Module:
    """The network of a card in evaluation mode, on the CPU; it maps (n, 1, size, size) to (n, outputs) scores.

    Parameters
    ----------
    weights, digest
        The weights file, and the SHA-256 (hex) that it must have; it is checked before anything is unpickled.

    Raises
    ------
    ModelError
        ``MODEL_TAMPERED``, or ``MODEL_INVALID`` if the file does not hold what the card promises.
    """
    with private_copy(weights, digest) as copy:
        load = _from_torchxrayvision if card.weights.loader == "torchxrayvision" else _from_arrays
        try:
            return load(card, copy).eval()
        except ModelError:
            raise
        except Exception as error:  # unpickling raises whatever it likes
            raise ModelError(Code.MODEL_INVALID, f"{weights} cannot be loaded: {error}") from error


class WithActivations(nn.Module):
    """The forward pass of a TorchXRayVision network in a form that exports well, with feature map and class activations.

    The features are those right before global average pooling: (n, channels, size / 32, size / 32), not negative. A
    class activation map (Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016) is their sum
    weighted by the classifier's row of the class, so that its mean and the classifier's bias are the class's logit.
    """

    network: Any  # nn.Module gives attributes no type
    operating_points: Tensor

    def __init__(self, card: ModelCard, network: Any) -> None:
        super().__init__()
        self._dense = card.architecture == "densenet121"
        self.network = network
        self.register_buffer("operating_points", network.op_threshs.clone())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores (n, outputs), features, and class activations (n, outputs, size / 32, size / 32)."""
        features = self._dense_features(image) if self._dense else self._residual_features(image)
        pooled = features.mean(dim=(2, 3))
        classifier = self.network.classifier if self._dense else self.network.model.fc
        sigmoid = torch.sigmoid(classifier(pooled))
        points = self.operating_points
        below = sigmoid / (2 * points)
        above = 1 - (1 - sigmoid) / (2 * (1 - points))
        scores = torch.where(sigmoid < points, below, above)
        scores = torch.where(torch.isnan(points), torch.full_like(scores, 0.5), scores)
        return scores, features, functional.conv2d(features, classifier.weight[:, :, None, None])

    def _dense_features(self, image: Tensor) -> Tensor:
        return torch.relu(self.network.features(image))

    def _residual_features(self, image: Tensor) -> Tensor:
        model = self.network.model
        x = model.maxpool(model.relu(model.bn1(model.conv1(image))))
        features: Tensor = model.layer4(model.layer3(model.layer2(model.layer1(x))))
        return features


class PoolingFirst(WithActivations):
    """The same with less work for a DenseNet: between its blocks, pixels are averaged before the 1 x 1 convolution.

    A convolution of single pixels and a mean over pixels may change places, and behind the mean a quarter of the pixels
    is left. This spares 8 % of the whole network's multiplications; sums are rounded in another order.
    """

    def _dense_features(self, image: Tensor) -> Tensor:
        x = image
        for name, part in self.network.features.named_children():
            transition = name.startswith("transition")
            x = part.conv(part.pool(part.relu(part.norm(x)))) if transition else part(x)
        return torch.relu(x)


def _from_torchxrayvision(card: ModelCard, weights: Path) -> nn.Module:
    _check_against_library(card)
    network: nn.Module = torchxrayvision.models.get_model(card.name, cache_dir=str(weights.parent))
    return network


def _check_against_library(card: ModelCard) -> None:
    """Refuse a card that tells another story about a model than TorchXRayVision's own table."""
    entry = torchxrayvision.models.model_urls.get(card.name)
    if entry is None:
        raise ModelError(Code.MODEL_INVALID, f"TorchXRayVision has no weights called {card.name}")
    labels, points = entry["labels"], entry["op_threshs"]
    agrees = (
        entry["weights_url"].rsplit("/", 1)[-1] == card.weights.file
        and entry["input_resolution"] == card.input_size
        and len(labels) == card.network_outputs
        and all(labels[output.index] == output.label for output in card.outputs)
        and all(points[output.index] == output.operating_point for output in card.outputs)
    )
    if not agrees:
        message = f"the card {card.name} and the installed TorchXRayVision differ about the model; one has changed"
        raise ModelError(Code.MODEL_INVALID, message)


def _from_arrays(card: ModelCard, weights: Path) -> nn.Module:
    # An operating point of 0.5 leaves the sigmoid as it is, for outputs that the card does not offer.
    points = torch.full((card.network_outputs,), 0.5)
    for output in card.outputs:
        points[output.index] = output.operating_point
    network = torchxrayvision.models.DenseNet(num_classes=card.network_outputs, op_threshs=points)
    with np.load(weights, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
    # Variances of a first layer that sees values of 1024 can be more than 16 bits hold.
    if not all(bool(torch.isfinite(array).all()) for array in state.values()):
        raise ModelError(Code.MODEL_INVALID, f"{weights.name} holds values that are not finite")
    state["op_threshs"] = points
    missing, unexpected = network.load_state_dict(state, strict=False)
    # Counters of training; of no use in evaluation mode.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ModelError(Code.MODEL_INVALID, f"{weights.name}: missing {missing}, unexpected {unexpected}")
    return network  # type: ignore[no-any-return]

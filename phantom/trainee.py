"""The network while it is trained: it also learns on the way where each finding lies."""

import copy

import torch
from torch import nn
from torch.nn import functional

from phantom.network import make_network

# A finding covers a small part of its map, so what is marked weighs more than what is not.
MAP_POSITIVE_WEIGHT = 4.0
# The weights that are kept are a running mean over about this many steps.
AVERAGE_STEPS = 150


class Trainee(nn.Module):
    """The network with readers of its maps at strides 8 and 16.

    Attributes
    ----------
    network : torchxrayvision.models.DenseNet
    """

    def __init__(self, outputs: int, maps: int) -> None:
        super().__init__()
        self.network = make_network(outputs)
        # The channels of DenseNet-121 after its second and third dense block.
        self.read_fine = nn.Sequential(nn.BatchNorm2d(512), nn.ReLU(), nn.Conv2d(512, maps, 1))
        self.read_coarse = nn.Sequential(nn.BatchNorm2d(1024), nn.ReLU(), nn.Conv2d(1024, maps, 1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of labels, and of the maps at strides 8 and 16."""
        fine = coarse = features = images
        for name, layer in self.network.features.named_children():
            features = layer(features)
            if name == "denseblock2":
                fine = features
            elif name == "denseblock3":
                coarse = features
        pooled = functional.relu(features).mean((2, 3))
        return self.network.classifier(pooled), self.read_fine(fine), self.read_coarse(coarse)


def map_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross entropy of a map's logits with what it should show."""
    weight = torch.tensor(MAP_POSITIVE_WEIGHT)
    return functional.binary_cross_entropy_with_logits(logits.float(), target, pos_weight=weight)


class Average:
    """A running mean of a network's weights and statistics; steadier than the last step.

    Attributes
    ----------
    network : torch.nn.Module
        The mean.
    steps : int
        How many steps are in it; it remembers fewer steps at first.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.steps = 0

    def add(self, network: nn.Module) -> None:
        """Takes in the weights after a step."""
        self.steps += 1
        share = max(1 / AVERAGE_STEPS, 10 / (self.steps + 10))
        with torch.no_grad():
            pairs = zip(self.network.state_dict().values(), network.state_dict().values(), strict=True)
            for mean, current in pairs:
                if mean.dtype.is_floating_point:
                    mean.lerp_(current, share)
                else:
                    mean.copy_(current)

    def forget(self, network: nn.Module) -> None:
        """Begins again from these weights: images of another size have other statistics."""
        self.network.load_state_dict(network.state_dict())
        self.steps = 0

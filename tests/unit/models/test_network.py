from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import torchxrayvision as xrv

from orthanc_ai.files import sha256_of
from orthanc_ai.models.network import WithActivations, load_network
from tests.unit.networks import card, films, reference


def test_scores_are_those_of_torchxrayvisions_forward_pass() -> None:
    images = torch.from_numpy(films(2, seed=7))
    with torch.inference_mode():
        scores, features, _ = WithActivations(card(), reference())(images)
        assert torch.abs(scores - reference()(images)).max() < 1e-6
    assert features.shape == (2, 1024, 7, 7)
    assert features.min() >= 0


def test_the_mean_of_an_activation_map_and_the_bias_are_the_logit() -> None:
    images = torch.from_numpy(films(1, seed=8))
    with torch.inference_mode():
        _, features, maps = WithActivations(card(), reference())(images)
        classifier = reference().classifier
        assert torch.abs(maps - torch.einsum("nchw,oc->nohw", features, classifier.weight)).max() < 1e-3
        logits = maps.mean((2, 3)) + classifier.bias
        assert torch.abs(logits - classifier(reference().features2(images))).max() < 1e-3


def test_the_residual_network_and_its_unusable_outputs(tmp_path: Path) -> None:
    resnet = card("resnet50-res512-all")
    torch.manual_seed(0)
    network = torchvision.models.resnet50(num_classes=18)
    network.conv1 = torch.nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    file = tmp_path / resnet.weights.file
    torch.save(network.state_dict(), file)
    loaded: Any = load_network(resnet, file, sha256_of(file))
    images = torch.from_numpy(films(2, seed=9, size=128))
    with torch.inference_mode():
        scores, features, maps = WithActivations(resnet, loaded)(images)
        logits = loaded.model(images)
        # Its forward pass would resize to 512 pixels first.
        wanted = xrv.models.op_norm(torch.sigmoid(loaded.model(images)), loaded.op_threshs)
    assert torch.abs(scores - wanted).max() < 1e-6
    assert features.shape == (2, 2048, 4, 4)
    assert maps.shape == (2, 18, 4, 4)
    assert torch.abs(maps.mean((2, 3)) + loaded.model.fc.bias - logits).max() / torch.abs(logits).max() < 1e-5
    offered = {output.index for output in resnet.outputs}
    assert {index for index in range(18) if float(scores[0, index]) == pytest.approx(0.5, abs=0)} >= set(
        range(18)
    ) - offered
    assert np.isfinite(scores.numpy()).all()

"""Networks with random weights that react sharply, in files of the form that TorchXRayVision publishes."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchxrayvision as xrv

from orthanc_ai.models.card import ModelCard, load_card
from orthanc_ai.models.engine import OnnxEngine
from orthanc_ai.models.prepare import prepare
from orthanc_ai.models.prepared import Prepared

# Threads that wait for each other are slow on a busy machine.
torch.set_num_threads(1)

MODELS = Path(__file__).resolve().parents[2] / "models"
NAME = "densenet121-res224-all"


def card(name: str = NAME) -> ModelCard:
    return load_card(MODELS, name)


@functools.cache
def scratch() -> Path:
    """A folder for the whole test run."""
    folder = Path(tempfile.mkdtemp(prefix="orthanc-ai-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def weights_file() -> Path:
    """A pickled whole module, as the releases of TorchXRayVision hold it: 18 outputs, no operating points."""
    file = scratch() / card().weights.file
    torch.save(sharp_network(0), file)
    return file


@functools.cache
def prepared() -> Prepared:
    """The network of `weights_file`, exported."""
    return prepare(card(), MODELS, scratch() / "cache", weights_file=weights_file())


@functools.cache
def engine() -> OnnxEngine:
    """ONNX Runtime with the network of `weights_file`."""
    return OnnxEngine(prepared())


@functools.cache
def reference() -> Any:
    """The network of `weights_file`, loaded by TorchXRayVision and nothing else."""
    return xrv.models.DenseNet(weights=NAME, cache_dir=str(weights_file().parent))


def sharp_network(seed: int) -> Any:
    """A DenseNet whose scores spread over 0 to 1 between images that differ a little."""
    torch.manual_seed(seed)
    network = xrv.models.DenseNet(num_classes=18)
    images = torch.from_numpy(films(4, seed))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # statistics of exactly these images
    with torch.no_grad():
        network.train()
        network.features(images)
        network.eval()
        features = torch.relu(network.features(images)).mean((2, 3))
        # Normalised features, mixed at random; the bias puts a typical image at each output's operating point.
        spread = features.std(0) + 1e-3
        network.classifier.weight.copy_(torch.randn(18, features.shape[1]) / spread * 0.04)
        points = torch.tensor(xrv.models.model_urls[NAME]["op_threshs"])
        network.classifier.bias.copy_(torch.logit(points) - network.classifier.weight @ features.mean(0))
    return network


def films(count: int, seed: int, size: int = 224) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Something like chests: two dark fields in a bright body, with noise at several scales."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    images = []
    for _ in range(count):
        width, height, gap = random.uniform(0.25, 0.4), random.uniform(0.5, 0.8), random.uniform(0.35, 0.5)
        lungs = sum(((x - side * gap) / width) ** 2 + (y / height) ** 2 < 1 for side in (-1, 1))
        image = 400.0 - 900.0 * lungs
        for scale in (4, 16, 56):
            cells = random.normal(0, 120, (size // scale + 1, size // scale + 1))
            image += cells.repeat(scale, 0).repeat(scale, 1)[:size, :size]
        images.append(image[np.newaxis])
    return np.clip(np.stack(images), -1024, 1024).astype(np.float32)

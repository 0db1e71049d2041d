"""TorchXRayVision's segmentation network as a model of ours: with random weights, since its own cannot be fetched here."""

import dataclasses
import re
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from scipy import ndimage  # type: ignore[import-untyped]
from torchxrayvision.baseline_models import chestx_det

from orthanc_ai.analyses import XRAY, Task
from orthanc_ai.cardiothoracic.ratio import RatioError
from orthanc_ai.cardiothoracic.segmentation import Segmenter, segmentation_step
from orthanc_ai.codes import Code
from orthanc_ai.files import sha256_of
from orthanc_ai.models.card import card_names
from orthanc_ai.models.errors import CardError, ModelError
from orthanc_ai.models.prepare import prepare
from orthanc_ai.models.prepared import Prepared, load_prepared
from orthanc_ai.models.segmentation_card import SegmentationCard, load_segmentation_card
from orthanc_ai.models.weights import locked_digest
from orthanc_ai.outcomes import Outcome
from orthanc_ai.settings import AI
from orthanc_ai.xray.analysis import RadiographReader
from orthanc_ai.xray.wanted import Wanted
from phantom.dicom import chest_dx
from tests.unit.models.mirror import mirror
from tests.unit.networks import MODELS
from tests.unit.xray.reader import prepared as demonstration

NAME = "chestx-det-pspnet"
SIZE = 64

type Gray = npt.NDArray[np.float32]


# ---- The network ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Iterator[SegmentationCard]:
    """The card, for a network of the same class with one block of each kind and an eighth of the input: much quicker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chestx_det, "pspnet", partial(chestx_det.pspnet, block_config=[1, 1, 1, 1]))
        yield dataclasses.replace(load_segmentation_card(MODELS, NAME), input_size=SIZE)


def image(seed: int, rows: int = SIZE, columns: int = SIZE) -> Gray:
    coarse = np.random.default_rng(seed).random((rows // 8 + 1, columns // 8 + 1))
    return coarse.repeat(8, 0).repeat(8, 1)[:rows, :columns].astype(np.float32)


def answer(network: Any, gray: Gray) -> torch.Tensor:
    """Logits by TorchXRayVision's own steps, but for its resizing."""
    with torch.inference_mode():
        found: torch.Tensor = network(chestx_det_transform(torch.from_numpy(gray)[None, None].repeat(1, 3, 1, 1)))
        return found[0]


def chestx_det_transform(images: torch.Tensor) -> torch.Tensor:
    """Of images from 0 to 1, as its class normalises them: by the means and deviations of ImageNet."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (images - mean[:, None, None]) / deviation[:, None, None]


@pytest.fixture(scope="module")
def ready(small: SegmentationCard, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Prepared[SegmentationCard]]:
    """The network in torch, and prepared from a file of the form that TorchXRayVision publishes."""
    torch.manual_seed(0)
    network = chestx_det.pspnet(len(small.structures)).eval()
    with torch.no_grad():
        # Random weights give nearly the same everywhere: made sharp, and half of a typical image belongs to each structure.
        network.classification.weight *= 1e4
        network.classification.bias -= answer(network, image(0)).median(2).values.median(1).values
    folder = tmp_path_factory.mktemp("pspnet")
    file = folder / small.weights.file
    torch.save({f"module.{name}": value for name, value in network.state_dict().items()}, file)
    prepared = prepare(small, MODELS, folder / "cache", weights_file=file)
    assert prepared.weights_digest == sha256_of(file) == locked_digest(folder / "cache" / NAME)
    assert load_prepared(small, folder / "cache") == prepared
    file.unlink()
    return network, prepared


def test_outlines_are_the_largest_pieces_of_what_torchxrayvision_finds(
    ready: tuple[Any, Prepared[SegmentationCard]],
) -> None:
    network, prepared = ready
    gray = image(1)
    logits = answer(network, gray).numpy()
    found = Segmenter(prepared).outlines(gray, 3)
    lungs = [logits[chestx_det.PSPNet.targets.index(name)] for name in ("Left Lung", "Right Lung")]
    assert found.step == 3
    for mask, several in ((found.heart, [logits[8]]), (found.right_lung, lungs), (found.left_lung, lungs)):
        assert 0.1 < mask.mean() < 0.9
        assert any(np.array_equal(mask, largest(each > 0)) for each in several)
    assert np.nonzero(found.right_lung)[1].mean() < np.nonzero(found.left_lung)[1].mean()


def largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    pieces, _ = ndimage.label(mask)
    counts = np.bincount(pieces.ravel())[1:]
    return np.asarray(pieces == 1 + counts.argmax())


def test_a_changed_export_is_refused(ready: tuple[Any, Prepared[SegmentationCard]], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    with pytest.raises(ModelError) as caught:
        Segmenter(dataclasses.replace(ready[1], onnx=other))
    assert caught.value.code is Code.MODEL_TAMPERED


def test_a_file_that_is_no_such_network(small: SegmentationCard, tmp_path: Path) -> None:
    """Fetched as TorchXRayVision fetches it, from a mirror."""
    file = tmp_path / "weights"
    torch.save({"module.classification.bias": torch.zeros(14)}, file)
    with mirror(file.read_bytes()) as address, pytest.raises(ModelError, match="Missing key") as caught:
        prepare(small, MODELS, tmp_path / "cache", mirror=address)
    assert caught.value.code is Code.MODEL_INVALID
    assert [entry.name for entry in (tmp_path / "cache" / NAME).iterdir()] == [".in-use"]


def test_its_card_is_none_of_a_model_that_scores() -> None:
    card = load_segmentation_card(MODELS, NAME)
    assert card.structures == tuple(chestx_det.PSPNet.targets)
    assert card.input_size == 512
    assert NAME not in card_names(MODELS)
    with pytest.raises(CardError, match="allowed: chestx-det-pspnet"):
        load_segmentation_card(MODELS, "phantom")


# ---- From the network's pixels to the image ------------------------------------------------------------------


def known(folder: Path) -> Prepared[SegmentationCard]:
    """A network whose answer is known: all that is bright is heart; right of the middle a "right lung", left of it a left."""
    right = np.zeros((1, 1, SIZE, SIZE), np.float32)
    right[..., SIZE // 2 :] = 1
    halves = np.concatenate([right, 1 - right, np.ones_like(right)], axis=1)
    nodes = [
        helper.make_node("Add", ["image", "white"], ["positive"]),
        helper.make_node("Div", ["positive", "range"], ["share"]),
        helper.make_node("Mul", ["share", "halves"], ["probabilities"]),
    ]
    constants = {"white": np.float32(1024), "range": np.float32(2048), "halves": halves}
    graph = helper.make_graph(
        nodes,
        "known",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 1, SIZE, SIZE))],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, (1, 3, SIZE, SIZE))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = folder / "known.onnx"
    onnx.save(model, file)
    card = dataclasses.replace(load_segmentation_card(MODELS, NAME), input_size=SIZE)
    return Prepared(card, "5b" * 32, file, file, sha256_of(file), {})


@pytest.mark.parametrize(("rows", "columns"), [(SIZE, SIZE), (150, 120), (120, 150), (151, 129)])
def test_outlines_lie_where_the_structures_do(rows: int, columns: int, tmp_path: Path) -> None:
    y, x = np.mgrid[:rows, :columns] + 0.5
    radius = 0.2 * min(rows, columns)
    centers = [(columns / 2 + side * 0.24 * min(rows, columns), rows / 2) for side in (-1, 1)]
    discs = [np.hypot(x - column, y - row) < radius for column, row in centers]
    gray = (discs[0] | discs[1]).astype(np.float32)
    found = Segmenter(known(tmp_path)).outlines(gray, 2)
    for mask, disc in ((found.right_lung, discs[0]), (found.left_lung, discs[1])):
        assert mask.shape == (rows, columns)
        # Off by less than a pixel of the network along the border.
        assert (mask != disc).sum() < 2 * np.pi * radius * max(1, min(rows, columns) / SIZE)
        for axis in (0, 1):
            assert np.nonzero(mask)[axis].mean() == pytest.approx(np.nonzero(disc)[axis].mean(), abs=0.3)


def test_where_there_is_nothing_the_ratio_is_refused(tmp_path: Path) -> None:
    segmenter = Segmenter(known(tmp_path))
    with pytest.raises(RatioError) as caught:
        segmenter.measure(np.zeros((100, 80), np.float32), 1)
    assert caught.value.code is Code.RATIO_LUNGS_NOT_FOUND


def test_the_cells_are_as_fine_as_the_network_can_use() -> None:
    assert [segmentation_step(*size, 512) for size in ((400, 300), (512, 2000), (2500, 2048), (3000, 2500))] == [
        1,
        1,
        4,
        4,
    ]


# ---- In a reading --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader(ready: tuple[Any, Prepared[SegmentationCard]], tmp_path_factory: pytest.TempPathFactory) -> RadiographReader:
    """Reads radiographs with the demonstration model and the small network."""
    folder = tmp_path_factory.mktemp("reader")
    models, cache = folder / "models", folder / "cache"
    (models / NAME).mkdir(parents=True)
    cache.mkdir()
    described = (MODELS / NAME / "segmentation.toml").read_text()
    (models / NAME / "segmentation.toml").write_text(re.sub(r"input_size = \d+", f"input_size = {SIZE}", described))
    (models / "phantom").symlink_to(MODELS / "phantom")
    (models / "findings.toml").symlink_to(MODELS / "findings.toml")
    (cache / "phantom").symlink_to(demonstration().onnx.parent)
    (cache / NAME).symlink_to(ready[1].onnx.parent)
    settings = {
        "Model": "phantom",
        "ModelsDirectory": models,
        "CacheDirectory": cache,
        "XRay": {"CardiothoracicRatio": "segmentation"},
    }
    return RadiographReader(AI.model_validate(settings))


def film() -> bytes:
    stream = BytesIO()
    chest_dx(3, 640, 512).save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def read(reader: RadiographReader, outliner: str) -> Outcome:
    task = Task(XRAY, film(), "recipe", weights=demonstration().weights_digest, context=Wanted(outliner=outliner))
    return reader.read(task).outcome


def test_a_reading_says_which_network_outlined(
    reader: RadiographReader, ready: tuple[Any, Prepared[SegmentationCard]]
) -> None:
    outcome = read(reader, ready[1].weights_digest)
    assert outcome.code is Code.REPORTED
    # With random weights it may or may not find a heart; it never passes for the classical method.
    ratio = outcome.data["ratio"]
    assert ratio["code"] in (Code.MEASURED, Code.RATIO_LUNGS_NOT_FOUND, Code.RATIO_HEART_BORDER_UNCLEAR)
    if ratio["code"] == Code.MEASURED:
        assert ready[1].weights_digest[:16] in ratio["method"]


@pytest.mark.parametrize("seen", ["0" * 64, ""])
def test_other_weights_than_the_server_has_seen_are_not_used(reader: RadiographReader, seen: str) -> None:
    outcome = read(reader, seen)
    assert (outcome.code, outcome.detail) == (Code.HELD, "MODEL_TAMPERED")

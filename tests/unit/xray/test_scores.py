"""Scores against TorchXRayVision's own pipeline: its reader, its transforms, its network in torch."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torchxrayvision as xrv
from pydicom import dcmread, dcmwrite

from orthanc_ai.xray.pixels import read_radiograph
from tests.expected_outcomes import EXPECTED
from tests.unit.networks import engine, reference

from ..images.builder import radiograph

FILMS = [
    *(name for name in EXPECTED if name.startswith("cxr/")),
    # Not chests, but films that TorchXRayVision reads: more depths, codecs and shapes.
    "negatives/cr_hip_mono2_jpegext.dcm",
    "negatives/cr_tibia_mono1_rle.dcm",
    "negatives/dx_dog_thorax_mono1.dcm",
    "negatives/xa.dcm",
]


def theirs(file: Path, size: int, voi_lut: bool) -> npt.NDArray[np.float32]:
    image = xrv.utils.read_xray_dcm(file, voi_lut=voi_lut)[np.newaxis]
    cropped = xrv.datasets.XRayResizer(size)(xrv.datasets.XRayCenterCrop()(image))
    return np.asarray(cropped, np.float32)


def their_scores(tensor: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return np.asarray(reference()(torch.from_numpy(tensor[np.newaxis])).numpy()[0], np.float32)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("voi_lut", [False, True])
@pytest.mark.parametrize("name", FILMS)
def test_scores_are_torchxrayvisions(
    data: Path, name: str, voi_lut: bool, record_property: Callable[[str, object], None]
) -> None:
    ours = read_radiograph(dcmread(data / name), 224, voi_lut=voi_lut).tensor
    wanted = theirs(data / name, 224, voi_lut)
    assert np.abs(ours - wanted).max() < 0.01
    scores = engine().scores(ours[np.newaxis])[0]
    difference = float(np.abs(scores - their_scores(wanted)).max())
    record_property("score_difference", difference)
    assert difference < 0.002


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILMS[:2])
def test_tensors_of_the_large_input_are_torchxrayvisions(data: Path, name: str) -> None:
    ours = read_radiograph(dcmread(data / name), 512, voi_lut=True).tensor
    assert np.abs(ours - theirs(data / name, 512, True)).max() < 0.01


@pytest.mark.filterwarnings("ignore")
def test_the_network_of_these_tests_reacts_to_small_changes(data: Path) -> None:
    """Otherwise equal scores would say nothing about equal images."""
    tensor = theirs(data / FILMS[0], 224, True)
    before = their_scores(tensor)
    # A hundredth of the brightness; a shift by one pixel.
    assert np.abs(their_scores(tensor * 0.99) - before).max() > 0.01
    assert np.abs(their_scores(np.roll(tensor, 1, axis=2)) - before).max() > 0.02
    assert len(np.unique(before.round(1))) > 4


def test_one_bright_pixel_hardly_changes_scores_and_scaling_by_the_maximum_does() -> None:
    rows = np.random.default_rng(0).integers(500, 1500, (20, 20)).repeat(50, 0).repeat(50, 1).astype(np.uint16)
    spot = rows.copy()
    spot[700, 300] = 65535
    clean, marked = (
        engine().scores(read_radiograph(radiograph(pixels, bits=12), 224).tensor[np.newaxis]) for pixels in (rows, spot)
    )
    assert np.abs(clean - marked).max() < 0.1
    naive = [xrv.datasets.XRayResizer(224)(xrv.utils.normalize(p, p.max())[np.newaxis]) for p in (rows, spot)]
    assert np.abs(their_scores(naive[0]) - their_scores(naive[1])).max() > 0.3


@pytest.mark.filterwarnings("ignore")
def test_a_tenth_of_torchxrayvisions_time(tmp_path: Path) -> None:
    """Of reading, cropping and resizing an uncompressed film of 2500 x 2048 pixels; processor time, the best of five."""
    pixels = np.random.default_rng(0).integers(0, 4096, (2500, 2048)).astype(np.uint16)
    file = tmp_path / "film.dcm"
    film = radiograph(pixels, bits=12, PhotometricInterpretation="MONOCHROME1", WindowCenter=2048, WindowWidth=3000)
    dcmwrite(file, film, enforce_file_format=True)

    def best(action: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            action()
            times.append(time.process_time() - start)
        return min(times)

    ours = best(lambda: read_radiograph(dcmread(file), 224, voi_lut=True))
    assert ours < best(lambda: theirs(file, 224, True)) / 10

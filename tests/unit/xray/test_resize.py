import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchxrayvision.datasets import XRayCenterCrop, XRayResizer

from orthanc_ai.xray.resize import center_crop, resize


@pytest.mark.parametrize("side", [65, 100, 223, 224, 225, 300, 440, 1024, 1841, 2500])
@pytest.mark.parametrize("size", [224, 512])
def test_same_as_torchxrayvision(side: int, size: int) -> None:
    image = np.random.default_rng(side).uniform(-1024, 1024, (side, side)).astype(np.float32)
    image[:3], image[:, -2:] = 1024, -1024
    wanted = XRayResizer(size)(image[np.newaxis])[0]
    assert np.abs(resize(image, size) - wanted).max() < 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(64, 400), st.floats(-3, 3), st.floats(-1000, 1000), st.integers(0, 2**32 - 1))
def test_a_straight_line_commutes_with_resizing(side: int, slope: float, offset: float, seed: int) -> None:
    stored = np.random.default_rng(seed).integers(0, 4096, (side, side)).astype(np.uint16)
    brightness = (slope * stored + offset).astype(np.float32)
    # The edges fade to zero brightness, not to a stored value of zero, and the range is the brightness's own.
    wanted = XRayResizer(224)(brightness[np.newaxis])[0]
    assert np.abs(resize(stored, 224, slope=slope, offset=offset) - wanted).max() < 0.02


@pytest.mark.parametrize(("low", "high"), [(-900, -500), (500, 900)])
def test_an_image_that_is_all_dark_or_all_bright_stays_in_its_range(low: int, high: int) -> None:
    image = np.full((500, 500), low, np.float32)
    image[200:, 200:] = high
    wanted = XRayResizer(224)(image[np.newaxis])[0]
    assert np.abs(resize(image, 224) - wanted).max() < 1e-3
    assert resize(image, 224).min() >= low
    assert resize(image, 224).max() <= high


@given(st.integers(1, 60), st.integers(1, 60))
def test_crop_is_torchxrayvisions(rows: int, columns: int) -> None:
    image = np.arange(rows * columns).reshape(rows, columns)
    assert (center_crop(image) == XRayCenterCrop()(image[np.newaxis])[0]).all()


def test_signed_values() -> None:
    stored = np.random.default_rng(0).integers(-2048, 2048, (300, 300)).astype(np.int16)
    assert np.abs(resize(stored, 224) - resize(stored.astype(np.float32), 224)).max() < 0.01

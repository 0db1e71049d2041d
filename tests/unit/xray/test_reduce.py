from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import FileDataset

from orthanc_ai.xray.pixels import read_radiograph
from orthanc_ai.xray.reduce import block_means

from ..images.builder import radiograph


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), step=st.integers(1, 5), seed=st.integers(0, 99))
def test_each_block_has_its_mean(rows: int, columns: int, step: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(-32768, 32768, (rows, columns)).astype(np.int16)
    small = block_means(image, step)
    assert small.shape == (rows // step, columns // step)
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            block = image[row * step : (row + 1) * step, column * step : (column + 1) * step]
            assert small[row, column] == pytest.approx(block.mean(), abs=0.01)


def halves(dark: int, bright: int, **header: Any) -> FileDataset:
    """Upper half dark, lower half bright, 700 x 300 pixels of 12 bits."""
    pixels = np.full((700, 300), dark, np.uint16)
    pixels[350:] = bright
    return radiograph(pixels, bits=12, **header)


def small(dataset: FileDataset) -> npt.NDArray[np.float32]:
    read = read_radiograph(dataset, 64, step=1)
    assert read.small is not None
    return read.small


def test_the_whole_image_is_there_not_only_its_middle() -> None:
    image = small(halves(0, 4095))
    assert image.shape == (700, 300)
    assert image[:350].max() == 0
    assert image[350:].min() == 1


def test_monochrome1_is_turned_over() -> None:
    image = small(halves(0, 4095, PhotometricInterpretation="MONOCHROME1"))
    assert image[:350].min() == 1
    assert image[350:].max() == 0


def test_an_overlay_in_the_high_bits_is_no_brightness() -> None:
    dataset = halves(0, 4095)
    pixels = np.frombuffer(dataset.PixelData, "<u2").copy()
    pixels[::2] |= 1 << 15
    dataset.PixelData = pixels.tobytes()
    dataset.add_new(0x60000102, "US", 15)  # Overlay Bit Position, retired
    image = small(dataset)
    assert image[:350].max() == 0
    assert image[350:].min() == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("step", [1, 3, 7, 50])
def test_the_rest_of_a_film_with_an_overlay_is_reduced_as_without(step: int) -> None:
    """Whatever its height has in common with that of the blocks."""
    shades = np.random.default_rng(0).integers(0, 4096, (331, 70)).astype(np.uint16)
    shades[0, :2] = 0, 4095
    plain = radiograph(shades, bits=12)
    with_overlay = radiograph(shades, bits=12)
    with_overlay.PixelData = (shades | (np.arange(70, dtype=np.uint16) % 2 << 15)).tobytes()
    with_overlay.add_new(0x60000102, "US", 15)  # Overlay Bit Position, retired
    first, second = (read_radiograph(each, 64, step=step).small for each in (plain, with_overlay))
    assert first is not None
    assert second is not None
    assert first.shape == second.shape == (331 // step, 70 // step)
    assert second == pytest.approx(first, abs=0.001)


def test_nobody_pays_for_what_nobody_wants() -> None:
    assert read_radiograph(halves(0, 4095), 64).small is None

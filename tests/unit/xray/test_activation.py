"""From the cells of a model's last feature map to places in the whole image."""

import base64

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orthanc_ai.xray.activation import Activation, Box, class_activations, crop_box, encode, peak, upsample
from orthanc_ai.xray.pixels import read_radiograph
from orthanc_ai.xray.resize import center_crop
from tests.unit.images.builder import radiograph
from tests.unit.networks import card

SIDE = 7
SIZES = st.integers(64, 400)


@given(rows=SIZES, columns=SIZES)
def test_the_box_is_what_the_model_is_given(rows: int, columns: int) -> None:
    image = np.arange(rows * columns).reshape(rows, columns)
    box = crop_box(rows, columns)
    assert np.array_equal(image[box.top :, box.left :][: box.height, : box.width], center_crop(image))


@given(rows=st.integers(150, 400), columns=st.integers(150, 400), row=st.integers(0, 6), column=st.integers(0, 6))
@example(rows=401, columns=300, row=0, column=6)
@example(rows=300, columns=401, row=6, column=0)
def test_what_is_bright_in_a_cell_of_the_image_is_so_in_the_models_cell_and_back(
    rows: int, columns: int, row: int, column: int
) -> None:
    """With a network whose activation is known: the mean brightness of what it is given of each cell."""
    box = crop_box(rows, columns)
    middle = box.left + (column + 0.5) / SIDE * box.width, box.top + (row + 0.5) / SIDE * box.height
    y, x = np.mgrid[:rows, :columns] + 0.5
    pixels = np.where(np.hypot(x - middle[0], y - middle[1]) < 0.35 * box.width / SIDE, 4000, 100).astype(np.uint16)
    seen = read_radiograph(radiograph(pixels, bits=12), 224).tensor[0]
    known = seen.reshape(SIDE, 32, SIDE, 32).mean((1, 3), dtype=np.float64).astype(np.float32)
    found = Activation(known - known.min(), box)
    assert np.hypot(*np.subtract(peak(found), middle)) < 1e-6
    full = upsample(found.grid, box, rows, columns)
    # Level from an outermost cell's middle to the edge, so there are several largest pixels; the first is beside the middle.
    brightest = np.argwhere(full == full.max()) + 0.5
    assert np.abs(brightest - (middle[1], middle[0])).max(1).min() <= 1


@given(side=st.integers(2, 16), cell=st.integers(1, 20).map(lambda half: 2 * half + 1), seed=st.integers(0, 99))
def test_the_middle_of_each_cell_keeps_its_activation(side: int, cell: int, seed: int) -> None:
    grid = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    box = Box(3, 5, side * cell, side * cell)
    full = upsample(grid, box, 8 + side * cell, 4 + side * cell)
    middles = slice(cell // 2, None, cell)
    assert np.array_equal(full[5 : 5 + side * cell, 3 : 3 + side * cell][middles, middles], grid)
    # Between the middles it is linear, so nowhere larger than at one of them.
    assert full.max() == max(0, grid.max())
    assert full.min() == min(0, grid.min())


def test_between_the_middles_it_is_linear_and_outside_of_the_box_nothing() -> None:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    box = Box(10, 0, 210, 210)
    full = upsample(2 * x - 3 * y + 20, box, 210, 230)
    rows, columns = np.mgrid[:210, :210] + 0.5
    plane = 2 * (columns / 30 - 0.5) - 3 * (rows / 30 - 0.5) + 20
    inside = full[:, 10:220]
    assert np.abs(inside[15:195, 15:195] - plane[15:195, 15:195]).max() < 1e-4
    # Level from the outermost middles to the edge.
    assert np.ptp(inside[:15, 100]) < 1e-5
    assert not full[:, :10].any()
    assert not full[:, 220:].any()


def test_each_finding_gets_its_own_map() -> None:
    model = card("resnet50-res512-all")  # whose offered outputs are not all of the network's
    maps = np.arange(18, dtype=np.float32)[:, None, None] * np.ones((18, 16, 16), np.float32)
    found = class_activations(model, maps, 600, 500)
    assert {label: int(each.grid[0, 0]) for label, each in found.items()} == {
        output.label: output.index for output in model.outputs
    }
    assert {each.box for each in found.values()} == {Box(0, 50, 500, 500)}
    with pytest.raises(ValueError, match="maps of shape"):
        class_activations(model, maps[:, :7, :7], 600, 500)


def test_what_pages_get() -> None:
    grid = np.array([[-4.0, 0.0], [1.0, 2.0]], np.float32)
    assert list(base64.b64decode(encode(grid))) == [0, 0, 128, 255]
    assert list(base64.b64decode(encode(-np.abs(grid)))) == [0, 0, 0, 0]

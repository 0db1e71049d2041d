"""Where in the image a model's score comes from."""

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..models.card import ModelCard

type Floats = npt.NDArray[np.float32]

_LARGEST = 255
"""What the largest activation of a map is encoded as."""


@dataclass(frozen=True, slots=True)
class Box:
    """The part of an image that a model saw: edges in pixels of the image, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Activation:
    """The class activation map of one finding (Zhou et al., 2016): the score's logit is its mean and a constant.

    Attributes
    ----------
    grid
        Shape (side, side), float32; each cell covers an equal part of `box`.
    box
        What the model saw.
    """

    grid: Floats
    box: Box


def crop_box(rows: int, columns: int) -> Box:
    """What the model sees of an image: its middle square, as `resize.center_crop` cuts it out."""
    side = min(rows, columns)
    return Box(columns // 2 - side // 2, rows // 2 - side // 2, side, side)


def class_activations(card: ModelCard, maps: Floats, rows: int, columns: int) -> dict[str, Activation]:
    """The activation map of each of the card's findings in one image.

    Parameters
    ----------
    maps
        Shape (network outputs, side, side), as an engine gives them for one image.
    rows, columns
        Size of the whole image.

    Returns
    -------
    By label.

    Raises
    ------
    ValueError
        If the maps are not the network's.
    """
    wanted = (card.network_outputs, card.grid_side, card.grid_side)
    if maps.shape != wanted:
        raise ValueError(f"{card.name} has maps of shape {wanted} for an image, not {maps.shape}")
    box = crop_box(rows, columns)
    return {output.label: Activation(maps[output.index], box) for output in card.outputs}


def encode(grid: Floats) -> str:
    """A map as pages get it: base64 of a byte for each cell, row by row.

    Returns
    -------
    255 is the largest activation of this map, 0 is none or one against the finding.
    """
    return base64.b64encode(_of_largest(grid, _LARGEST).round().astype(np.uint8).tobytes()).decode("ascii")


def relative(grid: Floats) -> Floats:
    """A map from 0, no activation or one against the finding, to 1, the largest; 0 throughout if nothing is for it."""
    return _of_largest(grid, 1.0)


def peak(activation: Activation) -> tuple[float, float]:
    """The middle of the cell with the largest activation: column and row in the whole image."""
    side = len(activation.grid)
    row, column = divmod(int(activation.grid.argmax()), side)
    box = activation.box
    return box.left + (column + 0.5) / side * box.width, box.top + (row + 0.5) / side * box.height


def upsample(grid: Floats, box: Box, rows: int, columns: int, step: int = 1) -> Floats:
    """A map at the size of the image.

    Linear between the middles of the cells, which lie at (i + 0.5) / side of the box, and level from the outermost middles
    to the edges of the box.

    Parameters
    ----------
    rows, columns
        Size of the image.
    step
        Pixels of the image in one of the result, along rows and columns; what is left over at the right and lower edge is
        left out.

    Returns
    -------
    Shape (rows // step, columns // step), float32: at each pixel's middle, and 0 outside of the box, where the model saw
    nothing.
    """
    down = _weights(len(grid), box.top, box.height, rows // step, step)
    across = _weights(len(grid), box.left, box.width, columns // step, step)
    full: Floats = down @ grid.astype(np.float32) @ across.T
    return full


def _of_largest(grid: Floats, scale: float) -> Floats:
    largest = float(grid.max())
    if not largest > 0:
        return np.zeros_like(grid, np.float32)
    return np.asarray(np.maximum(grid, 0) * (scale / largest), np.float32)


def _weights(side: int, start: int, length: int, count: int, step: int) -> Floats:
    """What each cell adds to each pixel of the result along one axis, shape (count, side)."""
    middles = (np.arange(count) + 0.5) * step - start
    inside = (middles > 0) & (middles < length)
    # In cells from the middle of the first.
    at = np.clip(middles * (side / length) - 0.5, 0, side - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(side))) * inside[:, None], np.float32)

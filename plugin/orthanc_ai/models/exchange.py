"""What crosses between the GPU's process and a worker for an image: its scores and their activation maps, as one array."""

import numpy as np

from .card import ModelCard
from .engine import Floats


def pack(scores: Floats, activations: Floats) -> Floats:
    """One array of an engine's `scores_and_activations`.

    Returns
    -------
    Shape (n, outputs, 1 + side * side), float32: behind each score its map, row by row.
    """
    return np.concatenate((scores[:, :, None], activations.reshape(*scores.shape, -1)), axis=2)


def unpack(packed: Floats) -> tuple[Floats, Floats]:
    """What was packed: shapes (n, outputs) and (n, outputs, side, side)."""
    side = round((packed.shape[2] - 1) ** 0.5)
    return packed[:, :, 0].copy(), packed[:, :, 1:].reshape(*packed.shape[:2], side, side)


def packed_shape(card: ModelCard) -> tuple[int, int]:
    """Of what is packed of one image: outputs, 1 + side * side."""
    return card.network_outputs, 1 + card.grid_side**2

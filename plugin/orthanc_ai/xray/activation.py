"""Where in the image a model's score comes from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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

    grid: npt.NDArray[np.float32]
    box: Box

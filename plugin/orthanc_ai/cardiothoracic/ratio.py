"""What a measurement of the cardiothoracic ratio gives."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..codes import Code

type Point = tuple[float, float]
"""Column and row in pixels of the whole image, from its upper left corner: the first pixel's middle is (0.5, 0.5), as in
Graphic Data of DICOM (PS3.3 section C.18.6)."""

type Mask = npt.NDArray[np.bool_]


class RatioError(Exception):
    """The ratio cannot be told.

    Attributes
    ----------
    code, detail
        Why.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line in the image, from left to right."""

    start: Point
    end: Point

    @property
    def pixels(self) -> float:
        """Its length in columns."""
        return self.end[0] - self.start[0]


@dataclass(frozen=True, slots=True)
class Outlines:
    """What was outlined, on a coarser grid than the image.

    Attributes
    ----------
    right_lung, left_lung, heart
        Shape (rows // step, columns // step). Right and left are the patient's.
    step
        Pixels of the image, along rows and columns, in one of the grid. What is left of the image at its right and lower
        edge is not covered.
    """

    right_lung: Mask
    left_lung: Mask
    heart: Mask
    step: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """The cardiothoracic ratio.

    Attributes
    ----------
    value
        Greatest width of the heart by greatest inner width of the thorax.
    uncertainty
        Standard uncertainty of the value (one standard deviation).
    heart, thorax
        The two widths.
    outlines
        What they were measured in.
    method
        Name and version of the method.
    """

    value: float
    uncertainty: float
    heart: Line
    thorax: Line
    outlines: Outlines
    method: str

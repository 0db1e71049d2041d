"""What a findings report says of the cardiothoracic ratio."""

import math
from dataclasses import dataclass

from ..codes import Code


@dataclass(frozen=True, slots=True)
class Ratio:
    """A cardiothoracic ratio as the report states it.

    Attributes
    ----------
    value
        Greatest width of the heart by greatest inner width of the thorax.
    uncertainty
        Standard uncertainty of the value (one standard deviation).
    heart, thorax
        The two widths.
    millimeters
        Whether the widths are in mm; else in pixels of the image.
    method
        Name and version of the method.

    Raises
    ------
    ValueError
        If a number is not finite or is negative, or a width is zero.
    """

    value: float
    uncertainty: float
    heart: float
    thorax: float
    millimeters: bool
    method: str

    def __post_init__(self) -> None:
        numbers = (self.value, self.uncertainty, self.heart, self.thorax)
        if not all(math.isfinite(number) and number >= 0 for number in numbers) or not (self.heart and self.thorax):
            raise ValueError(f"cardiothoracic ratio: found {numbers}; allowed: finite numbers, widths above zero")


@dataclass(frozen=True, slots=True)
class RatioRefusal:
    """Why the ratio could not be told.

    Attributes
    ----------
    code, detail
        As the measurement has it; the detail may be empty.
    """

    code: Code
    detail: str = ""

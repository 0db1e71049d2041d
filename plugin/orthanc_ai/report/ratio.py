"""What a findings report says of the cardiothoracic ratio."""

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
    """

    value: float
    uncertainty: float
    heart: float
    thorax: float
    millimeters: bool
    method: str


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

"""From stored pixel values to brightness: the grayscale transformations of an image.

Modality LUT, VOI LUT and photometric interpretation (PS3.4 section N.2; PS3.3 sections C.11.1, C.11.2 and
C.7.6.3.1.2) act on each pixel by itself, and a stored value has at most 16 bits. So they are worked out once for
every value, at most 65,536 of them, and looked up for the millions of pixels.
"""

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import attribute, items
from .lut import LONGEST_LUT, Floats, read_lut
from .number import number
from .voi import through
from .window import Window

# What the narrowest window is divided by.
_NARROWEST = 1e-9

__all__ = ["LONGEST_LUT", "Floats", "brightness", "is_padding", "modality", "value_range"]


def brightness(header: Dataset, stored: Floats, bits: int, voi_lut: bool) -> Floats:
    """Brightness of stored values, from 0 (black, air) to 1 (white).

    Parameters
    ----------
    header
        A single-sample image; needs Pixel Representation and Photometric Interpretation.
    stored
        Stored values, any shape. Those out of range are held at its ends.
    bits
        How many bits a stored value has: Bits Stored, unless that was found to be wrong.
    voi_lut
        Whether to apply the first VOI LUT, or failing that the first window. Without either, the whole range of
        values that the header allows goes from black to white; never the range that this image happens to use.

    Raises
    ------
    ValueError
        If a LUT, window or rescale of the header is malformed.
    """
    low, high = value_range(header, bits)
    values, darkest, brightest = modality(header, np.clip(stored, low, high), low, high)
    windowed = _voi(header, values) if voi_lut else None
    result = (values - darkest) / (brightest - darkest) if windowed is None else windowed
    if header.PhotometricInterpretation == "MONOCHROME1":
        result = 1.0 - result
    if not np.isfinite(result).all():
        raise ValueError("the brightness of some values is not defined")
    return np.asarray(np.where(is_padding(header, stored), 0.0, result))


def value_range(header: Dataset, bits: int) -> tuple[int, int]:
    """The lowest and the highest stored value of so many bits, by Pixel Representation (0028,0103)."""
    if header.PixelRepresentation == 1:
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, 2**bits - 1


def is_padding(header: Dataset, stored: Floats) -> npt.NDArray[np.bool_]:
    """Which stored values are padding (PS3.3 section C.7.5.1.1.2), not image."""
    value = number(header, "PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=np.bool_)
    limit = number(header, "PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    return np.asarray((stored >= low) & (stored <= high))


def modality(header: Dataset, stored: Floats, low: int, high: int) -> tuple[Floats, float, float]:
    """Values after the modality LUT or rescale, and the ends of the range that they can cover.

    Parameters
    ----------
    stored
        Stored values, any shape.
    low, high
        The lowest and the highest that there can be.

    Raises
    ------
    ValueError
        If LUT or rescale are malformed.
    """
    if sequence := items(header, "ModalityLUTSequence"):
        lut = read_lut(header, sequence[0])
        return lut(stored), 0.0, float(lut.highest)
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope is None or intercept is None:
        return stored, float(low), float(high)
    ends = sorted((low * slope + intercept, high * slope + intercept))
    # The difference of two huge ends overflows, and small steps beside a huge intercept are lost.
    if not 0 < ends[1] - ends[0] < np.inf:
        raise ValueError(f"Rescale Slope {slope} with Rescale Intercept {intercept} is not defined")
    return stored * slope + intercept, ends[0], ends[1]


def _voi(header: Dataset, values: Floats) -> Floats | None:
    """Brightness by the first VOI LUT or window, or ``None`` where there is neither."""
    if sequence := items(header, "VOILUTSequence"):
        lut = read_lut(header, sequence[0])
        return np.asarray(lut(values) / lut.highest)
    center, width = number(header, "WindowCenter"), number(header, "WindowWidth")
    if center is None or width is None:
        return None
    window = Window(center, width, str(attribute(header, "VOILUTFunction") or "LINEAR").upper())
    if window.function == "LINEAR" and width == 1:
        # A value on the step is gray. The standard has it black; every report so far has been written with gray.
        return np.clip((values - (center - 0.5)) / _NARROWEST + 0.5, 0.0, 1.0)
    return through(window, values)

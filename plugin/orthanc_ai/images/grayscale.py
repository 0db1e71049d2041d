"""From stored pixel values to brightness: the grayscale transformations of an X-ray image.

Modality LUT, VOI LUT and photometric interpretation (PS3.4 section N.2; PS3.3 sections C.11.1, C.11.2 and
C.7.6.3.1.2) act on each pixel by itself, and a stored value has at most 16 bits. So they are worked out once for
every value, at most 65,536 of them, and looked up for the millions of pixels.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import attribute, items

Floats = npt.NDArray[np.float64]

# The narrowest window that is divided by; PS3.3 section C.11.2.1.2 allows a width of 1, whose formula divides by 0.
_NARROWEST = 1e-9

LONGEST_LUT = 2 * 2**16
"""Bytes of LUT Data: at most 65,536 entries of two bytes (PS3.3 section C.11.1.1.1)."""


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
    values, darkest, brightest = _modality(header, np.clip(stored, low, high), low, high)
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
    value = _number(header, "PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=np.bool_)
    limit = _number(header, "PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    return np.asarray((stored >= low) & (stored <= high))


def _modality(header: Dataset, stored: Floats, low: int, high: int) -> tuple[Floats, float, float]:
    """Values after the modality LUT or rescale, and the ends of the range that they can cover."""
    if sequence := items(header, "ModalityLUTSequence"):
        first, entries, depth = _lut(header, sequence[0])
        return _look_up(stored, first, entries), 0.0, float(2**depth - 1)
    slope, intercept = _number(header, "RescaleSlope"), _number(header, "RescaleIntercept")
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
        first, entries, depth = _lut(header, sequence[0])
        return np.asarray(_look_up(values, first, entries) / (2**depth - 1))
    center, width = _number(header, "WindowCenter"), _number(header, "WindowWidth")
    if center is None or width is None:
        return None
    function = str(attribute(header, "VOILUTFunction") or "LINEAR").upper()
    if function == "LINEAR" and width >= 1:
        return np.clip((values - (center - 0.5)) / max(width - 1, _NARROWEST) + 0.5, 0.0, 1.0)
    if function == "LINEAR_EXACT" and width > 0:
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    if function == "SIGMOID" and width > 0:
        # Held where the result has long reached 0 or 1, so that exp() cannot overflow.
        exponent = np.clip(-4.0 * (values - center) / width, -700.0, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(exponent)))
    raise ValueError(f"VOI LUT Function {function} with Window Width {width} is not defined")


def _number(header: Dataset, keyword: str) -> float | None:
    """The first value of a number; ``None`` where there is none."""
    value: Any = attribute(header, keyword)
    if value is not None and not isinstance(value, str | bytes | int | float) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    if value is None or value == "":
        return None
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{keyword} is {number}")
    return number


def _lut(header: Dataset, item: Dataset) -> tuple[int, Floats, int]:
    """First value mapped, entries, and bits per entry of a LUT (PS3.3 section C.11.1.1.1)."""
    count, first, depth = (int(number) for number in attribute(item, "LUTDescriptor"))
    count = count or 2**16  # 0 stands for 65,536, which does not fit
    if not 8 <= depth <= 16:
        raise ValueError(f"a LUT of {depth} bits per entry is not defined")
    data = attribute(item, "LUTData", LONGEST_LUT)
    if isinstance(data, bytes):
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
        one_byte_each = depth == 8 and len(data) < 2 * count
        entries = np.frombuffer(data, "u1" if one_byte_each else f"{order}u2")
    else:
        entries = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if len(entries) == 0:
        raise ValueError("a LUT has no entries")
    return first, np.minimum(entries[:count].astype(np.float64), 2**depth - 1), depth


def _look_up(values: Floats, first: int, entries: Floats) -> Floats:
    """Entries for values; what lies beyond either end takes the last entry there."""
    places = np.clip(np.rint(values - first), 0, len(entries) - 1)
    return entries[places.astype(np.int64)]

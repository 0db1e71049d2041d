"""Windows and VOI LUTs of headers: which values are of interest (PS3.3 section C.11.2)."""

import numpy as np
from pydicom import Dataset

from ..attributes import attribute, items
from .lut import Floats, Lut, read_lut
from .number import numbers
from .window import Window

# The narrowest window that is divided by; PS3.3 section C.11.2.1.2 allows a width of 1, whose formula divides by 0.
_NARROWEST = 1e-9


def through(window: Window, values: Floats) -> Floats:
    """Brightness of values through a window, from 0 to 1."""
    center, width = window.center, window.width
    if window.function == "LINEAR":
        return np.clip((values - (center - 0.5)) / max(width - 1, _NARROWEST) + 0.5, 0.0, 1.0)
    if window.function == "LINEAR_EXACT":
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    # Held where the result has long reached 0 or 1, so that exp() cannot overflow.
    exponent = np.clip(-4.0 * (values - center) / width, -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(exponent)))


def windows_of(header: Dataset) -> tuple[Window, ...]:
    """The windows of a header, in its order.

    Raises
    ------
    ValueError
        If one is malformed or not defined.
    """
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    function = str(attribute(header, "VOILUTFunction") or "LINEAR").strip().upper()
    said = attribute(header, "WindowCenterWidthExplanation")
    explanations = [] if said is None else [said] if isinstance(said, str) else [str(one) for one in said]
    explanations += [""] * len(centers)
    return tuple(
        Window(center, width, function, explanation.strip())
        for center, width, explanation in zip(centers, widths, explanations, strict=False)
    )


def voi_luts_of(header: Dataset) -> tuple[Lut, ...]:
    """The VOI LUTs of a header, in its order.

    Raises
    ------
    ValueError
        If one is malformed.
    """
    return tuple(read_lut(header, item) for item in items(header, "VOILUTSequence"))

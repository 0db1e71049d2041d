"""Windows and VOI LUTs of headers: which values are of interest (PS3.3 section C.11.2)."""

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from ..attributes import MalformedError, attribute, items
from .lut import Floats, Lut, read_lut
from .number import numbers
from .window import Window

# The narrowest window that is divided by.
_NARROWEST = 1e-9


def through(window: Window, values: Floats) -> Floats:
    """Brightness of values through a window, from 0 to 1 (PS3.3 sections C.11.2.1.2.1 and C.11.2.1.3).

    In double precision and in this order of operations, as cornerstone3D's renderer on the CPU has them: so the same values
    become the same gray levels even where they lie on the border between two.
    """
    center, width = window.center, window.width
    if window.function == "LINEAR":
        if width == 1:
            # A step: the formula divides by 0, and what is not above the lower end is black.
            return np.where(values > center - 0.5, 1.0, 0.0)
        return np.clip((values - (center - 0.5)) / max(width - 1, _NARROWEST) + 0.5, 0.0, 1.0)
    if window.function == "LINEAR_EXACT":
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    # Held where the result has long reached 0 or 1, so that exp() cannot overflow.
    exponent = np.clip(-4.0 * (values - center) / width, -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(exponent)))


@dataclass(frozen=True, slots=True)
class Views:
    """What a header offers to show an image by: alternatives, one of which is to be chosen.

    Attributes
    ----------
    luts
        The items of VOI LUT Sequence, in order.
    windows
        The windows, in order.
    malformed
        Whether there are others that cannot be used. They keep their places: ``None`` stands there.
    """

    luts: tuple[Lut | None, ...]
    windows: tuple[Window | None, ...]

    @property
    def malformed(self) -> bool:
        """Whether some of them cannot be used."""
        return None in (*self.luts, *self.windows)


def views_of(header: Dataset) -> Views:
    """All VOI LUTs and windows of a header.

    What is malformed, or not defined by the standard, is no reason not to show an image: ``None`` stands in its place.
    """
    return Views(_luts(header), _windows(header))


def _luts(header: Dataset) -> tuple[Lut | None, ...]:
    try:
        found = items(header, "VOILUTSequence")
    except MalformedError:
        return (None,)
    return tuple(_lut(header, item) for item in found)


def _lut(header: Dataset, item: Dataset) -> Lut | None:
    try:
        return read_lut(header, item)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError):
        return None


def _windows(header: Dataset) -> tuple[Window | None, ...]:
    try:
        centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
        function = str(attribute(header, "VOILUTFunction") or "LINEAR").strip().upper()
    except (ValueError, TypeError, OverflowError):
        return (None,)
    explanations = [*_explanations(header), *[""] * len(centers)]
    return tuple(
        _window(center, width, function, explanation)
        for center, width, explanation in zip(centers, widths, explanations, strict=False)
    )


def _window(center: float, width: float, function: str, explanation: str) -> Window | None:
    try:
        return Window(center, width, function, explanation)
    except ValueError:
        return None


def _explanations(header: Dataset) -> list[str]:
    try:
        said = attribute(header, "WindowCenterWidthExplanation")
    except MalformedError:
        return []
    if said is None:
        return []
    return [str(one).strip() for one in ([said] if isinstance(said, str) else said)]

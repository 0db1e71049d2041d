"""From outlines, of whatever method, to the two widths, their lines and the ratio."""

import math

import numpy as np

from ..codes import Code
from .ratio import Line, Mask, Outlines, Ratio, RatioError

# Of the width of a cell of the grid: the standard deviation of where a border lies in it (even distribution).
_WITHIN_CELL = 1 / math.sqrt(12)


def ratio_of(outlines: Outlines, *, heart_error: float, thorax_error: float, method: str) -> Ratio:
    """Measure outlines.

    Parameters
    ----------
    outlines
        In an image whose left side shows the patient's right.
    heart_error, thorax_error
        Standard uncertainty of each width that the method is known for, in pixels of the image. What the grid adds
        is added here.
    method
        Name and version of the method.

    Raises
    ------
    RatioError
        ``RATIO_LUNGS_NOT_FOUND`` or ``RATIO_HEART_BORDER_UNCLEAR`` where an outline is empty.
    """
    thorax = thorax_line(outlines)
    heart = heart_line(outlines)
    value = heart.pixels / thorax.pixels
    grid = math.sqrt(2) * _WITHIN_CELL * outlines.step
    uncertainty = value * math.hypot(
        math.hypot(heart_error, grid) / heart.pixels, math.hypot(thorax_error, grid) / thorax.pixels
    )
    return Ratio(value, uncertainty, heart, thorax, outlines, method)


def thorax_line(outlines: Outlines) -> Line:
    """The greatest distance, along a row, from the outer border of the right lung to that of the left.

    Raises
    ------
    RatioError
        ``RATIO_LUNGS_NOT_FOUND`` if no row has both lungs.
    """
    right, left = outlines.right_lung, outlines.left_lung
    rows = np.flatnonzero(right.any(axis=1) & left.any(axis=1))
    if len(rows) == 0:
        raise RatioError(Code.RATIO_LUNGS_NOT_FOUND, "no row of the image has both lungs")
    columns = right.shape[1]
    first = right[rows].argmax(axis=1)
    last = columns - left[rows, ::-1].argmax(axis=1)
    widths = last - first
    # Where many rows are as wide as the widest, their middle one is shown.
    widest = np.flatnonzero(widths == widths.max())
    at = int(widest[len(widest) // 2])
    return _line(float(first[at]), float(last[at]), float(rows[at]) + 0.5, outlines.step)


def heart_line(outlines: Outlines) -> Line:
    """From the column of the heart's outermost point on the patient's right to that on the left.

    The two points lie at different heights as a rule. The line is drawn at the height between them; its length is the
    sum of the two distances from the midline that textbooks ask for.

    Raises
    ------
    RatioError
        ``RATIO_HEART_BORDER_UNCLEAR`` if there is no heart.
    """
    heart = outlines.heart
    columns = np.flatnonzero(heart.any(axis=0))
    if len(columns) == 0:
        raise RatioError(Code.RATIO_HEART_BORDER_UNCLEAR, "no heart was outlined")
    first, last = int(columns[0]), int(columns[-1])
    row = (_middle(heart, first) + _middle(heart, last)) / 2
    return _line(float(first), float(last + 1), row, outlines.step)


def _middle(mask: Mask, column: int) -> float:
    return float(np.flatnonzero(mask[:, column]).mean()) + 0.5


def _line(first: float, last: float, row: float, step: int) -> Line:
    return Line((first * step, row * step), (last * step, row * step))

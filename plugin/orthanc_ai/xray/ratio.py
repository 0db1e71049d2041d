"""The cardiothoracic ratio of one reading: measured, and as report, outcome and overlays want it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..cardiothoracic.ratio import Line, Outlines, Ratio, RatioError
from ..codes import Code
from ..faults import place
from ..report import ratio as stated
from ..report.images import Spacing

type Told = Ratio | RatioError
"""The ratio, or why it cannot be told."""


type Outliner = Callable[[npt.NDArray[np.float32], int], Ratio]
"""A method of measuring, see `cardiothoracic.classical.measure`."""

_MOST_OBLONG = 1.35
"""Of a pixel's height to its width, or the reverse: phantoms drawn out by 1.3 are measured like others, by 2 wrongly or not."""


def tell(
    method: Outliner,
    small: npt.NDArray[np.float32],
    step: int,
    orientation: tuple[str, str] | None = None,
    spacing: Spacing | None = None,
) -> Told:
    """Measure, or say why not.

    Parameters
    ----------
    small, step
        See `cardiothoracic.classical.measure`.
    orientation
        Patient Orientation (0020,0020), where the header has it. Without it, the film counts as stored as it is read:
        the patient's right on the left, the head above. A film that is stored mirrored is measured in the mirror.
    spacing
        Of the image's pixels. Where they are far from square, a chest does not look like one, and is refused.
    """
    if spacing is not None:
        height = spacing.between_rows / spacing.between_columns
        if not 1 / _MOST_OBLONG <= height <= _MOST_OBLONG:
            return RatioError(Code.RATIO_NOT_FRONTAL, f"pixels are {height:.2g} times as high as wide")
    # The main direction of each comes first (PS3.3 section C.7.6.1.1.1).
    directions = "LF" if orientation is None else "".join(direction[0] for direction in orientation)
    try:
        match directions:
            case "LF":
                return method(small, step)
            case "RF":
                return _mirrored(method(np.ascontiguousarray(small[:, ::-1]), step))
        turned = "\\".join(orientation or ())
        return RatioError(Code.RATIO_NOT_FRONTAL, f"Patient Orientation is {turned}, not L\\F or R\\F")
    except RatioError as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001 - a fault of this method must not cost the findings
        return RatioError(Code.INTERNAL_ERROR, place(error))


def for_report(told: Told, spacing: Spacing | None) -> stated.Ratio | stated.RatioRefusal:
    """What the findings report says.

    Parameters
    ----------
    spacing
        Of the image's pixels; without it, widths are in pixels.
    """
    if isinstance(told, RatioError):
        return stated.RatioRefusal(told.code, told.detail)
    millimeters = 1.0 if spacing is None else spacing.between_columns
    return stated.Ratio(
        told.value,
        told.uncertainty,
        told.heart.pixels * millimeters,
        told.thorax.pixels * millimeters,
        millimeters=spacing is not None,
        method=told.method,
    )


def for_outcome(told: Told, spacing: Spacing | None) -> dict[str, Any]:
    """What listings and pages show, in JSON types."""
    if isinstance(told, RatioError):
        return {"code": str(told.code), "detail": told.detail}
    return {
        "code": str(Code.MEASURED),
        "value": round(told.value, 4),
        "uncertainty": round(told.uncertainty, 4),
        "heart": _points(told.heart),
        "thorax": _points(told.thorax),
        "spacing": None if spacing is None else [spacing.between_rows, spacing.between_columns],
        "method": told.method,
    }


def _mirrored(ratio: Ratio) -> Ratio:
    """What was measured in the mirror image, in the image."""
    found = ratio.outlines
    width = found.heart.shape[1] * found.step

    def line(one: Line) -> Line:
        (first, row), (last, other) = one.start, one.end
        return Line((width - last, other), (width - first, row))

    outlines = Outlines(found.right_lung[:, ::-1], found.left_lung[:, ::-1], found.heart[:, ::-1], found.step)
    return replace(ratio, heart=line(ratio.heart), thorax=line(ratio.thorax), outlines=outlines)


def _points(line: Line) -> list[list[float]]:
    return [[round(column, 2), round(row, 2)] for column, row in (line.start, line.end)]

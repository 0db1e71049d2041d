"""Gray levels of a frame."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..codes import Code
from .errors import ImageError
from .frame import Frame
from .frequency import by_frequency, cut_points
from .lut import Floats, Lut
from .scaling import Scaling
from .voi import through, voi_luts_of, windows_of
from .window import Window
from .windows import NAMED

type Levels = npt.NDArray[np.uint8 | np.uint16]


def levels(frame: Frame, scaling: Scaling, bits: Literal[8, 16] = 8) -> tuple[Levels, dict[str, Any]]:
    """Gray levels of a frame, 0 (black) to 2 ** bits - 1 (white), and what was done.

    Parameters
    ----------
    bits
        8 or 16.

    Returns
    -------
    Shape (rows, columns), uint8 or uint16; and in JSON types: ``kind`` and its parameters, ``inverted`` for
    MONOCHROME1, ``asked`` if something else was asked for, ``notes`` with the codes that say why.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE``.
    """
    try:
        fraction, applied = _scaled(frame, scaling, bits)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"the grayscale transformation is malformed: {error}") from error
    white = 2**bits - 1
    table = np.rint(np.clip(fraction * white, 0, white)).astype(np.uint8 if bits == 8 else np.uint16)
    if frame.inverted:
        table = table.dtype.type(white) - table
    applied["inverted"] = frame.inverted
    applied["bits"] = bits
    if frame.notes:
        applied["notes"] = [*applied.get("notes", []), *map(str, frame.notes)]
    return table[frame.places], applied


def _scaled(frame: Frame, scaling: Scaling, bits: int) -> tuple[Floats, dict[str, Any]]:
    values = frame.table
    if scaling.kind == "named":
        assert scaling.name is not None
        window = NAMED[scaling.name]
        return through(window, values), {"kind": "named", "name": scaling.name} | _of_window(window)
    if scaling.kind == "window":
        assert scaling.center is not None
        assert scaling.width is not None
        window = Window(scaling.center, scaling.width, scaling.function)
        return through(window, values), {"kind": "window"} | _of_window(window)
    if scaling.kind == "frequency":
        return _by_frequency(frame, scaling)
    if scaling.kind == "range":
        counts = np.where(frame.padding, 0, frame.counts)
        there = values[(counts if counts.any() else frame.counts) > 0]
        low = float(there.min()) if scaling.minimum is None else scaling.minimum
        high = float(there.max()) if scaling.maximum is None else scaling.maximum
        return _between(values, low, high), {"kind": "range", "minimum": low, "maximum": high}
    found = _of_header(frame, scaling)
    if found is None:
        there = values[frame.counts > 0]
        low, high = float(there.min()), float(there.max())
        applied: dict[str, Any] = {"kind": "viewer", "minimum": low, "maximum": high}
        if scaling.kind != "viewer":
            applied |= {"asked": scaling.to_json(), "notes": [str(Code.WINDOW_NOT_THERE)]}
        return _between(values, low, high), applied
    transformation, number, as_asked = found
    applied = {"kind": "header", "number": number}
    if not as_asked:
        applied |= {"asked": scaling.to_json(), "notes": [str(Code.WINDOW_NOT_THERE)]}
    if isinstance(transformation, Lut):
        return transformation(values) / transformation.highest, applied | {
            "function": "VOI LUT",
            "explanation": transformation.explanation,
        }
    return through(transformation, values), applied | _of_window(transformation)


def _of_header(frame: Frame, scaling: Scaling) -> tuple[Window | Lut, int, bool] | None:
    luts, windows = voi_luts_of(frame.header), windows_of(frame.header)
    candidates: list[tuple[Window | Lut, int]] = [(one, place) for place, one in enumerate(luts, 1)]
    candidates += [(one, place) for place, one in enumerate(windows, 1)]
    if not candidates:
        return None
    if scaling.explanation is not None:
        wanted = scaling.explanation.strip().casefold()
        for one, place in candidates:
            if one.explanation.casefold() == wanted:
                return one, place, True
        return *candidates[0], False
    if scaling.number is not None:
        if scaling.number <= len(windows):
            return windows[scaling.number - 1], scaling.number, True
        return *candidates[0], False
    return *candidates[0], True


def _by_frequency(frame: Frame, scaling: Scaling) -> tuple[Floats, dict[str, Any]]:
    counts = np.where(frame.padding, 0, frame.counts)
    if not counts.any():
        counts = frame.counts
    held = np.clip(frame.table, scaling.minimum, scaling.maximum)
    order = np.argsort(held, kind="stable")
    cuts = cut_points(held[order], counts[order], scaling.bins)
    applied: dict[str, Any] = {"kind": "frequency", "bins": scaling.bins, "cut_points": [float(one) for one in cuts]}
    for key in ("minimum", "maximum"):
        if getattr(scaling, key) is not None:
            applied[key] = getattr(scaling, key)
    return by_frequency(held, cuts), applied


def _between(values: Floats, low: float, high: float) -> Floats:
    if not low < high:
        return np.where(values > low, 1.0, 0.0)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def _of_window(window: Window) -> dict[str, Any]:
    said = {"function": window.function, "center": window.center, "width": window.width}
    return said | ({"explanation": window.explanation} if window.explanation else {})

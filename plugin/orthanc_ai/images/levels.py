"""Gray levels of a frame."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..codes import Code
from .errors import ImageError
from .frame import Frame
from .frequency import by_frequency, cut_points, quantiles
from .lut import Floats, Lut
from .resize import place, resized
from .scaling import BINS, Scaling
from .size import Size
from .voi import through, views_of
from .window import Window

type Bits = Literal[8, 16]
type Levels = npt.NDArray[np.uint8 | np.uint16]
type Applied = dict[str, Any]

type View = tuple[Window | Lut | None, str, int]
"""What a header offers, ``None`` if it is malformed; whether a VOI LUT or a window; which of these, counted from 1."""


def levels(frame: Frame, scaling: Scaling, bits: Bits = 8, size: Size | None = None) -> tuple[Levels, Applied]:
    """Gray levels of a frame, 0 (black) to 2 ** bits - 1 (white), and what was done.

    They are worked out once for every stored value that the frame has, in double precision, and looked up for the pixels.
    MONOCHROME1 is turned over. Halves are rounded to even.

    Parameters
    ----------
    bits
        8 or 16.
    size
        Of the picture; that of the frame if not given. What is resized is rounded only afterwards.

    Returns
    -------
    Shape (rows, columns), uint8 or uint16; and in JSON types: ``kind`` with its parameters, ``inverted`` for MONOCHROME1,
    ``bits``, ``size`` if one was given, ``asked`` if something else was asked for than what was done, and ``notes`` with
    the codes that say why.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE``.
    """
    try:
        shades, applied = _shades(frame, scaling, bits)
        shown = None if size is None else _sized(frame, shades, size, applied)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"the grayscale transformation is malformed: {error}") from error
    rounded = np.rint(shades if shown is None else shown)
    whole: Levels = rounded.astype(np.uint8) if bits == 8 else rounded.astype(np.uint16)
    picture = whole[frame.places] if shown is None else whole
    applied |= {"inverted": frame.inverted, "bits": bits}
    notes = [*applied.pop("notes", []), *map(str, frame.notes)]
    return picture, applied | ({"notes": notes} if notes else {})


def channels(
    frame: Frame, scalings: Sequence[Scaling], bits: Bits = 8, size: Size | None = None
) -> tuple[Levels, list[Applied]]:
    """Gray levels of a frame by several scalings, one for each channel of a picture.

    Returns
    -------
    Shape (rows, columns, channels), and what was done for each channel; see `levels`.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE``.
    """
    made = [levels(frame, scaling, bits, size) for scaling in scalings]
    return np.stack([picture for picture, _ in made], axis=-1), [applied for _, applied in made]


def _shades(frame: Frame, scaling: Scaling, bits: Bits) -> tuple[Floats, Applied]:
    """For each of the frame's `used` values its gray level, not rounded."""
    white = 2**bits - 1
    shade, applied = _shade(frame, scaling)
    if isinstance(shade, Lut):
        entries = shade(frame.table)
        # The upper 8 bits of an entry are what renderers show of it.
        shades = np.floor(entries / 2 ** (shade.depth - 8)) if bits == 8 else entries * (white / shade.highest)
    else:
        shades = shade * white
    if frame.inverted:
        shades = white - shades
    if scaling.padding == "black":
        shades = np.where(frame.padding, 0.0, shades)
        applied["padding"] = "black"
    return shades, applied


def _shade(frame: Frame, scaling: Scaling) -> tuple[Floats | Lut, Applied]:
    """A VOI LUT, or the brightness of each of the frame's `used` values from 0 to 1."""
    values = frame.table
    if scaling.kind in ("named", "window"):
        said = {"kind": scaling.kind} | ({"name": scaling.name} if scaling.name else {})
        return through(scaling.window, values), said | _of_window(scaling.window)
    if scaling.kind == "frequency":
        return _by_frequency(frame, scaling)
    if scaling.kind == "range":
        return _by_range(frame, scaling)
    return _by_header(frame, scaling)


def _by_header(frame: Frame, scaling: Scaling) -> tuple[Floats | Lut, Applied]:
    views = views_of(frame.header)
    everything: list[View] = [(one, "lut", number) for number, one in enumerate(views.luts, 1)]
    everything += [(one, "window", number) for number, one in enumerate(views.windows, 1)]
    if scaling.kind == "viewer":
        # It has windows only; a VOI LUT is taken where there is no window.
        everything.sort(key=lambda one: one[1] == "lut")
    chosen = _chosen([one for one in everything if scaling.use in (None, one[1])], scaling)
    notes = [str(Code.ATTRIBUTE_INVALID)] if views.malformed else []
    asked: Applied = {}
    if chosen is None:
        # What was asked for is not there. The viewer's choice is the first that is of any use.
        chosen = next((one for one in everything if one[0] is not None), None)
        if scaling.kind != "viewer":
            notes.append(str(Code.WINDOW_NOT_THERE))
            asked = {"asked": scaling.to_json()}
    said = asked | ({"notes": notes} if notes else {})
    if chosen is None:
        shade, as_viewer = _as_viewer(frame)
        return shade, as_viewer | said
    view, use, number = chosen
    applied: Applied = {"kind": "header", "use": use, "number": number}
    if isinstance(view, Lut):
        explanation = {"explanation": view.explanation} if view.explanation else {}
        return view, applied | {"depth": view.depth} | explanation | said
    assert view is not None
    return through(view, frame.table), applied | _of_window(view) | said


def _chosen(offered: list[View], scaling: Scaling) -> View | None:
    """What was asked for of what the header offers; ``None`` if it is not there."""
    if scaling.explanation is not None:
        wanted = " ".join(scaling.explanation.casefold().split())
        offered = [one for one in offered if one[0] and " ".join(one[0].explanation.casefold().split()) == wanted]
    if scaling.number is not None:
        offered = offered[scaling.number - 1 : scaling.number]
        return offered[0] if offered and offered[0][0] is not None else None
    return next((one for one in offered if one[0] is not None), None)


def _as_viewer(frame: Frame) -> tuple[Floats, Applied]:
    """An image without a window as cornerstone3D draws it: from its lowest to its highest value, padding included."""
    there = frame.table[frame.counts > 0] if frame.bent else frame.table[[0, -1]]
    low, high = float(there.min()), float(there.max())
    window = Window((low + high + 1) / 2, high - low + 1)
    return through(window, frame.table), {"kind": "viewer", "minimum": low, "maximum": high} | _of_window(window)


def _by_range(frame: Frame, scaling: Scaling) -> tuple[Floats, Applied]:
    values = frame.table
    applied: Applied = {"kind": "range"}
    if scaling.percentiles is not None:
        shares = np.array(scaling.percentiles) / 100
        low, high = quantiles(values, frame.shown_counts, shares)
        applied |= {"percentiles": list(scaling.percentiles)}
    else:
        low, high = scaling.minimum, scaling.maximum
        if low is None or high is None:
            there = values[frame.shown_counts > 0]
            low = there.min() if low is None else low
            high = there.max() if high is None else high
    low, high = float(low), float(high)
    applied |= {"minimum": low, "maximum": high}
    if not low < high:
        return np.where(values > low, 1.0, 0.0), applied
    return np.clip((values - low) / (high - low), 0.0, 1.0), applied


def _by_frequency(frame: Frame, scaling: Scaling) -> tuple[Floats, Applied]:
    values = frame.table
    applied: Applied = {"kind": "frequency"}
    if scaling.minimum is not None or scaling.maximum is not None:
        values = np.clip(values, scaling.minimum, scaling.maximum)
        ends = {"minimum": scaling.minimum, "maximum": scaling.maximum}
        applied |= {key: value for key, value in ends.items() if value is not None}
    if scaling.cut_points is not None:
        cuts = np.array(scaling.cut_points, np.float64)
    else:
        bins = scaling.bins or BINS
        cuts = cut_points(values, frame.shown_counts, bins)
        applied["bins"] = bins
    return by_frequency(values, cuts), applied | {"cutPoints": cuts.tolist()}


def _sized(frame: Frame, shades: Floats, size: Size, applied: Applied) -> npt.NDArray[np.float32]:
    picture = shades.astype(np.float32)[frame.places]
    placement = place(picture, size, frame.pixel_aspect)
    applied["size"] = placement.to_json()
    if size.square and frame.pixel_aspect is None:
        applied["notes"] = [*applied.get("notes", []), str(Code.PIXEL_SPACING_MISSING)]
    return resized(picture, placement)


def _of_window(window: Window) -> Applied:
    said = {"function": window.function, "center": window.center, "width": window.width}
    return said | ({"explanation": window.explanation} if window.explanation else {})

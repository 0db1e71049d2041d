"""Statistics of a frame's values."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .frame import Frame
from .window import Window
from .windows import named


def statistics(frame: Frame, windows: Mapping[str, Window] | Iterable[str] = ()) -> dict[str, Any]:
    """Minimum, maximum, mean and standard deviation of values, and the share inside each window.

    Values are those after the modality transformation, e.g. HU. Padding (PS3.3 section C.7.5.1.1.2) does not count.

    Parameters
    ----------
    windows
        By name, or names that `windows.named` knows.

    Returns
    -------
    ``min``, ``max``, ``mean``, ``std`` (of the population), ``None`` if there is nothing but padding; ``pixels`` and
    ``padding``, how many of either; ``windows``: for each name the share of pixels strictly between the ends of the
    window, 0 to 1.
    """
    chosen = windows if isinstance(windows, Mapping) else {name: named(name) for name in windows}
    counts = np.where(frame.padding, 0, frame.counts)
    pixels = int(counts.sum())
    found: dict[str, Any] = {"pixels": pixels, "padding": frame.stored.size - pixels}
    if pixels == 0:
        return found | dict.fromkeys(("min", "max", "mean", "std")) | {"windows": dict.fromkeys(chosen)}
    values = frame.table
    there = values[counts > 0]
    # By a power of two, which is exact: sums and squares of what an odd rescale gives would overflow.
    scale = float(np.ldexp(1.0, np.frexp(np.abs(there).max())[1] - 1))
    scaled = values / scale
    mean = float(scaled @ counts) / pixels
    found |= {"min": float(there.min()), "max": float(there.max()), "mean": mean * scale}
    found["std"] = float(np.sqrt(((scaled - mean) ** 2) @ counts / pixels)) * scale
    found["windows"] = {name: _share(window, values, counts, pixels) for name, window in chosen.items()}
    return found


def _share(window: Window, values: Any, counts: Any, pixels: int) -> float:
    low, high = window.center - window.width / 2, window.center + window.width / 2
    return float(counts[(low < values) & (values < high)].sum()) / pixels

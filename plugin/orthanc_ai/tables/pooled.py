"""Statistics of several frames as those of one image: exact, without holding more than one of them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any


def pooled(frames: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Put together what `images.statistics.statistics` says of each frame.

    Means are weighted by the pixels that count; deviations are added around the common mean (Chan, Golub and LeVeque,
    "Updating formulae and a pairwise algorithm for computing sample variances", 1979).

    Returns
    -------
    ``min``, ``max``, ``mean``, ``std``, ``windows``; all ``None`` if no pixel counts.
    """
    lowest, highest, pixels, mean, squares = math.inf, -math.inf, 0, 0.0, 0.0
    inside: dict[str, float] = {}
    for one in frames:
        count = one["pixels"]
        inside = inside or dict.fromkeys(one["windows"], 0.0)
        if count == 0:
            continue
        lowest, highest = min(lowest, one["min"]), max(highest, one["max"])
        step, pixels = one["mean"] - mean, pixels + count
        squares += one["std"] ** 2 * count + step**2 * count * (pixels - count) / pixels
        mean += step * count / pixels
        for name, share in one["windows"].items():
            inside[name] += share * count
    if pixels == 0:
        return dict.fromkeys(("min", "max", "mean", "std")) | {"windows": dict.fromkeys(inside)}
    shares = {name: count / pixels for name, count in inside.items()}
    return {"min": lowest, "max": highest, "mean": mean, "std": math.sqrt(squares / pixels), "windows": shares}

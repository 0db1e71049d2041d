"""The grid in which a chest is looked for: how coarse, and its brightness made comparable from place to place."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter  # type: ignore[import-untyped]

type Gray = npt.NDArray[np.float32]

# Below this, a place has no contrast worth raising (brightness runs from 0 to 1).
_LEAST_SPREAD = 0.003


def halved(image: Gray, side: int) -> tuple[Gray, int]:
    """The means of blocks of 1, 2, 4, ... pixels, the fewest for which the shorter side is at most `side`.

    Returns
    -------
    image, step
        How many pixels make one.
    """
    step = 1
    while min(image.shape) > side:
        rows, columns = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        tall = image[0:rows:2] + image[1:rows:2]
        image = ((tall[:, 0:columns:2] + tall[:, 1:columns:2]) * np.float32(0.25)).astype(np.float32)
        step *= 2
    return image, step


def normalized(image: Gray, size: float) -> Gray:
    """Brightness less its mean around, in standard deviations around; `size` is the side of that square in pixels."""
    side = max(3, round(size))
    local = image - uniform_filter(image, side, mode="nearest")
    spread = uniform_filter(local * local, side, mode="nearest")
    out: Gray = local / np.sqrt(np.maximum(spread, _LEAST_SPREAD**2))
    return out


def steps(values: Gray, width: int) -> Gray:
    """How much more the `width` values after a border have than those before it, along the last axis.

    Parameters
    ----------
    values
        Shape (..., n).

    Returns
    -------
    array of shape (..., n + 1)
        For the borders before the first value, between any two, and behind the last.
    """
    padding = [(0, 0)] * (values.ndim - 1) + [(width, width)]
    padded = np.pad(values, padding, mode="edge")
    sums = np.cumsum(np.pad(padded, [(0, 0)] * (values.ndim - 1) + [(1, 0)]), axis=-1, dtype=np.float32)
    count = values.shape[-1] + 1
    before = sums[..., width : width + count] - sums[..., :count]
    after = sums[..., 2 * width : 2 * width + count] - sums[..., width : width + count]
    return ((after - before) / np.float32(width)).astype(np.float32)

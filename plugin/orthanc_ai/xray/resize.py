"""Centre crop and resize as TorchXRayVision does it, in a hundredth of the time.

TorchXRayVision resizes with ``skimage.transform.resize(image, mode="constant", preserve_range=True)``: a Gaussian
against aliasing, then linear interpolation, zeros around the image, the result clipped to the range of the input. All
but the clipping is linear and separable, so for a given size it is one sparse matrix on each side of the image.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # type: ignore[import-untyped]

# scipy.ndimage.gaussian_filter cuts its kernel off at this many standard deviations (its default).
_TRUNCATE = 4.0
# Rows of the result made at a time: of a film of 2048 pixels, 300 rows of it, 2.5 MB as float32. Half and twice as many
# take 5 % longer.
_STRIP = 32

type Shade[T: np.generic] = Callable[[npt.NDArray[T]], npt.NDArray[Any]]
"""Brightness of some rows of an image."""


def center_crop[T: np.generic](image: npt.NDArray[T]) -> npt.NDArray[T]:
    """The middle square of an image of shape (rows, columns), as a view (``XRayCenterCrop``)."""
    rows, columns = image.shape
    side = min(rows, columns)
    top, left = rows // 2 - side // 2, columns // 2 - side // 2
    return image[top : top + side, left : left + side]


def resize(
    image: npt.NDArray[np.integer | np.floating], size: int, *, slope: float = 1.0, offset: float = 0.0
) -> npt.NDArray[np.float32]:
    """Resize ``slope * image + offset`` to ``size`` x ``size`` pixels (``XRayResizer``).

    Parameters
    ----------
    image
        Shape (n, n), integers of at most 16 bits or float32.
    size
        Side of the result in pixels.
    slope, offset
        Brightness of a pixel, applied after resizing, where there are fewer of them. Zero brightness is what lies
        around the image: its edges fade towards it.

    Returns
    -------
    Shape (size, size), float32, within the range of ``slope * image + offset``.
    """
    weighted, low, high = _weigh(image, size, lambda strip: strip)
    covered = _operator(image.shape[0], size).covered
    weighted *= slope
    weighted += np.float32(offset) * np.outer(covered, covered)
    return _hold(weighted, *sorted((slope * low + offset, slope * high + offset)))


def resize_shaded[T: np.integer](image: npt.NDArray[T], size: int, shade: Shade[T]) -> npt.NDArray[np.float32] | None:
    """Resize an image whose brightness is no straight line of its stored values.

    Parameters
    ----------
    image
        Shape (n, n).
    size
        Side of the result in pixels.
    shade
        Brightness of some rows of the image, float32. It is asked for while they are in the processor's cache.

    Returns
    -------
    Shape (size, size), float32, within the range of the brightness; ``None`` if that is the same everywhere.
    """
    weighted, low, high = _weigh(image, size, shade)
    return None if low == high else _hold(weighted, low, high)


def _hold(resized: npt.NDArray[np.float32], low: float, high: float) -> npt.NDArray[np.float32]:
    """What scikit-image does last: nothing beyond the range of the input, to which the surroundings may belong."""
    if float(resized.min()) <= 0.0 <= float(resized.max()):
        low, high = min(low, 0.0), max(high, 0.0)
    return np.clip(resized, low, high, out=resized)


def _weigh[T: np.generic](
    image: npt.NDArray[T], size: int, shade: Shade[T]
) -> tuple[npt.NDArray[np.float32], float, float]:
    """Weighted sums of brightness, shape (size, size), and the extremes of brightness.

    Strip by strip, so that only the image itself is as large as the image: what is made of it stays in the cache.
    """
    operator = _operator(image.shape[0], size)
    weighted = np.empty((size, size), np.float32)
    low, high = np.inf, -np.inf
    for strip in operator.strips:
        part = shade(image[strip.source])
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        # Rows first: each product then runs along contiguous memory.
        weighted[strip.target] = (operator.matrix @ (strip.matrix @ part).T).T
    return weighted, low, high


@dataclass(frozen=True, slots=True)
class _Strip:
    """Some rows of the result, those of the source that they are made of, and with which weights."""

    target: slice
    source: slice
    matrix: csr_array


@dataclass(frozen=True, slots=True)
class _Operator:
    """What filters and interpolates along one axis.

    Attributes
    ----------
    matrix
        Weights, shape (target, source).
    covered
        Sum of the weights of each pixel of the result: less than 1 at the edges.
    strips
        The same weights for some rows of the result at a time.
    """

    matrix: csr_array
    covered: npt.NDArray[np.float32]
    strips: tuple[_Strip, ...]


@lru_cache(maxsize=64)
def _operator(source: int, target: int) -> _Operator:
    matrix = _matrix(source, target)
    strips = []
    for start in range(0, target, _STRIP):
        rows = matrix[start : start + _STRIP]
        first, end = int(rows.indices.min()), int(rows.indices.max()) + 1
        part = csr_array((rows.data, rows.indices - first, rows.indptr), shape=(rows.shape[0], end - first))
        strips.append(_Strip(slice(start, start + rows.shape[0]), slice(first, end), part))
    return _Operator(matrix, np.asarray(matrix.sum(axis=1), np.float32), tuple(strips))


def _matrix(source: int, target: int) -> csr_array:
    """The matrix of shape (target, source) that filters and interpolates along one axis."""
    scale = source / target
    # Pixel centres of the result in pixels of the source ("grid mode" of scipy.ndimage.zoom).
    centers = (np.arange(target) + 0.5) * scale - 0.5
    left = np.floor(centers).astype(np.int64)
    fraction = centers - left
    kernel = _gaussian((scale - 1) / 2)
    radius = len(kernel) // 2
    taps = np.arange(-radius, radius + 1)
    rows, columns, weights = [], [], []
    for at, share in ((left, 1 - fraction), (left + 1, fraction)):
        column = at[:, None] + taps[None, :]
        weight = share[:, None] * kernel[None, :]
        row = np.broadcast_to(np.arange(target)[:, None], column.shape)
        # The filtered image ends where the image ends, and beyond both lie zeros.
        inside = ((at >= 0) & (at < source))[:, None] & (column >= 0) & (column < source)
        rows.append(row[inside])
        columns.append(column[inside])
        weights.append(weight[inside])
    entries = np.concatenate(weights).astype(np.float32)
    # Building from coordinates sums the two shares of each weight.
    matrix = csr_array((entries, (np.concatenate(rows), np.concatenate(columns))), shape=(target, source))
    matrix.sum_duplicates()
    return matrix


def _gaussian(sigma: float) -> npt.NDArray[np.float64]:
    if sigma <= 0:
        return np.ones(1)
    radius = int(_TRUNCATE * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(kernel / kernel.sum())

"""Centre crop and resize as TorchXRayVision does it, in a hundredth of the time.

TorchXRayVision resizes with ``skimage.transform.resize(image, mode="constant", preserve_range=True)``: a Gaussian
against aliasing, then linear interpolation, zeros around the image, the result clipped to the range of the input. All
but the clipping is linear and separable, so for a given size it is one sparse matrix on each side of the image.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # type: ignore[import-untyped]

# scipy.ndimage.gaussian_filter cuts its kernel off at this many standard deviations (its default).
_TRUNCATE = 4.0


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
    operator = _operator(image.shape[0], size)
    # Rows first: each product then runs along contiguous memory.
    weighted = operator @ np.ascontiguousarray((operator @ image).T)
    covered = operator.sum(axis=1)
    resized = np.float32(slope) * weighted.T + np.float32(offset) * np.outer(covered, covered)
    low, high = sorted(slope * float(end) + offset for end in (image.min(), image.max()))
    if float(resized.min()) <= 0.0 <= float(resized.max()):
        low, high = min(low, 0.0), max(high, 0.0)
    return np.clip(np.ascontiguousarray(resized), low, high)


@lru_cache(maxsize=64)
def _operator(source: int, target: int) -> csr_array:
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

"""Where in an image a chest seen from the front lies: dark, bright, dark between two bright walls."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter  # type: ignore[import-untyped]

from .grid import Gray, halved


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a chest, in pixels of the grid that it was looked for in.

    Attributes
    ----------
    column
        Of the midline, at the height of `row`.
    row
        Where the two lungs are clearest.
    half_width
        Half of the inner width of the thorax there.
    contrast
        How much darker the lungs are than what lies beside them, in standard deviations of the image's brightness.
    """

    column: float
    row: float
    half_width: float
    contrast: float


# Shares of the half-width between which a part is looked for: the mediastinum, a lung, a wall.
_MIDDLE, _LUNG, _WALL = (0.0, 0.1), (0.36, 0.82), (1.0, 1.12)
# The shorter side of the grid that it is looked for in has at most so many cells.
_SIDE = 100
# Half-widths tried, as shares of the width of the image.
_HALF_WIDTHS = tuple(0.2 + 0.02 * step for step in range(18))


def find_chest(image: Gray) -> Place:
    """The place in an image that looks most like a chest from the front; see `_find`."""
    coarse, scale = halved(image, _SIDE)
    place = _find(coarse)
    return Place(place.column * scale, place.row * scale, place.half_width * scale, place.contrast)


def _find(image: Gray) -> Place:
    """The place that looks most like a chest from the front.

    Parameters
    ----------
    image
        Shape (rows, columns), brightness; bone bright.
    """
    rows, columns = image.shape
    band = max(3, rows // 10)
    smooth = uniform_filter(image, (band, 3), mode="nearest")
    local = uniform_filter(image, columns // 2, mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter((image - local) ** 2, columns // 2, mode="nearest"), 1e-6))
    level = ((smooth - local) / spread)[rows // 5 : rows - rows // 6 : max(1, rows // 40)]
    heights = np.arange(rows)[rows // 5 : rows - rows // 6 : max(1, rows // 40)]
    margin = int(0.75 * columns)
    padded = np.pad(level, ((0, 0), (margin, margin)), mode="edge")
    sums = np.concatenate([np.zeros((len(padded), 1), np.float32), np.cumsum(padded, axis=1)], axis=1)
    middles = np.arange(columns // 4, columns - columns // 4)
    best = Place(0, 0, 0, -np.inf)

    def mean(low: float, high: float) -> Gray:
        first, last = middles + margin + round(low), middles + margin + round(high)
        last = np.maximum(last, first + 1)
        part: Gray = (sums[:, last] - sums[:, first]) / (last - first)
        return part

    for share in _HALF_WIDTHS:
        w = share * columns
        lungs = [mean(-_LUNG[1] * w, -_LUNG[0] * w), mean(_LUNG[0] * w, _LUNG[1] * w)]
        walls = [mean(-_WALL[1] * w, -_WALL[0] * w), mean(_WALL[0] * w, _WALL[1] * w)]
        middle = mean(-_MIDDLE[1] * w, _MIDDLE[1] * w)
        score = (
            np.minimum(middle - lungs[0], middle - lungs[1])
            + 0.7 * np.minimum(walls[0] - lungs[0], walls[1] - lungs[1])
            - 0.3 * np.abs(lungs[0] - lungs[1])
        )
        at = int(score.argmax())
        if score.flat[at] > best.contrast:
            row, column = np.unravel_index(at, score.shape)
            best = Place(middles[column] + 0.5, heights[row] + 0.5, w, float(score.flat[at]))
    return best

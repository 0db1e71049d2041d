"""Where the content of a picture is: without its dark margins."""

from typing import Any

import numpy as np
import numpy.typing as npt

_CELLS = 256
"""Cells along the longer side: of a film of 2,048 pixels, 8 x 8 pixels each, in which noise averages out."""

_DARK = 0.05
"""Share of the brightest cell up to which a cell is dark (fastai's ``mask_from_blur`` takes the same of its window)."""

_FEW = 0.01
"""Share of the cells of a row or column up to which bright ones do not count: markers and letters."""


def content_box(picture: npt.NDArray[Any]) -> tuple[int, int, int, int]:
    """The box in which a picture is not dark.

    The picture is divided into square cells, and a cell is bright whose mean is more than a twentieth of that of the
    brightest. Rows and columns of cells at the edges are left out while no more than one cell in a hundred is bright.

    Parameters
    ----------
    picture
        Shape (rows, columns); black is 0.

    Returns
    -------
    Top, left, bottom and right, the last two exclusive; the whole picture if all of it is dark.
    """
    rows, columns = picture.shape
    side = -(-max(rows, columns) // _CELLS)
    means = np.add.reduceat(np.add.reduceat(picture, range(0, rows, side), 0, np.float32), range(0, columns, side), 1)
    counted = np.minimum(side, rows - np.arange(0, rows, side))[:, None] * np.minimum(
        side, columns - np.arange(0, columns, side)
    )
    means = means / counted
    bright = means > _DARK * means.max()
    high, wide = (np.flatnonzero(bright.mean(axis) > _FEW) for axis in (1, 0))
    if len(high) == 0 or len(wide) == 0:
        return 0, 0, rows, columns
    top, left = int(high[0]) * side, int(wide[0]) * side
    return top, left, min((int(high[-1]) + 1) * side, rows), min((int(wide[-1]) + 1) * side, columns)

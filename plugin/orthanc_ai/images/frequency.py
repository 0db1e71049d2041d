"""Scaling by how often values occur, as fastai's medical.imaging does (``freqhist_bins``, ``hist_scaled``).

Equally many pixels lie between two neighbouring cut points, so that gray levels go where the values are.
"""

import numpy as np
import numpy.typing as npt

from .lut import Floats

_ENDS = 0.001
"""Share of pixels below the first and above the last cut point."""


def quantiles(values: Floats, counts: npt.NDArray[np.int64], shares: Floats) -> Floats:
    """The values below which these shares of pixels lie.

    Of n pixels in ascending order that of the share q is the one in place floor(n q), counted from 0; at most the last.

    Parameters
    ----------
    values
        In any order.
    counts
        How many pixels have each value; at least one has any.
    shares
        From 0 to 1.
    """
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(counts[order])
    places = np.minimum((shares * ends[-1]).astype(np.int64), ends[-1] - 1)
    return np.asarray(values[order[np.searchsorted(ends, places, side="right")]])


def cut_points(values: Floats, counts: npt.NDArray[np.int64], bins: int) -> Floats:
    """Values at the shares 0.001, (i + 1/2) / bins for i = 0 to bins - 1, and 0.999, each value once, ascending.

    Parameters
    ----------
    values, counts
        As of `quantiles`.
    bins
        How many.
    """
    shares = np.concatenate([[_ENDS], (np.arange(bins) + 0.5) / bins, [1 - _ENDS]])
    return np.unique(quantiles(values, counts, shares))


def by_frequency(values: Floats, cuts: Floats) -> Floats:
    """Brightness from 0 to 1: linear between the cut points, whose own brightnesses are evenly spaced from 0 to 1."""
    return np.asarray(np.interp(values, cuts, np.linspace(0.0, 1.0, len(cuts))))

"""Scaling by how often values occur, as fastai's medical.imaging does (``freqhist_bins``, ``hist_scaled``).

Equally many pixels lie between two cut points, so that gray levels go where the values are.
"""

import numpy as np
import numpy.typing as npt

from .lut import Floats

_ENDS = 0.001
"""Share of pixels below the first and above the last cut point."""


def cut_points(values: Floats, counts: npt.NDArray[np.int64], bins: int) -> Floats:
    """Values at the quantiles 0.001, (i + 1/2) / bins for i = 0 to bins - 1, and 0.999, each once, ascending.

    Parameters
    ----------
    values
        Ascending.
    counts
        How many pixels have each value; at least one has any.
    bins
        How many.
    """
    ends = np.cumsum(counts)
    quantiles = np.concatenate([[_ENDS], (np.arange(bins) + 0.5) / bins, [1 - _ENDS]])
    # The quantile q of n sorted values is the one in place floor(n q), counted from 0.
    places = (quantiles * ends[-1]).astype(np.int64)
    return np.asarray(np.unique(values[np.searchsorted(ends, places, side="right")]))


def by_frequency(values: Floats, cuts: Floats) -> Floats:
    """Brightness from 0 to 1: linear between the cut points, which are evenly spaced from 0 to 1."""
    return np.asarray(np.interp(values, cuts, np.linspace(0.0, 1.0, len(cuts))))

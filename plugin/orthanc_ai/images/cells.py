"""Pixel cells: which value each pattern of bits in the pixel data stands for (PS3.5 section 8.1.1).

A cell has Bits Allocated, a value Bits Stored of them, from High Bit down. Headers err about both, and what lies in the
other bits is anybody's guess: nothing, the sign, an overlay, or the rest of the value.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import attribute
from .grayscale import Floats, is_padding, value_range

# From this share of pixels beyond the range of Bits Stored on, Bits Stored is taken to be wrong.
_WRONG_BITS = 0.01
# Overlay groups, PS3.5 section 7.6.
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


@dataclass(frozen=True, slots=True)
class Cells:
    """How the cells of an image are to be read.

    Attributes
    ----------
    values
        The stored value of every cell from the lowest to the highest of the image, ascending; float64.
    bits
        Bits per value: Bits Stored, unless more than one pixel in a hundred belies it.
    exceeded
        Whether some pixel that is no padding lies beyond the range of Bits Stored.
    """

    values: Floats
    bits: int
    exceeded: bool


def read_cells(header: Dataset, stored: npt.NDArray[np.integer], lowest: int, highest: int) -> Cells:
    """Find out how the cells of an image are to be read.

    Parameters
    ----------
    header
        The image's header, its bits and representation checked.
    stored
        The cells as they are, any shape, one or two bytes each; int or uint by Pixel Representation.
    lowest, highest
        Their extremes. Only what lies between is worked out: a film of 12 bits uses 4,096 of the 65,536 cells.
    """
    bits, allocated = int(header.BitsStored), 8 * stored.itemsize
    low, high = value_range(header, bits)
    cells = np.arange(lowest, highest + 1).astype(stored.dtype)
    shift = _shift(header, stored, bits, allocated)
    values = (cells >> shift).astype(np.float64)
    if low <= values[0] and values[-1] <= high:
        return Cells(values, bits, False)
    spare = allocated - bits
    if shift == 0 and (_has_embedded_overlay(header) or (low < 0 <= lowest and highest < 2**bits)):
        # The sign was not carried on to the left, or an overlay lies there: only the value's own bits count.
        return Cells(((cells << spare) >> spare).astype(np.float64), bits, False)
    unsigned = f"u{stored.itemsize}"
    counts = np.bincount(stored.view(unsigned).ravel(), minlength=2**allocated)[cells.view(unsigned)]
    counts[is_padding(header, values)] = 0
    exceeded = beyond = int(counts[(values < low) | (values > high)].sum())
    while beyond > _WRONG_BITS * stored.size and bits < allocated:
        bits += 1
        low, high = value_range(header, bits)
        beyond = int(counts[(values < low) | (values > high)].sum())
    return Cells(values, bits, exceeded > 0)


def _shift(header: Dataset, stored: npt.NDArray[np.integer], bits: int, allocated: int) -> int:
    """How far values lie above the lower end of their cells, by High Bit, unless the lower end is used."""
    high_bit = attribute(header, "HighBit")
    shift = (bits - 1 if high_bit is None else int(high_bit)) + 1 - bits
    if not 0 < shift <= allocated - bits:
        return 0
    return 0 if int(np.bitwise_or.reduce(stored, axis=None)) & (2**shift - 1) else shift


def _has_embedded_overlay(header: Dataset) -> bool:
    """Whether an overlay shares the cells with the image, which is retired (PS3.3 section C.9.2 of 2004)."""
    positions = {group: attribute(header, group << 16 | 0x0102) for group in _OVERLAY_GROUPS}
    return any(position and (group, 0x3000) not in header for group, position in positions.items())

"""Lookup tables of headers: Modality LUT and VOI LUT (PS3.3 sections C.11.1.1 and C.11.2.1.1)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import attribute

Floats = npt.NDArray[np.float64]

LONGEST_LUT = 2 * 2**16
"""Bytes of LUT Data: at most 65,536 entries of two bytes (PS3.3 section C.11.1.1.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """A lookup table.

    Attributes
    ----------
    first
        The value that the first entry is for.
    entries
        Shape (n,), 0 to 2 ** depth - 1.
    depth
        Bits per entry, 8 to 16.
    explanation
        LUT Explanation (0028,3003); empty if there is none.
    """

    first: int
    entries: Floats
    depth: int
    explanation: str = ""

    def __call__(self, values: Floats) -> Floats:
        """Entries for values; what lies beyond either end takes the last entry there."""
        places = np.clip(np.rint(values - self.first), 0, len(self.entries) - 1)
        return self.entries[places.astype(np.int64)]

    @property
    def highest(self) -> int:
        """The highest entry that there can be."""
        return int(2**self.depth - 1)


def read_lut(header: Dataset, item: Dataset) -> Lut:
    """The lookup table of an item of a Modality or VOI LUT Sequence.

    Parameters
    ----------
    header
        The image's, for the byte order.

    Raises
    ------
    ValueError
        If it is malformed.
    """
    count, first, depth = (int(number) for number in attribute(item, "LUTDescriptor"))
    count = count or 2**16  # 0 stands for 65,536, which does not fit
    if not 8 <= depth <= 16:
        raise ValueError(f"a LUT of {depth} bits per entry is not defined")
    data = attribute(item, "LUTData", LONGEST_LUT)
    if isinstance(data, bytes):
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
        one_byte_each = depth == 8 and len(data) < 2 * count
        entries = np.frombuffer(data, "u1" if one_byte_each else f"{order}u2")
    else:
        entries = np.atleast_1d(np.asarray(data, dtype=np.int64)) & 0xFFFF
    if len(entries) == 0:
        raise ValueError("a LUT has no entries")
    explanation = str(attribute(item, "LUTExplanation") or "").strip()
    return Lut(first, np.minimum(entries[:count].astype(np.float64), 2**depth - 1), depth, explanation)

"""Hounsfield units of one image: its stored values through the rescale of its header (PS3.3 section C.11.1)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..xray.cells import read_cells
from ..xray.decode import decode
from ..xray.errors import ImageError
from .errors import VolumeError

HOUNSFIELD_TYPES = frozenset({"", "HU", "US"})
"""Values of Rescale Type (0028,1054), PS3.3 section C.11.1.1.2, under which pixel values of CT Image Storage are taken for
Hounsfield units: absent, said so, or "unspecified". Others are e.g. effective atomic numbers or electron densities."""

MAXIMUM_PIXELS = 4096 * 4096
"""Of one image; CT detectors give 512 x 512, and up to 2048 x 2048 in research."""


class Slice(NamedTuple):
    """One image in Hounsfield units.

    Attributes
    ----------
    values
        Shape ``(rows, columns)``; whole numbers if slope and intercept are.
    padding
        Hounsfield units of Pixel Padding Value (0028,0120), which stands for "no image here"; ``None`` if not stated.
    """

    values: npt.NDArray[np.float32]
    padding: float | None


def hounsfield(dataset: Dataset, slope: float, intercept: float) -> Slice:
    """Decode an image of one frame.

    Raises
    ------
    VolumeError
        ``NO_PIXELS``, ``MULTI_FRAME``, ``PHOTOMETRIC_UNSUPPORTED``, ``IMAGE_TOO_LARGE``, ``NOT_HOUNSFIELD``,
        ``HEADER_UNREADABLE``, ``TRANSFER_SYNTAX_UNSUPPORTED`` or ``PIXELS_UNREADABLE``.
    """
    try:
        _check(dataset)
        stored = decode(dataset)
        low, high = int(stored.min()), int(stored.max())
        cells = read_cells(dataset, stored, low, high)
        padding = attribute(dataset, "PixelPaddingValue")
        padded = None if padding in (None, "") else float(padding) * slope + intercept
    except ImageError as error:
        raise VolumeError(error.code, str(error)) from error
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise VolumeError(
            Code.HEADER_UNREADABLE, f"the pixels are described wrongly: {type(error).__name__}"
        ) from error
    table = (cells.values * slope + intercept).astype(np.float32)
    return Slice(table[stored.astype(np.intp) - low], padded)


def _check(dataset: Dataset) -> None:
    """Refuse what cannot be read, before any memory is spent on it."""
    if "PixelData" not in dataset:
        raise VolumeError(Code.NO_PIXELS)
    if int(attribute(dataset, "NumberOfFrames") or 1) != 1:
        raise VolumeError(Code.MULTI_FRAME)
    photometric = str(attribute(dataset, "PhotometricInterpretation") or "")
    # Which end is white does not matter for Hounsfield units.
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or int(attribute(dataset, "SamplesPerPixel") or 1) != 1:
        raise VolumeError(Code.PHOTOMETRIC_UNSUPPORTED)
    rows, columns = _integer(dataset, "Rows"), _integer(dataset, "Columns")
    if not 0 < rows * columns <= MAXIMUM_PIXELS:
        raise VolumeError(Code.IMAGE_TOO_LARGE, f"{columns} x {rows} pixels, at most {MAXIMUM_PIXELS} are read")
    allocated, stored = _integer(dataset, "BitsAllocated"), _integer(dataset, "BitsStored")
    if allocated not in (8, 16) or not 2 <= stored <= allocated:
        raise VolumeError(Code.PIXELS_UNREADABLE, f"Bits Allocated {allocated} with Bits Stored {stored}")
    if _integer(dataset, "PixelRepresentation") not in (0, 1):
        raise VolumeError(Code.HEADER_UNREADABLE, "Pixel Representation is neither 0 nor 1")
    unit = str(attribute(dataset, "RescaleType") or "").strip().upper()
    if unit not in HOUNSFIELD_TYPES:
        raise VolumeError(Code.NOT_HOUNSFIELD)


def _integer(dataset: Dataset, keyword: str) -> int:
    value = attribute(dataset, keyword)
    if value is None:
        raise MalformedError(f"{keyword} is missing")
    return int(value)

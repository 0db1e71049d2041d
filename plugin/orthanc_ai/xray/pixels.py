"""From a DICOM dataset to the tensor that a model sees.

TorchXRayVision's ``read_xray_dcm``, ``XRayCenterCrop`` and ``XRayResizer`` are the reference; docs/images.md says where
this reader goes beyond them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..codes import Code
from ..images.cells import Cells, read_cells
from ..images.checks import MAXIMUM_PIXELS, check_cells, check_monochrome, check_present, integer, size_of
from ..images.decode import decode
from ..images.digest import pixel_digest
from ..images.errors import ImageError
from ..images.grayscale import brightness
from ..stages import Stages
from .reduce import block_means
from .resize import center_crop, resize, resize_shaded

__all__ = ["MAXIMUM_PIXELS", "MINIMUM_SIDE", "Radiograph", "pixel_digest", "read_radiograph"]

# Fewer rows or columns than this show no lungs, whatever they show.
MINIMUM_SIDE = 64
# TorchXRayVision's models take black as -1024 and white as 1024.
_WHITE = 1024.0
# Chest films are at most 43 x 35 cm, a ratio of 1.23; beyond this one, a centre crop may lose lung.
_SQUARE_ENOUGH = 1.5
# Steps of brightness where it is rounded.
_LEVELS = 4095
# Rows of blocks that are looked up at once.
_BAND = 16
# Largest distance from a straight line, of 2048 levels, at which brightness counts as one: float32 rounding.
_STRAIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Radiograph:
    """What a model sees.

    Attributes
    ----------
    tensor
        Shape (1, size, size), float32, from -1024 (black) to 1024 (white); bone is bright.
    notes
        What is remarkable about the pixels: ``PIXEL_RANGE_EXCEEDED``, ``IMAGE_CROPPED``.
    small
        The whole image, not only its middle square, as means of square blocks: shape (rows // step, columns // step),
        float32, from 0 (black) to 1 (white). ``None`` unless it was asked for.
    """

    tensor: npt.NDArray[np.float32]
    notes: tuple[Code, ...]
    small: npt.NDArray[np.float32] | None = None


def read_radiograph(
    dataset: Dataset, size: int, *, voi_lut: bool = True, step: int | None = None, stages: Stages | None = None
) -> Radiograph:
    """Decode, transform to brightness, crop to the middle square, and resize.

    Parameters
    ----------
    dataset
        A whole DICOM file, as ``pydicom.dcmread`` gives it.
    size
        Side of the model's input in pixels.
    voi_lut
        Whether to apply the first VOI LUT or window of the image.
    step
        Side of the blocks, in pixels, whose means are wanted as well; without it, they are not.
    stages
        Takes the times of ``decode``, ``resize`` and ``reduce``.

    Raises
    ------
    ImageError
        ``NO_PIXELS``, ``MULTI_FRAME``, ``PHOTOMETRIC_UNSUPPORTED``, ``IMAGE_TOO_LARGE``, ``IMAGE_TOO_SMALL``,
        ``HEADER_UNREADABLE``, ``TRANSFER_SYNTAX_UNSUPPORTED``, ``PIXELS_UNREADABLE`` or ``PIXELS_UNIFORM``.
    """
    stages = stages or Stages()
    _check_header(dataset)
    with stages("decode"):
        whole = decode(dataset)
        stored = center_crop(whole)
    with stages("resize"):
        low, _, cells, lookup = _shades(dataset, stored, voi_lut)
        tensor = _resized(stored, low, ((2.0 * lookup - 1.0) * _WHITE).astype(np.float32), size)
    small = None
    if step is not None:
        with stages("reduce"):
            small = _reduced(dataset, whole, step, voi_lut)
    notes = []
    if cells.exceeded:
        notes.append(Code.PIXEL_RANGE_EXCEEDED)
    if max(dataset.Rows, dataset.Columns) > _SQUARE_ENOUGH * min(dataset.Rows, dataset.Columns):
        notes.append(Code.IMAGE_CROPPED)
    return Radiograph(tensor[np.newaxis], tuple(notes), small)


def _shades(
    dataset: Dataset, stored: npt.NDArray[np.integer], voi_lut: bool
) -> tuple[int, int, Cells, npt.NDArray[np.float64]]:
    """Lowest and highest of the stored numbers, what they hold, and the brightness of each number from the lowest on."""
    low, high = int(stored.min()), int(stored.max())
    try:
        cells = read_cells(dataset, stored, low, high)
        return low, high, cells, brightness(dataset, cells.values, cells.bits, voi_lut)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"the grayscale transformation is malformed: {error}") from error


def _reduced(dataset: Dataset, whole: npt.NDArray[np.integer], step: int, voi_lut: bool) -> npt.NDArray[np.float32]:
    low, high, cells, lookup = _shades(dataset, whole, voi_lut)
    if (int(cells.values[0]), int(cells.values[-1])) != (low, high):
        # The values share their cells with an overlay, so that means of cells mean nothing.
        shades = (lookup * _LEVELS).astype(np.uint16)
        # Band by band, since a whole film would take ten bytes for each pixel.
        bands = range(0, max(1, len(whole) // step), _BAND)
        parts = [block_means(shades[_rows(whole, band, step).astype(np.int32) - low], step) for band in bands]
        return np.concatenate(parts) / np.float32(_LEVELS)
    means = block_means(whole, step)
    return np.interp(means, np.arange(low, high + 1), lookup).astype(np.float32)


def _rows(whole: npt.NDArray[np.integer], band: int, step: int) -> npt.NDArray[np.integer]:
    return whole[band * step : (band + _BAND) * step]


def _check_header(dataset: Dataset) -> None:
    """Refuse what cannot be read, before any memory is spent on it."""
    check_present(dataset)
    if integer(dataset, "NumberOfFrames", 1) != 1:
        raise ImageError(Code.MULTI_FRAME, f"Number of Frames is {dataset.NumberOfFrames}")
    check_monochrome(dataset)
    rows, columns = size_of(dataset)
    if min(rows, columns) < MINIMUM_SIDE:
        raise ImageError(Code.IMAGE_TOO_SMALL, f"{columns} x {rows} pixels, at least {MINIMUM_SIDE} each are needed")
    check_cells(dataset, least=2)


def _resized(
    stored: npt.NDArray[np.integer], low: int, lookup: npt.NDArray[np.float32], size: int
) -> npt.NDArray[np.float32]:
    """Brightness of the image, looked up from its lowest cell on, and resized."""
    if len(lookup) == 1:
        raise ImageError(Code.PIXELS_UNIFORM, "every pixel has the same value")
    darkest, brightest = lookup.min(), lookup.max()
    if darkest == brightest:
        raise ImageError(Code.PIXELS_UNIFORM, "every pixel has the same brightness")
    slope, offset = _line(lookup, low)
    line = slope * np.arange(low, low + len(lookup)) + offset
    if np.abs(line - lookup).max() < _STRAIGHT:
        # A straight line commutes with resizing, and is much cheaper behind it.
        return resize(stored, size, slope=slope, offset=offset)

    def window(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        image = rows.astype(np.float32)
        image *= slope
        image += offset
        np.clip(image, darkest, brightest, out=image)
        return image

    unsigned = np.dtype(f"u{stored.itemsize}")
    first = np.array(low).astype(unsigned)

    def table(rows: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        # Unsigned differences wrap around: right for signed cells as well.
        image: npt.NDArray[np.float32] = lookup[rows.view(unsigned) - first]
        return image

    # A window is quicker worked out than looked up.
    is_window = np.abs(line.clip(darkest, brightest) - lookup).max() < _STRAIGHT
    resized = resize_shaded(stored, size, window if is_window else table)
    if resized is None:
        raise ImageError(Code.PIXELS_UNIFORM, "every pixel has the same brightness")
    return resized


def _line(used: npt.NDArray[np.float32], low: int) -> tuple[float, float]:
    """Slope and offset of the line through that part of ascending values, from `low` on, where brightness changes."""
    changes = np.flatnonzero(np.diff(used))
    # The ends of a window fall between two values, so the steps to them are no measure.
    start, end = (int(changes[0]) + 1, int(changes[-1])) if len(changes) > 2 else (0, len(used) - 1)
    slope = float(used[end] - used[start]) / (end - start)
    return slope, float(used[start]) - slope * (start + low)

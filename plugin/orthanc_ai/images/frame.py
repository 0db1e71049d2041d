"""One frame of an image: its stored values, and what the header says about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import MalformedError, attribute
from ..codes import Code
from .cells import read_cells
from .checks import check_cells, check_monochrome, check_present, integer, size_of
from .decode import decode, transfer_syntax
from .errors import ImageError
from .frame_headers import FrameHeaders
from .grayscale import is_padding, modality, value_range
from .lut import Floats
from .number import numbers

_LEAST = 8
"""Bytes of a compressed frame: as many as the head of a fragment has (PS3.5 section A.4)."""

# Rows counted at a time: of a film of 2,048 columns, 130 kB.
_STRIP = 32

type Integers = npt.NDArray[np.integer]
type Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes
    ----------
    header
        What the header says about this frame's looks, functional groups included; under the keywords of single-frame
        images.
    stored
        Stored values, shape (rows, columns), int8 to uint16.
    lowest, highest
        The extremes of `stored`.
    bits
        Bits per value: Bits Stored, unless that was found to be wrong.
    notes
        What is remarkable: ``PIXEL_RANGE_EXCEEDED``.
    number
        Counted from 0.
    """

    header: Dataset
    stored: Integers
    lowest: int
    highest: int
    bits: int
    notes: tuple[Code, ...] = ()
    number: int = 0

    @property
    def inverted(self) -> bool:
        """Whether the lowest values are white: MONOCHROME1."""
        return str(self.header.PhotometricInterpretation) == "MONOCHROME1"

    @property
    def bent(self) -> bool:
        """Whether the modality transformation is a LUT and need not rise or fall all along."""
        return "ModalityLUTSequence" in self.header

    @cached_property
    def used(self) -> Floats:
        """Every stored value from the lowest to the highest; shape (highest - lowest + 1,)."""
        return np.arange(self.lowest, self.highest + 1, dtype=np.float64)

    @cached_property
    def table(self) -> Floats:
        """The values after the modality transformation of all `used`, e.g. HU."""
        low, high = value_range(self.header, self.bits)
        values = modality(self.header, self.used, low, high)[0]
        if not np.isfinite(values).all():
            raise ValueError("the modality transformation gives values that are not finite")
        return values

    @cached_property
    def places(self) -> Integers:
        """For each pixel, its place in `used` and `table`; unsigned."""
        unsigned = np.dtype(f"u{self.stored.itemsize}")
        if self.lowest == 0:
            return self.stored.view(unsigned)
        # Unsigned differences wrap around: right for signed values as well.
        return np.asarray(self.stored.view(unsigned) - np.array(self.lowest).astype(unsigned))

    @cached_property
    def counts(self) -> Counts:
        """How many pixels have each of the `used` stored values."""
        counts = np.zeros(len(self.used), np.int64)
        # A strip fits into the processor's cache as the 64-bit integers that bincount makes of it.
        for row in range(0, len(self.places), _STRIP):
            counts += np.bincount(self.places[row : row + _STRIP].ravel(), minlength=len(counts))
        return counts

    @cached_property
    def padding(self) -> npt.NDArray[np.bool_]:
        """Which of `used` are padding (PS3.3 section C.7.5.1.1.2), not image."""
        return is_padding(self.header, self.used)

    @cached_property
    def shown_counts(self) -> Counts:
        """`counts` without padding; of an image that is nothing but padding, all."""
        counts = np.where(self.padding, 0, self.counts)
        return counts if counts.any() else self.counts

    @cached_property
    def values(self) -> npt.NDArray[Any]:
        """Values after the modality transformation, e.g. HU; int32 where all are whole numbers, else float32."""
        whole = bool((np.rint(self.table) == self.table).all() and np.abs(self.table).max() < 2**31)
        return self.table.astype(np.int32 if whole else np.float32)[self.places]

    @cached_property
    def pixel_aspect(self) -> float | None:
        """Height of a pixel by its width; ``None`` if the header does not say it."""
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
            try:
                spacing = numbers(self.header, keyword)
            except (ValueError, TypeError):
                continue
            if len(spacing) == 2 and min(spacing) > 0:
                return spacing[0] / spacing[1]
        return None


class Frames:
    """The frames of a file, read when asked for.

    Parameters
    ----------
    dataset
        A whole DICOM file, as `dicom_file.open_file` gives it.

    Raises
    ------
    ImageError
        ``NO_PIXELS``, ``PHOTOMETRIC_UNSUPPORTED``, ``IMAGE_TOO_LARGE``, ``HEADER_UNREADABLE`` or ``PIXELS_UNREADABLE``.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._count = _check(dataset)
        self._headers = FrameHeaders(dataset)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Frame]:
        """All frames, one after the other."""
        return (self[number] for number in range(self._count))

    def __getitem__(self, number: int) -> Frame:
        """One frame, counted from 0.

        Raises
        ------
        ImageError
            ``FRAME_NOT_THERE``, ``TRANSFER_SYNTAX_UNSUPPORTED``, ``PIXELS_UNREADABLE`` or ``HEADER_UNREADABLE``.
        """
        if not 0 <= number < self._count:
            raise ImageError(Code.FRAME_NOT_THERE, f"frame {number} of {self._count}, counted from 0")
        header = self._headers[number]
        stored = decode(self._dataset, number, self._count)
        try:
            lowest, highest = int(stored.min()), int(stored.max())
            cells = read_cells(header, stored, lowest, highest)
            if cells.values[0] != lowest or cells.values[-1] != highest:
                # Values do not lie in the lower end of their cells, or share them with an overlay.
                stored = cells.values.astype(stored.dtype)[stored.astype(np.int32) - lowest]
                lowest, highest = int(stored.min()), int(stored.max())
            notes = (Code.PIXEL_RANGE_EXCEEDED,) if cells.exceeded else ()
            frame = Frame(header, stored, lowest, highest, cells.bits, notes, number)
            _ = frame.table, frame.padding  # what is malformed about them is known from here on
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ImageError(Code.HEADER_UNREADABLE, f"the grayscale transformation is malformed: {error}") from error
        return frame


def read_frame(dataset: Dataset, number: int = 0) -> Frame:
    """One frame of a DICOM file; see `Frames` for several of one file.

    Parameters
    ----------
    dataset
        A whole DICOM file, as `dicom_file.open_file` gives it.
    number
        Of the frame, counted from 0.

    Raises
    ------
    ImageError
        As `Frames`.
    """
    return Frames(dataset)[number]


def _check(dataset: Dataset) -> int:
    """Refuse what cannot be read, before any memory is spent on it; the number of frames."""
    check_present(dataset)
    check_monochrome(dataset)
    rows, columns = size_of(dataset)
    if min(rows, columns) < 1:
        raise ImageError(Code.HEADER_UNREADABLE, f"{columns} x {rows} pixels")
    check_cells(dataset, least=1)
    count = max(integer(dataset, "NumberOfFrames", 1), 1)
    if count > 1:
        _check_length(dataset, count, rows * columns * int(dataset.BitsAllocated) // 8)
    return count


def _check_length(dataset: Dataset, count: int, native: int) -> None:
    """Refuse a number of frames that the pixel data cannot hold: someone may want to go through all of them."""
    least = count * (_LEAST if transfer_syntax(dataset).is_encapsulated else native)
    try:
        length = len(attribute(dataset, "PixelData", least) or b"")
    except MalformedError:
        return  # it is longer than that
    if length < least:
        raise ImageError(Code.PIXELS_UNREADABLE, f"{length} bytes of pixel data cannot be {count} frames")

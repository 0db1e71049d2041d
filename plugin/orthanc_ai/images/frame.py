"""One frame of an image: its stored values, and what the header says about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from ..attributes import MalformedError, attribute, items
from ..codes import Code
from ..dicom_file import FileError, each_item
from .cells import read_cells
from .decode import decode
from .errors import ImageError
from .grayscale import is_padding, modality, value_range
from .lut import Floats

MAXIMUM_PIXELS = 40_000_000
"""Pixels of a frame: a 43 x 43 cm detector with pixels of 68 micrometres."""

READS_OF_GROUP = 10_000
"""How often pydicom may read from one functional group; see `dicom_file.MAXIMUM_READS`."""

GROUPS = {
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"),
    "PixelMeasuresSequence": ("PixelSpacing",),
}
"""Functional groups that say how a frame looks (PS3.3 sections C.7.6.16.2.9, C.7.6.16.2.10 and C.7.6.16.2.1)."""

_TOP = (
    "PhotometricInterpretation",
    "PixelRepresentation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelAspectRatio",
    "Modality",
)

type Integers = npt.NDArray[np.integer]


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
    """

    header: Dataset
    stored: Integers
    lowest: int
    highest: int
    bits: int
    notes: tuple[Code, ...] = ()

    @property
    def inverted(self) -> bool:
        """Whether the lowest values are white: MONOCHROME1."""
        return str(self.header.PhotometricInterpretation) == "MONOCHROME1"

    @cached_property
    def used(self) -> Floats:
        """Every stored value from the lowest to the highest; shape (highest - lowest + 1,)."""
        return np.arange(self.lowest, self.highest + 1, dtype=np.float64)

    @cached_property
    def table(self) -> Floats:
        """The values after the modality transformation of all `used`."""
        low, high = value_range(self.header, self.bits)
        return self._sound(modality(self.header, self.used, low, high)[0])

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many pixels have each of the `used` stored values."""
        return np.bincount(self.places.ravel(), minlength=len(self.used))

    @cached_property
    def padding(self) -> npt.NDArray[np.bool_]:
        """Which of `used` are padding (PS3.3 section C.7.5.1.1.2), not image."""
        return is_padding(self.header, self.used)

    @cached_property
    def places(self) -> Integers:
        """For each pixel, its place in `used` and `table`; unsigned."""
        unsigned = np.dtype(f"u{self.stored.itemsize}")
        if self.lowest == 0:
            return self.stored.view(unsigned)
        # Unsigned differences wrap around: right for signed values as well.
        return np.asarray(self.stored.view(unsigned) - np.array(self.lowest).astype(unsigned))

    @cached_property
    def values(self) -> npt.NDArray[Any]:
        """Values after the modality transformation, e.g. HU; int32 where all are whole numbers, else float32."""
        whole = bool((np.rint(self.table) == self.table).all() and np.abs(self.table).max() < 2**31)
        return self.table.astype(np.int32 if whole else np.float32)[self.places]

    def _sound(self, values: Floats) -> Floats:
        if not np.isfinite(values).all():
            raise ValueError("some values are not finite")
        return values


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
        self._base = _chosen(dataset, _TOP)
        self._shared: list[Dataset] | None = None
        self._per_frame: list[Dataset] = []
        self._rest: Iterator[Dataset] | None = None

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
            ``FRAME_NOT_THERE``; ``TRANSFER_SYNTAX_UNSUPPORTED``, ``PIXELS_UNREADABLE`` or ``HEADER_UNREADABLE``.
        """
        if not 0 <= number < self._count:
            raise ImageError(Code.FRAME_NOT_THERE, f"frame {number} of {self._count}, counted from 0")
        header = self._header(number)
        stored = decode(self._dataset, number, self._count)
        try:
            lowest, highest = int(stored.min()), int(stored.max())
            cells = read_cells(header, stored, lowest, highest)
            if cells.values[0] != lowest or cells.values[-1] != highest:
                stored = cells.values.astype(stored.dtype)[stored.astype(np.int32) - lowest]
                lowest, highest = int(stored.min()), int(stored.max())
            frame = Frame(
                header, stored, lowest, highest, cells.bits, (Code.PIXEL_RANGE_EXCEEDED,) if cells.exceeded else ()
            )
            _ = frame.table, frame.padding  # so that what is malformed is known here
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ImageError(Code.HEADER_UNREADABLE, f"the grayscale transformation is malformed: {error}") from error
        return frame

    def _header(self, number: int) -> Dataset:
        header = Dataset(self._base)
        header.file_meta = self._dataset.file_meta
        try:
            for groups in self._groups(number):
                for sequence, keywords in GROUPS.items():
                    group = next(each_item(groups, sequence, READS_OF_GROUP), None)
                    if group is not None:
                        header.update(_chosen(group, keywords))
        except (FileError, MalformedError) as error:
            raise ImageError(Code.HEADER_UNREADABLE, f"the functional groups are malformed: {error}") from error
        return header

    def _groups(self, number: int) -> Iterator[Dataset]:
        """The functional groups of all frames, then those of one frame."""
        if self._shared is None:
            self._shared = items(self._dataset, "SharedFunctionalGroupsSequence")[:1]
            self._rest = each_item(self._dataset, "PerFrameFunctionalGroupsSequence")
        yield from self._shared
        missing = number + 1 - len(self._per_frame)
        if self._rest is not None and missing > 0:
            self._per_frame += islice(self._rest, missing)
        yield from self._per_frame[number : number + 1]


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


def _chosen(dataset: Dataset, keywords: tuple[str, ...]) -> Dataset:
    """Some elements, as they were read."""
    tags = [tag for tag in map(tag_for_keyword, keywords) if tag is not None and tag in dataset]
    chosen = Dataset({tag: dataset.get_item(tag) for tag in tags})  # type: ignore[misc]
    chosen.set_original_encoding(*dataset.original_encoding)
    return chosen


def _check(dataset: Dataset) -> int:
    """Refuse what cannot be read, before any memory is spent on it; the number of frames."""
    if "PixelData" not in dataset:
        raise ImageError(Code.NO_PIXELS, "there is no Pixel Data (7FE0,0010)")
    try:
        photometric = attribute(dataset, "PhotometricInterpretation")
    except MalformedError as error:
        raise ImageError(Code.HEADER_UNREADABLE, str(error)) from error
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or _integer(dataset, "SamplesPerPixel", 1) != 1:
        raise ImageError(Code.PHOTOMETRIC_UNSUPPORTED, f"Photometric Interpretation is {photometric}")
    rows, columns = _integer(dataset, "Rows"), _integer(dataset, "Columns")
    if rows * columns > MAXIMUM_PIXELS:
        raise ImageError(Code.IMAGE_TOO_LARGE, f"{columns} x {rows} pixels, at most {MAXIMUM_PIXELS} are read")
    if min(rows, columns) < 1:
        raise ImageError(Code.HEADER_UNREADABLE, f"{columns} x {rows} pixels")
    allocated, stored = _integer(dataset, "BitsAllocated"), _integer(dataset, "BitsStored")
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        message = f"Bits Allocated {allocated} with Bits Stored {stored}; 8 or 16 with 1 to as many are read"
        raise ImageError(Code.PIXELS_UNREADABLE, message)
    if _integer(dataset, "PixelRepresentation") not in (0, 1):
        raise ImageError(Code.HEADER_UNREADABLE, f"Pixel Representation is {dataset.PixelRepresentation}")
    return max(_integer(dataset, "NumberOfFrames", 1), 1)


def _integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    try:
        value = attribute(dataset, keyword)
        return default if value is None and default is not None else int(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"{keyword} is missing or malformed") from error

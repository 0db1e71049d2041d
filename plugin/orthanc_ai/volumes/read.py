"""The images of a series, read from their files into one volume for each cardiac phase.

Only one phase is in memory at a time: a series of ten phases has 5,000 images, 2.6 GB of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from ..attributes import attribute, items
from ..cardiac.header import Header
from ..cardiac.multiframe import READS_OF_GROUP, frames_of
from ..cardiac.select import HOUNSFIELD_TYPES, MULTI_FRAME_CT
from ..cardiac.slices import MAXIMUM_HEADER, read_slices
from ..cardiac.stack import Stack
from ..codes import Code
from ..dicom_file import MAXIMUM_READS_OF_FRAMES, FileError, each_item, open_file
from ..images.errors import ImageError
from .errors import VolumeError
from .grid import grid_of
from .plan import Plan, plan_series
from .volume import Values, Volume

_TRANSFORMATION = "PixelValueTransformationSequence"
_INT16 = np.iinfo(np.int16)

type Identity = tuple[str, int | None]
"""SOP Instance UID of an image, and its frame number in a multi-frame instance."""


class Stored(Protocol):
    """A DICOM file that is somewhere."""

    def open(self) -> BinaryIO:
        """The file, from its beginning.

        Raises
        ------
        OSError
        """
        ...


type File = Path | Stored


class Image(NamedTuple):
    """One image of a series.

    Attributes
    ----------
    file
        That has its pixels.
    unit
        Rescale Type (0028,1054); empty if not stated.
    padding
        Pixel Padding Value (0028,0120), a stored value; ``None`` if not stated.
    """

    header: Header
    file: File
    unit: str = ""
    padding: float | None = None


class Unreadable(NamedTuple):
    """A file that cannot be read, and why."""

    file: File
    code: Code


@dataclass(frozen=True, slots=True)
class Phase:
    """The volume of one cardiac phase.

    Attributes
    ----------
    stack
        The headers of its slices, in their order, and what is remarkable about them.
    padding
        Hounsfield units that stand for "no image here", by Pixel Padding Value (0028,0120); empty if none does.
    """

    volume: Volume
    stack: Stack
    padding: tuple[float, ...]


class Series:
    """The images of one series.

    Parameters
    ----------
    files
        Its DICOM files, in any order. What is no image of the series' volumes is left out.
    only
        Of the images in these files, those that count; all, if not given.

    Attributes
    ----------
    plan
        What the images make, and which are left out.
    unreadable
        Files that are no DICOM files, or cannot be read.
    """

    def __init__(self, files: Iterable[File], only: Iterable[Identity] | None = None) -> None:
        images, self.unreadable = _images(files)
        wanted = None if only is None else frozenset(only)
        self._images = {id(image.header): image for image in images}
        headers = [image.header for image in images]
        self.plan: Plan = plan_series([one for one in headers if wanted is None or identity(one) in wanted])

    def read(self, stack: Stack) -> Phase:
        """Read the volume of one stack of the plan.

        Raises
        ------
        VolumeError
            If its images make no volume (`grid.NOT_A_GRID`, ``TOO_FEW_SLICES``, ``RESCALE_MISSING``, ``NOT_HOUNSFIELD``),
            or cannot be read.
        """
        return read_phase(stack, [self._images[id(header)] for header in stack.headers])

    def __iter__(self) -> Iterator[Phase]:
        """The volumes, one after the other.

        Raises
        ------
        VolumeError
            As `read`.
        """
        return map(self.read, self.plan.stacks)


def identity(header: Header) -> Identity:
    """Which image a header is of."""
    return header.sop_instance_uid, header.frame_number


def read_phase(stack: Stack, images: Sequence[Image]) -> Phase:
    """Read the images of a stack, in its order.

    Raises
    ------
    VolumeError
    """
    grid = grid_of(stack)
    if any(image.unit not in HOUNSFIELD_TYPES for image in images):
        raise VolumeError(Code.NOT_HOUNSFIELD)
    rescales = [_rescale(image.header) for image in images]
    shape = (len(images), stack.rows, stack.columns)
    whole = all(value.is_integer() for rescale in rescales for value in rescale)
    values: Values | None = None
    for file, indices in _by_file(images).items():
        for index, hu in zip(indices, _hounsfield(file, [images[index].header for index in indices]), strict=True):
            if hu.shape != shape[1:]:
                raise VolumeError(Code.MIXED_PIXEL_GRID, "an image has another size than its header said")
            if values is None:
                # Not before: until an image was decoded, its size is a mere claim.
                values = np.empty(shape, np.int16 if whole else np.float32)
            if values.dtype == np.int16 and not (_INT16.min <= hu.min() and hu.max() <= _INT16.max):
                values = values.astype(np.float32)
            values[index] = hu
    assert values is not None  # a grid has two images
    frames = {header.frame_of_reference_uid for header in stack.headers}
    volume = Volume(values, grid.affine, frames.pop() if len(frames) == 1 else "", grid.deviation_mm)
    paddings = {
        image.padding * slope + intercept
        for image, (slope, intercept) in zip(images, rescales, strict=True)
        if image.padding is not None
    }
    return Phase(volume, stack, tuple(sorted(paddings)))


def _images(files: Iterable[File]) -> tuple[list[Image], tuple[Unreadable, ...]]:
    images: list[Image] = []
    unreadable = []
    for file in files:
        try:
            with _opened(file) as stream:
                beginning = _beginning(stream)
            dataset = open_file(beginning, pixels=False, reads=MAXIMUM_READS_OF_FRAMES)
            header = Header.from_dataset(dataset)
            frames = frames_of(dataset) if header.sop_class_uid in MULTI_FRAME_CT else [header]
            unit, padding = _rescale_type(dataset), _padding(dataset)
        except (FileError, VolumeError) as error:
            unreadable.append(Unreadable(file, error.code))
        except (ValueError, TypeError, OverflowError):
            unreadable.append(Unreadable(file, Code.HEADER_UNREADABLE))
        else:
            images += [Image(frame, file, unit, padding) for frame in frames]
    return images, tuple(unreadable)


def _by_file(images: Sequence[Image]) -> Mapping[File, list[int]]:
    """Places in the stack of the images of each file, which is opened once, however many frames it has."""
    indices: dict[File, list[int]] = {}
    for index, image in enumerate(images):
        indices.setdefault(image.file, []).append(index)
    return indices


def _hounsfield(file: File, headers: Sequence[Header]) -> Iterator[npt.NDArray[np.float32]]:
    try:
        with _opened(file) as stream:
            yield from read_slices(stream, headers)
    except (FileError, ImageError) as error:
        raise VolumeError(error.code, str(error)) from error
    except OSError as error:
        # Opened, and yet not to be read: no fault of where the volume is written to.
        raise VolumeError(Code.FILE_UNREADABLE, error.strerror or "") from error


def _opened(file: File) -> BinaryIO:
    try:
        return file.open("rb") if isinstance(file, Path) else file.open()
    except OSError as error:
        raise VolumeError(Code.FILE_UNREADABLE, error.strerror or "") from error


def _beginning(stream: BinaryIO) -> bytes:
    try:
        return stream.read(MAXIMUM_HEADER)
    except OSError as error:
        raise VolumeError(Code.FILE_UNREADABLE, error.strerror or "") from error


def _rescale_type(dataset: Dataset) -> str:
    """Rescale Type; of multi-frame images that of all frames or, if they differ, one that is none of Hounsfield units."""
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    of_all = items(shared[0], _TRANSFORMATION) if shared else []
    if of_all:
        return _type_in(of_all[0])
    frames = each_item(dataset, "PerFrameFunctionalGroupsSequence")
    types = {_type_in(group) for frame in frames for group in each_item(frame, _TRANSFORMATION, READS_OF_GROUP)}
    return min(types - HOUNSFIELD_TYPES, default="") if types else _type_in(dataset)


def _type_in(dataset: Dataset) -> str:
    return str(attribute(dataset, "RescaleType") or "").strip().upper()


def _padding(dataset: Dataset) -> float | None:
    value = attribute(dataset, "PixelPaddingValue")
    return None if value in (None, "") else float(value)


def _rescale(header: Header) -> tuple[float, float]:
    if header.rescale_slope is None or header.rescale_intercept is None:
        raise VolumeError(Code.RESCALE_MISSING)
    return header.rescale_slope, header.rescale_intercept

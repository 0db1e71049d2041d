"""The images of a series, read from their files into one volume for each cardiac phase.

Only one phase is in memory at a time: a series of ten phases has 5,000 images, 2.6 GB of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from pydicom import Dataset

from ..cardiac.header import Header
from ..cardiac.stack import Stack
from ..codes import Code
from ..dicom_file import FileError, open_file
from .errors import VolumeError
from .grid import grid_of
from .hounsfield import hounsfield
from .plan import Plan, plan_series
from .volume import Values, Volume

_INT16 = np.iinfo(np.int16)


class File(Protocol):
    """Something that is read as a whole, e.g. a ``pathlib.Path``."""

    def read_bytes(self) -> bytes:
        """Everything in it."""
        ...


class Image(NamedTuple):
    """One image of a series, and where its pixels are."""

    header: Header
    file: File


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

    Attributes
    ----------
    plan
        What the images make, and which are left out.
    unreadable
        Files that are no DICOM files, or cannot be read.
    """

    def __init__(self, files: Iterable[File]) -> None:
        self._images, self.unreadable = _images(files)
        self.plan: Plan = plan_series([image.header for image in self._images])

    def read(self, stack: Stack) -> Phase:
        """Read the volume of one stack of the plan.

        Raises
        ------
        VolumeError
            If its images make no volume (`grid.NOT_A_GRID`, ``TOO_FEW_SLICES``, ``RESCALE_MISSING``), or cannot be read.
        """
        files = {id(image.header): image.file for image in self._images}
        return read_phase([Image(header, files[id(header)]) for header in stack.headers], stack)

    def __iter__(self) -> Iterator[Phase]:
        """The volumes, one after the other; a phase that makes none is left out."""
        for stack in self.plan.stacks:
            try:
                yield self.read(stack)
            except VolumeError:
                continue


def read_phase(images: Sequence[Image], stack: Stack) -> Phase:
    """Read the images of a stack, in the order of its headers.

    Raises
    ------
    VolumeError
    """
    grid = grid_of(stack)
    shape = (len(images), stack.rows, stack.columns)
    values: Values = np.empty(shape, np.int16 if all(_is_whole(image.header) for image in images) else np.float32)
    paddings = set()
    for index, (header, file) in enumerate(images):
        hu, padding = hounsfield(_open(file), *_rescale(header))
        if hu.shape != shape[1:]:
            raise VolumeError(Code.MIXED_PIXEL_GRID, "an image has another size than its header said")
        if values.dtype == np.int16 and not (_INT16.min <= hu.min() and hu.max() <= _INT16.max):
            values = values.astype(np.float32)
        values[index] = hu
        if padding is not None:
            paddings.add(padding)
    frames = {header.frame_of_reference_uid for header in stack.headers}
    volume = Volume(values, grid.affine, frames.pop() if len(frames) == 1 else "", grid.deviation_mm)
    return Phase(volume, stack, tuple(sorted(paddings)))


def _images(files: Iterable[File]) -> tuple[list[Image], tuple[Unreadable, ...]]:
    images, unreadable = [], []
    for file in files:
        try:
            images.append(Image(Header.from_dataset(open_file(file.read_bytes(), pixels=False)), file))
        except FileError as error:
            unreadable.append(Unreadable(file, error.code))
        except OSError:
            unreadable.append(Unreadable(file, Code.FILE_UNREADABLE))
    return images, tuple(unreadable)


def _open(file: File) -> Dataset:
    try:
        return open_file(file.read_bytes())
    except FileError as error:
        raise VolumeError(error.code, str(error)) from error
    except OSError as error:
        raise VolumeError(Code.FILE_UNREADABLE, error.strerror or "") from error


def _rescale(header: Header) -> tuple[float, float]:
    if header.rescale_slope is None or header.rescale_intercept is None:
        raise VolumeError(Code.RESCALE_MISSING)
    return header.rescale_slope, header.rescale_intercept


def _is_whole(header: Header) -> bool:
    return all(value.is_integer() for value in _rescale(header))

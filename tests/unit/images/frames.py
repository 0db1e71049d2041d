"""Images made to measure: single and multi-frame, and what every gray level of them must be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from orthanc_ai.images.frame import Frame, read_frame

from .builder import radiograph, written


def frame(pixels: Sequence[int] | npt.NDArray[np.integer], bits: int = 12, **attributes: Any) -> Frame:
    """A frame with these stored values, one row of them unless it is an array."""
    array = pixels if isinstance(pixels, np.ndarray) else np.array([pixels], np.uint16)
    return read_frame(radiograph(array, bits=bits, **attributes))


def group(**attributes: Any) -> list[Dataset]:
    """A functional group: a sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return [item]


def multi_frame(
    pixels: npt.NDArray[np.integer],
    shared: dict[str, list[Dataset]],
    per_frame: Sequence[dict[str, list[Dataset]]] | None,
    syntax: str = ExplicitVRLittleEndian,
    **attributes: Any,
) -> FileDataset:
    """An enhanced multi-frame image, pixels of shape (frames, rows, columns), written and read back."""
    dataset = radiograph(pixels[0], bits=12, **attributes)
    dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.SharedFunctionalGroupsSequence = [_groups(shared)]
    if per_frame is not None:
        dataset.PerFrameFunctionalGroupsSequence = [_groups(one) for one in per_frame]
    return written(dataset)


def _groups(named: dict[str, list[Dataset]]) -> Dataset:
    groups = Dataset()
    for keyword, sequence in named.items():
        setattr(groups, keyword, sequence)
    return groups

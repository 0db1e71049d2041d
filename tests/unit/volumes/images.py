"""CT images whose Hounsfield units tell where they are: known answers for every voxel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pydicom
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from orthanc_ai.cardiac.header import NEEDED_TAGS

Array = npt.NDArray[np.float64]
Field = Callable[[Array], Array]

SERIES = "1.2.826.0.1.3680043.8.498.1"


def along(*weights: float) -> Field:
    """HU that grow with the place (LPS, mm): exact in whole numbers as far as the places are."""

    def field(places: Array) -> Array:
        return np.asarray(places @ np.array(weights))

    return field


_SIDEWAYS = along(1, 0, 0)


@dataclass(frozen=True)
class Memory:
    """A file that is in memory."""

    content: bytes

    def open(self) -> BinaryIO:
        return BytesIO(self.content)


def image(
    position: Sequence[float],
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    spacing: Sequence[float] = (0.5, 0.5),
    shape: tuple[int, int] = (6, 8),
    field: Field = _SIDEWAYS,
    *,
    number: int = 1,
    slope: float = 1,
    intercept: float = -1024,
    **attributes: Any,
) -> Dataset:
    """One slice; `field` gives the HU at each place (LPS, mm). ``None`` removes an attribute."""
    rows, columns = shape
    row, column = np.array(orientation, float).reshape(2, 3)
    places = (
        np.array(position, float)
        + np.arange(columns)[None, :, None] * spacing[1] * row
        + np.arange(rows)[:, None, None] * spacing[0] * column
    )
    stored = np.rint((field(places) - intercept) / slope)
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[repr(position), str(number), str(attributes)])
    dataset.SeriesInstanceUID = SERIES
    dataset.StudyInstanceUID = f"{SERIES}.1"
    dataset.FrameOfReferenceUID = f"{SERIES}.2"
    dataset.Modality = "CT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = number
    dataset.SeriesNumber = 5
    dataset.SliceThickness = 1
    dataset.ImagePositionPatient = [_decimal(value) for value in position]
    dataset.ImageOrientationPatient = [_decimal(value) for value in orientation]
    dataset.PixelSpacing = [_decimal(value) for value in spacing]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(stored.min() < 0)
    dataset.RescaleSlope = slope
    dataset.RescaleIntercept = intercept
    dataset.PixelData = stored.astype("<i2" if dataset.PixelRepresentation else "<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def rotations(tip: float) -> st.SearchStrategy[Array]:
    """Rotation matrices: any turn around z, after turns of at most `tip` degrees around x and y."""
    return st.builds(
        lambda x, y, z: _turn(2, z) @ _turn(1, y) @ _turn(0, x),
        st.floats(-tip, tip),
        st.floats(-tip, tip),
        st.floats(-180, 180),
    )


def _turn(axis: int, degrees: float) -> Array:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    matrix[np.ix_(*[[one for one in range(3) if one != axis]] * 2)] = [[cosine, -sine], [sine, cosine]]
    return matrix


def _decimal(value: float) -> str:
    """A decimal string has at most 16 characters (PS3.5 section 6.2)."""
    return f"{value:.9g}"


def stack(
    count: int = 5, step: Sequence[float] = (0, 0, 0.5), first: Sequence[float] = (-10, -20, 30), **options: Any
) -> list[Dataset]:
    """Slices in even steps, numbered from 1."""
    origin, direction = np.array(first, float), np.array(step, float)
    return [image(tuple(origin + index * direction), number=index + 1, **options) for index in range(count)]


def files(datasets: Sequence[Dataset]) -> list[Memory]:
    """Datasets as DICOM files."""
    written = []
    for dataset in datasets:
        stream = BytesIO()
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(stream, enforce_file_format=True)
        written.append(Memory(stream.getvalue()))
    return written


def tags(dataset: Dataset) -> dict[str, str]:
    """A header as Orthanc's index has it."""
    found = {keyword: dataset[keyword].value for keyword in NEEDED_TAGS if keyword in dataset}
    return {
        keyword: "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
        for keyword, value in found.items()
        if not isinstance(value, pydicom.Sequence)
    }

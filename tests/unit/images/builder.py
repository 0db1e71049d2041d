"""Small radiographs, made to measure."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import FileDataset
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian


def header(**attributes: Any) -> Dataset:
    """A PA chest film of an adult, changed as told; ``None`` removes an attribute."""
    dataset = Dataset()
    dataset.Modality = "DX"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.PatientAge = "045Y"
    change(dataset, attributes)
    return dataset


def radiograph(
    pixels: npt.NDArray[np.integer], *, bits: int | None = None, syntax: str = ExplicitVRLittleEndian, **attributes: Any
) -> FileDataset:
    """A film with these stored values, written in a transfer syntax and read back."""
    dataset = header()
    dataset.SOPInstanceUID = "1.2.3"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or 8 * pixels.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW"
    if pydicom.uid.UID(syntax).is_encapsulated:
        dataset.compress(syntax, generate_instance_uid=False)
    change(dataset, attributes)
    return written(dataset, syntax)


def written(dataset: Dataset, syntax: str | None = None) -> FileDataset:
    """A dataset as a reader gets it from a file; of native pixel data in any native transfer syntax."""
    if syntax is not None:
        if not pydicom.uid.UID(syntax).is_little_endian:
            swapped = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
            dataset["PixelData"]._value = swapped
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    stream = BytesIO()
    uid = pydicom.uid.UID(dataset.file_meta.TransferSyntaxUID)
    pydicom.dcmwrite(
        stream,
        dataset,
        implicit_vr=uid.is_implicit_VR if not uid.is_encapsulated else False,
        little_endian=uid.is_little_endian,
        force_encoding=True,
    )
    return pydicom.dcmread(BytesIO(stream.getvalue()), force=True)


def change(dataset: Dataset, attributes: dict[str, Any]) -> None:
    for keyword, value in attributes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)


def ramp(side: int, bits: int) -> npt.NDArray[np.uint16]:
    """From black at the left to white at the right, using every part of the range."""
    row = np.round(np.linspace(0, 2**bits - 1, side)).astype(np.uint16)
    return np.tile(row, (side, 1))


def lut(entries: list[int], first: int, depth: int) -> Dataset:
    """An item of a Modality or VOI LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, depth])
    item.add_new("LUTData", "US", entries)
    return item


def with_malformed_window(dataset: Dataset) -> FileDataset:
    """The same file with a Window Center that is no number."""
    dataset.WindowCenter, dataset.WindowWidth = "123456", "100"
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset)
    return pydicom.dcmread(BytesIO(stream.getvalue().replace(b"123456", b"[-0450")), force=True)

"""Images to make tables of, and what is asked for."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from orthanc_ai.handover import Shared
from orthanc_ai.settings import AI
from orthanc_ai.tables.lookup import Dictionary
from orthanc_ai.tables.orders import ImageOrder

DICTIONARY = Dictionary(AI().python)

KEYS = {"PatientID": "P", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}


def image(number: int = 1, frames: int = 0, **attributes: Any) -> Dataset:
    """A CT image of 4 x 4 pixels with the values 0 to 15 times its number, less 10; each frame has 100 more."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    for keyword, value in KEYS.items():
        setattr(dataset, keyword, value)
    dataset.Modality = "CT"
    dataset.InstanceNumber = number
    dataset.StudyDate = "20260131"
    dataset.PixelSpacing = ["0.50", "0.75"]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -10
    dataset.Rows = dataset.Columns = 4
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    pixels = np.arange(16) * number
    if frames:
        dataset.NumberOfFrames = frames
        pixels = np.concatenate([pixels + 100 * frame for frame in range(frames)])
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def file_of(dataset: Dataset) -> bytes:
    """The DICOM file."""
    stream = DicomBytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def request(*tags: str, **more: Any) -> dict[str, Any]:
    """The request of a batch, as the API writes it."""
    return {
        "selection": {},
        "tags": [DICTIONARY.tag(tag).to_json() for tag in tags],
        "several": "joined",
        "statistics": False,
        "windows": [],
        "frames": False,
        "formats": ["csv", "parquet", "sqlite"],
        "deidentify": None,
        "dataset": None,
        **more,
    }


def order(folder: Path, content: bytes | None, asked: dict[str, Any], key: bytes | None = None) -> ImageOrder:
    """What a worker is asked for."""
    place = None
    if content is not None:
        path = folder / "image.dcm"
        path.write_bytes(content)
        place = Shared(str(path))
    return ImageOrder(asked, 0, folder, "orthanc-0", {**KEYS, "SOPInstanceUID": "1.2.3.1"}, place, key)

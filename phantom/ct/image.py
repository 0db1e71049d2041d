"""One CT image as DICOM: its header, its place and its pixels."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom import Sequence as Items
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from phantom.ct.protocol import Plane, Protocol

RESCALE_INTERCEPT = -1024
BITS_STORED = 12

ORIENTATIONS: Mapping[Plane, tuple[int, ...]] = {
    "axial": (1, 0, 0, 0, 1, 0),
    "coronal": (1, 0, 0, 0, 0, -1),
    "sagittal": (0, 1, 0, 0, 0, -1),
}
"""Image Orientation (Patient): the directions of a row and of a column."""


def series_uid(*parts: str) -> str:
    """A UID of its own for each combination of parts (PS3.5 section B.2: a UUID as a number under 2.25)."""
    return f"2.25.{int.from_bytes(hashlib.sha256('|'.join(parts).encode()).digest()[:16])}"


def image_header(protocol: Protocol, examination: str, salt: Sequence[str]) -> Dataset:
    """All attributes that the images of a series share."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = CTImageStorage
    image.ImageType = list(protocol.image_type)
    image.Modality = "CT"
    image.Manufacturer = "Phantom"
    image.ManufacturerModelName = "Digital CT phantom"
    image.PatientName = "Phantom^CT"
    image.PatientID = "PHANTOM-CT"
    image.PatientBirthDate = "19700101"
    image.PatientSex = "O"
    image.StudyInstanceUID = series_uid("study", examination)
    image.SeriesInstanceUID = series_uid("series", examination, *salt)
    image.FrameOfReferenceUID = series_uid("frame", examination)
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = "20260101"
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = "120000"
    image.AccessionNumber = ""
    image.ReferringPhysicianName = ""
    image.StudyID = "1"
    image.StudyDescription = protocol.study_description
    image.SeriesDescription = protocol.description
    image.ProtocolName = protocol.protocol
    image.BodyPartExamined = protocol.body_part
    image.SeriesNumber = protocol.number
    image.AcquisitionNumber = 1
    image.PatientPosition = "HFS"
    image.PositionReferenceIndicator = ""
    image.KVP = protocol.kvp
    image.ConvolutionKernel = protocol.kernel
    image.ReconstructionDiameter = protocol.field_of_view
    image.SliceThickness = protocol.thickness
    image.GantryDetectorTilt = 0
    if protocol.contrast:
        image.ContrastBolusAgent = "Iodine"
    if protocol.phases:
        heart = Dataset()
        heart.CodeValue, heart.CodingSchemeDesignator, heart.CodeMeaning = "80891009", "SCT", "Heart"
        image.AnatomicRegionSequence = Items([heart])
    return image


def replace_attributes(image: Dataset, attributes: Mapping[str, Any]) -> None:
    """Set attributes by keyword; ``None`` removes one."""
    for keyword, value in attributes.items():
        if value is not None:
            setattr(image, keyword, value)
        elif keyword in image:
            delattr(image, keyword)


def place(image: Dataset, position: Sequence[float], spacing: float, plane: Plane = "axial") -> None:
    """Lay an image at a place.

    Parameters
    ----------
    position
        Centre of the first pixel, x, y and z in mm (LPS).
    spacing
        Distance of the pixels, mm.
    """
    image.PixelSpacing = [round(spacing, 6)] * 2
    image.ImageOrientationPatient = list(ORIENTATIONS[plane])
    image.ImagePositionPatient = [round(float(coordinate), 4) for coordinate in position]
    if plane == "axial":
        image.SliceLocation = round(float(position[2]), 4)


def set_pixels(image: Dataset, hu: NDArray[np.floating[Any] | np.integer[Any]]) -> None:
    """Store a slice in Hounsfield units, shape ``(rows, columns)``, as 12 bits with an intercept of -1024."""
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = hu.shape
    image.BitsAllocated = 16
    image.BitsStored = BITS_STORED
    image.HighBit = BITS_STORED - 1
    image.PixelRepresentation = 0
    image.RescaleIntercept = RESCALE_INTERCEPT
    image.RescaleSlope = 1
    image.RescaleType = "HU"
    image.WindowCenter = 100
    image.WindowWidth = 700
    # Signed and wide enough: whole numbers of 16 bits would overflow here.
    stored = np.clip(np.rint(hu).astype(np.int32) - RESCALE_INTERCEPT, 0, 2**BITS_STORED - 1)
    image.PixelData = stored.astype("<u2").tobytes()


def with_file_meta(image: Dataset) -> Dataset:
    """The image, ready to be sent or saved."""
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.get("SOPClassUID", CTImageStorage)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image

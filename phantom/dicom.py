"""Phantom radiographs as DICOM: DX or CR images as a detector would send them, in any of the usual encodings."""

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from phantom.chest.body import stream
from phantom.chest.findings import Chest, draw_chest
from phantom.chest.radiograph import DETECTOR_MM, Radiograph, render

IMPLEMENTATION_UID = UID("2.25.171045987126519208117359428063927915034")
NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
PHANTOM_BITS = 12
DESCRIPTION = "Digital chest phantom, computed; not a patient"


@dataclass(frozen=True)
class Encoding:
    """How pixels are stored.

    Attributes
    ----------
    bits_stored : int
        8 to 16.
    signed : bool
        Two's complement, with a rescale intercept that makes the values positive again; CR only, since DX allows
        neither (PS3.3 C.8.11.3).
    monochrome1 : bool
        Bright where the signal is high: pixels and window are inverted.
    transfer_syntax : pydicom.uid.UID
    modality : str
        "DX" (Digital X-Ray, PS3.3 A.26) or "CR" (Computed Radiography, PS3.3 A.2).

    Raises
    ------
    ValueError
        Bits out of range, or signed pixels in DX.
    """

    bits_stored: int = PHANTOM_BITS
    signed: bool = False
    monochrome1: bool = False
    transfer_syntax: UID = ExplicitVRLittleEndian
    modality: Literal["DX", "CR"] = "DX"

    def __post_init__(self) -> None:
        if not 8 <= self.bits_stored <= 16:
            raise ValueError(f"bits stored must be 8 to 16, not {self.bits_stored}")
        if self.signed and self.modality == "DX":
            raise ValueError("pixels of DX images are unsigned; choose the modality CR for signed ones")

    @property
    def bits_allowed(self) -> int:
        """8 or 16."""
        return 8 if self.bits_stored == 8 else 16


def phantom_uid(*parts: object) -> UID:
    """A UID under 2.25 (DICOM PS3.5 B.2) that depends on `parts` alone."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16])}")


def store_values(pixels: NDArray[np.uint16], encoding: Encoding) -> NDArray[np.integer[Any]]:
    """12-bit values as they are stored."""
    largest = (1 << encoding.bits_stored) - 1
    values = np.rint(pixels.astype(np.float64) / ((1 << PHANTOM_BITS) - 1) * largest).astype(np.int32)
    if encoding.monochrome1:
        values = largest - values
    if encoding.signed:
        values = values - (1 << (encoding.bits_stored - 1))
    kind = "i" if encoding.signed else "u"
    return values.astype(f"{kind}{encoding.bits_allowed // 8}")


def _patient(dataset: Dataset, chest: Chest) -> None:
    g = stream(chest.body.seed, "patient")
    age = int(g.integers(20, 90))
    dataset.PatientName = "Phantom^Chest"
    dataset.PatientID = f"PHANTOM-CHEST-{chest.body.seed}"
    dataset.PatientBirthDate = f"{2020 - age}0101"
    dataset.PatientSex = chest.body.sex
    dataset.PatientAge = f"{age:03d}Y"
    dataset.PatientComments = DESCRIPTION


def _study(dataset: Dataset, chest: Chest) -> None:
    seed = chest.body.seed
    when = datetime.datetime(2020, 1, 1) + datetime.timedelta(minutes=seed % 500_000)
    date, time = when.strftime("%Y%m%d"), when.strftime("%H%M%S")
    dataset.StudyInstanceUID = phantom_uid("chest", seed, "study")
    dataset.SeriesInstanceUID = phantom_uid("chest", seed, "series")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = date
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = time
    dataset.StudyID = dataset.AccessionNumber = f"PH{seed}"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = DESCRIPTION
    dataset.SeriesDescription = f"Chest {chest.body.view} (phantom)"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.AcquisitionNumber = 1
    dataset.ImageComments = DESCRIPTION


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _acquisition(dataset: Dataset, chest: Chest) -> None:
    view = chest.body.view
    dataset.Manufacturer = "orthanc-ai"
    dataset.ManufacturerModelName = "Digital chest phantom"
    dataset.DeviceSerialNumber = "PHANTOM"
    dataset.SoftwareVersions = "1"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = view
    dataset.PatientOrientation = ["L", "F"]
    dataset.KVP = "120" if view == "PA" else "90"
    dataset.DistanceSourceToDetector = "1800" if view == "PA" else "1100"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.DerivationDescription = DESCRIPTION


def _digital_x_ray(dataset: Dataset, chest: Chest, encoding: Encoding) -> None:
    """What DX asks for beyond CR."""
    view = chest.body.view
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImageLaterality = "U"
    dataset.AnatomicRegionSequence = Sequence([_code("816094009", "SCT", "Chest")])
    projection = ("272479007", "postero-anterior") if view == "PA" else ("399348003", "antero-posterior")
    dataset.ViewCodeSequence = Sequence([_code(projection[0], "SCT", projection[1])])
    dataset.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    dataset.AcquisitionContextSequence = Sequence([])
    dataset.DetectorType = "SCINTILLATOR"
    dataset.DetectorID = "PHANTOM"
    dataset.PositionerType = "NONE"
    # The signal's logarithm has been taken: values grow (MONOCHROME2) or fall with what the beam met.
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = 1 if encoding.monochrome1 else -1
    dataset.PresentationLUTShape = "INVERSE" if encoding.monochrome1 else "IDENTITY"


def _pixels(dataset: Dataset, radiograph: Radiograph, encoding: Encoding) -> None:
    values = store_values(radiograph.pixels, encoding)
    rows, columns = values.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if encoding.monochrome1 else "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = encoding.bits_allowed
    dataset.BitsStored = encoding.bits_stored
    dataset.HighBit = encoding.bits_stored - 1
    dataset.PixelRepresentation = int(encoding.signed)
    dataset.RescaleSlope = "1"
    dataset.RescaleIntercept = str(1 << (encoding.bits_stored - 1)) if encoding.signed else "0"
    dataset.RescaleType = "US"
    # The window spans all values: the display curve is in them already.
    dataset.WindowCenter = str(1 << (encoding.bits_stored - 1))
    dataset.WindowWidth = str(1 << encoding.bits_stored)
    spacing = f"{radiograph.truth.pixel_mm:.6g}"
    dataset.ImagerPixelSpacing = [spacing, spacing]
    pixel_bytes = values.tobytes()
    dataset.add_new(0x7FE00010, "OW", pixel_bytes + b"\0" * (len(pixel_bytes) % 2))


def to_dicom(radiograph: Radiograph, encoding: Encoding | None = None, **header: Any) -> Dataset:
    """A phantom radiograph as a DICOM instance, ready for ``save_as``.

    Parameters
    ----------
    radiograph : Radiograph
    encoding : Encoding, optional
        DX, 12 bits, unsigned, MONOCHROME2, explicit little endian by default.
    **header
        Attributes by keyword that replace the phantom's own; None removes one.

    Returns
    -------
    pydicom.Dataset
        With file meta information. The same for the same arguments, UIDs included; the SOP Instance UID depends on
        everything in it.

    Raises
    ------
    RuntimeError
        No encoder is installed for the transfer syntax.
    """
    encoding = encoding or Encoding()
    chest = radiograph.chest
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.Modality = encoding.modality
    digital = encoding.modality == "DX"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation if digital else ComputedRadiographyImageStorage
    _patient(dataset, chest)
    _study(dataset, chest)
    _acquisition(dataset, chest)
    if digital:
        _digital_x_ray(dataset, chest, encoding)
    _pixels(dataset, radiograph, encoding)
    for keyword, value in header.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    if "SOPInstanceUID" not in dataset:
        pixels = hashlib.sha256(dataset.PixelData).hexdigest()
        dataset.SOPInstanceUID = phantom_uid("chest", chest, encoding, pixels, sorted(header.items()))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "ORTHANC_AI_PH"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    if encoding.transfer_syntax in NATIVE:
        meta.TransferSyntaxUID = encoding.transfer_syntax
    else:
        dataset.compress(encoding.transfer_syntax, generate_instance_uid=False)
    return dataset


def chest_dx(
    seed: int,
    rows: int = 2500,
    columns: int = 2048,
    findings: Iterable[str] | Mapping[str, float] | None = None,
    encoding: Encoding | None = None,
    **header: Any,
) -> Dataset:
    """The chest phantom of a seed as a DX instance (or CR, by `encoding`).

    Parameters
    ----------
    seed, findings
        As for `draw_chest`.
    rows, columns : int
        Size of the image; its longer side spans the 43 cm of a chest film.
    encoding, **header
        As for `to_dicom`.
    """
    radiograph = render(draw_chest(seed, findings), rows, columns, DETECTOR_MM)
    return to_dicom(radiograph, encoding, **header)

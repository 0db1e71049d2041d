"""Small synthetic CT series with known truth: cardiac, chest and head, whole and damaged.

The headers are those of real scanners where series selection reads them; the anatomy is coarse (ellipses of chambers,
vessels, lungs and bones) so that a viewer shows something and 200 slices are written in a second.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydicom import Dataset, Sequence
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from .ct_anatomy import BLOOD, CONTRAST, NOISE, Array, head, projection, thorax

Kind = Literal["ccta", "calcium_score", "multiphase", "chest", "head", "localizer"]

RESCALE_INTERCEPT = -1024
BITS_STORED = 12


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a kind of series is acquired and described. Lengths in mm, phases in percent of the R-R interval."""

    description: str
    study_description: str
    protocol: str
    body_part: str
    image_type: tuple[str, ...]
    kernel: str
    slices: int
    step: float
    thickness: float
    field_of_view: float
    phases: tuple[float, ...] = ()
    contrast: bool = False
    number: int = 1
    kvp: int = 120


_AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI")
_CARDIAC = "Cardiac^02_CoronaryCTARoutine (Adult)"

PROTOCOLS: Mapping[Kind, Protocol] = {
    "ccta": Protocol(
        "CorCTA  0.6  Bv40  3  BestDiast 75 %",
        _CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        _AXIAL,
        "Bv40d",
        slices=200,
        step=0.5,
        thickness=0.6,
        field_of_view=200,
        phases=(75,),
        contrast=True,
        number=5,
        kvp=100,
    ),
    "calcium_score": Protocol(
        "CaScSeq  3.0  Qr36  70 %",
        _CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SEQ"),
        "Qr36d",
        slices=40,
        step=3.0,
        thickness=3.0,
        field_of_view=200,
        phases=(70,),
        number=3,
    ),
    "multiphase": Protocol(
        "DS_CorCTA  3.0  Bv40  3  0 - 80 %",
        _CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        _AXIAL,
        "Bv40d",
        slices=31,
        step=3.0,
        thickness=3.0,
        field_of_view=200,
        phases=(0, 20, 40, 60, 80),
        contrast=True,
        number=7,
        kvp=100,
    ),
    "chest": Protocol(
        "Thorax  5.0  Br40",
        "Thorax^Routine (Adult)",
        "ThoraxRoutine",
        "CHEST",
        _AXIAL,
        "Br40d",
        slices=50,
        step=5.0,
        thickness=5.0,
        field_of_view=380,
        number=2,
    ),
    "head": Protocol(
        "Head  5.0  Hr40",
        "Head^HeadSeq (Adult)",
        "HeadSeq",
        "HEAD",
        ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SEQ"),
        "Hr40s",
        slices=28,
        step=5.0,
        thickness=5.0,
        field_of_view=250,
        number=2,
    ),
    "localizer": Protocol(
        "Topogram  1.0  Tr20",
        _CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        ("ORIGINAL", "PRIMARY", "LOCALIZER", "CT_SOM5 TOP"),
        "Tr20f",
        slices=1,
        step=1.0,
        thickness=0.6,
        field_of_view=512,
        number=1,
    ),
}
"""Described as real scanners do; see docs/cardiac-ct.md for what the words mean."""


def ct_series(
    kind: Kind, *, damage: str | None = None, matrix: int = 64, slices: int | None = None, examination: str = ""
) -> list[Dataset]:
    """Make a CT series.

    Parameters
    ----------
    kind
        A protocol of `PROTOCOLS`.
    damage
        A name of `DAMAGES`: what shall be wrong with the series.
    matrix
        Rows and columns.
    slices
        Positions (in each phase) instead of the protocol's own number.
    examination
        Series made with the same name belong to one study of one patient; by default those of the same kind of
        examination do.

    Returns
    -------
    list[Dataset]
        CT Image Storage objects with file meta information, ready to be sent or saved. The same arguments give the
        same objects, their UIDs included.
    """
    protocol = PROTOCOLS[kind]
    count = slices or protocol.slices
    examination = examination or protocol.study_description
    salt = (kind, damage or "", str(matrix), str(count))
    random = np.random.default_rng(int.from_bytes(hashlib.sha256("/".join(salt).encode()).digest()[:8]))
    series: list[Dataset] = []
    for phase in protocol.phases or (None,):
        for index in range(count):
            height = (index + 0.5) / count
            hu = _picture(kind, matrix, height, phase) + random.normal(0, NOISE, (matrix, matrix))
            number = len(series) + 1
            image = _common(protocol, examination, salt)
            image.InstanceNumber = number
            image.SOPInstanceUID = _uid(examination, *salt, str(number))
            _place(image, kind, index, count, protocol, matrix)
            _pixels(image, hu)
            if phase is not None:
                _gate(image, phase)
            series.append(image)
    if damage:
        series = DAMAGES[damage](series)
    for image in series:
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return series


def _uid(*parts: str) -> str:
    """A UID of its own for each combination of parts (PS3.5 section B.2: a UUID as a number under 2.25)."""
    return f"2.25.{int.from_bytes(hashlib.sha256('|'.join(parts).encode()).digest()[:16])}"


def _common(protocol: Protocol, examination: str, salt: tuple[str, ...]) -> Dataset:
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
    image.StudyInstanceUID = _uid("study", examination)
    image.SeriesInstanceUID = _uid("series", examination, *salt)
    image.FrameOfReferenceUID = _uid("frame", examination)
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
        image.AnatomicRegionSequence = Sequence([heart])
    return image


def _gate(image: Dataset, phase: float) -> None:
    """Phase of the heart cycle, as newer scanners (percentage) and Siemens (scan options) write it."""
    image.NominalPercentageOfCardiacPhase = phase
    image.CardiacSynchronizationTechnique = "PROSPECTIVE"
    image.HeartRate = 62
    image.ScanOptions = f"TP{phase:.0f}PC0968"


def _place(image: Dataset, kind: Kind, index: int, count: int, protocol: Protocol, matrix: int) -> None:
    spacing = protocol.field_of_view / matrix
    corner = -protocol.field_of_view / 2 + spacing / 2
    z = (index - (count - 1) / 2) * protocol.step
    centre_x = 20.0 if protocol.phases else 0.0  # the heart lies to the left
    image.PixelSpacing = [spacing, spacing]
    if kind == "localizer":
        image.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        image.ImagePositionPatient = [corner, 0.0, -corner]
    else:
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [round(corner + centre_x, 4), round(corner, 4), round(z, 4)]
        image.SliceLocation = round(z, 4)


def _pixels(image: Dataset, hu: Array) -> None:
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
    stored = np.clip(np.rint(hu) - RESCALE_INTERCEPT, 0, 2**BITS_STORED - 1)
    image.PixelData = stored.astype("<u2").tobytes()


def _picture(kind: Kind, matrix: int, height: float, phase: float | None) -> Array:
    """Hounsfield units of one slice, shape ``(matrix, matrix)``; `height` from 0 (feet) to 1 (head)."""
    protocol = PROTOCOLS[kind]
    axis = (np.arange(matrix) + 0.5) / matrix * protocol.field_of_view - protocol.field_of_view / 2
    x, y = np.meshgrid(axis + (20.0 if protocol.phases else 0.0), axis)
    if kind == "head":
        return head(x, y, height)
    if kind == "localizer":
        return projection(x, y)
    return thorax(x, y, height, CONTRAST if protocol.contrast else BLOOD, phase, calcified=kind == "calcium_score")


# Damage


def _move(image: Dataset, axis: int, by: float) -> None:
    position = [float(value) for value in image.ImagePositionPatient]
    position[axis] = round(position[axis] + by, 4)
    image.ImagePositionPatient = position


def _missing_slice(series: list[Dataset]) -> list[Dataset]:
    del series[len(series) // 2]
    return series


def _duplicate_position(series: list[Dataset]) -> list[Dataset]:
    _move(series[1], 2, float(series[0].ImagePositionPatient[2]) - float(series[1].ImagePositionPatient[2]))
    return series


def _gantry_tilt(series: list[Dataset]) -> list[Dataset]:
    for index, image in enumerate(series):
        _move(image, 1, round(index * 0.1, 4))
        image.GantryDetectorTilt = 11.3  # of 0.1 mm sideways for each 0.5 mm along
    return series


def _variable_spacing(series: list[Dataset]) -> list[Dataset]:
    half = len(series) // 2
    for index, image in enumerate(series[half:]):
        _move(image, 2, round(0.3 * (index + 1), 4))
    return series


def _mixed_orientation(series: list[Dataset]) -> list[Dataset]:
    for image in series[: len(series) // 4]:
        image.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    return series


def _mixed_rescale(series: list[Dataset]) -> list[Dataset]:
    series[3].RescaleIntercept = 0
    return series


def _without_positions(series: list[Dataset]) -> list[Dataset]:
    for image in series:
        del image.ImagePositionPatient
    return series


def _every_third(series: list[Dataset]) -> list[Dataset]:
    return series[::3]


def _unlabelled(series: list[Dataset]) -> list[Dataset]:
    for image in series:
        del image.NominalPercentageOfCardiacPhase
        del image.ScanOptions
    return series


def _lossy(series: list[Dataset]) -> list[Dataset]:
    for image in series:
        image.LossyImageCompression = "01"
        image.LossyImageCompressionRatio = 5.4
        image.LossyImageCompressionMethod = "ISO_10918_1"
    return series


DAMAGES: Mapping[str, Callable[[list[Dataset]], list[Dataset]]] = {
    "missing_slice": _missing_slice,
    "duplicate_position": _duplicate_position,
    "gantry_tilt": _gantry_tilt,
    "variable_spacing": _variable_spacing,
    "mixed_orientation": _mixed_orientation,
    "mixed_rescale": _mixed_rescale,
    "without_positions": _without_positions,
    "every_third": _every_third,
    "unlabelled": _unlabelled,
    "lossy": _lossy,
}
"""What may be wrong with a series, by name."""

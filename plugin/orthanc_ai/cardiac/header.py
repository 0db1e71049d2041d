"""`Header`: what is read of the DICOM header of one image to judge its series."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydicom
from pydicom.multival import MultiValue

from ..attributes import MalformedError, attribute
from ..codes import Code

Level = Literal["Patient", "Study", "Series", "Instance"]

NEEDED_TAGS_BY_LEVEL: Mapping[Level, tuple[str, ...]] = {
    "Study": ("StudyInstanceUID", "StudyDescription", "RequestedProcedureDescription"),
    "Series": (
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "ProtocolName",
        "PerformedProcedureStepDescription",
        "BodyPartExamined",
        "AnatomicRegionSequence",
        "CardiacSynchronizationTechnique",
        "HeartRate",
        "ContrastBolusAgent",
        "ReconstructionDiameter",
        "RescaleType",
    ),
    "Instance": (
        "SOPInstanceUID",
        "SOPClassUID",
        "InstanceNumber",
        "ImageType",
        "ImageComments",
        "FrameOfReferenceUID",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "Rows",
        "Columns",
        "NumberOfFrames",
        "SliceThickness",
        "GantryDetectorTilt",
        "RescaleSlope",
        "RescaleIntercept",
        "ConvolutionKernel",
        "LossyImageCompression",
        "ScanOptions",
        "NominalPercentageOfCardiacPhase",
        "TriggerTime",
        "TemporalPositionIdentifier",
    ),
}
"""Keywords of the attributes that `Header` reads, by the level of Orthanc's index at which they are kept. What may
differ between the images of one series is kept for each instance, although DICOM may call it a series attribute. Rescale Type is not: there the index has that of the first
image."""

NEEDED_TAGS: tuple[str, ...] = tuple(keyword for keywords in NEEDED_TAGS_BY_LEVEL.values() for keyword in keywords)
"""The same keywords in one list, as ``RequestedTags`` of Orthanc's /tools/find takes them."""

# Decimal string and integer string, PS3.5 section 6.2 (value representations DS and IS). Python's own `float` also
# takes "1_0", "nan" and "infinity", which are no numbers in DICOM.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_PADDING = " \t\r\n\0"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one image, typed: of an instance, or of one frame of a multi-frame instance.

    An attribute that is absent, empty or invalid has its default; the keywords of invalid ones are in `invalid`.
    Lengths are in mm, angles in degrees, times in ms.

    Attributes
    ----------
    image_type
        Values of Image Type (0008,0008) in upper case.
    anatomic_regions
        Coding scheme designator and code value of each item of Anatomic Region Sequence (0008,2218).
    pixel_spacing
        Distance between rows, distance between columns (PS3.3 section 10.7.1.3): two numbers, or ``None``.
    image_position
        Image Position (Patient) (0020,0032): three numbers, or ``None``.
    image_orientation
        Image Orientation (Patient) (0020,0037): the directions of a row and of a column, six numbers, or ``None``.
    lossy
        Lossy Image Compression (0028,2110) is "01".
    frame_number
        Of a frame of a multi-frame instance, from 1 on; ``None`` for an instance as a whole.
    fault
        Why the frames of a multi-frame instance are not known.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    modality: str = ""
    series_number: int | None = None
    instance_number: int | None = None
    number_of_frames: int | None = None
    image_type: tuple[str, ...] = ()
    series_description: str = ""
    protocol_name: str = ""
    study_description: str = ""
    requested_procedure_description: str = ""
    performed_procedure_step_description: str = ""
    image_comments: str = ""
    body_part_examined: str = ""
    anatomic_regions: tuple[tuple[str, str], ...] = ()
    scan_options: str = ""
    cardiac_synchronization_technique: str = ""
    nominal_percentage_of_cardiac_phase: float | None = None
    trigger_time: float | None = None
    temporal_position_identifier: int | None = None
    heart_rate: float | None = None
    contrast_bolus_agent: str = ""
    lossy: bool = False
    rows: int | None = None
    columns: int | None = None
    pixel_spacing: tuple[float, ...] | None = None
    image_position: tuple[float, ...] | None = None
    image_orientation: tuple[float, ...] | None = None
    slice_thickness: float | None = None
    gantry_tilt: float | None = None
    reconstruction_diameter: float | None = None
    rescale_slope: float | None = None
    rescale_intercept: float | None = None
    rescale_type: str = ""
    convolution_kernel: str = ""
    invalid: tuple[str, ...] = ()
    frame_number: int | None = None
    fault: Code | None = None

    @property
    def number(self) -> int | None:
        """By which people call the image: the frame's number, or Instance Number."""
        return self.frame_number or self.instance_number

    @classmethod
    def from_tags(cls, tags: Mapping[str, Any]) -> "Header":
        """Read a header from Orthanc's simplified JSON.

        Parameters
        ----------
        tags
            Keyword to text, several values separated by a backslash; sequences as lists of such mappings. Numbers and
            lists of values are taken as well. Other keywords than `NEEDED_TAGS` are ignored.

        Returns
        -------
        Header
            Never fails: what cannot be read is missing, and named in `Header.invalid`.
        """
        read = _Reader(tags)
        return cls(
            sop_class_uid=read.text("SOPClassUID"),
            sop_instance_uid=read.text("SOPInstanceUID"),
            study_instance_uid=read.text("StudyInstanceUID"),
            series_instance_uid=read.text("SeriesInstanceUID"),
            frame_of_reference_uid=read.text("FrameOfReferenceUID"),
            modality=read.text("Modality").upper(),
            series_number=read.integer("SeriesNumber"),
            instance_number=read.integer("InstanceNumber"),
            number_of_frames=read.integer("NumberOfFrames"),
            image_type=tuple(value.upper() for value in read.texts("ImageType")),
            series_description=read.text("SeriesDescription"),
            protocol_name=read.text("ProtocolName"),
            study_description=read.text("StudyDescription"),
            requested_procedure_description=read.text("RequestedProcedureDescription"),
            performed_procedure_step_description=read.text("PerformedProcedureStepDescription"),
            image_comments=read.text("ImageComments"),
            body_part_examined=read.text("BodyPartExamined"),
            anatomic_regions=read.codes("AnatomicRegionSequence"),
            scan_options=read.text("ScanOptions"),
            cardiac_synchronization_technique=read.text("CardiacSynchronizationTechnique").upper(),
            nominal_percentage_of_cardiac_phase=read.number("NominalPercentageOfCardiacPhase"),
            trigger_time=read.number("TriggerTime"),
            temporal_position_identifier=read.integer("TemporalPositionIdentifier"),
            heart_rate=read.number("HeartRate"),
            contrast_bolus_agent=read.text("ContrastBolusAgent"),
            lossy=read.text("LossyImageCompression") == "01",
            rows=read.integer("Rows"),
            columns=read.integer("Columns"),
            pixel_spacing=read.numbers("PixelSpacing", 2),
            image_position=read.numbers("ImagePositionPatient", 3),
            image_orientation=read.numbers("ImageOrientationPatient", 6),
            slice_thickness=read.number("SliceThickness"),
            gantry_tilt=read.number("GantryDetectorTilt"),
            reconstruction_diameter=read.number("ReconstructionDiameter"),
            rescale_slope=read.number("RescaleSlope"),
            rescale_intercept=read.number("RescaleIntercept"),
            rescale_type=read.text("RescaleType").upper(),
            convolution_kernel=read.text("ConvolutionKernel"),
            invalid=tuple(read.invalid),
        )

    @classmethod
    def from_dataset(cls, dataset: pydicom.Dataset) -> "Header":
        """Read a header from a data set, equal to that of the same file in Orthanc's JSON."""
        return cls.from_tags(tags_of(dataset))


_CODE = ("CodingSchemeDesignator", "CodeValue")

_UNREADABLE: Mapping[str, str] = {}  # not text, not a number, not a sequence: every reader calls it invalid


def tags_of(dataset: pydicom.Dataset) -> dict[str, Any]:
    """What `Header.from_tags` reads, of a data set of unknown origin."""
    tags: dict[str, Any] = {}
    for keyword in NEEDED_TAGS:
        try:
            value = simplified(attribute(dataset, keyword))
        except MalformedError:
            value = _UNREADABLE
        if value is not None:
            tags[keyword] = value
    return tags


def simplified(value: Any) -> Any:
    """A value of pydicom's as Orthanc's JSON has it; of a sequence, the codes in its items.

    Raises
    ------
    attributes.MalformedError
        If a code cannot be read.
    """
    if value is None:
        return None
    if isinstance(value, pydicom.Sequence):
        return [{keyword: simplified(attribute(item, keyword)) for keyword in _CODE} for item in value]
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(str(item) for item in value)
    return str(value)


class _Reader:
    """Tolerant access to a mapping of keywords; collects the keywords that cannot be read."""

    __slots__ = ("invalid", "tags")

    def __init__(self, tags: Mapping[str, Any]) -> None:
        self.tags = tags
        self.invalid: list[str] = []

    def text(self, keyword: str) -> str:
        value = self.tags.get(keyword)
        if value is None:
            return ""
        if isinstance(value, str):
            return value.strip(_PADDING)
        return "\\".join(self._values(keyword, value))

    def texts(self, keyword: str) -> list[str]:
        value = self.tags.get(keyword)
        return [] if value is None else self._values(keyword, value)

    def number(self, keyword: str) -> float | None:
        value = self.tags.get(keyword)
        if value is None:
            return None
        values = self._values(keyword, value)
        if not values or not values[0]:
            return None
        number = _number(values[0])
        if number is None:
            self.invalid.append(keyword)
        return number

    def integer(self, keyword: str) -> int | None:
        number = self.number(keyword)
        return None if number is None else round(number)

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        value = self.tags.get(keyword)
        if value is None:
            return None
        values = self._values(keyword, value)
        if not any(values):
            return None
        numbers = tuple(number for number in map(_number, values) if number is not None)
        if len(numbers) != count or len(values) != count:
            self.invalid.append(keyword)
            return None
        return numbers

    def codes(self, keyword: str) -> tuple[tuple[str, str], ...]:
        items = self.tags.get(keyword)
        if items is None or items == "":
            return ()
        if not isinstance(items, list):
            self.invalid.append(keyword)
            return ()
        readers = [_Reader(item) for item in items if isinstance(item, Mapping)]
        if len(readers) != len(items):
            self.invalid.append(keyword)
        return tuple((reader.text("CodingSchemeDesignator"), reader.text("CodeValue")) for reader in readers)

    def _values(self, keyword: str, value: Any) -> list[str]:
        if isinstance(value, str):
            return [part.strip(_PADDING) for part in value.split("\\")]
        if isinstance(value, int | float):
            return [str(value)]
        if isinstance(value, Sequence) and all(isinstance(item, str | int | float) for item in value):
            return [str(item).strip(_PADDING) for item in value]
        self.invalid.append(keyword)
        return []


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None

"""Whole CT series."""

import hashlib

import numpy as np
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from phantom.ct.anatomy import BLOOD, CONTRAST, NOISE, Array, head, page, projection, thorax
from phantom.ct.damages import DAMAGES
from phantom.ct.image import image_header, place, replace_attributes, series_uid, set_pixels, with_file_meta
from phantom.ct.protocol import PROTOCOLS, Kind, Protocol

HEART_MM = 20.0
"""The heart lies so far to the left of the middle."""


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
    return series_of(PROTOCOLS[kind], kind, damage=damage, matrix=matrix, slices=slices, examination=examination)


def series_of(
    protocol: Protocol,
    name: str,
    *,
    damage: str | None = None,
    matrix: int = 64,
    slices: int | None = None,
    examination: str = "",
) -> list[Dataset]:
    """Make a CT series of any protocol; `name` tells it from others of its examination. See `ct_series`."""
    count = slices or protocol.slices
    examination = examination or protocol.study_description
    salt = (name, damage or "", str(matrix), str(count))
    random = np.random.default_rng(int.from_bytes(hashlib.sha256("/".join(salt).encode()).digest()[:8]))
    series: list[Dataset] = []
    for phase in protocol.phases or (None,):
        for index in range(count):
            height = (index + 0.5) / count
            hu = _picture(protocol, matrix, height, phase)
            if protocol.picture != "page":
                hu = hu + random.normal(0, NOISE, (matrix, matrix))
            number = len(series) + 1
            image = image_header(protocol, examination, salt)
            image.InstanceNumber = number
            image.SOPInstanceUID = series_uid(examination, *salt, str(number))
            if protocol.picture != "page":
                _place(image, 0 if protocol.one_place else index, count, protocol, matrix)
            set_pixels(image, hu)
            if phase is not None:
                protocol.gate(image, phase)
            replace_attributes(image, protocol.attributes)
            if image.SOPClassUID == SecondaryCaptureImageStorage:
                _as_capture(image)
            series.append(image)
    if damage:
        series = DAMAGES[damage](series)
    return [with_file_meta(image) for image in series]


def _place(image: Dataset, index: int, count: int, protocol: Protocol, matrix: int) -> None:
    spacing = protocol.field_of_view / matrix
    corner = -protocol.field_of_view / 2 + spacing / 2
    along = (index - (count - 1) / 2) * protocol.step
    x = corner + (HEART_MM if protocol.phases else 0.0)
    position = {
        "axial": (x, corner, along),
        "coronal": (x, along, -corner),
        "sagittal": (along, corner, -corner),
    }[protocol.plane]
    place(image, position, spacing, protocol.plane)


def _as_capture(image: Dataset) -> None:
    """Take away what belongs to CT images alone (PS3.3 section A.8.1.3)."""
    image.ConversionType = "WSD"
    image.Laterality = image.PatientOrientation = ""
    for keyword in (
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "KVP",
        "ConvolutionKernel",
        "ReconstructionDiameter",
        "SliceThickness",
        "GantryDetectorTilt",
        "AcquisitionNumber",
        "AcquisitionDate",
        "AcquisitionTime",
        "AnatomicRegionSequence",
        "ContrastBolusAgent",
        "RescaleIntercept",
        "RescaleSlope",
        "RescaleType",
        "BodyPartExamined",
        "PatientPosition",
        "ProtocolName",
    ):
        if keyword in image:
            delattr(image, keyword)


def _picture(protocol: Protocol, matrix: int, height: float, phase: float | None) -> Array:
    """Hounsfield units of one slice, shape ``(matrix, matrix)``; `height` from 0 (feet) to 1 (head)."""
    axis = (np.arange(matrix) + 0.5) / matrix * protocol.field_of_view - protocol.field_of_view / 2
    x, y = np.meshgrid(axis + (HEART_MM if protocol.phases else 0.0), axis)
    match protocol.picture:
        case "head":
            return head(x, y, height)
        case "projection":
            return projection(x, y)
        case "page":
            return page(matrix)
    blood = CONTRAST if protocol.contrast else BLOOD
    return thorax(x, y, height, blood, phase, calcified=protocol.picture == "calcified")

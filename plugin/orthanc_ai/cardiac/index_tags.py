"""Which attributes Orthanc's index must keep, so that a study is judged without opening a file.

Orthanc indexes a default set for each level ("main DICOM tags"); more can be configured as ``ExtraMainDicomTags``, but
act only on what is stored afterwards. So the list is complete from the first day: it also has what reading volumes,
choosing the best series and calcium scoring need.
"""

import functools
from collections.abc import Mapping

from pydicom.datadict import tag_for_keyword

from .header import NEEDED_TAGS_BY_LEVEL, Level

SIGNATURE_METADATA = "MainDicomTagsSignature"
"""Orthanc's metadata of each resource with the tags, as ``0008,0060;...``, that its index was to keep when it was stored."""

DEFAULT_MAIN_DICOM_TAGS: Mapping[Level, tuple[str, ...]] = {
    "Patient": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "OtherPatientIDs"),
    "Study": (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "InstitutionName",
        "ReferringPhysicianName",
        "TimezoneOffsetFromUTC",
        "StudyDescription",
        "StudyInstanceUID",
        "StudyID",
        "RequestingPhysician",
        "RequestedProcedureDescription",
    ),
    "Series": (
        "SeriesDate",
        "SeriesTime",
        "Modality",
        "Manufacturer",
        "TimezoneOffsetFromUTC",
        "StationName",
        "SeriesDescription",
        "OperatorsName",
        "ContrastBolusAgent",
        "BodyPartExamined",
        "SequenceName",
        "ProtocolName",
        "CardiacNumberOfImages",
        "AcquisitionDeviceProcessingDescription",
        "SeriesInstanceUID",
        "SeriesNumber",
        "ImageOrientationPatient",
        "NumberOfTemporalPositions",
        "ImagesInAcquisition",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "PerformedProcedureStepDescription",
        "RequestAttributesSequence",
        "NumberOfSlices",
        "NumberOfTimeSlices",
        "SeriesType",
    ),
    "Instance": (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "SOPInstanceUID",
        "AcquisitionNumber",
        "InstanceNumber",
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "TemporalPositionIdentifier",
        "ImageComments",
        "NumberOfFrames",
        "ImageIndex",
    ),
}
"""What Orthanc 1.12.7 indexes by itself, as its /system route says."""

EXTRA_MAIN_DICOM_TAGS: Mapping[Level, tuple[str, ...]] = {
    "Patient": ("IssuerOfPatientID",),
    "Study": ("PatientAge",),
    "Series": (
        "ManufacturerModelName",
        "PresentationIntentType",
        "AnatomicRegionSequence",
        "CardiacSynchronizationTechnique",
        "HeartRate",
        "ReconstructionDiameter",
        "KVP",
        "PatientPosition",
        "RescaleType",
    ),
    "Instance": (
        "SOPClassUID",
        "ImageType",
        "FrameOfReferenceUID",
        "AcquisitionTime",
        "ContentTime",
        "PixelSpacing",
        "Rows",
        "Columns",
        "SliceThickness",
        "GantryDetectorTilt",
        "RescaleSlope",
        "RescaleIntercept",
        "ConvolutionKernel",
        "LossyImageCompression",
        "ScanOptions",
        "NominalPercentageOfCardiacPhase",
        "TriggerTime",
        "ViewPosition",
        "PhotometricInterpretation",
    ),
}
"""What orthanc.json adds as ``ExtraMainDicomTags``. Attributes that can differ within a series, image by image, are
kept for the instance: at series level Orthanc keeps only the value of the image that came first. Pixel Padding Value is
left out: DICOMweb's plugin (1.20) refuses a tag of two possible value representations with an error at every start."""


@functools.lru_cache(maxsize=64)
def is_complete(signature: str, level: Level) -> bool:
    """Whether a resource was stored when the index already kept all that a verdict needs.

    Only then does a tag that is not in the index say that the header does not have it.

    Parameters
    ----------
    signature
        The resource's `SIGNATURE_METADATA`; empty if it has none, which then was the default.
    """
    kept = set(signature.lower().split(";"))
    return all(
        _tag(keyword) in kept
        for keyword in NEEDED_TAGS_BY_LEVEL[level]
        if signature or keyword not in DEFAULT_MAIN_DICOM_TAGS[level]
    )


def _tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return f"{tag >> 16:04x},{tag & 0xFFFF:04x}"

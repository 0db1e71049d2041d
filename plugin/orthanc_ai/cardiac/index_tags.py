"""Which attributes Orthanc's index must keep, so that a study is judged without opening a file.

Orthanc indexes a default set for each level ("main DICOM tags"); more can be configured as ``ExtraMainDicomTags``, but
act only on what is stored afterwards. So the list is complete from the first day: it also has what reading volumes,
choosing the best series and calcium scoring need.
"""

from collections.abc import Mapping

from .header import Level

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

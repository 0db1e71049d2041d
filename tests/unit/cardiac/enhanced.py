"""Multi-frame CT made of single-frame images: enhanced as newer scanners write it, and legacy converted by highdicom."""

from collections.abc import Sequence as Items
from io import BytesIO

import highdicom
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from pydicom import Dataset, Sequence
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

COPIED = (
    "SpecificCharacterSet",
    "Modality",
    "Manufacturer",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "BodyPartExamined",
    "SeriesNumber",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
"""What is the same in both forms."""


def group(**attributes: object) -> Sequence:
    """A functional group: a sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Sequence([item])


def enhanced(images: Items[Dataset], *, undefined_length: bool = False) -> Dataset:
    """Enhanced CT: what all frames share in the shared functional groups, the rest in each frame's."""
    first = images[0]
    whole = Dataset()
    for keyword in COPIED:
        setattr(whole, keyword, first.get(keyword))
    whole.SOPClassUID = EnhancedCTImageStorage
    whole.SOPInstanceUID = f"{first.SOPInstanceUID}1"
    whole.InstanceNumber = 1
    whole.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    whole.CardiacSynchronizationTechnique = first.get("CardiacSynchronizationTechnique", "NONE")
    whole.NumberOfFrames = len(images)
    if "ContrastBolusAgent" in first:
        whole.ContrastBolusAgentSequence = group(
            CodeValue="C-B0322", CodingSchemeDesignator="SRT", CodeMeaning="Iohexol"
        )
    shared = Dataset()
    shared.PixelMeasuresSequence = group(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.PixelValueTransformationSequence = group(
        RescaleSlope=first.RescaleSlope, RescaleIntercept=first.RescaleIntercept, RescaleType="HU"
    )
    shared.CTReconstructionSequence = group(
        ConvolutionKernel=first.ConvolutionKernel, ReconstructionDiameter=first.ReconstructionDiameter
    )
    shared.CTAcquisitionDetailsSequence = group(GantryDetectorTilt=first.GantryDetectorTilt)
    if "AnatomicRegionSequence" in first:
        shared.FrameAnatomySequence = group(FrameLaterality="U", AnatomicRegionSequence=first.AnatomicRegionSequence)
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for number, image in enumerate(images, start=1):
        frame = Dataset()
        frame.FrameContentSequence = group(FrameAcquisitionNumber=1, DimensionIndexValues=[1, number])
        frame.PlanePositionSequence = group(ImagePositionPatient=image.ImagePositionPatient)
        frame.CTImageFrameTypeSequence = group(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])
        if "NominalPercentageOfCardiacPhase" in image:
            frame.CardiacSynchronizationSequence = group(
                NominalPercentageOfCardiacPhase=image.NominalPercentageOfCardiacPhase,
                NominalCardiacTriggerDelayTime=image.NominalPercentageOfCardiacPhase * 9.0,
            )
        frames.append(frame)
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    for item in (*frames, shared) if undefined_length else ():
        item.is_undefined_length_sequence_item = True
        for element in item:
            element.is_undefined_length = True
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        whole[keyword].is_undefined_length = undefined_length
    whole.PixelData = b"".join(image.PixelData for image in images)
    whole["PixelData"].VR = "OW"
    whole.file_meta = FileMetaDataset()
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID
    whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
    return whole


def legacy_converted(images: Items[Dataset]) -> Dataset:
    """As archives convert what scanners have written one by one."""
    first = images[0]
    return LegacyConvertedEnhancedCTImage(
        images,
        series_instance_uid=first.SeriesInstanceUID,
        series_number=first.SeriesNumber,
        sop_instance_uid=highdicom.UID(f"{first.SOPInstanceUID}2"),
        instance_number=1,
    )


def file_of(dataset: Dataset) -> bytes:
    """As it is stored."""
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()

"""Multi-frame CT: a single-frame series as one enhanced object, as a scanner sends it, or converted from the old form."""

from collections.abc import Sequence

import numpy as np
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from pydicom import Dataset
from pydicom import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import EnhancedCTImageStorage

from phantom.ct.image import series_uid, with_file_meta
from phantom.ct.protocol import RR_MS

_FROM_SINGLE_FRAME = (
    "SpecificCharacterSet",
    "Modality",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "StudyDate",
    "StudyTime",
    "SeriesDate",
    "SeriesTime",
    "ContentDate",
    "ContentTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "BodyPartExamined",
    "SeriesNumber",
    "PatientPosition",
    "Manufacturer",
    "ManufacturerModelName",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
)
"""Attributes that an enhanced object has at the same place."""

_REGIONS = {
    "HEART": ("80891009", "Heart"),
    "CHEST": ("816094009", "Chest"),
    "HEAD": ("69536005", "Head"),
}
"""Anatomic regions (PS3.16 CID 4) for Body Part Examined."""

_SECONDS = 0.28
"""Revolution time of the phantoms' scanner."""


def _item(**attributes: object) -> Items:
    """A sequence of one item."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return Items([item])


def _code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    (code,) = _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
    return code


def _tags(**pointers: str) -> Items:
    return _item(**{keyword: Tag(target) for keyword, target in pointers.items()})


def enhanced(series: Sequence[Dataset]) -> Dataset:
    """One Enhanced CT Image Storage object (PS3.3 section A.38.1) with the images of a series as its frames.

    Parameters
    ----------
    series
        CT images as `phantom.ct.ct_series` makes them, damaged or not; frames have their order. A damage that takes
        positions or orientations away is not possible here.

    Returns
    -------
    pydicom.Dataset
        With file meta information. Phases stand in each frame's Cardiac Synchronization Sequence, as a percentage and
        as the time after the R wave. The same for the same series, UIDs included.
    """
    first = series[0]
    phases = [_phase(image) for image in series]
    gated = any(phase is not None for phase in phases)
    multi = Dataset()
    for keyword in _FROM_SINGLE_FRAME:
        if keyword in first:
            setattr(multi, keyword, first[keyword].value)
    uids = [image.SOPInstanceUID for image in series]
    multi.SOPClassUID = EnhancedCTImageStorage
    multi.SOPInstanceUID = series_uid("enhanced", *uids)
    multi.SeriesInstanceUID = series_uid("enhanced series", first.SeriesInstanceUID)
    multi.DeviceSerialNumber, multi.SoftwareVersions = "PHANTOM", "1"
    multi.InstanceNumber = 1
    multi.ImageType = [*first.ImageType[:2], "VOLUME", "NONE"]
    multi.PixelPresentation = "MONOCHROME"
    multi.VolumetricProperties = "VOLUME"
    multi.VolumeBasedCalculationTechnique = "NONE"
    multi.ContentQualification = "RESEARCH"
    multi.BurnedInAnnotation = "NO"
    multi.LossyImageCompression = first.get("LossyImageCompression", "00")
    if multi.LossyImageCompression == "01":
        multi.LossyImageCompressionRatio = first.LossyImageCompressionRatio
        multi.LossyImageCompressionMethod = first.LossyImageCompressionMethod
    multi.PresentationLUTShape = "IDENTITY"
    multi.AcquisitionDateTime = first.AcquisitionDate + first.AcquisitionTime
    multi.AcquisitionDuration = _SECONDS
    multi.AcquisitionContextSequence = Items()
    if gated:
        multi.CardiacSynchronizationTechnique = "PROSPECTIVE"
        multi.CardiacSignalSource = "ECG"
        multi.CardiacRRIntervalSpecified = RR_MS
        multi.CardiacBeatRejectionTechnique = "NONE"
        multi.LowRRValue = multi.HighRRValue = RR_MS
        multi.IntervalsAcquired, multi.IntervalsRejected = 1, 0
    contrast = "ContrastBolusAgent" in first
    if contrast:
        (agent,) = _item(
            CodeValue="44588005", CodingSchemeDesignator="SCT", CodeMeaning="Iodine", ContrastBolusAgentNumber=1
        )
        agent.ContrastBolusAdministrationRouteSequence = Items([_code("47625008", "Intravenous route")])
        agent.ContrastBolusIngredientCodeSequence = Items([_code("44588005", "Iodine")])
        agent.ContrastBolusVolume, agent.ContrastBolusIngredientConcentration = 70, 350
        multi.ContrastBolusAgentSequence = Items([agent])
    multi.NumberOfFrames = len(series)
    multi.PixelData = b"".join(image.PixelData for image in series)

    organization = series_uid("dimensions", *uids)
    multi.DimensionOrganizationSequence = _item(DimensionOrganizationUID=organization)
    pointers = [("StackID", "FrameContentSequence"), ("InStackPositionNumber", "FrameContentSequence")]
    if gated:
        pointers.insert(1, ("NominalCardiacTriggerDelayTime", "CardiacSynchronizationSequence"))
    multi.DimensionIndexSequence = Items(
        _tags(DimensionIndexPointer=pointer, FunctionalGroupPointer=group)[0] for pointer, group in pointers
    )
    for item in multi.DimensionIndexSequence:
        item.DimensionOrganizationUID = organization

    multi.SharedFunctionalGroupsSequence = Items([_shared(first, multi.ImageType, contrast=contrast)])
    ranks = {phase: rank for rank, phase in enumerate(sorted({p for p in phases if p is not None}), start=1)}
    places = sorted({_along(image) for image in series})
    multi.PerFrameFunctionalGroupsSequence = Items(
        _frame(image, multi.AcquisitionDateTime, places.index(_along(image)) + 1, phase, ranks.get(phase or 0.0))
        for image, phase in zip(series, phases, strict=True)
    )
    return with_file_meta(multi)


def _shared(first: Dataset, image_type: Sequence[str], *, contrast: bool) -> Dataset:
    """What all frames have in common: how they were acquired."""
    (groups,) = _item(
        CTImageFrameTypeSequence=_item(
            FrameType=list(image_type),
            PixelPresentation="MONOCHROME",
            VolumetricProperties="VOLUME",
            VolumeBasedCalculationTechnique="NONE",
        ),
        CTAcquisitionTypeSequence=_item(AcquisitionType="SEQUENCED", ConstantVolumeFlag="NO", FluoroscopyFlag="NO"),
        CTAcquisitionDetailsSequence=_item(
            RotationDirection="CW",
            RevolutionTime=_SECONDS,
            SingleCollimationWidth=0.5,
            TotalCollimationWidth=160.0,
            TableHeight=150.0,
            GantryDetectorTilt=float(first.GantryDetectorTilt),
            DataCollectionDiameter=500.0,
        ),
        CTTableDynamicsSequence=_item(TableSpeed=100.0, TableFeedPerRotation=28.0, SpiralPitchFactor=0.7),
        CTGeometrySequence=_item(DistanceSourceToDetector=1072.0, DistanceSourceToDataCollectionCenter=600.0),
        CTReconstructionSequence=_item(
            ReconstructionAlgorithm="FILTER_BACK_PROJ",
            ConvolutionKernel=first.ConvolutionKernel,
            ConvolutionKernelGroup="SOFT_TISSUE",
            ReconstructionDiameter=float(first.ReconstructionDiameter),
            ReconstructionPixelSpacing=first.PixelSpacing,
            ImageFilter="NONE",
            ReconstructionAngle=360.0,
        ),
        CTXRayDetailsSequence=_item(
            KVP=float(first.KVP),
            FocalSpots=[0.9],
            FilterType="WEDGE",
            FilterMaterial="ALUMINUM",
        ),
        CTExposureSequence=_item(
            ExposureTimeInms=280.0,
            XRayTubeCurrentInmA=600.0,
            ExposureInmAs=168.0,
            ExposureModulationType="NONE",
            CTDIvol=20.0,
            CTDIPhantomTypeCodeSequence=Items([_code("113691", "IEC Body Dosimetry Phantom", "DCM")]),
        ),
        FrameAnatomySequence=_item(
            FrameLaterality="U", AnatomicRegionSequence=Items([_code(*_REGIONS[first.BodyPartExamined])])
        ),
        IrradiationEventIdentificationSequence=_item(
            IrradiationEventUID=series_uid("irradiation", first.SeriesInstanceUID)
        ),
        FrameVOILUTSequence=_item(WindowCenter=first.WindowCenter, WindowWidth=first.WindowWidth),
    )
    if contrast:
        groups.ContrastBolusUsageSequence = _item(
            ContrastBolusAgentNumber=1,
            ContrastBolusAgentAdministered="YES",
            ContrastBolusAgentDetected="YES",
            ContrastBolusAgentPhase="ARTERIAL",
        )
    return groups


def _frame(image: Dataset, when: str, position: int, phase: float | None, rank: int | None) -> Dataset:
    """What is a frame's own: its place, its grid, its phase, its rescale."""
    content = _item(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime=when,
        FrameAcquisitionDateTime=when,
        FrameAcquisitionDuration=_SECONDS * 1000,
        StackID="1",
        InStackPositionNumber=position,
        DimensionIndexValues=[1, position] if rank is None else [1, rank, position],
    )
    (groups,) = _item(
        FrameContentSequence=content,
        PlanePositionSequence=_item(ImagePositionPatient=image.ImagePositionPatient),
        PlaneOrientationSequence=_item(ImageOrientationPatient=image.ImageOrientationPatient),
        PixelMeasuresSequence=_item(PixelSpacing=image.PixelSpacing, SliceThickness=image.SliceThickness),
        PixelValueTransformationSequence=_item(
            RescaleIntercept=image.RescaleIntercept, RescaleSlope=image.RescaleSlope, RescaleType="HU"
        ),
        CTPositionSequence=_item(
            TablePosition=_along(image),
            DataCollectionCenterPatient=[0.0, 0.0, _along(image)],
            ReconstructionTargetCenterPatient=[0.0, 0.0, _along(image)],
        ),
    )
    if phase is not None:
        content[0].CardiacCyclePosition = "UNDETERMINED"
        groups.CardiacSynchronizationSequence = _item(
            NominalPercentageOfCardiacPhase=phase,
            NominalCardiacTriggerDelayTime=phase * RR_MS / 100,
            ActualCardiacTriggerDelayTime=phase * RR_MS / 100,
            RRIntervalTimeNominal=float(RR_MS),
        )
    return groups


def _phase(image: Dataset) -> float | None:
    """Percent of the R-R interval, from whichever attribute the vendor has used."""
    if "NominalPercentageOfCardiacPhase" in image:
        return float(image.NominalPercentageOfCardiacPhase)
    if "TriggerTime" in image:
        return round(float(image.TriggerTime) / RR_MS * 100)
    options, comments = image.get("ScanOptions", ""), image.get("ImageComments", "")
    if str(options).startswith("TP"):
        return float(options[2:].partition("PC")[0])
    if "bpm, " in comments:
        return round(float(comments.rpartition(" ")[2].removesuffix("ms")) / RR_MS * 100)
    return None


def _along(image: Dataset) -> float:
    """Position along the normal, mm."""
    orientation = np.array(image.ImageOrientationPatient, dtype=float)
    normal = np.cross(orientation[:3], orientation[3:])
    return round(float(normal @ np.array(image.ImagePositionPatient, dtype=float)), 4)


def legacy_converted(series: Sequence[Dataset]) -> Dataset:
    """One Legacy Converted Enhanced CT Image Storage object (PS3.3 section A.70.1), as highdicom converts it.

    Parameters
    ----------
    series
        CT images as `phantom.ct.ct_series` makes them.

    Returns
    -------
    pydicom.Dataset
        With file meta information. The same for the same series, UIDs and times included.
    """
    first = series[0]
    multi = LegacyConvertedEnhancedCTImage(
        list(series),
        series_instance_uid=series_uid("legacy converted series", first.SeriesInstanceUID),
        series_number=int(first.SeriesNumber) + 500,
        sop_instance_uid=series_uid("legacy converted", *(image.SOPInstanceUID for image in series)),
        instance_number=1,
    )
    # highdicom takes the time of day and a random UID, and knows the heart for one of a pair.
    multi.InstanceCreationDate, multi.InstanceCreationTime = first.ContentDate, first.ContentTime
    for equipment in multi.ContributingEquipmentSequence:
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = first.ContentDate + first.ContentTime
    organization = series_uid("dimensions", multi.SOPInstanceUID)
    for item in (*multi.DimensionOrganizationSequence, *multi.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    for groups in (*multi.SharedFunctionalGroupsSequence, *multi.PerFrameFunctionalGroupsSequence):
        for anatomy in groups.get("FrameAnatomySequence", ()):
            anatomy.FrameLaterality = "U"
    return multi

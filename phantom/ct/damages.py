"""What may be wrong with a series, by name. Each damage breaks one thing and leaves all others as they were."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import PositronEmissionTomographyImageStorage, SecondaryCaptureImageStorage

from phantom.ct.anatomy import BLOOD, CONTRAST, RIGHT_SHARE
from phantom.ct.image import ORIENTATIONS, replace_attributes, series_uid

Damage = Callable[[list[Dataset]], list[Dataset]]

STRAY = 10
"""So many images at the end of the series are unlike the others. The others cover enough of the heart."""


def _move(image: Dataset, axis: int, by: float) -> None:
    position = [float(value) for value in image.ImagePositionPatient]
    position[axis] = round(position[axis] + by, 4)
    image.ImagePositionPatient = position


def _middle(series: Sequence[Dataset]) -> Dataset:
    return series[len(series) // 2]


def _all(**attributes: Any) -> Damage:
    """Attributes of every image; ``None`` removes one."""

    def damage(series: list[Dataset]) -> list[Dataset]:
        for image in series:
            replace_attributes(image, attributes)
        return series

    return damage


def _one(**attributes: Any) -> Damage:
    """Attributes of one image in the middle."""

    def damage(series: list[Dataset]) -> list[Dataset]:
        replace_attributes(_middle(series), attributes)
        return series

    return damage


def _last(**attributes: Any) -> Damage:
    """Attributes of some images at the end."""

    def damage(series: list[Dataset]) -> list[Dataset]:
        for image in series[-STRAY:]:
            replace_attributes(image, attributes)
        return series

    return damage


def _first(count: int) -> Damage:
    """No more than the first images."""
    return lambda series: series[:count]


# Positions


def _missing_slice(series: list[Dataset]) -> list[Dataset]:
    del series[len(series) // 2]
    return series


def _duplicate_instance(series: list[Dataset]) -> list[Dataset]:
    return [*series, copy.deepcopy(_middle(series))]


def _duplicate_position(series: list[Dataset]) -> list[Dataset]:
    twin = copy.deepcopy(_middle(series))
    twin.SOPInstanceUID = series_uid(twin.SOPInstanceUID, "twin")
    twin.InstanceNumber = len(series) + 1
    return [*series, twin]


def _shear(series: list[Dataset]) -> list[Dataset]:
    for index, image in enumerate(series):
        _move(image, 1, index * 0.1)
    return series


def _gantry_tilt(series: list[Dataset]) -> list[Dataset]:
    for image in _shear(series):
        image.GantryDetectorTilt = 11.3  # of 0.1 mm sideways for each 0.5 mm along
    return series


def _variable_spacing(series: list[Dataset]) -> list[Dataset]:
    _move(_middle(series), 2, 0.1)
    return series


def _lateral_shift(series: list[Dataset]) -> list[Dataset]:
    _move(_middle(series), 0, 1.0)
    return series


def _every_third(series: list[Dataset]) -> list[Dataset]:
    return series[::3]


def _coronal(series: list[Dataset]) -> list[Dataset]:
    for image in series:
        x, y, z = (float(value) for value in image.ImagePositionPatient)
        image.ImageOrientationPatient = list(ORIENTATIONS["coronal"])
        image.ImagePositionPatient = [x, z, -y]
    return series


def _incomplete_phase(series: list[Dataset]) -> list[Dataset]:
    del series[len(series) // 10]  # inside the first of five phases
    return series


# Attributes


def _own_frames_of_reference(series: list[Dataset]) -> list[Dataset]:
    for image in series:
        image.FrameOfReferenceUID = series_uid(image.SOPInstanceUID, "frame")
    return series


def _localizer_inside(series: list[Dataset]) -> list[Dataset]:
    scout = copy.deepcopy(series[0])
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.SOPInstanceUID = series_uid(scout.SOPInstanceUID, "localizer")
    scout.InstanceNumber = 0
    return [scout, *series]


def _blood(target_hu: float) -> Damage:
    """Contrast taken out of the pixels of a phantom; its noise stays. The header keeps what it says."""

    def damage(series: list[Dataset]) -> list[Dataset]:
        for image in series:
            stored = np.frombuffer(image.PixelData, dtype="<u2").astype(np.int32)
            hu = stored + int(image.RescaleIntercept)
            for blood in (CONTRAST, CONTRAST * RIGHT_SHARE):
                near = np.abs(hu - blood) <= CONTRAST * (1 - RIGHT_SHARE)
                stored[near] += round(target_hu - blood)
                hu[near] = 0  # not twice
            image.PixelData = stored.astype("<u2").tobytes()
        return series

    return damage


def _invalid_number(series: list[Dataset]) -> list[Dataset]:
    """A decimal string with its unit, as pydicom would refuse to write it."""
    tag = Tag("ReconstructionDiameter")
    for image in series:
        image[tag] = RawDataElement(tag, "DS", 6, b"200 mm", 0, False, True)
    return series


DAMAGES: Mapping[str, Damage] = {
    # of an angiogram: what makes it no series of axial CT images
    "other_modality": _all(Modality="PT", SOPClassUID=PositronEmissionTomographyImageStorage),
    "secondary_capture_class": _all(SOPClassUID=SecondaryCaptureImageStorage),
    "localizer_type": _all(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "secondary_type": _all(ImageType=["ORIGINAL", "SECONDARY", "AXIAL"]),
    "monitoring_type": _all(ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON"]),
    "protocol_type": _all(ImageType=["ORIGINAL", "PRIMARY", "OTHER", "CT_SOM5 PROT"]),
    "reformat_description": _all(SeriesDescription="CorCTA MPR 0.6 Bv40 75 %"),
    "perfusion_description": _all(SeriesDescription="CorCTA Stress 0.6 Bv40 75 %"),
    # evidence
    "body_part_missing": _all(BodyPartExamined=None),
    "body_part_chest": _all(BodyPartExamined="CHEST"),
    "body_part_other": _all(BodyPartExamined="ABDOMEN"),
    # positions
    "missing_slice": _missing_slice,
    "duplicate_instance": _duplicate_instance,
    "duplicate_position": _duplicate_position,
    "variable_spacing": _variable_spacing,
    "shear": _shear,
    "gantry_tilt": _gantry_tilt,
    "gantry_tilt_tag": _all(GantryDetectorTilt=11.3),
    "lateral_shift": _lateral_shift,
    "every_third": _every_third,
    "one_slice": _first(1),
    "short_coverage": _first(100),
    "limited_coverage": _first(160),
    "coronal": _coronal,
    "without_positions": _all(ImagePositionPatient=None),
    "invalid_orientation": _all(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
    # several kinds of images in one series
    "mixed_orientation": _last(ImageOrientationPatient=list(ORIENTATIONS["coronal"])),
    "mixed_grid": _last(PixelSpacing=[0.5, 0.5]),
    "mixed_kernel": _last(ConvolutionKernel="Br64f"),
    "mixed_frame_of_reference": _last(FrameOfReferenceUID=series_uid("another frame")),
    "own_frames_of_reference": _own_frames_of_reference,
    "mixed_rescale": _one(RescaleIntercept=0),
    "without_rescale": _all(RescaleSlope=None, RescaleIntercept=None, RescaleType=None),
    "mixed_thickness": _one(SliceThickness=0.75),
    "localizer_inside": _localizer_inside,
    # phases, of a multiphase series
    "unlabelled": _all(NominalPercentageOfCardiacPhase=None, ScanOptions=None),
    "incomplete_phase": _incomplete_phase,
    # attributes
    "lossy": _all(
        LossyImageCompression="01", LossyImageCompressionRatio=5.4, LossyImageCompressionMethod="ISO_10918_1"
    ),
    "derived": _all(ImageType=["DERIVED", "PRIMARY", "AXIAL"]),
    "without_image_type": _all(ImageType=None),
    "without_sop_class": _all(SOPClassUID=None),
    "invalid_number": _invalid_number,
    "thick": _all(SliceThickness=1.5),
    "too_thick": _all(SliceThickness=2.0),
    # what the headers of the series alone do not betray
    "faint_contrast": _blood(140.0),
    "without_contrast": _blood(BLOOD),
    "not_hounsfield": _all(RescaleType="Z_EFF"),
    "without_patient_id": _all(PatientID=""),
    "other_birth_date": _all(PatientBirthDate="19991231"),
}
"""What may be wrong with a series, by name. Unless said otherwise a damage is meant for an angiogram ("ccta")."""

from typing import Any

import pytest
from pydicom import Dataset, uid

from orthanc_ai.codes import Code
from orthanc_ai.deidentify.burned_in import burned_in, recognizable


def header(sop_class: str = uid.DigitalXRayImageStorageForPresentation, **attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    "sop_class", [uid.CTImageStorage, uid.SecondaryCaptureImageStorage, uid.UltrasoundImageStorage]
)
def test_what_the_header_says_counts(sop_class: str) -> None:
    assert burned_in(header(sop_class, BurnedInAnnotation="YES")) is Code.BURNED_IN
    assert burned_in(header(sop_class, BurnedInAnnotation="yes ")) is Code.BURNED_IN


@pytest.mark.parametrize(
    "sop_class",
    [
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.MRImageStorage,
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForPresentation,
    ],
)
def test_images_straight_from_a_detector_are_not_suspected(sop_class: str) -> None:
    assert burned_in(header(sop_class, ImageType=["ORIGINAL", "PRIMARY"])) is None


@pytest.mark.parametrize(
    "sop_class",
    [
        uid.SecondaryCaptureImageStorage,
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
        uid.UltrasoundImageStorage,
        uid.UltrasoundMultiFrameImageStorage,
        uid.XRayAngiographicImageStorage,
        uid.VLPhotographicImageStorage,
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.3.4",
        "",
    ],
)
def test_kinds_that_often_bear_texts_are_suspected_unless_they_deny_it(sop_class: str) -> None:
    assert burned_in(header(sop_class, ConversionType="DI")) is Code.BURNED_IN_LIKELY
    assert burned_in(header(sop_class, ConversionType="DI", BurnedInAnnotation="NO")) is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"Modality": "OT"},
        {"Modality": "us"},
        {"ConversionType": "SD"},
        {"ConversionType": "WSD"},
        {"ConversionType": "DF"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    ],
)
def test_signs_of_a_copied_picture(attributes: dict[str, Any]) -> None:
    assert burned_in(header(uid.CTImageStorage, **attributes)) is Code.BURNED_IN_LIKELY


@pytest.mark.parametrize(
    "picture",
    [
        header(uid.SecondaryCaptureImageStorage, ConversionType="WSD"),
        header(uid.SecondaryCaptureImageStorage),
        header(uid.CTImageStorage, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]),
    ],
)
def test_a_picture_of_a_screen_is_not_believed_to_be_clean(picture: Dataset) -> None:
    picture.BurnedInAnnotation = "NO"
    assert burned_in(picture) is Code.BURNED_IN_LIKELY


@pytest.mark.parametrize(
    ("said", "suspected"),
    [
        ({"Modality": "CT", "BodyPartExamined": "HEAD"}, True),
        ({"Modality": "MR", "SeriesDescription": "t1 brain"}, True),
        ({"Modality": "CT", "StudyDescription": "CCT nativ"}, True),
        ({"Modality": "CT", "StudyDescription": "Schädel"}, True),
        ({"Modality": "PT", "BodyPartExamined": "WHOLEBODY"}, True),
        ({"Modality": "CT"}, True),
        ({"Modality": "XC"}, True),
        ({"Modality": "CT", "BodyPartExamined": "HEART"}, False),
        ({"Modality": "CT", "BodyPartExamined": "CHEST", "SeriesDescription": "LINEAR NUCLEAR"}, False),
        ({"Modality": "DX", "BodyPartExamined": "SKULL"}, False),
        ({"Modality": "CT", "BodyPartExamined": "HEAD", "RecognizableVisualFeatures": "NO"}, False),
        ({"Modality": "CT", "BodyPartExamined": "CHEST", "RecognizableVisualFeatures": "YES"}, True),
    ],
)
def test_who_could_be_recognized(said: dict[str, str], suspected: bool) -> None:
    assert recognizable(header(uid.CTImageStorage, **said)) is (Code.RECOGNIZABLE_FEATURES if suspected else None)

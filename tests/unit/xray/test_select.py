from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread, uid

from orthanc_ai.codes import Code
from orthanc_ai.models.card import IntendedUse
from orthanc_ai.xray.select import Choice, Selection, is_xray, judge
from tests.expected_outcomes import COUNTED_PREFIX, EXPECTED

from ..images.builder import header

ADULTS = IntendedUse("", ("PA", "AP"), 18, None)
CR, DX = uid.ComputedRadiographyImageStorage, uid.DigitalXRayImageStorageForPresentation
SC = uid.SecondaryCaptureImageStorage
READ = Selection(True, None, ())


def coded(value: str, scheme: str, meaning: str = "") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def judged(**attributes: Any) -> Selection:
    return judge(header(**attributes), ADULTS)


def code(**attributes: Any) -> Code | None:
    return judged(**attributes).code


# ---- Real files ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXPECTED)
def test_real_files_as_a_radiographer_would(data: Path, name: str) -> None:
    film = dcmread(data / name, force=True, stop_before_pixels=True)
    xray = is_xray(str(film.get("Modality", "")), str(film.get("SOPClassUID", "")))
    expected = EXPECTED[name]
    assert xray == (expected.outcome is not None)
    if xray:
        selection = judge(film, ADULTS)
        assert (selection.code or Code.REPORTED, selection.notes) == (expected.outcome, expected.notes)


def test_every_file_has_an_expectation(data: Path) -> None:
    named = {
        str(file.relative_to(data))
        for folder in ("cxr", "negatives", "robustness")
        for file in (data / folder).iterdir()
    }
    assert named == set(EXPECTED)


@pytest.mark.filterwarnings("ignore")
def test_nothing_from_a_ct_scanner_is_an_xray(data: Path) -> None:
    files = [file for folder in data.glob(f"{COUNTED_PREFIX}*") for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 100
    for file in files:
        film = dcmread(file, force=True, specific_tags=["Modality", "SOPClassUID"])
        assert not is_xray(str(film.get("Modality", "")), str(film.get("SOPClassUID", ""))), file.name


# ---- What is an X-ray ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modality", ["CR", "DX", "RG", "RF", "XA", "MG", "IO", "PX", "dx", "CR "])
@pytest.mark.parametrize("sop_class", [CR, DX, SC, uid.XRayAngiographicImageStorage])
def test_xrays(modality: str, sop_class: str) -> None:
    assert is_xray(modality, sop_class)


@pytest.mark.parametrize("modality", ["", "OT"])
def test_a_class_for_xrays_only_needs_no_modality(modality: str) -> None:
    assert is_xray(modality, CR)
    assert not is_xray(modality, SC)


@pytest.mark.parametrize(
    ("modality", "sop_class"),
    [
        ("CT", uid.CTImageStorage),
        ("CT", SC),
        ("MR", CR),
        ("US", SC),
        ("OT", SC),
        ("SR", uid.Comprehensive3DSRStorage),
        ("DX", uid.Comprehensive3DSRStorage),
        ("PR", uid.GrayscaleSoftcopyPresentationStateStorage),
        ("DX", uid.KeyObjectSelectionDocumentStorage),
        ("DX", uid.EncapsulatedPDFStorage),
        ("SEG", uid.SegmentationStorage),
        ("", ""),
    ],
)
def test_others_are_only_counted(modality: str, sop_class: str) -> None:
    assert not is_xray(modality, sop_class)


# ---- Which are read --------------------------------------------------------------------------------------------


def test_a_frontal_chest_film_of_an_adult() -> None:
    assert judged() == READ
    assert judged(ViewPosition="AP") == READ
    assert judged(SOPClassUID=CR, Modality="CR") == READ
    assert judged(SOPClassUID=SC, Modality="RG") == READ


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize("part", ["CHEST", "THORAX", "Thorax", "LUNG", "TORAX", "PORT CHEST", "胸部", "HEART"])
def test_body_parts_that_are_chests(part: str) -> None:
    assert code(BodyPartExamined=part) is None


@pytest.mark.parametrize(
    "part", ["HIP", "ABDOMEN", "TSPINE", "RIB", "SKULL", "CHESTABDOMEN", "NECKCHEST", "BREAST", "NEVERHEARDOF"]
)
def test_body_parts_that_are_not(part: str) -> None:
    assert code(BodyPartExamined=part, SeriesDescription="CHEST PA") is Code.NOT_CHEST


@pytest.mark.parametrize(
    ("value", "scheme", "expected"),
    [
        ("816094009", "SCT", None),
        ("51185008", "SCT", None),
        ("T-D3000", "SRT", None),
        ("T-D3000", "SNM3", None),
        ("T-28000", "SRT", None),
        ("72696002", "SCT", Code.NOT_CHEST),
        ("416550000", "SCT", Code.NOT_CHEST),
    ],
)
def test_coded_regions_come_before_words(value: str, scheme: str, expected: Code | None) -> None:
    word = "CHEST" if expected else "HIP"
    assert code(AnatomicRegionSequence=coded(value, scheme), BodyPartExamined=word) is expected


def test_a_private_region_is_judged_by_its_meaning() -> None:
    assert code(AnatomicRegionSequence=coded("17", "99SITE", "Thorax"), BodyPartExamined=None) is None
    assert code(AnatomicRegionSequence=coded("18", "99SITE", "Knee"), BodyPartExamined=None) is Code.NOT_CHEST


def test_words_from_the_image_to_the_study() -> None:
    unstated = {"BodyPartExamined": "", "StudyDescription": "CHEST AND ABDOMEN"}
    assert judged(**unstated, SeriesDescription="Abdomen AP").code is Code.NOT_CHEST
    assert judged(**unstated, SeriesDescription="Thorax") == READ
    assert judged(**unstated, ProtocolName="Poumons") == READ
    assert judged(**unstated).notes == (Code.BODY_PART_NOT_STATED,)
    assert judged(BodyPartExamined="", ProcedureCodeSequence=coded("1", "L", "XR KNEE")).code is Code.NOT_CHEST


@pytest.mark.parametrize("part", [None, "", "UNKNOWN", "OTHER"])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("analyze", Selection(True, None, (Code.BODY_PART_NOT_STATED,))),
        ("skip", Selection(False, Code.BODY_PART_NOT_STATED, ())),
    ],
)
def test_an_unstated_body_part_is_the_users_choice(part: str | None, choice: Choice, expected: Selection) -> None:
    assert judge(header(BodyPartExamined=part), ADULTS, unstated_body_part=choice) == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ViewPosition": "LL"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "RL"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "LATERAL"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "LLD"}, Code.VIEW_NOT_SUPPORTED),
        ({"ViewPosition": "RLO"}, Code.VIEW_NOT_SUPPORTED),
        ({"ViewPosition": None, "SeriesDescription": "CHEST LAT"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "", "StudyDescription": "Thorax seitlich"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "UPRIGHT", "SeriesDescription": "CHEST LAT"}, Code.LATERAL_VIEW),
        ({"ViewPosition": "PA", "StudyDescription": "CHEST LATERAL"}, None),
        ({"ViewPosition": None, "PatientOrientation": ["A", "F"]}, Code.LATERAL_VIEW),
        ({"ViewPosition": None, "PatientOrientation": ["P", "F"]}, Code.LATERAL_VIEW),
        ({"ViewCodeSequence": coded("399173006", "SCT")}, Code.LATERAL_VIEW),
        ({"ViewCodeSequence": coded("R-10236", "SRT")}, Code.LATERAL_VIEW),
        ({"ViewCodeSequence": coded("272479007", "SCT"), "ViewPosition": "LL"}, None),
        ({"ViewCodeSequence": coded("R-10206", "SRT"), "ViewPosition": ""}, None),
        ({"ViewCodeSequence": coded("399184004", "SCT")}, Code.VIEW_NOT_SUPPORTED),
    ],
)
def test_views(attributes: dict[str, Any], expected: Code | None) -> None:
    assert code(**attributes) is expected


@pytest.mark.parametrize(
    "attributes",
    [
        {"ViewPosition": None},
        {"ViewPosition": None, "StudyDescription": "CHEST PA AND LATERAL"},
        {"ViewPosition": None, "SeriesDescription": "Thorax de face"},
        {"ViewPosition": None, "PatientOrientation": ["L", "F"]},
    ],
)
def test_a_side_that_is_not_stated_is_said(attributes: dict[str, Any]) -> None:
    assert judged(**attributes) == Selection(True, None, (Code.VIEW_NOT_STATED,))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"Modality": "XA"}, Code.NOT_PLAIN_RADIOGRAPH),
        ({"Modality": "RF"}, Code.NOT_PLAIN_RADIOGRAPH),
        ({"SOPClassUID": uid.XRayAngiographicImageStorage}, Code.NOT_PLAIN_RADIOGRAPH),
        ({"Modality": "MG"}, Code.NOT_CHEST),
        ({"Modality": "IO"}, Code.NOT_CHEST),
        ({"Modality": "PX"}, Code.NOT_CHEST),
        ({"SOPClassUID": uid.DigitalXRayImageStorageForProcessing}, Code.FOR_PROCESSING),
        ({"PresentationIntentType": "FOR PROCESSING"}, Code.FOR_PROCESSING),
        ({"PresentationIntentType": "FOR PRESENTATION"}, None),
    ],
)
def test_kinds_of_xrays(attributes: dict[str, Any], expected: Code | None) -> None:
    assert code(**attributes) is expected


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientSpeciesDescription": "CANINE"},
        {"PatientSpeciesCodeSequence": coded("448771007", "SCT", "Canis lupus familiaris")},
        {"PatientBreedDescription": "Beagle"},
        {"PatientBreedCodeSequence": coded("132391004", "SCT", "Greyhound")},
        {"PatientSexNeutered": "ALTERED"},
        {"ResponsiblePersonRole": "OWNER"},
        {"AcquisitionDeviceProcessingDescription": "CANINE LATERAL THORAX"},
    ],
)
def test_animals(attributes: dict[str, Any]) -> None:
    assert code(**attributes) is Code.NOT_HUMAN


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientSpeciesDescription": "HUMAN"},
        {"PatientSpeciesDescription": "Homo sapiens"},
        {"PatientSpeciesCodeSequence": coded("337915000", "SCT")},
        {"PatientSpeciesCodeSequence": coded("L-85B00", "SRT")},
        {"ResponsiblePersonRole": "PARENT"},
        {"PatientBreedDescription": ""},
    ],
)
def test_people(attributes: dict[str, Any]) -> None:
    assert code(**attributes) is None


def test_a_dog_that_only_its_name_betrays_is_taken_for_a_person() -> None:
    """A known limit: names are not evidence."""
    assert judged(PatientName="Dog^AVeryGood") == READ


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, Code.NOT_PRIMARY_IMAGE),
        ({"ImageType": ["DERIVED", "SECONDARY", "REPORT"]}, Code.NOT_PRIMARY_IMAGE),
        ({"ConversionType": "SD"}, Code.NOT_PRIMARY_IMAGE),
        ({"SeriesDescription": "Bone Suppressed"}, Code.NOT_PRIMARY_IMAGE),
        ({"ImageType": ["DERIVED", "PRIMARY"]}, None),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, None),
        ({"ConversionType": "WSD"}, None),
        ({"ConversionType": "DF"}, None),
    ],
)
def test_pictures_of_something_else(attributes: dict[str, Any], expected: Code | None) -> None:
    assert code(**attributes) is expected


# ---- Intended use ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "attributes", "intended"),
    [
        (ADULTS, {"PatientAge": "017Y"}, False),
        (ADULTS, {"PatientAge": "018Y"}, True),
        (ADULTS, {"PatientAge": "006M"}, False),
        (IntendedUse("", ("PA", "AP"), None, 90), {"PatientAge": "091Y"}, False),
        (IntendedUse("", ("PA",), None, None), {"ViewPosition": "AP"}, False),
        (IntendedUse("", ("PA",), None, None), {"ViewPosition": "PA"}, True),
    ],
)
def test_outside_the_intended_use(use: IntendedUse, attributes: dict[str, Any], intended: bool) -> None:
    film = header(**attributes)
    skipped = Selection(False, Code.OUTSIDE_INTENDED_USE, ())
    noted = Selection(True, None, (Code.OUTSIDE_INTENDED_USE,))
    assert judge(film, use) == (READ if intended else skipped)
    assert judge(film, use, outside_intended_use="analyze") == (READ if intended else noted)


def test_an_age_that_is_not_stated_is_said() -> None:
    assert judged(PatientAge=None) == Selection(True, None, (Code.AGE_NOT_STATED,))


def test_an_empty_header_is_judged() -> None:
    expected = (Code.BODY_PART_NOT_STATED, Code.VIEW_NOT_STATED, Code.AGE_NOT_STATED)
    assert judge(Dataset(), ADULTS) == Selection(True, None, expected)


_TEXTS = (
    "BodyPartExamined",
    "ViewPosition",
    "SeriesDescription",
    "PatientAge",
    "PatientSpeciesDescription",
    "ImageType",
)


@pytest.mark.filterwarnings("ignore")
@given(st.dictionaries(st.sampled_from(_TEXTS), st.text(max_size=16), max_size=4))
def test_whatever_a_header_says_it_is_read_or_refused_with_a_code(attributes: dict[str, str]) -> None:
    selection = judged(**attributes)
    assert selection.analyze == (selection.code is None)

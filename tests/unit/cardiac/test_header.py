import math
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.cardiac.header import NEEDED_TAGS, NEEDED_TAGS_BY_LEVEL, Header
from phantom.ct import ct_series


def test_reads_orthancs_json() -> None:
    header = Header.from_tags(
        {
            "Modality": "CT",
            "ImageType": "ORIGINAL\\PRIMARY\\axial ",
            "ImagePositionPatient": " -161.399994\\ -148.800003\\4.700000",
            "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
            "PixelSpacing": "0.675781\\0.675781",
            "Rows": "512",
            "SliceThickness": "",
            "AnatomicRegionSequence": [{"CodeValue": "80891009", "CodingSchemeDesignator": "SCT"}],
            "ImageComments": "72 bpm, 55 %, 153 ms",
            "LossyImageCompression": "01",
            "PatientName": "ignored",
        }
    )
    assert header.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert header.image_position == (-161.399994, -148.800003, 4.7)
    assert header.pixel_spacing == (0.675781, 0.675781)
    assert (header.rows, header.columns, header.slice_thickness) == (512, None, None)
    assert header.anatomic_regions == (("SCT", "80891009"),)
    assert header.lossy
    assert header.invalid == ()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SliceThickness", "abc"),
        ("SliceThickness", "0,5"),
        ("SliceThickness", "nan"),
        ("SliceThickness", "1_0"),
        ("SliceThickness", "1e999"),
        ("Rows", "many"),
        ("ImagePositionPatient", "1\\2"),
        ("ImagePositionPatient", "1\\2\\x"),
        ("ImagePositionPatient", "1\\2\\3\\4"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\1"),
        ("PixelSpacing", "0.5"),
        ("AnatomicRegionSequence", "heart"),
        ("SeriesDescription", {}),
    ],
)
def test_names_what_it_cannot_read(keyword: str, value: Any) -> None:
    header = Header.from_tags({keyword: value})
    assert header.invalid == (keyword,)
    assert header == Header(invalid=(keyword,))


@given(
    st.dictionaries(
        st.sampled_from(NEEDED_TAGS), st.text() | st.none() | st.integers() | st.floats() | st.lists(st.text())
    )
)
def test_never_fails(tags: dict[str, Any]) -> None:
    header = Header.from_tags(tags)
    assert set(header.invalid) <= set(tags)
    numbers = [header.slice_thickness, header.rows, header.trigger_time, *(header.image_position or ())]
    assert all(math.isfinite(number) for number in numbers if number is not None)


def test_dataset_and_json_give_the_same(tmp_path: Any) -> None:
    image = ct_series("ccta", slices=1)[0]
    image.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    tags: dict[str, Any] = {}
    for keyword in NEEDED_TAGS:
        if keyword == "AnatomicRegionSequence":
            item = read.AnatomicRegionSequence[0]
            tags[keyword] = [{element.keyword: str(element.value) for element in item}]
        elif keyword in read:
            value = read[keyword].value
            tags[keyword] = "\\".join(map(str, value)) if isinstance(value, pydicom.multival.MultiValue) else str(value)
    header = Header.from_dataset(read)
    assert header == Header.from_tags(tags)
    assert header.anatomic_regions == (("SCT", "80891009"),)
    assert header.nominal_percentage_of_cardiac_phase == 75
    assert header.invalid == ()


@pytest.mark.filterwarnings("ignore:Invalid value for VR:UserWarning")
def test_dataset_with_a_broken_number(tmp_path: Any) -> None:
    image = ct_series("head", slices=1)[0]
    image.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    content = (tmp_path / "a.dcm").read_bytes()
    # Slice Thickness (0018,0050), DS, two bytes: "5 " or "5.0 ".
    at = content.index(b"\x18\x00\x50\x00DS")
    length = int.from_bytes(content[at + 6 : at + 8], "little")
    (tmp_path / "a.dcm").write_bytes(content[: at + 8] + b"x" * length + content[at + 8 + length :])
    header = Header.from_dataset(pydicom.dcmread(tmp_path / "a.dcm"))
    assert header.invalid == ("SliceThickness",)
    assert header.slice_thickness is None
    assert header.image_position is not None


@settings(max_examples=20)
@given(st.sampled_from(NEEDED_TAGS))
def test_each_tag_is_a_dicom_keyword_of_one_level(keyword: str) -> None:
    assert pydicom.datadict.tag_for_keyword(keyword) is not None
    assert sum(keyword in keywords for keywords in NEEDED_TAGS_BY_LEVEL.values()) == 1

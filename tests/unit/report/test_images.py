"""Descriptors of an image say what its header says, and nothing if it says nothing."""

import warnings

import pytest
from highdicom.sr import ImageLibraryEntryDescriptors
from pydicom.dataset import Dataset

from orthanc_ai.report.images import ImageFacts, descriptors, image_facts

from .sources import radiograph, raw


def test_a_complete_header_gives_what_highdicom_gives() -> None:
    source = radiograph()
    ours = list(descriptors(image_facts(source)))
    theirs = list(ImageLibraryEntryDescriptors(source))
    assert [item.name for item in ours] == [item.name for item in theirs]
    assert [item.value for item in ours] == [item.value for item in theirs]
    assert [item.RelationshipType for item in ours] == [item.RelationshipType for item in theirs]


def test_whole_numbers_are_written_as_such() -> None:
    rows = list(descriptors(image_facts(radiograph())))[1]
    assert str(rows.MeasuredValueSequence[0].NumericValue) == "2500"


def test_an_empty_header_gives_nothing() -> None:
    assert image_facts(Dataset()) == ImageFacts(None, None, None, None, None)
    assert list(descriptors(image_facts(Dataset()))) == []


@pytest.mark.parametrize(
    "values",
    [
        {"ImagerPixelSpacing": b"0\\0"},
        {"ImagerPixelSpacing": b"0.1"},
        {"ImagerPixelSpacing": b"a\\b"},
        {"ImagerPixelSpacing": b"nan\\nan"},
        {"ImagerPixelSpacing": b"-1\\-1"},
        {"ImagerPixelSpacing": b"0.1\\0.1\\0.1"},
        {"PatientOrientation": b"L"},
        {"PatientOrientation": b"\\"},
        {"PatientOrientation": b"L\\\xfc"},
        {"PatientOrientation": b""},
        {"Modality": b"XX"},
        {"Rows": b"\1\0\2\0"},
        {"Rows": b""},
        {"Rows": b"\0\0"},
    ],
    ids=str,
)
def test_malformed_values_are_left_out(values: dict[str, bytes]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        facts = image_facts(raw(radiograph(), **values))
    (keyword,) = values
    field = {"ImagerPixelSpacing": "spacing", "PatientOrientation": "orientation"}.get(keyword, keyword.lower())
    assert getattr(facts, field) is None
    assert sum(value is None for value in facts) == 1

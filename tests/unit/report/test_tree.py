"""The tree has the form of TID 1500, in an order that people can read."""

from collections.abc import Iterator

import pytest
from highdicom.sr import ImageLibrary
from pydicom.dataset import Dataset

from orthanc_ai.report import provenance, tree, vocabulary
from orthanc_ai.report.images import descriptors, image_facts

from .sources import WEIGHTS, model_of_record, radiograph

CARD = model_of_record()
MAKER = provenance.of_model(CARD, WEIGHTS, "1", 0, ())


@pytest.fixture
def root() -> Dataset:
    source = radiograph()
    image = tree.Image(source.SOPClassUID, source.SOPInstanceUID, tuple(descriptors(image_facts(source))))
    output = CARD.outputs[0]
    line = tree.FindingLine(output.label, "1.2.9", output.finding, output.site, 87.3, 87.312, 50, vocabulary.PRESENT)
    report = tree.findings_tree(MAKER, vocabulary.DIAGNOSTIC_IMAGING_REPORT, image, [line], ["one", "two"])
    return report[0]


def meanings(item: Dataset) -> list[str]:
    return [child.ConceptNameCodeSequence[0].CodeMeaning for child in item.ContentSequence]


def containers(item: Dataset) -> Iterator[Dataset]:
    if item.ValueType == "CONTAINER":
        yield item
    for child in item.get("ContentSequence", ()):
        yield from containers(child)


def test_order_of_the_document(root: Dataset) -> None:
    assert meanings(root) == [
        "Language of Content Item and Descendants",
        "Observer Type",
        "Device Observer UID",
        "Device Observer Name",
        "Device Observer Manufacturer",
        "Device Observer Model Name",
        "Device Observer Serial Number",
        "Procedure reported",
        "Comment",
        "Comment",
        "Image Library",
        "Imaging Measurements",
    ]
    group = root.ContentSequence[-1].ContentSequence[-1]
    assert meanings(group) == [
        "Tracking Identifier",
        "Tracking Unique Identifier",
        "Finding",
        "Finding Site",
        "Probability",
        "Threshold Value",
        "Presence of property",
    ]
    assert group.ContentTemplateSequence[0].TemplateIdentifier == "1501"
    assert root.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_all_containers_are_separate(root: Dataset) -> None:
    found = list(containers(root))
    assert len(found) == 5
    assert {container.ContinuityOfContent for container in found} == {"SEPARATE"}


def test_algorithm_is_stated_once_for_all_measurements(root: Dataset) -> None:
    *algorithm, group = root.ContentSequence[-1].ContentSequence
    assert [item.name.meaning for item in algorithm] == [item.name.meaning for item in MAKER.algorithm()]
    assert [item.value for item in algorithm] == [item.value for item in MAKER.algorithm()]
    assert {item.relationship_type.value for item in algorithm} == {"HAS CONCEPT MOD"}
    assert group.name.meaning == "Measurement Group"
    assert "Algorithm Name" not in str(group)


def test_source_is_below_the_number(root: Dataset) -> None:
    group = root.ContentSequence[-1].ContentSequence[-1]
    (number,) = (item for item in group.ContentSequence if item.ValueType == "NUM" and "ContentSequence" in item)
    assert meanings(number) == ["Source of Measurement"]
    assert number.MeasuredValueSequence[0].NumericValue == 87.3
    assert number.MeasuredValueSequence[0].FloatingPointValue == 87.312


def test_image_library_is_that_of_highdicom(root: Dataset) -> None:
    (ours,) = (item for item in root.ContentSequence if item.name.meaning == "Image Library")
    (theirs,) = ImageLibrary([radiograph()])

    def outline(item: Dataset) -> object:
        children = [outline(child) for child in item.get("ContentSequence", ())]
        return item.name.meaning, item.ValueType, item.get("RelationshipType"), children

    assert outline(ours) == outline(theirs)
    ours, theirs = (each.ContentSequence[0].ContentSequence[0] for each in (ours, theirs))
    assert ours.ReferencedSOPSequence[0] == theirs.ReferencedSOPSequence[0]


@pytest.mark.parametrize(("value", "text"), [(50, "50"), (7.25, "7.25"), (0, "0"), (120.0, "120.0")])
def test_numbers_as_people_write_them(value: float, text: str) -> None:
    item = tree.number_item(vocabulary.VERTICAL_PIXEL_SPACING, value, vocabulary.MILLIMETER)
    assert str(item.MeasuredValueSequence[0].NumericValue) == text

"""Every report says who made it, and never loses its warning."""

import dataclasses

import pytest
from pydicom.uid import UID

from orthanc_ai.report import provenance

from .sources import WEIGHTS, demonstration, model_of_record

CARD = model_of_record()


@pytest.mark.parametrize("name", ["x" * 60, "densenet121-res224-all"])
def test_the_warning_in_the_description_is_never_cut(name: str) -> None:
    for is_demonstration, warning in ((False, "not for diagnosis"), (True, "DEMONSTRATION not for diagnosis")):
        card = dataclasses.replace(CARD, name=name, demonstration=is_demonstration)
        description = provenance.of_model(card, WEIGHTS, "1", 0, ()).series_description
        assert len(description) <= 64
        assert description.startswith("AI findings " + name[:15])
        assert description.endswith(warning)


def test_device_changes_with_model_weights_and_plugin() -> None:
    makers = [
        provenance.of_model(CARD, WEIGHTS, "1", 0, ()),
        provenance.of_model(dataclasses.replace(CARD, name="other"), WEIGHTS, "1", 0, ()),
        provenance.of_model(CARD, "6" * 64, "1", 0, ()),
        provenance.of_model(CARD, WEIGHTS, "2", 0, ()),
        provenance.of_rules("rules", "Rules", "1", "1", ()),
        provenance.of_rules("rules", "Rules", "2", "1", ()),
    ]
    uids = {maker.device_uid for maker in makers}
    assert len(uids) == len(makers)
    assert all(UID(uid).is_valid for uid in uids)


def test_equipment_is_the_observing_device() -> None:
    maker = provenance.of_model(CARD, WEIGHTS, "1", 0, ())
    equipment = maker.contributing_equipment()
    assert (equipment.Manufacturer, equipment.ManufacturerModelName) == (CARD.manufacturer, CARD.title)
    assert equipment.SoftwareVersions == CARD.version
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert equipment.DeviceUID == maker.device_uid == maker.observation_context()[1].value


def test_algorithm_can_be_reproduced_from_the_report() -> None:
    maker = provenance.of_model(CARD, WEIGHTS, "1", 0.05, ("VOI LUT not applied",))
    texts = [item.value for item in maker.algorithm() if item.name.meaning == "Algorithm Parameters"]
    assert texts == [
        f"weights SHA-256 {WEIGHTS}",
        f"model card SHA-256 {CARD.digest}",
        "score scaled to an operating point of 50 %, not a calibrated probability",
        "undetermined within 5 percentage points of the threshold",
        "VOI LUT not applied",
    ]


def test_statements_begin_with_the_warning() -> None:
    assert provenance.of_model(CARD, WEIGHTS, "1", 0, ()).statements[0] == "For research. Not for diagnostic use."
    assert provenance.of_model(demonstration(), WEIGHTS, "1", 0.1, ()).statements[0] == (
        "Demonstration model trained on digital phantoms. Not for diagnosis."
    )


def test_rules_are_no_artificial_intelligence() -> None:
    names = [item.name.meaning for item in provenance.of_rules("rules", "Rules", "1", "1", ()).algorithm()]
    assert "Algorithm Family" not in names

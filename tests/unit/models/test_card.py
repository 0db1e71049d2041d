import math
import shutil
from pathlib import Path

import pytest
import torchxrayvision as xrv
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as Coded

from orthanc_ai.codes import Code
from orthanc_ai.models.card import CARD_FILE, FINDINGS_FILE, card_names, load_card, with_thresholds
from orthanc_ai.models.errors import CardError
from tests.unit.networks import MODELS, NAME, card

TORCHXRAYVISION = [name for name in card_names(MODELS) if card(name).weights.loader == "torchxrayvision"]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with one card, to be spoiled."""
    (tmp_path / NAME).mkdir()
    shutil.copy(MODELS / NAME / CARD_FILE, tmp_path / NAME / CARD_FILE)
    shutil.copy(MODELS / FINDINGS_FILE, tmp_path / FINDINGS_FILE)
    return tmp_path


def spoil(models: Path, old: str, new: str) -> str:
    """Change the card once; returns what reading it says."""
    file = models / NAME / CARD_FILE
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CardError) as caught:
        load_card(models, NAME)
    assert caught.value.code is Code.MODEL_INVALID
    return str(caught.value)


def test_the_models_that_are_offered() -> None:
    assert {
        "densenet121-res224-all",
        "densenet121-res224-chex",
        "densenet121-res224-mimic_ch",
        "densenet121-res224-mimic_nb",
        "densenet121-res224-nih",
        "densenet121-res224-pc",
        "densenet121-res224-rsna",
        "resnet50-res512-all",
    } <= set(card_names(MODELS))


def test_the_model_of_record() -> None:
    record = card()
    assert (len(record.outputs), record.input_size, record.demonstration) == (18, 224, False)
    assert {output.threshold for output in record.outputs} == {0.5}
    assert record.intended_use.views == ("PA", "AP")
    assert (record.intended_use.minimum_age_years, record.intended_use.maximum_age_years) == (18, None)
    assert "not for diagnosis" in record.intended_use.text


@pytest.mark.parametrize("name", TORCHXRAYVISION)
def test_cards_agree_with_torchxrayvision(name: str) -> None:
    entry = xrv.models.model_urls[name]
    offered = {output.index: (output.label, output.operating_point) for output in card(name).outputs}
    usable = {
        index: (label, point)
        for index, (label, point) in enumerate(zip(entry["labels"], entry["op_threshs"], strict=True))
        if label and not math.isnan(point)
    }
    assert offered == usable
    assert card(name).network_outputs == len(entry["labels"])
    assert card(name).input_size == entry["input_resolution"]
    assert entry["weights_url"].endswith("/" + card(name).weights.file)


@pytest.mark.parametrize("name", card_names(MODELS))
def test_codes_are_verified_or_private(name: str) -> None:
    # SNOMED CT concepts that pydicom's dictionary does not have.
    elsewhere = {"46621007", "95436008", "87433001", "51615001", "233604007", "8186001", "39839004", "125605004"}
    for output in card(name).outputs:
        for concept in (output.finding, output.site):
            assert concept.scheme in ("SCT", "DCM", "99ORTHANCAI")
            if concept.scheme != "99ORTHANCAI" and concept.value not in elsewhere:
                known = getattr(codes, concept.scheme)
                names = (concept.meaning, concept.meaning.title().replace(" ", ""))
                word = next(name for name in names if hasattr(known, name))
                assert getattr(known, word) == Coded(*concept)


@pytest.mark.parametrize(
    ("old", "new", "field", "found"),
    [
        ("format = 1", "format = 2", "format", "2"),
        ("demonstration = false", 'demonstration = "no"', "demonstration", "'no'"),
        ("input_size = 224", "input_size = 8", "network.input_size", "8"),
        ("input_size = 224", "input_size = 230", "network.input_size", "230"),
        ('architecture = "densenet121"', 'architecture = "vgg"', "network.architecture", "'vgg'"),
        ("minimum_age_years = 18", "minimum_age_years = -1", "intended_use.minimum_age_years", "-1"),
        ("minimum_age_years = 18", "minimum_age = 18", "intended_use.minimum_age", "18"),
        (
            "minimum_age_years = 18",
            "minimum_age_years = 18\nmaximum_age_years = 5",
            "intended_use.maximum_age_years",
            "5",
        ),
        ('views = ["PA", "AP"]', 'views = ["PA", "LL"]', "intended_use.views.1", "'LL'"),
        ('views = ["PA", "AP"]', "views = []", "intended_use.views", "[]"),
        ("threshold = 0.5", "threshold = 1.5", "outputs.0.threshold", "1.5"),
        ("threshold = 0.5", "", "outputs.0.threshold", "nothing"),
        ("operating_point = 0.07422872", "operating_point = nan", "outputs.0.operating_point", "nan"),
        ("index = 1\n", "index = 0\n", "outputs.1.index", "0"),
        ("index = 17", "index = 18", "outputs.17.index", "18"),
        ('label = "Consolidation"', 'label = "Atelectasis"', "outputs.1.label", "'Atelectasis'"),
        ('label = "Consolidation"', 'label = "Gout"', "outputs.1.label", "'Gout'"),
        ('manufacturer = "TorchXRayVision"', f'manufacturer = "{"x" * 65}"', "manufacturer", "'xxx"),
        ('loader = "torchxrayvision"', 'loader = "arrays"', "weights.sha256", "nothing"),
        ('loader = "torchxrayvision"', f'loader = "torchxrayvision"\nsha256 = "{"0" * 64}"', "weights.sha256", "000"),
        ('file = "nih', 'file = "../nih', "weights.file", "'../nih"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_found(models: Path, old: str, new: str, field: str, found: str) -> None:
    message = spoil(models, old, new)
    assert f"{CARD_FILE}: {field}: found {found}" in message
    assert "; allowed: " in message


def test_what_is_not_toml(models: Path) -> None:
    assert "cannot be read" in spoil(models, "format = 1", "format = = 1")


@pytest.mark.parametrize("name", ["no-such-model", "..", "../densenet121-res224-all", ""])
def test_an_unknown_model(models: Path, name: str) -> None:
    with pytest.raises(CardError, match=f"allowed: {NAME}"):
        load_card(models, name)


def test_the_digest_is_of_the_meaning(models: Path) -> None:
    file = models / NAME / CARD_FILE
    before = load_card(models, NAME).digest
    file.write_text("# A comment.\n\n" + file.read_text())
    assert load_card(models, NAME).digest == before
    file.write_text(file.read_text().replace("threshold = 0.5", "threshold = 0.6", 1))
    changed = load_card(models, NAME).digest
    assert changed != before
    (models / FINDINGS_FILE).write_text((models / FINDINGS_FILE).read_text().replace("46621007", "46621008"))
    assert load_card(models, NAME).digest not in (before, changed)


def test_thresholds_of_a_user() -> None:
    changed = with_thresholds(card(), {"Effusion": 0.6, "Lung Opacity": 0.7})
    thresholds = {output.label: output.threshold for output in changed.outputs}
    assert (thresholds["Effusion"], thresholds["Lung Opacity"], thresholds["Mass"]) == (0.6, 0.7, 0.5)
    assert changed.digest != card().digest
    assert with_thresholds(card(), {}).digest == card().digest


@pytest.mark.parametrize(("label", "threshold", "found"), [("effusion", 0.6, "'effusion'"), ("Effusion", 1.0, "1.0")])
def test_thresholds_that_cannot_be(label: str, threshold: float, found: str) -> None:
    with pytest.raises(CardError, match=f"found {found}; allowed: "):
        with_thresholds(card(), {label: threshold})

"""Into which class an image falls."""

from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.datasets.choice import Chosen
from orthanc_ai.datasets.classes import NO_FINDING, class_of, folder_name
from orthanc_ai.datasets.recipe import Classes

XRAY = Chosen(
    "id", {"Modality": "DX ", "BodyPartExamined": "chest"}, {"A": 0.7, "B": 0.6, "C": 0.9}, {"A": 0.5, "B": 0.5}
)
CT = Chosen("id", {"Modality": "CT"}, {}, {}, role="CCTA")


def test_by_finding() -> None:
    # C has the highest score, but nobody knows from where on it counts.
    assert class_of(XRAY, Classes("finding"), {}) == "A"
    assert class_of(XRAY, Classes("finding", "B"), {}) == "B"
    low = Chosen("id", {}, {"A": 0.4, "B": 0.1}, {"A": 0.5, "B": 0.5})
    assert class_of(low, Classes("finding"), {}) == NO_FINDING
    assert class_of(low, Classes("finding", "B"), {}) == "No B"
    assert class_of(low, Classes("finding", "C"), {}) is None
    assert class_of(CT, Classes("finding"), {}) is None


def test_by_what_is_known_otherwise() -> None:
    assert class_of(XRAY, Classes("modality"), {}) == "DX"
    assert class_of(XRAY, Classes("bodyPart"), {}) == "CHEST"
    assert class_of(CT, Classes("bodyPart"), {}) is None
    assert (class_of(CT, Classes("role"), {}), class_of(XRAY, Classes("role"), {})) == ("CCTA", None)
    assert class_of(XRAY, Classes("label", "d"), {"d": " sick "}) == "sick"
    assert class_of(XRAY, Classes("label", "d"), {"d": " "}) is None
    assert class_of(XRAY, Classes("label", "d"), {}) is None


@given(st.text())
def test_a_folder_is_a_name_and_no_way_out(text: str) -> None:
    name = folder_name(text)
    assert name not in {"", ".", ".."}
    assert not name.startswith(".")
    assert "/" not in name
    assert "\0" not in name
    assert len(name) <= 64


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_two_classes_share_a_folder(one: str, other: str) -> None:
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_a_folder_is_called_as_the_class_is_if_that_can_be() -> None:
    assert folder_name("No Finding") == "No Finding"
    assert folder_name("T1.5_a-b") == "T1.5_a-b"
    # Of other alphabets no letter is left, but they are classes all the same.
    assert len({folder_name(text) for text in ("正常", "肺炎", "a/b", "a_b", "a?b", "", "_")}) == 7
    # The names of the dataset's own files are taken.
    assert folder_name("manifest.json") != "manifest.json"
    assert folder_name("Dataset.csv") != "Dataset.csv"

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from orthanc_ai.deidentify.wording import Wording


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CHEST PA", "CHEST PA"),
        ("Thorax Zwingli", "Thorax"),
        ("CT Abdomen/Pelvis w contrast 5.0 mm", "CT Abdomen/Pelvis w contrast 5.0 mm"),
        ("CHEST 12345678", "CHEST"),
        ("Chest 2020-01-10 1.2.1999", "Chest"),
        ("BestDiast 75 %", "75 %"),
        ("Calcium Score 3.0 Diastolic", "Calcium Score 3.0 Diastolic"),
        ("Prof. Zwingli", ""),
        ("zwingli@example.org", ""),
        ("", ""),
    ],
)
def test_words_of_medicine_stay(text: str, left: str) -> None:
    assert Wording().clean(text) == left


def test_a_name_goes_even_if_it_is_a_word_of_medicine() -> None:
    header = Dataset()
    header.PatientName = "Heart^Pelvis"
    header.ReferringPhysicianName = "Lung"
    wording = Wording()
    wording.learn(header)
    assert wording.clean("CT Heart Pelvis Lung Abdomen") == "CT Abdomen"


def test_what_names_the_patient() -> None:
    header = Dataset()
    header.PatientName = "Zwingli^Ann"
    header.PatientID = "0047-11111"
    header.InstitutionName = "General Hospital"
    wording = Wording()
    wording.learn(header)
    assert wording.names_patient("for ZWINGLI")
    assert wording.names_patient("id 11111")
    assert not wording.names_patient("Ann General 47")


@given(st.text())
def test_cleaning_adds_nothing_and_is_done_at_once(text: str) -> None:
    cleaned = Wording().clean(text)
    assert Wording().clean(cleaned) == cleaned
    assert set(cleaned) - {" "} <= set(text)

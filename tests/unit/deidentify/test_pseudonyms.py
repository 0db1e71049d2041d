import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from orthanc_ai.deidentify.pseudonyms import LONGEST_SHIFT_DAYS, Pseudonyms, plain
from orthanc_ai.deidentify.said import said_selection

HERE, THERE = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)


def test_the_same_is_the_same_within_a_dataset_and_not_in_another() -> None:
    assert HERE.patient("4711", "H") == Pseudonyms(b"1" * 32).patient("4711", "H") != THERE.patient("4711", "H")
    assert HERE.uid("1.2.3") == Pseudonyms(b"1" * 32).uid("1.2.3") != THERE.uid("1.2.3")
    assert HERE.digest("ab") == Pseudonyms(b"1" * 32).digest("ab") != THERE.digest("ab")
    assert HERE.shift_days("p") == HERE.shift_days("p")


def test_known_answers() -> None:
    """Another value here would take a dataset that grows apart."""
    assert HERE.patient("4711", "H") == "patient-38a605088826931a"
    assert HERE.uid("1.2.3") == "2.25.2004586548014932988092696933032680253"


def test_how_an_id_is_written_does_not_matter_and_its_issuer_does() -> None:
    assert HERE.patient(" 00a1 ") == HERE.patient("00A1") != HERE.patient("00A1", "H")


def test_without_an_id_each_study_is_somebody() -> None:
    assert HERE.patient("", "", "1.2") == HERE.patient(" ", "H", "1.2") != HERE.patient("", "", "1.3")


def test_one_text_has_another_name_in_each_kind() -> None:
    names = {HERE.name(kind, "x")[len(kind) :] for kind in ("image", "study")}
    assert len(names) == 2
    assert HERE.name("a", "b", "c") != HERE.name("a", "bc")


@pytest.mark.parametrize("key", [b"", b"short", b"1" * 33])
def test_a_key_has_32_bytes(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(key)


@given(st.text(max_size=80))
def test_a_uid_is_valid_and_nothing_of_the_text_is_in_it(text: str) -> None:
    made = UID(HERE.uid(text))
    assert made.is_valid
    assert made.startswith("2.25.")
    number = int(made[5:])
    assert (number >> 76 & 15, number >> 62 & 3) == (8, 2)  # version and variant, RFC 9562


@given(st.text(max_size=80), st.text(max_size=20))
def test_a_patient_is_a_short_safe_word(patient_id: str, issuer: str) -> None:
    assert re.fullmatch(r"patient-[0-9a-f]{16}", HERE.patient(patient_id, issuer))


@given(st.text())
def test_dates_move_by_one_day_at_least_and_ten_years_at_most(patient: str) -> None:
    assert 1 <= HERE.shift_days(patient) <= LONGEST_SHIFT_DAYS


@given(st.text())
def test_plain_is_plain(text: str) -> None:
    assert plain(plain(text)) == plain(text) == plain(f" {text}\0")


def test_a_selection_says_what_kind_and_not_whose() -> None:
    selection = {
        "patients": ["4711"],
        "instances": [],
        "modality": ["DX"],
        "finding": "Pneumonia",
        "minimum": 0.5,
        "studyDate": "20200101-",
        "studyDescription": "*Doe*",
    }
    said = said_selection(selection, HERE)
    assert {name: said[name] for name in ("modality", "finding", "minimum", "instances")} == {
        "modality": ["DX"],
        "finding": "Pneumonia",
        "minimum": 0.5,
        "instances": [],
    }
    assert len(said["patients"]) == 1
    assert not re.search("4711|2020|Doe", repr(said))

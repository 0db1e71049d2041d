"""Whose a study is: by Patient ID and issuer alone, and never by what two studies contradict each other about."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.patients import Identity, PatientKey, by_patient, quarantine
from orthanc_ai.codes import Code

numbers = count()


def study(patient_id: str = "P", uid: str = "", **parts: str) -> Identity:
    return Identity(uid or f"1.2.{next(numbers)}", patient_id, **parts)


identities = st.builds(
    Identity,
    study_instance_uid=st.sampled_from(["1", "2", "3"]),
    patient_id=st.sampled_from(["", "A", "B"]),
    issuer=st.sampled_from(["", "X", "Y"]),
    birth_date=st.sampled_from(["", "19700101", "19800101"]),
    sex=st.sampled_from(["", "F", "M", "O"]),
)


def test_padding_is_no_part_of_an_identity() -> None:
    tags = {"StudyInstanceUID": "1.2\0", "PatientID": " P ", "IssuerOfPatientID": "H ", "PatientSex": "F "}
    assert Identity.from_tags(tags) == Identity("1.2", "P", "H", "", "F")


@pytest.mark.parametrize("tags", [{}, {"PatientID": ""}, {"PatientID": "  "}, {"PatientID": "\0"}, {"PatientID": None}])
def test_without_a_patient_id_a_study_is_nobodys(tags: dict[str, str | None]) -> None:
    nobody = Identity.from_tags({"StudyInstanceUID": "1", "PatientName": "Doe^Jane", **tags})
    assert nobody.key is None
    assert quarantine(nobody, []) is Code.PATIENT_ID_MISSING
    assert by_patient([nobody, Identity("2", "")]) == (
        {},
        [(nobody, Code.PATIENT_ID_MISSING), (Identity("2", ""), Code.PATIENT_ID_MISSING)],
    )


def test_one_id_of_two_issuers_is_two_patients() -> None:
    here, there, nowhere = study(issuer="HERE"), study(issuer="THERE"), study()
    patients, quarantined = by_patient([here, there, nowhere])
    assert patients == {
        PatientKey("P", ""): [nowhere],
        PatientKey("P", "HERE"): [here],
        PatientKey("P", "THERE"): [there],
    }
    assert not quarantined


def test_one_id_with_two_birth_dates_is_nobodys() -> None:
    young, old, silent = study(birth_date="19800101"), study(birth_date="19500101"), study()
    patients, quarantined = by_patient([young, old, silent])
    assert quarantined == [(young, Code.PATIENT_ID_CONFLICT), (old, Code.PATIENT_ID_CONFLICT)]
    # It contradicts neither, so it is not known to be anybody else's.
    assert patients == {PatientKey("P", ""): [silent]}


@pytest.mark.parametrize(("one", "other", "contradict"), [("F", "M", True), ("F", "O", False), ("f", "F", False)])
def test_sexes(one: str, other: str, contradict: bool) -> None:
    assert study(sex=one).contradicts(study(sex=other)) is contradict


def test_one_study_of_two_patients_is_nobodys() -> None:
    assert quarantine(study("A", uid="1"), [study("B", uid="1")]) is Code.PATIENT_ID_CONFLICT
    assert quarantine(study("A", uid="1"), [study("A", uid="1", issuer="X")]) is Code.PATIENT_ID_CONFLICT
    assert quarantine(study("A", uid="1"), [study("B", uid="2")]) is None


def test_a_copy_without_a_patient_id_contradicts_nothing() -> None:
    assert quarantine(study("A", uid="1"), [study("", uid="1")]) is None


@given(identities, identities)
def test_contradiction_is_mutual_and_never_with_oneself(one: Identity, other: Identity) -> None:
    assert one.contradicts(other) is other.contradicts(one)
    assert not one.contradicts(one)


@given(st.lists(identities, unique=True), st.randoms())
def test_every_study_is_one_patients_or_in_quarantine_in_any_order(studies: list[Identity], random: object) -> None:
    patients, quarantined = by_patient(studies)
    shuffled = sorted(studies, key=lambda one: hash((one, repr(random))))
    again, quarantined_again = by_patient(shuffled)
    assert {key: set(of) for key, of in patients.items()} == {key: set(of) for key, of in again.items()}
    assert set(quarantined) == set(quarantined_again)
    assert dict(quarantined) == {one: code for one in studies if (code := quarantine(one, studies))}
    placed = [one for of in patients.values() for one in of]
    assert sorted(map(repr, [*placed, *(one for one, _ in quarantined)])) == sorted(map(repr, studies))
    for key, of in patients.items():
        assert {one.key for one in of} == {key}
        assert not any(one.contradicts(other) for one in of for other in studies)

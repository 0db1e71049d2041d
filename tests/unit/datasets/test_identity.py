from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom import Dataset, uid
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from orthanc_ai.datasets.identity import member_of, values_digest
from orthanc_ai.datasets.splits import Plan, divide
from orthanc_ai.images.decode import decode
from tests.unit.images.builder import radiograph


def header(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def item(**attributes: object) -> list[Dataset]:
    return [header(**attributes)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (header(PatientID="7", IssuerOfPatientID="HERE"), header(PatientID="7", IssuerOfPatientID="THERE")),
        (header(PatientID="7"), header(PatientID="8", OtherPatientIDs=["1", "7"])),
        (header(PatientID="7"), header(PatientID="8", OtherPatientIDsSequence=item(PatientID="7"))),
        (header(OtherPatientIDs="7"), header(PatientID="", OtherPatientIDs="7 ")),
        (header(StudyInstanceUID="1.2"), header(StudyInstanceUID="1.2")),
    ],
    ids=["two issuers", "other IDs", "other IDs in a sequence", "other IDs alone", "no ID but one study"],
)
def test_what_a_header_says_joins(first: Dataset, second: Dataset) -> None:
    members = [member_of(first, "a"), member_of(second, "b")]
    for seed in range(8):
        assert len(set(divide(members, Plan({"x": 0.5, "y": 0.5}, seed)).sides.values())) == 1


def test_an_id_that_cannot_be_read_joins_its_like() -> None:
    first, second = Dataset(), Dataset()
    for dataset in (first, second):
        dataset[0x00100020] = RawDataElement(Tag(0x00100020), "LO", 70000, b"x" * 70000, 0, False, True)
    assert member_of(first, "a").patients == member_of(second, "b").patients != frozenset()


def test_members_survive_json() -> None:
    values = np.arange(4).reshape(2, 2)
    one = member_of(header(PatientID="7", StudyInstanceUID="1.2"), "a", stored=values, written=values * 2, stratum="s")
    assert type(one).of(one.to_json()) == one


SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.RLELossless,
    uid.JPEG2000Lossless,
    uid.JPEGLSLossless,
]


def test_one_picture_in_any_syntax_and_window_is_the_same() -> None:
    pixels = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48)
    digests = {values_digest(decode(radiograph(pixels, syntax=syntax, WindowCenter=9)))[0] for syntax in SYNTAXES}
    assert digests == {values_digest(pixels)[0]}


@given(hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4), elements=st.integers(-5, 300)))
def test_the_width_of_numbers_does_not_matter(values: npt.NDArray[Any]) -> None:
    digest, uniform = values_digest(values)
    assert values_digest(values.astype(np.int64)) == (digest, uniform)
    assert values_digest(np.asfortranarray(values.astype(np.int16))) == (digest, uniform)
    assert uniform == (len(np.unique(values)) == 1)
    changed = values.copy()
    changed.flat[0] += 1
    assert values_digest(changed)[0] != digest
    assert values_digest(values[..., None])[0] != digest


def test_floats_have_digests_too() -> None:
    values = np.array([[0.5, 1.5]], np.float32)
    assert values_digest(values) == values_digest(values.astype(np.float64))
    assert values_digest(np.zeros((2, 2), np.float32))[1]

"""What is encoded here reads back with pydicom, which knows the rules."""

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence

from orthanc_ai.report.encoding import Fragment, element, encode_element, encode_item, item, sequence


def read(encoded: bytes) -> Dataset:
    return read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)


@given(st.binary(max_size=300))
def test_element(value: bytes) -> None:
    found = read(element(0x00100010, "PN", value)).get_item(0x00100010)
    assert found.value == value + b" " * (len(value) % 2)
    assert found.VR == "PN"


@pytest.mark.parametrize(("vr", "padding"), [("UI", b"\0"), ("OB", b"\0"), ("LO", b" ")])
def test_padding_is_that_of_the_vr(vr: str, padding: bytes) -> None:
    assert element(0x00091001, vr, b"1")[-2:] == b"1" + padding


def test_a_value_too_long_for_its_vr_becomes_unknown() -> None:
    found = read(element(0x00100020, "LO", b"x" * 70000)).get_item(0x00100020)
    assert found.VR == "UN"
    assert len(found.value) == 70000


def test_sequence() -> None:
    encoded = sequence(0x00081115, [item(element(0x0020000E, "UI", b"1.2")), item()])
    (first, second) = read(encoded).ReferencedSeriesSequence
    assert first.SeriesInstanceUID == "1.2"
    assert len(second) == 0


def test_empty_sequence() -> None:
    assert read(sequence(0x0040A372, ())).PerformedProcedureCodeSequence == []


def test_datasets_in_utf8_without_lengths() -> None:
    inner = Dataset()
    inner.CodeMeaning = "Größe 長さ"
    outer = Dataset()
    outer.ConceptNameCodeSequence = Sequence([inner])
    outer.PurposeOfReferenceCodeSequence = Sequence([])
    encoded = encode_item(outer)
    # Both the item and the sequence in it: delimited, so that what is inside may change its length.
    assert encoded.count(struct.pack("<I", 0xFFFFFFFF)) == 3
    read_back = read(sequence(0x0040A730, [encoded])).ContentSequence[0]
    assert read_back.ConceptNameCodeSequence[0].get_item("CodeMeaning").value.decode() == "Größe 長さ "[:-1]
    assert read_back.PurposeOfReferenceCodeSequence == []
    assert read(encode_element(outer["ConceptNameCodeSequence"])).ConceptNameCodeSequence[0]


def test_fragment() -> None:
    fragment = Fragment.cut(b"one TWO three FOUR five TWO", {"2": b"TWO", "4": b"FOUR"})
    assert fragment.holes == ("2", "4", "2")
    assert fragment.fill({"2": b"2", "4": b""}) == b"one 2 three  five 2"


@given(
    st.lists(st.sampled_from([b"<a>", b"<b>", b"x", b"yz", b""]), max_size=12),
    st.binary(max_size=3),
    st.binary(max_size=3),
)
def test_fragment_is_replacement(pieces: list[bytes], a: bytes, b: bytes) -> None:
    encoded = b"<a><b>" + b"".join(pieces)
    filled = Fragment.cut(encoded, {"a": b"<a>", "b": b"<b>"}).fill({"a": a, "b": b})
    assert filled == b"".join({b"<a>": a, b"<b>": b}.get(piece, piece) for piece in [b"<a>", b"<b>", *pieces])


def test_fragment_without_its_hole() -> None:
    with pytest.raises(ValueError, match="'tracking UID'"):
        Fragment.cut(b"nothing here", {"tracking UID": b"2.25.1"})

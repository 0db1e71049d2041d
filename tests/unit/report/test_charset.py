"""Texts are decoded as DICOM says, or not at all. The encoded names are those of PS3.5 annexes H, I, J and K."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.report.charset import CharacterSets, UndecodableError, ascii_text, make_ascii

KNOWN = [
    ([], b"Buc^Jerome", "Buc^Jerome"),
    (["ISO_IR 100"], b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    (["ISO_IR 101"], b"W\xb1s", "Wąs"),
    (["ISO_IR 126"], b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    (["ISO_IR 127"], b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    (["ISO_IR 138"], b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    (["ISO_IR 144"], b"\xbb\xee\xda", "Люк"),
    (["ISO_IR 192"], "Wang^XiaoDong=王^小東".encode(), "Wang^XiaoDong=王^小東"),
    (["GB18030"], b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"),
    (
        ["", "ISO 2022 IR 87"],
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        ["ISO 2022 IR 13", "ISO 2022 IR 87"],
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        ["", "ISO 2022 IR 149"],
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    (["ISO-IR 100"], b"M\xfcller", "Müller"),  # a spelling mistake that pydicom knows
]


@pytest.mark.parametrize(("terms", "value", "text"), KNOWN, ids=lambda value: str(value)[:20])
def test_known_texts(terms: list[str], value: bytes, text: str) -> None:
    assert CharacterSets(terms).decode(value) == text


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        ([], b"M\xfcller"),  # no character set: ASCII
        (["ISO_IR 6"], b"M\xfcller"),
        (["ISO_IR 192"], b"M\xfcller"),  # says UTF-8, is Latin-1
        (["GB18030"], b"\xff\xff"),
        (["ISO_IR 100"], b"\x1b$B;3ED\x1b(B"),  # code extension without having declared it
        (["", "ISO 2022 IR 87"], b"M\xfcller\x1b$B;3ED\x1b(B"),
        (["", "ISO 2022 IR 87"], b"\x1b$B;3E"),  # half a character
        (["", "ISO 2022 IR 87"], b"\x1b%Gx"),  # an escape sequence that DICOM has not
        (["KLINGON"], b"M\xfcller"),
        (["utf_16"], b"\xfc\xfc"),  # Python has it, DICOM has not
        (["rot13"], b"M\xfcller"),
        (["\0"], b"M\xfcller"),
    ],
)
def test_refuses_what_the_sets_do_not_have(terms: list[str], value: bytes) -> None:
    with pytest.raises(UndecodableError):
        CharacterSets(terms).decode(value)


@given(st.lists(st.text(max_size=20) | st.sampled_from([case[0][-1] for case in KNOWN if case[0]])), st.binary())
def test_decodes_or_refuses(terms: list[str], value: bytes) -> None:
    try:
        text = CharacterSets(terms).decode(value)
    except UndecodableError:
        return
    assert "\N{REPLACEMENT CHARACTER}" not in text or b"\xef\xbf\xbd" in value or b"\x841\xa47" in value


@given(st.lists(st.sampled_from(["", "X", "ISO_IR 192"]), max_size=1), st.text(st.characters(max_codepoint=127)))
def test_ascii_is_ascii_everywhere(terms: list[str], text: str) -> None:
    if "\x1b" not in text:
        assert CharacterSets(terms).decode(text.encode()) == text


def test_undoes_the_reading_of_a_missing_set() -> None:
    # pydicom shows Latin-1 where nothing is declared; the bytes are still known then.
    assert CharacterSets([]).as_stored("Müller") == b"M\xfcller"
    assert CharacterSets([]).as_stored("Muller") == "Muller"
    assert CharacterSets([]).as_stored("山田") == "山田"
    assert CharacterSets(["ISO_IR 192"]).as_stored("Müller") == "Müller"


def test_encodes_with_question_marks() -> None:
    assert CharacterSets(["ISO_IR 100"]).encode("Müller 山") == b"M\xfcller ?"
    assert ascii_text("Müller 山") == "M?ller ?"


def test_makes_datasets_ascii_all_the_way_down() -> None:
    inner = Dataset()
    inner.CodeMeaning = "Größe"
    inner.CodeValue = "G"
    outer = Dataset()
    outer.ConceptNameCodeSequence = [inner]
    outer.TextValue = "schön"
    make_ascii(outer)
    assert outer.TextValue == "sch?n"
    assert outer.ConceptNameCodeSequence[0].CodeMeaning == "Gr??e"

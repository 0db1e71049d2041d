"""Whatever is done to a valid film, reading it ends with an outcome."""

from io import BytesIO
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome
from phantom.dicom import Encoding, chest_dx
from tests.unit.hostile import UNDEFINED

from .reader import RECIPE, read

VRS = [b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"OB", b"OW", b"PN", b"SH"]
VRS += [b"SL", b"SQ", b"SS", b"ST", b"TM", b"UC", b"UI", b"UL", b"UN", b"UR", b"US", b"UT", b"XX", b"\0\0"]
VALUES = [
    b"",
    b"\0",
    b"\\\\\\\\",
    b"nan",
    b"1e308",
    b"-1",
    b"9" * 400,
    b"\xff" * 8,
    b"\x1b$B",
    b"0\\1\\2",
    b"A" * 70000,
]


def phantom(syntax: str) -> bytes:
    stream = BytesIO()
    film = chest_dx(1, rows=96, columns=80, encoding=Encoding(transfer_syntax=pydicom.uid.UID(syntax)))
    pydicom.dcmwrite(stream, film, enforce_file_format=True)
    return stream.getvalue()


SYNTAXES = [ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless]
FILMS = {str(syntax): phantom(str(syntax)) for syntax in SYNTAXES}
relaxed = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def elements(film: bytes) -> list[tuple[int, int, int]]:
    """Begin of each element of the data set, of its value, and its end."""
    dataset = pydicom.dcmread(BytesIO(film))
    found: list[tuple[int, int, int]] = []
    for tag in dataset.keys():  # noqa: SIM118 - iterating would parse
        element: Any = dataset.get_item(tag)
        if element.is_raw and element.length != UNDEFINED:
            head = 12 if str(element.VR) in EXPLICIT_VR_LENGTH_32 else 8
            found.append((element.value_tell - head, element.value_tell, element.value_tell + element.length))
    return found


PLACES = {syntax: elements(film) for syntax, film in FILMS.items()}


def check(film: bytes) -> Outcome:
    outcome = read(film).outcome
    assert outcome.recipe == RECIPE
    assert outcome.code not in (Code.HELD, Code.INTERNAL_ERROR)
    assert Outcome.from_text(outcome.to_text()) == outcome
    return outcome


@pytest.mark.parametrize("syntax", FILMS)
def test_the_film_itself_is_read(syntax: str) -> None:
    assert check(FILMS[syntax]).code is Code.REPORTED


@relaxed
@given(st.sampled_from(sorted(FILMS)), st.lists(st.tuples(st.integers(0), st.integers(1, 255)), min_size=1, max_size=8))
def test_flipped_bytes(syntax: str, flips: list[tuple[int, int]]) -> None:
    film = bytearray(FILMS[syntax])
    for at, by in flips:
        # In the header more often than in the pixels.
        film[at % (2000 if at % 3 else len(film))] ^= by
    check(bytes(film))


@relaxed
@given(st.sampled_from(sorted(FILMS)), st.integers(0), st.binary(max_size=30))
def test_cut_files(syntax: str, at: int, more: bytes) -> None:
    film = FILMS[syntax]
    check(film[: at % (2500 if at % 2 else len(film))] + more)


@relaxed
@given(st.data())
def test_elements_replaced_removed_repeated_and_of_another_kind(data: st.DataObject) -> None:
    syntax = data.draw(st.sampled_from(sorted(FILMS)))
    film, places = FILMS[syntax], PLACES[syntax]
    edits: dict[int, bytes] = {}
    for start, value, end in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=5, unique=True)):
        whole, vr, content = film[start:end], film[start + 4 : start + 6], film[value:end]
        match data.draw(st.sampled_from(["remove", "repeat", "value", "vr", "length", "tag"])):
            case "remove":
                edits[start] = b""
            case "repeat":
                edits[start] = whole * data.draw(st.integers(2, 5))
            case "value":
                content = data.draw(st.sampled_from(VALUES) | st.binary(max_size=20))
                head = film[start:value]
                size = (
                    len(content).to_bytes(4 if value - start == 12 else 2, "little", signed=False)
                    if (value - start == 12 or len(content) < 65536)
                    else b"\xff\xff"
                )
                edits[start] = head[: -len(size)] + size + content
            case "vr":
                edits[start] = film[start : start + 4] + data.draw(st.sampled_from(VRS)) + film[start + 6 : end]
            case "length":
                width = 4 if value - start == 12 else 2
                length = data.draw(st.integers(0, 2 ** (8 * width) - 1))
                edits[start] = film[start : value - width] + length.to_bytes(width, "little") + content
            case _:
                other = data.draw(st.sampled_from(places))[0]
                edits[start] = film[other : other + 4] + vr + film[start + 6 : end]
    parts, at = [], 0
    for start, _, end in sorted(places):
        if start in edits:
            parts += [film[at:start], edits[start]]
            at = end
    check(b"".join([*parts, film[at:]]))

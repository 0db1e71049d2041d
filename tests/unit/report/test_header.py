"""The report belongs to the source's patient and study, whatever state its header is in."""

from datetime import timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from orthanc_ai.codes import Code
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.header import Inherited, inherit, instance_reference

from .sources import radiograph, raw

REQUIRED = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
)


def read(inherited: Inherited) -> Dataset:
    encoded = b"".join(inherited.elements[tag] for tag in sorted(inherited.elements))
    return read_dataset(BytesIO(encoded), is_implicit_VR=False, is_little_endian=True)


def stored_bytes(dataset: Dataset, keyword: str) -> bytes:
    return (dataset.get_item(keyword).value or b"").rstrip(b" \0")


def test_takes_over_patient_and_study() -> None:
    source = radiograph(TimezoneOffsetFromUTC="+0130")
    found = read(inherit(source))
    for keyword in (*REQUIRED, "IssuerOfPatientID", "PatientAge", "StudyDescription", "TimezoneOffsetFromUTC"):
        assert found[keyword].value == source[keyword].value, keyword
    assert found.SpecificCharacterSet == "ISO_IR 192"


def test_takes_over_nothing_else() -> None:
    source = radiograph(
        PatientComments="private", OtherPatientIDs="other", InstitutionName="Klinikum", PatientAddress="Hauptstr. 1"
    )
    for keyword in ("PatientComments", "OtherPatientIDs", "InstitutionName", "PatientAddress", "Rows"):
        assert keyword not in read(inherit(source))


def test_missing_attributes_are_empty() -> None:
    source = Dataset()
    source.StudyInstanceUID = "1.2"
    found = read(inherit(source))
    assert {keyword for keyword in REQUIRED if keyword in found} == set(REQUIRED)
    assert all(not found[keyword].value for keyword in REQUIRED if keyword != "StudyInstanceUID")
    assert "IssuerOfPatientID" not in found


def test_declared_deidentification_is_kept_if_it_says_how() -> None:
    told = radiograph(PatientIdentityRemoved="YES", DeidentificationMethod=["one", "two"])
    assert read(inherit(told)).DeidentificationMethod == ["one", "two"]
    assert read(inherit(told)).PatientIdentityRemoved == "YES"
    untold = radiograph(PatientIdentityRemoved="YES")
    assert "PatientIdentityRemoved" not in read(inherit(untold))


NAMES = [
    ("ISO_IR 100", b"M\xfcller^J\xf6rg", "Müller^Jörg"),
    ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東".encode(), "Wang^XiaoDong=王^小東"),
    ("ISO_IR 166", b"\xca\xc1\xcb\xad\xd4\xa7", "สมหญิง"),
    (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
]


@pytest.mark.parametrize(("charset", "name", "text"), NAMES, ids=[name[0] for name in NAMES])
def test_known_characters_become_utf8(charset: str, name: bytes, text: str) -> None:
    source = raw(
        radiograph(StudyDescription=None, ReferringPhysicianName=""),
        SpecificCharacterSet=charset.encode(),
        PatientName=name,
    )
    inherited = inherit(source)
    assert inherited.character_sets is None
    assert stored_bytes(read(inherited), "PatientName").decode() == text
    assert read(inherited).SpecificCharacterSet == "ISO_IR 192"


WILD = [
    ("missing", None, b"M\xfcller"),
    ("unknown", b"KLINGON", b"M\xfcller"),
    ("wrong", b"ISO_IR 192", b"M\xfcller"),
    ("undeclared escape", b"ISO_IR 100", b"\x1b$B;3ED\x1b(B"),
]


@pytest.mark.parametrize(("charset", "name"), [case[1:] for case in WILD], ids=[case[0] for case in WILD])
def test_unknown_characters_stay_bytes(charset: bytes | None, name: bytes) -> None:
    source = radiograph(SpecificCharacterSet=None, ReferringPhysicianName="", StudyDescription="", PatientName="")
    source = raw(source, PatientName=name, **({} if charset is None else {"SpecificCharacterSet": charset}))
    inherited = inherit(source)
    assert inherited.character_sets is not None
    found = read(inherited)
    assert stored_bytes(found, "PatientName") == name
    assert found.get("SpecificCharacterSet") == (charset and charset.decode())


def test_looking_at_a_text_first_changes_nothing() -> None:
    for charset, name in ((None, b"M\xfcller^J"), (b"ISO_IR 100", b"M\xfcller^J")):
        source = radiograph(SpecificCharacterSet=None, ReferringPhysicianName="", PatientName="")
        source = raw(source, PatientName=name, **({} if charset is None else {"SpecificCharacterSet": charset}))
        before = inherit(source).elements
        assert str(source.PatientName) == "Müller^J"
        assert source.StudyDescription == "Thorax p.a."
        assert inherit(source).elements == before


def test_a_slice_keeps_what_was_read() -> None:
    source = raw(radiograph(), SpecificCharacterSet=b"ISO_IR 192", PatientName=b"M\xfcller")
    header = source[:0x7FE00000]
    assert "�" in str(source.PatientName)  # what looking does
    assert stored_bytes(read(inherit(header)), "PatientName") == b"M\xfcller"


@pytest.mark.parametrize("uid", ["1.02.003", "1.2." + "3" * 80, "abc-DEF", "1..2", "1.2.3.", "0"])
def test_malformed_uids_are_kept(uid: str) -> None:
    source = raw(radiograph(), StudyInstanceUID=uid.encode(), SOPInstanceUID=uid.encode() + b" ")
    assert stored_bytes(read(inherit(source)), "StudyInstanceUID") == uid.encode()
    assert instance_reference(source).study_instance_uid == uid.encode()
    assert instance_reference(source).sop_instance_uid == uid.encode()


@pytest.mark.parametrize("keyword", ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
@pytest.mark.parametrize("value", [None, b"", b"\0\0", b" "])
def test_nothing_goes_without_uids(keyword: str, value: bytes | None) -> None:
    source = radiograph()
    if value is None:
        del source[keyword]
    else:
        source = raw(source, **{keyword: value})
    with pytest.raises(ReportError, match=keyword) as caught:
        instance_reference(source)
    assert caught.value.code is Code.HEADER_UNREADABLE


@pytest.mark.parametrize(
    ("offset", "hours"), [("+0130", 1.5), ("-0400", -4), ("+1400", 14), ("-1300", None), ("0100", None), ("Z", None)]
)
def test_time_zone(offset: str, hours: float | None) -> None:
    inherited = inherit(raw(radiograph(), TimezoneOffsetFromUTC=offset.encode()))
    if hours is None:
        assert inherited.zone is None
        assert "TimezoneOffsetFromUTC" not in read(inherited)
    else:
        assert inherited.zone is not None
        assert inherited.zone.utcoffset(None) == timedelta(hours=hours)


@pytest.mark.parametrize(("keyword", "value"), [("PatientAge", b"81"), ("PatientBirthTime", b"2599")])
def test_malformed_extras_are_left_out(keyword: str, value: bytes) -> None:
    assert keyword not in read(inherit(raw(radiograph(), **{keyword: value})))


def test_malformed_identity_is_kept() -> None:
    found = read(inherit(raw(radiograph(), PatientBirthDate=b"1.1.1960", PatientSex=b"male")))
    assert stored_bytes(found, "PatientBirthDate") == b"1.1.1960"
    assert stored_bytes(found, "PatientSex") == b"male"


def test_a_sequence_where_a_text_belongs_is_no_text() -> None:
    source = radiograph()
    source.add_new(0x00081031, "SQ", [])
    source._dict[source["PatientName"].tag] = source[0x00081031]
    assert not read(inherit(source)).PatientName


@given(
    charset=st.sampled_from([None, "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "NONSENSE"])
    | st.text("ISO_R 0123456789", max_size=9).map(str.strip),
    name=st.binary(max_size=80),
    identifier=st.binary(max_size=80),
    description=st.text(max_size=30),
)
def test_any_bytes_are_kept_or_translated(
    charset: str | None, name: bytes, identifier: bytes, description: str
) -> None:
    source = raw(
        radiograph(SpecificCharacterSet=None, PatientName="", ReferringPhysicianName=""),
        PatientName=name,
        PatientID=identifier,
        StudyDescription=description.encode(),
        **({} if charset is None else {"SpecificCharacterSet": charset.encode()}),
    )
    inherited = inherit(source)
    found = read(inherited)
    if inherited.character_sets is None:
        for keyword in ("PatientName", "PatientID"):
            stored_bytes(found, keyword).decode("utf-8")
    else:
        assert stored_bytes(found, "PatientName") == name.rstrip(b" \0")
        assert stored_bytes(found, "PatientID") == identifier.rstrip(b" \0")
        assert (found.get("SpecificCharacterSet") or None) == (source.get("SpecificCharacterSet") or None)

import io
import re
import string
from collections.abc import Iterator
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID, RLELossless

from orthanc_ai.deidentify.dataset import Deidentified, deidentify
from orthanc_ai.deidentify.options import Options
from orthanc_ai.deidentify.profile import Action, profile_of
from orthanc_ai.deidentify.pseudonyms import Pseudonyms
from tests.unit.images.builder import radiograph

PSEUDONYMS = Pseudonyms(b"1" * 32)
PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)

SECRET = "Zwingli"
"""In every text of the film, and in nothing that may stay."""


def film(**attributes: Any) -> FileDataset:
    """A film that names its patient wherever it can."""
    named = {
        "PatientName": f"{SECRET}^Huldrych",
        "PatientID": f"{SECRET}-1",
        "PatientBirthDate": "14840101",
        "PatientSex": "M",
        "PatientAge": "047Y",
        "StudyInstanceUID": "1.2.826.77.1",
        "SeriesInstanceUID": "1.2.826.77.2",
        "SOPInstanceUID": "1.2.826.77.3",
        "FrameOfReferenceUID": "1.2.826.77.4",
        "AccessionNumber": SECRET,
        "StudyDate": "15310911",
        "StudyTime": "120000",
        "SeriesDate": "15310911",
        "ContentDate": "15310912",
        "AcquisitionDateTime": "15310911120000.5+0100",
        "StudyDescription": f"CHEST PA {SECRET}",
        "SeriesDescription": f"PA {SECRET} 12345678",
        "InstitutionName": SECRET,
        "StationName": SECRET,
        "ImageComments": SECRET,
        "Manufacturer": "MAKER",
        "BodyPartExamined": "CHEST",
    }
    return radiograph(PIXELS, **{**named, **attributes})


def made(dataset: FileDataset, **options: Any) -> FileDataset:
    """A film de-identified, written and read back."""
    return reread(deidentify(dataset, Options.of(options), PSEUDONYMS))


def reread(deidentified: Deidentified) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(deidentified.to_bytes()))


def sequence(**attributes: Any) -> list[Dataset]:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return [item]


def everything(dataset: Dataset) -> Iterator[tuple[str, Any]]:
    for element in dataset.iterall():
        yield element.keyword or str(element.tag), element.value


# What goes, and what comes in its place


def test_nothing_names_the_patient_anywhere() -> None:
    for keyword, value in everything(made(film())):
        assert SECRET not in str(value), keyword
        assert "1531" not in str(value), keyword
        assert "1.2.826.77" not in str(value), keyword


def test_the_file_as_bytes_has_nothing_either() -> None:
    original = film()
    original.preamble = SECRET.encode().ljust(128, b"\0")
    original.file_meta.SourceApplicationEntityTitle = SECRET
    original.file_meta.PrivateInformationCreatorUID = UID("1.2.826.77.9")
    original.file_meta.PrivateInformation = SECRET.encode()
    original.add_new(0xFFFCFFFC, "OB", SECRET.encode())
    content = deidentify(original, Options(), PSEUDONYMS).to_bytes()
    assert SECRET.encode() not in content
    assert b"1.2.826.77" not in content


def test_what_an_image_is_stays() -> None:
    dataset = made(film(WindowCenter=40, WindowWidth=400, PixelSpacing=[0.5, 0.25], ViewPosition="PA"))
    assert (dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition) == ("DX", "CHEST", "PA")
    assert (dataset.WindowCenter, dataset.WindowWidth, list(dataset.PixelSpacing)) == (40, 400, [0.5, 0.25])
    assert dataset.Manufacturer == "MAKER"
    assert np.array_equal(dataset.pixel_array, PIXELS)


def test_the_patient_has_a_pseudonym_and_the_uids_are_consistent() -> None:
    original = film(SourceImageSequence=sequence(ReferencedSOPInstanceUID="1.2.826.77.3"))
    dataset = made(original)
    assert dataset.PatientID == str(dataset.PatientName) == PSEUDONYMS.patient(f"{SECRET}-1")
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == PSEUDONYMS.uid("1.2.826.77.3")
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID
    assert dataset.FrameOfReferenceUID != "1.2.826.77.4"


def test_well_known_uids_stay_and_no_others_under_their_root() -> None:
    assert made(film(FrameOfReferenceUID="1.2.840.10008.1.4.1.1")).FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"
    assert made(film(FrameOfReferenceUID="1.2.840.10008.4711")).FrameOfReferenceUID.startswith("2.25.")


def test_it_says_what_was_done() -> None:
    dataset = made(film(), retain=["patientCharacteristics", "modifiedDates"])
    assert dataset.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence] == ["113100", "113107", "113108"]
    assert {code.CodingSchemeDesignator for code in dataset.DeidentificationMethodCodeSequence} == {"DCM"}
    assert "2026c" in dataset.DeidentificationMethod[0]


def test_the_original_stays_as_it_is() -> None:
    original = film(SourceImageSequence=sequence(ReferencedSOPInstanceUID="1.2.3", PatientName=SECRET))
    before = original.to_json()
    deidentify(original, Options(), PSEUDONYMS)
    assert original.to_json() == before


def test_compressed_pixels_stay_as_they_are() -> None:
    original = radiograph(PIXELS, syntax=RLELossless, PatientID="1")
    assert made(original).PixelData == original.PixelData


def test_off_is_off() -> None:
    original = film()
    deidentified = deidentify(original, Options.OFF, PSEUDONYMS)
    assert deidentified.dataset is original
    assert deidentified.patient == PSEUDONYMS.patient(f"{SECRET}-1")


# Where it hides


@pytest.mark.parametrize(
    "sequence_keyword",
    ["ViewCodeSequence", "SourceImageSequence", "SharedFunctionalGroupsSequence", "DerivationImageSequence"],
)
def test_sequences_are_looked_into(sequence_keyword: str) -> None:
    inner = sequence(PatientName=SECRET, PatientID=SECRET, StudyInstanceUID="1.2.826.77.1", StudyDate="15310911")
    outer = sequence(ReferencedSOPInstanceUID="1.2.826.77.3", ViewCodeSequence=inner)
    outer[0].add_new(0x00091001, "LO", SECRET)
    dataset = made(film(**{sequence_keyword: outer}))
    assert SECRET not in str(dataset)
    assert "1.2.826.77" not in str(dataset)
    assert "1531" not in str(dataset)
    assert sequence_keyword in dataset


def test_private_attributes_and_those_of_no_dictionary_go() -> None:
    original = film()
    original.private_block(0x0009, "MAKER", create=True).add_new(1, "LO", SECRET)
    original.add_new(0x00180001, "LO", SECRET)
    dataset = made(original)
    assert not [element for element in dataset if element.tag.is_private]
    assert 0x00180001 not in dataset


def test_a_sequence_that_claims_to_be_bytes_is_looked_into() -> None:
    inner = Dataset()
    inner.PatientName = SECRET
    stream = pydicom.filebase.DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, True
    pydicom.filewriter.write_sequence(stream, pydicom.DataElement(0x00082112, "SQ", [inner]), ["iso8859"])
    original = film()
    value = stream.getvalue()
    original[0x00082112] = RawDataElement(Tag(0x00082112), "UN", len(value), value, 0, False, True)
    assert SECRET.encode() not in deidentify(original, Options(), PSEUDONYMS).to_bytes()


def test_sequences_that_are_nested_without_end_are_cut_off() -> None:
    item = Dataset()
    for _ in range(300):
        item.PatientName = SECRET
        outer = Dataset()
        outer.ViewCodeSequence = [item]
        item = outer
    original = film()
    original.update(item)
    deidentified = deidentify(original, Options(), PSEUDONYMS)
    assert deidentified.unreadable == 1
    assert SECRET.encode() not in deidentified.to_bytes()


def test_a_text_that_claims_to_be_a_sequence_or_a_number_goes() -> None:
    original = film()
    original.add_new(0x00080070, "SQ", sequence(PatientName=SECRET))
    for tag, vr in ((0x00180015, "DS"), (0x00180050, "DS"), (0x00200013, "IS"), (0x00181152, "LO")):
        original[tag] = RawDataElement(Tag(tag), vr, 7, SECRET.encode(), 0, False, True)
    deidentified = deidentify(original, Options(), PSEUDONYMS)
    assert SECRET.encode() not in deidentified.to_bytes()
    assert deidentified.unreadable == 5


def test_texts_that_the_table_keeps_are_replaced_if_they_name_the_patient() -> None:
    original = film(Manufacturer=f"MAKER for {SECRET.upper()}", ManufacturerModelName="MODEL 1", SoftwareVersions="1")
    deidentified = deidentify(original, Options(), PSEUDONYMS)
    assert deidentified.naming == 1
    assert deidentified.dataset.Manufacturer == "REMOVED"
    assert deidentified.dataset.ManufacturerModelName == "MODEL 1"


def test_code_strings_that_name_the_patient_are_replaced_and_those_of_dicom_stay() -> None:
    original = film(
        PatientName="Chest^Vandermeer",
        PatientID="MONOCHROME2",
        BodyPartExamined="CHEST",
        ViewPosition="VANDERMEER",
        ImageType=["ORIGINAL", "PRIMARY", "FOR VANDERMEER"],
        PhotometricInterpretation="MONOCHROME2",
        RetrieveURL="http://example.org/vandermeer/1",
    )
    meaning = sequence(CodeValue="1", CodeMeaning="As Vandermeer has it") + sequence(CodeValue="2", CodeMeaning="Chest")
    original.add_new(0x00082218, "SQ", meaning)  # Anatomic Region Sequence
    deidentified = deidentify(original, Options(), PSEUDONYMS)
    made = deidentified.dataset
    assert b"vandermeer" not in deidentified.to_bytes().lower()
    assert (made.BodyPartExamined, made.PhotometricInterpretation) == ("CHEST", "MONOCHROME2")
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"]
    assert [item.CodeMeaning for item in made.AnatomicRegionSequence] == ["REMOVED", "Chest"]
    assert (made.ViewPosition, deidentified.naming) == ("REMOVED", 4)


def test_names_and_dates_that_the_table_forgets_go() -> None:
    original = film()
    forgotten = [
        tag
        for tag in DicomDictionary
        if dictionary_VR(tag) in ("PN", "DA", "DT") and profile_of(Options()).action(tag) is None and tag >> 16 > 8
    ]
    for tag in forgotten:
        original.add_new(tag, dictionary_VR(tag), SECRET if dictionary_VR(tag) == "PN" else "15310911")
    dataset = made(original)
    assert not [keyword_for_tag(tag) for tag in forgotten if tag in dataset]


def test_overlays_go_as_a_whole() -> None:
    original = film()
    for tag, vr, value in ((0x60000010, "US", 8), (0x60003000, "OW", b"12345678"), (0x60021500, "LO", SECRET)):
        original.add_new(tag, vr, value)
    assert not [element for element in made(original) if element.tag.group & 0xFF00 == 0x6000]


# Options


def test_dates_in_full() -> None:
    dataset = made(film(), retain=["fullDates"])
    assert (dataset.StudyDate, dataset.SeriesDate, dataset.StudyTime) == ("15310911", "15310911", "120000")
    assert dataset.PatientBirthDate == ""
    assert dataset.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_dates_are_moved_alike_for_all_of_a_patient() -> None:
    def day(dataset: FileDataset, keyword: str) -> Any:
        return pydicom.valuerep.DA(dataset[keyword].value[:8])

    first = made(film(StudyDate="20200110", ContentDate="20200112"), retain=["modifiedDates"])
    second = made(film(StudyDate="20200301", AcquisitionDateTime="20200302120000.5+0100"), retain=["modifiedDates"])
    assert (day(first, "ContentDate") - day(first, "StudyDate")).days == 2
    assert (day(second, "StudyDate") - day(first, "StudyDate")).days == 51
    assert str(second.AcquisitionDateTime).endswith("120000.5+0100")
    assert first.StudyDate != "20200110"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    other = made(film(PatientID="2", StudyDate="20200110"), retain=["modifiedDates"])
    assert other.StudyDate != first.StudyDate


@pytest.mark.parametrize("date", ["2020", "20201332", "x", "00010101"])
def test_what_cannot_be_moved_goes(date: str) -> None:
    original = film()
    original["StudyDate"]._value = date
    assert "StudyDate" not in deidentify(original, Options.of({"retain": ["modifiedDates"]}), PSEUDONYMS).dataset


def test_the_old_format_of_dates_is_moved_too() -> None:
    original = film()
    original[0x00080020] = RawDataElement(Tag(0x00080020), "DA", 10, b"2020.01.10", 0, False, True)
    found = deidentify(original, Options.of({"retain": ["modifiedDates"]}), PSEUDONYMS).dataset.StudyDate
    assert found == made(film(StudyDate="20200110"), retain=["modifiedDates"]).StudyDate


def test_patient_characteristics() -> None:
    dataset = made(film(PatientSize="1.7"), retain=["patientCharacteristics"])
    assert (dataset.PatientSex, dataset.PatientAge, dataset.PatientSize) == ("M", "047Y", 1.7)
    assert made(film(PatientAge="093Y"), retain=["patientCharacteristics"]).PatientAge == "090Y"
    bare = made(film())
    assert "PatientAge" not in bare
    assert bare.PatientSex == ""


def test_uids_devices_and_institutions() -> None:
    assert made(film(), retain=["uids"]).SOPInstanceUID == "1.2.826.77.3"
    assert made(film(), retain=["deviceIdentity"]).StationName == SECRET
    assert made(film(), retain=["institutionIdentity"]).InstitutionName == SECRET


def test_descriptions_are_cleaned() -> None:
    dataset = made(film(), clean=["descriptors"])
    assert (dataset.StudyDescription, dataset.SeriesDescription) == ("CHEST PA", "PA")
    assert "ImageComments" not in dataset


# The table


def test_the_table_is_that_of_the_standard() -> None:
    """A few entries of each column, read in PS3.15 table E.1-1."""
    expected = {
        "PatientName": Action.EMPTY,
        "PatientID": Action.DUMMY,
        "AccessionNumber": Action.EMPTY,
        "StudyDescription": Action.REMOVE,
        "SOPInstanceUID": Action.UID,
        "SourceImageSequence": Action.UID,
        "OriginalAttributesSequence": Action.REMOVE,
        "IconImageSequence": Action.REMOVE,
        "AcquisitionContextSequence": Action.EMPTY,
        "DetectorID": Action.DUMMY,
        "StationName": Action.DUMMY,
        "PersonName": Action.DUMMY,
        "BodyPartExamined": None,
        "SOPClassUID": None,
    }
    profile = profile_of(Options())
    assert {name: profile.action(Tag(name)) for name in expected} == expected
    assert len(profile.actions) > 600


def test_every_option_names_attributes_that_there_are() -> None:
    for option, count in {
        "uids": 60,
        "deviceIdentity": 40,
        "institutionIdentity": 9,
        "patientCharacteristics": 9,
    }.items():
        options = Options.of({"retain": [option]})
        assert sum(action is Action.KEEP for action in profile_of(options).actions.values()) >= count, option


# Properties

TEXTS = st.text(string.ascii_letters, min_size=6, max_size=12)
KEYWORDS = st.sampled_from(
    [
        keyword_for_tag(tag)
        for tag, action in profile_of(Options()).actions.items()
        if keyword_for_tag(tag) and dictionary_VR(tag) in ("LO", "SH", "PN", "LT", "ST", "UT", "CS", "AE", "UC")
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(KEYWORDS, TEXTS), max_size=6), st.lists(st.sampled_from(["", "ViewCodeSequence"]), max_size=3)
)
def test_no_value_of_a_listed_attribute_survives_at_any_depth(values: list[tuple[str, str]], path: list[str]) -> None:
    item = Dataset()
    for keyword, text in values:
        item.add_new(keyword, dictionary_VR(keyword), text)
    for keyword in filter(None, path):
        outer = Dataset()
        setattr(outer, keyword, [item])
        item = outer
    original = film(PatientID="1")
    original.update(item)
    content = deidentify(original, Options(), PSEUDONYMS).to_bytes()
    for _, text in values:
        assert not re.search(rb"[^A-Za-z]" + text.encode() + rb"[^A-Za-z]", content)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from(["SQ", "UN", "LO", "DA", "DS", "UI", "PN", "OB", "US"]),
    st.integers(0x00080000, 0x0070FFFF),
)
def test_any_element_is_treated_or_goes(value: bytes, vr: str, tag: int) -> None:
    original = film()
    original[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)
    deidentify(original, Options.of({"retain": ["modifiedDates"], "clean": ["descriptors"]}), PSEUDONYMS)

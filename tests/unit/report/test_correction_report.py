"""A reader's statement as an SR: whose it is, about what, in every alphabet; valid, and the same when made again."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import pydicom
import pytest
from highdicom.sr import srread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.codes import Code
from orthanc_ai.concepts import Concept
from orthanc_ai.outcomes import Result
from orthanc_ai.report import vocabulary
from orthanc_ai.report.correction_report import Statement, correction_report
from orthanc_ai.report.document import SOP_CLASS_UID
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.findings_report import FindingsTemplate, ReportSettings
from orthanc_ai.report.same import difference
from orthanc_ai.report.uids import ReportIdentity

from .sources import (
    IDENTITY,
    NOW,
    WEIGHTS,
    demonstration,
    errors_of_dciodvfy,
    findings,
    model_of_record,
    radiograph,
    raw,
    text_of_dsrdump,
    viewer_lines,
)

SR = ReportIdentity("2.25.201", "2.25.202")
PREVIOUS = Result(SOP_CLASS_UID, "2.25.301", "2.25.302", str(radiograph().StudyInstanceUID))
# Three findings say as much as eighteen, in less time.
CARD = dataclasses.replace(model_of_record(), outputs=model_of_record().outputs[:3])
TITLE = Concept("11528-7", "LN", "Radiology Report")
TEMPLATE = FindingsTemplate(CARD, weights_digest=WEIGHTS, settings=ReportSettings(title=TITLE))
LABELS = [output.label for output in CARD.outputs]


def findings_report(source: Dataset | None = None) -> bytes:
    return TEMPLATE.fill(source or radiograph(), findings(CARD), (), IDENTITY, NOW)


REPORT = findings_report()
PRESENT = {LABELS[0]: True, LABELS[2]: False}


def statement(
    reader: str = "Reader^Anna^^Dr.", *, login: bool = False, comment: str = "", present: Mapping[str, bool] = PRESENT
) -> Statement:
    return Statement(reader, login, dict(present), comment)


def made(said: Statement, report: bytes = REPORT, at: datetime = NOW, previous: Result | None = None) -> bytes:
    return correction_report(report, said, SR, at, previous)


def read(document: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(document))


def children(item: Dataset, code: str) -> list[Dataset]:
    return [one for one in item.ContentSequence if one.ConceptNameCodeSequence[0].CodeValue == code]


def groups(document: Dataset) -> list[Dataset]:
    (measurements,) = children(document, "126010")
    return children(measurements, "125007")


def test_who_says_what_of_which_image_and_report() -> None:
    document = read(made(statement(login=True), previous=PREVIOUS))
    assert [one.ConceptCodeSequence[0].CodeMeaning for one in children(document, "121005")] == ["Person"]
    assert [str(one.PersonName) for one in children(document, "121008")] == ["Reader^Anna^^Dr."]
    assert [one.TextValue for one in children(document, "128774")] == ["Reader^Anna^^Dr."]
    assert (document.ContentDate, document.ContentTime) == ("20261121", "083015")
    source, report = radiograph(), read(REPORT)
    assert [(one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID) for one in images(document)] == [
        (source.SOPClassUID, source.SOPInstanceUID)
    ]
    (reference,) = children(children(document, "121106")[1], "128225")
    assert reference.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == report.SOPInstanceUID
    assert evidence(document.CurrentRequestedProcedureEvidenceSequence) == {
        (source.StudyInstanceUID, source.SeriesInstanceUID, source.SOPInstanceUID),
        (report.StudyInstanceUID, report.SeriesInstanceUID, report.SOPInstanceUID),
    }
    assert evidence(document.PredecessorDocumentsSequence) == {
        (report.StudyInstanceUID, report.SeriesInstanceUID, report.SOPInstanceUID),
        (PREVIOUS.study_instance_uid, PREVIOUS.series_instance_uid, PREVIOUS.sop_instance_uid),
    }


def images(document: Dataset) -> list[Dataset]:
    (library,) = children(document, "111028")
    (group,) = children(library, "126200")
    return [one.ReferencedSOPSequence[0] for one in group.ContentSequence]


def evidence(sequence: list[Dataset]) -> set[tuple[str, str, str]]:
    return {
        (study.StudyInstanceUID, series.SeriesInstanceUID, one.ReferencedSOPInstanceUID)
        for study in sequence
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }


def test_findings_have_the_identity_that_the_findings_report_gave_them() -> None:
    of_report = {
        children(group, "112039")[0].TextValue: (
            children(group, "112040")[0].UID,
            children(group, "121071")[0].ConceptCodeSequence[0].CodeValue,
            children(group, "363698007")[0].ConceptCodeSequence[0].CodeValue,
        )
        for group in groups(read(REPORT))
    }
    stated = groups(read(made(statement(present={LABELS[2]: False, LABELS[0]: True}))))
    for group in stated:
        label = children(group, "112039")[0].TextValue
        assert of_report[label] == (
            children(group, "112040")[0].UID,
            children(group, "121071")[0].ConceptCodeSequence[0].CodeValue,
            children(group, "363698007")[0].ConceptCodeSequence[0].CodeValue,
        )
    presence = {
        children(group, "112039")[0].TextValue: children(group, "121052")[0].ConceptCodeSequence[0] for group in stated
    }
    assert {label: (code.CodeValue, code.CodeMeaning) for label, code in presence.items()} == {
        LABELS[0]: (vocabulary.PRESENT.value, "Present"),
        LABELS[2]: (vocabulary.ABSENT.value, "Absent"),
    }


def test_what_a_viewer_shows() -> None:
    lines = viewer_lines(made(statement(comment="Old scar.\nSee 2019.")))
    assert lines[0] == "1. Radiology Report"
    assert "Comment: For research. Not for diagnostic use." in lines
    assert "Comment: Reader: Dr. Anna Reader" in lines
    meanings = [output.finding.meaning for output in CARD.outputs]
    assert f"Comment: Present according to the reader: {meanings[0]}." in lines
    assert f"Comment: Absent according to the reader: {meanings[2]}." in lines
    assert "Comment: The reader's comment: Old scar.\nSee 2019." in lines
    assert [line for line in lines if "disagrees" in line] == [
        "Comment: The score is 16.7 %, below its threshold of 50 %. The reader disagrees.",
        "Comment: The score is 83.3 %, at or above its threshold of 50 %. The reader disagrees.",
    ][::-1]
    assert not [line for line in lines if "not supported" in line and "Source" not in line]


def test_it_stands_behind_the_findings_unverified_and_says_what_it_is() -> None:
    document = read(made(statement()))
    assert document.SeriesNumber == 9005
    assert document.SeriesDescription == "AI corrections densenet121-res224-all not for diagnosis"
    assert (document.CompletionFlag, document.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    assert "VerifyingObserverSequence" not in document
    assert document.PatientName == radiograph().PatientName
    assert document.ConceptNameCodeSequence[0].CodeValue == TITLE.value
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_about_a_demonstration_it_says_so_first() -> None:
    card = dataclasses.replace(demonstration(), outputs=demonstration().outputs[:3])
    report = FindingsTemplate(card, weights_digest=WEIGHTS).fill(radiograph(), findings(card), (), IDENTITY, NOW)
    document = made(statement(), report)
    assert read(document).SeriesDescription == "AI corrections phantom DEMONSTRATION not for diagnosis"
    first = next(line for line in viewer_lines(document) if line.startswith("Comment"))
    assert first == "Comment: Demonstration model trained on digital phantoms. Not for diagnosis."


def test_the_same_statement_gives_the_same_file() -> None:
    said = statement(comment="x")
    assert made(said, previous=PREVIOUS) == made(said, previous=PREVIOUS)
    later = made(said, at=datetime(2027, 1, 1, tzinfo=UTC), previous=PREVIOUS)
    assert difference(made(said, previous=PREVIOUS), later) is None
    assert difference(made(said), made(statement(comment="y"))) is not None


NAMES = {
    "Latin": "Müller^Jörg^^Dr.",
    "Japanese": "山田^太郎",
    "Korean": "김^희중",
    "Arabic": "قباني^لنزار",
    "Cyrillic": "Шишкин^",
    "plain": "Dr. A",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_in_any_alphabet(name: str, tmp_path: Path) -> None:
    document = made(statement(name, login=True, comment=name))
    assert str(children(read(document), "121008")[0].PersonName).rstrip("^") == name.rstrip("^")
    assert errors_of_dciodvfy(document, tmp_path) == set()
    assert name.split("^")[0] in text_of_dsrdump(document, tmp_path)


def test_a_patient_whose_name_cannot_be_decoded_stays_as_it_is(tmp_path: Path) -> None:
    """The SR declares what the image declares; the reader's name is there without loss, if not in his alphabet."""
    wild = raw(radiograph(), SpecificCharacterSet=b"ISO_IR 6", PatientName=b"M\xfcller^J\xf6rg")
    document = made(statement("山田^太郎", comment="ängstlich"), findings_report(wild))
    assert b"M\xfcller^J\xf6rg" in document
    lines = viewer_lines(document)
    encoded = [line.rpartition(" ")[2] for line in lines if "percent-encoded" in line]
    assert [unquote(one) for one in encoded] == ["山田^太郎", "ängstlich"]
    assert "Comment: Reader: ?? ??" in lines
    text_of_dsrdump(document, tmp_path, tolerant=True)


names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\\=^"),
    min_size=1,
    max_size=64,
).filter(lambda text: bool(text.split()))
presences = st.dictionaries(st.sampled_from(LABELS), st.booleans(), min_size=1)


@given(
    name=names,
    present=presences,
    comment=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=80),
)
@settings(max_examples=15, deadline=None)
def test_any_reader_may_say_anything_of_any_findings(name: str, present: dict[str, bool], comment: str) -> None:
    name = " ".join(name.split())
    file = made(Statement(name, True, present, comment))
    document = read(file)
    assert srread(BytesIO(file)).get_evidence()
    assert [str(one.PersonName) for one in children(document, "121008")] == [f"{name}^"]
    assert {
        children(group, "112039")[0].TextValue: children(group, "121052")[0].ConceptCodeSequence[0].CodeMeaning
        for group in groups(document)
    } == {label: "Present" if here else "Absent" for label, here in present.items()}
    assert f"Comment: Reader: {name}" in viewer_lines(file)


def test_what_the_report_has_not_cannot_be_stated() -> None:
    with pytest.raises(ReportError) as unknown:
        made(statement(present={"Unheard": True}))
    assert unknown.value.code is Code.FINDING_UNKNOWN
    with pytest.raises(ValueError, match="at least one"):
        made(Statement("A", False, {}, ""))


def test_valid(tmp_path: Path) -> None:
    document = made(statement(login=True, comment="x" * 2000), previous=PREVIOUS)
    assert errors_of_dciodvfy(document, tmp_path) == set()
    dump = text_of_dsrdump(document, tmp_path)
    assert 'has obs context PNAME:(121008,DCM,"Person Observer Name")="Reader^Anna^^Dr."' in dump
    assert "inferred from COMPOSITE" in dump

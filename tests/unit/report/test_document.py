"""The document around a tree: identifiers, references, dates."""

from datetime import UTC, datetime
from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from orthanc_ai.outcomes import Result
from orthanc_ai.report import provenance
from orthanc_ai.report.document import SOP_CLASS_UID, Frame
from orthanc_ai.report.encoding import element, item
from orthanc_ai.report.header import InstanceReference, inherit
from orthanc_ai.report.vocabulary import ABSENT, VERDICT

from .sources import IDENTITY, NOW, WEIGHTS, model_of_record, radiograph

MAKER = provenance.of_model(model_of_record(), WEIGHTS, "0.1.0", 0, ())
CONTENT = (item(element(0x0040A160, "UT", b"text")),)
STUDY = radiograph().StudyInstanceUID.encode()


def root() -> Dataset:
    dataset = Dataset()
    dataset.ValueType = "CONTAINER"
    dataset.ContentSequence = []
    return dataset


def document(
    source: Dataset | None = None,
    evidence: tuple[InstanceReference, ...] = (),
    at: datetime = NOW,
    predecessor: Result | None = None,
) -> pydicom.FileDataset:
    frame = Frame.prepare(MAKER, 9001, root(), [ABSENT], plain=False)
    inherited = inherit(radiograph() if source is None else source)
    return pydicom.dcmread(BytesIO(frame.document(inherited, evidence, IDENTITY, at, predecessor, CONTENT)))


def test_file() -> None:
    found = document()
    assert found.file_meta.MediaStorageSOPClassUID == found.SOPClassUID == SOP_CLASS_UID
    assert found.file_meta.MediaStorageSOPInstanceUID == found.SOPInstanceUID == IDENTITY.sop_instance_uid
    assert found.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    # Group length counts from behind itself to the first element of the dataset.
    frame = Frame.prepare(MAKER, 9001, root(), [], plain=False)
    encoded = frame.document(inherit(radiograph()), (), IDENTITY, NOW, None, CONTENT)
    begin = 128 + 4 + 12 + found.file_meta.FileMetaInformationGroupLength
    assert encoded[begin : begin + 6] == b"\x08\x00\x05\x00CS"


def test_tags_are_in_order() -> None:
    tags = list(document().keys())
    assert tags == sorted(tags)
    assert document().ContentSequence[0].TextValue == "text"
    assert document().ValueType == "CONTAINER"


def test_evidence_is_grouped_and_named_once() -> None:
    one = InstanceReference(b"1.2.840.10008.5.1.4.1.1.2", b"1.1", b"2.1", STUDY)
    other_instance = InstanceReference(b"1.2.840.10008.5.1.4.1.1.2", b"1.2", b"2.1", STUDY)
    other_series = InstanceReference(b"1.2.840.10008.5.1.4.1.1.7", b"1.3", b"2.2", STUDY)
    found = document(evidence=(one, other_series, other_instance, one))
    (study,) = found.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == STUDY.decode()
    assert [
        (series.SeriesInstanceUID, [each.ReferencedSOPInstanceUID for each in series.ReferencedSOPSequence])
        for series in study.ReferencedSeriesSequence
    ] == [("2.1", ["1.1", "1.2"]), ("2.2", ["1.3"])]


def test_without_evidence_and_predecessor() -> None:
    assert "CurrentRequestedProcedureEvidenceSequence" not in document()
    assert "PredecessorDocumentsSequence" not in document()


def test_predecessor() -> None:
    (study,) = document(predecessor=Result("1.2.3", "1.2.4", "1.2.5", "1.2.6")).PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (instance,) = series.ReferencedSOPSequence
    assert (instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID) == ("1.2.3", "1.2.4")
    assert (series.SeriesInstanceUID, study.StudyInstanceUID) == ("1.2.5", "1.2.6")


def test_private_scheme_is_identified_where_used() -> None:
    inherited = inherit(radiograph())
    for concepts, expected in (([ABSENT], False), ([ABSENT, VERDICT], True)):
        frame = Frame.prepare(MAKER, 9001, root(), concepts, plain=False)
        found = pydicom.dcmread(BytesIO(frame.document(inherited, (), IDENTITY, NOW, None, CONTENT)))
        assert ("CodingSchemeIdentificationSequence" in found) is expected


MADE = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("offset", "made", "date", "time"),
    [
        ("+0200", MADE, "20261122", "003000"),
        (None, MADE, "20261121", "223000"),
        ("+0200", MADE.replace(tzinfo=None), "20261121", "223000"),
    ],
    ids=["zone of the source", "no zone in the source", "no zone given"],
)
def test_dates_are_in_the_zone_of_the_source(offset: str | None, made: datetime, date: str, time: str) -> None:
    found = document(radiograph() if offset is None else radiograph(TimezoneOffsetFromUTC=offset), at=made)
    assert found.get("TimezoneOffsetFromUTC") == offset
    for kind in ("Content", "InstanceCreation", "Series"):
        assert (found[f"{kind}Date"].value, found[f"{kind}Time"].value) == (date, time)

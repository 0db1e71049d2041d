"""What a findings report says is what was put into it, and other objects are told apart."""

import contextlib
import dataclasses
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.codes import Code
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.findings_report import FindingsTemplate
from orthanc_ai.report.read import read_findings_report
from tests.unit.hostile import file, film, nested

from .sources import IDENTITY, NOW, WEIGHTS, demonstration, findings, model_of_record, radiograph


@pytest.mark.parametrize("card", [model_of_record(), demonstration()], ids=["model of record", "demonstration"])
def test_round_trip(card: object) -> None:
    assert card in (model_of_record(), demonstration())
    model = model_of_record() if card == model_of_record() else demonstration()
    put_in = findings(model)
    notes = (Code.VIEW_NOT_STATED, Code.OUTSIDE_INTENDED_USE)
    document = FindingsTemplate(model, weights_digest=WEIGHTS).fill(radiograph(), put_in, notes, IDENTITY, NOW)
    for form in (document, pydicom.dcmread(BytesIO(document))):
        report = read_findings_report(form)
        assert (report.model, report.model_version) == (model.name, model.version)
        assert report.source_sop_class_uid == radiograph().SOPClassUID
        assert report.source_sop_instance_uid == radiograph().SOPInstanceUID
        assert report.notes == notes
        assert report.decides is not model.demonstration
        found = {finding.label: finding for finding in report.findings}
        for finding in put_in:
            assert found[finding.label].score == pytest.approx(finding.score, abs=1e-12)
            assert (found[finding.label].concept, found[finding.label].site) == (finding.concept, finding.site)
            assert found[finding.label].threshold == finding.threshold
            assert found[finding.label].presence is finding.presence


def test_reads_the_first_form_too() -> None:
    model = model_of_record()
    document = FindingsTemplate(model, weights_digest=WEIGHTS).fill(radiograph(), findings(model), (), IDENTITY, NOW)
    older = pydicom.dcmread(BytesIO(document))
    measurements = older.ContentSequence[-1].ContentSequence
    groups = [item for item in measurements if item.ValueType == "CONTAINER"]
    algorithm = [item for item in measurements if item.ValueType != "CONTAINER"]
    for group in groups:
        (number,) = (item for item in group.ContentSequence if "ContentSequence" in item)
        number.ContentSequence.extend(algorithm)
    older.ContentSequence[-1].ContentSequence = groups
    assert read_findings_report(older) == read_findings_report(document)


@pytest.mark.parametrize("other", [b"", b"DICM" * 100, Dataset(), radiograph()], ids=["empty", "junk", "bare", "image"])
def test_refuses_other_objects(other: bytes | Dataset) -> None:
    with pytest.raises(ReportError, match="not a findings report"):
        read_findings_report(other)


def test_refuses_reports_of_others(data: Path) -> None:
    for name in ("sr_comprehensive3d.dcm", "seg.dcm"):
        with pytest.raises(ReportError):
            read_findings_report((data / "negatives" / name).read_bytes())


SMALL = dataclasses.replace(model_of_record(), outputs=model_of_record().outputs[:2])
REPORT = FindingsTemplate(SMALL, weights_digest=WEIGHTS).fill(radiograph(), findings(SMALL), (), IDENTITY, NOW)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(REPORT) - 1), st.binary(max_size=6)), min_size=1, max_size=4),
    st.integers(0, len(REPORT)),
)
@example([(0, b"")], 0)
def test_a_spoiled_report_is_refused_or_read(edits: list[tuple[int, bytes]], end: int) -> None:
    spoiled = bytearray(REPORT)
    for at, content in edits:
        spoiled[at : at + len(content)] = content
    for document in (bytes(spoiled), bytes(spoiled[:end])):
        with contextlib.suppress(ReportError):
            assert all(0 <= finding.score <= 1 for finding in read_findings_report(document).findings)


@pytest.mark.parametrize("defined", [True, False])
def test_a_report_nested_without_end_is_refused(defined: bool) -> None:
    deep = nested(5000, 0x0040A730, defined=defined)
    with pytest.raises(ReportError):
        read_findings_report(file(film((0x0040A730, deep))))

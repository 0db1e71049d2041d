"""Stored reports: reading them back, and telling forged ones."""

import dataclasses
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage

from orthanc_ai.concepts import Finding
from orthanc_ai.models.card import load_card
from orthanc_ai.report.document import SOP_CLASS_UID
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.findings_report import FindingsTemplate
from orthanc_ai.report.header import InstanceReference
from orthanc_ai.report.prior import Prior
from orthanc_ai.report.ratio import Ratio
from orthanc_ai.report.read import read_findings_report
from orthanc_ai.report.same import difference
from orthanc_ai.report.uids import ReportIdentity
from phantom.dicom import chest_dx

SMALL_ENOUGH = 100_000


def _ours() -> bytes:
    """A report with two findings, a ratio, and an earlier report."""
    card = load_card(Path(__file__).resolve().parents[2] / "models", "phantom")
    card = dataclasses.replace(card, outputs=card.outputs[:2])
    findings = [Finding(one.label, one.finding, one.site, 0.3, one.threshold, None) for one in card.outputs]
    source = chest_dx(1, rows=64, columns=64)
    del source.PixelData
    identity = ReportIdentity("2.25.1", "2.25.2")
    heat_map = InstanceReference(SecondaryCaptureImageStorage.encode(), b"2.25.4", b"2.25.5", b"2.25.6")
    return FindingsTemplate(card, weights_digest="5b" * 32).fill(
        source,
        findings,
        (),
        identity,
        datetime(2026, 11, 21),
        ratio=Ratio(0.5, 0.01, 150, 300, millimeters=True, method="outlines 1"),
        captures={card.outputs[0].label: heat_map},
        prior=Prior(SOP_CLASS_UID, "2.25.7", "2.25.8", "2.25.9", "2.25.10", "20240301", {card.outputs[0].label: 0.2}),
    )


OURS = _ours()


def seeds(data: Path) -> Iterator[bytes]:
    yield OURS
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        dataset = pydicom.dcmread(BytesIO(OURS))
        dataset.file_meta.TransferSyntaxUID = syntax
        stream = BytesIO()
        pydicom.dcmwrite(stream, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=True, force_encoding=True)
        yield stream.getvalue()
    for file in sorted(data.rglob("sr*.dcm")) if data.is_dir() else ():
        if file.stat().st_size <= SMALL_ENOUGH:
            yield file.read_bytes()


def one_input(content: bytes) -> None:
    """Read and compare; what is the same as ours must read as ours does."""
    report = None
    with suppress(ReportError):
        report = read_findings_report(content)
    if difference(content, OURS) is None:
        assert report is not None
        assert report == read_findings_report(OURS)

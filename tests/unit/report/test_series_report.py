"""The report on the series of a CT study: a line for each, readable, valid, and quick to make."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from highdicom.sr import MeasurementReport, srread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.concepts import Concept
from orthanc_ai.outcomes import Result
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.series_report import Instance, SeriesLine, series_report
from orthanc_ai.report.uids import derive_uid

from .sources import IDENTITY, NOW, errors_of_dciodvfy, radiograph, raw, text_of_dsrdump, viewer_lines

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def instances(count: int, series: str) -> tuple[Instance, ...]:
    return tuple(Instance(CT_IMAGE, derive_uid(series, str(index))) for index in range(count))


CORONARY = SeriesLine(
    series_instance_uid="1.2.3.5",
    series_number=5,
    description="CorCTA  0.6  B26f  BestDiast 71 %",
    modality="CT",
    accepted=True,
    role="Thin slices. (CCTA) The best series of the study for it.",
    best=True,
    phases="71% (by SeriesDescription)",
    geometry="300 slices, every 0.4 mm, 0.6 mm thick, covering 120 mm",
    contrast="The header states a contrast agent. (CONTRAST_TAG)",
    evidence='3 points: BodyPartExamined "HEART" +3',
    remarks="The slices overlap. (OVERLAPPING_SLICES)",
    instances=instances(3, "5"),
)
LOCALIZER = SeriesLine(
    series_instance_uid="1.2.3.1",
    series_number=1,
    description="Topogramm 1.0 Größe",
    modality="CT",
    accepted=False,
    reason="A localizer. (LOCALIZER)",
    instances=instances(2, "1"),
)


def ct(**attributes: object) -> Dataset:
    return radiograph(SOPClassUID=CT_IMAGE, Modality="CT", **attributes)


def report(lines: list[SeriesLine], source: Dataset | None = None, **options: object) -> bytes:
    return series_report(source or ct(), lines, IDENTITY, NOW, rules_version="1", **options)  # type: ignore[arg-type]


def test_what_a_reader_sees_accepted_series_first() -> None:
    lines = viewer_lines(report([LOCALIZER, CORONARY], notes=["The patient is not known. (QUARANTINED)"]))
    assert "Comment: For research. Not for diagnostic use." in lines[:12]
    assert "Comment: The patient is not known. (QUARANTINED)" in lines
    assert "Comment: 1 of 2 series accepted as cardiac CT: Series 5: CorCTA 0.6 B26f BestDiast 71 %." in lines
    assert "Comment: Best for their roles: Series 5: CorCTA 0.6 B26f BestDiast 71 %." in lines
    coronary, localizer = lines.index("1.1.1. Measurement Group"), lines.index("1.1.2. Measurement Group")
    assert [line for line in lines[coronary:localizer] if "Unique" not in line] == [
        "1.1.1. Measurement Group",
        "Tracking Identifier: Series 5: CorCTA 0.6 B26f BestDiast 71 %",
        "Verdict: Accepted as cardiac CT",
        "Role: Thin slices. (CCTA) The best series of the study for it.",
        "Cardiac phases: 71% (by SeriesDescription)",
        "Geometry: 300 slices, every 0.4 mm, 0.6 mm thick, covering 120 mm",
        "Contrast: The header states a contrast agent. (CONTRAST_TAG)",
        'Evidence for the heart: 3 points: BodyPartExamined "HEART" +3',
        "Comment: The slices overlap. (OVERLAPPING_SLICES)",
        "Instances: 3",
        "Series Instance UID: 1.2.3.5",
    ]
    assert [line for line in lines[localizer:] if "Unique" not in line] == [
        "1.1.2. Measurement Group",
        "Tracking Identifier: Series 1: Topogramm 1.0 Größe",
        "Verdict: Not accepted",
        "Reason: A localizer. (LOCALIZER)",
        "Instances: 2",
        "Series Instance UID: 1.2.3.1",
    ]


def test_a_series_costs_few_elements() -> None:
    """Orthanc turns each element of a stored report into JSON several times (docs/performance.md)."""

    def elements(lines: list[SeriesLine]) -> int:
        content = pydicom.dcmread(BytesIO(report(lines))).ContentSequence
        return sum(1 for item in content for _ in item.iterall())

    assert elements([CORONARY, CORONARY]) - elements([CORONARY]) <= 120
    assert elements([LOCALIZER, LOCALIZER]) - elements([LOCALIZER]) <= 80


def test_none_accepted() -> None:
    assert "Comment: None of 1 series is accepted as cardiac CT." in viewer_lines(report([LOCALIZER]))


def test_header_of_the_report() -> None:
    predecessor = Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.7", "2.25.8", "2.25.9")
    document = pydicom.dcmread(BytesIO(report([LOCALIZER, CORONARY], predecessor=predecessor)))
    assert document.SOPInstanceUID == IDENTITY.sop_instance_uid
    assert document.SeriesInstanceUID == IDENTITY.series_instance_uid
    assert document.StudyInstanceUID == ct().StudyInstanceUID
    assert document.PatientName == ct().PatientName
    assert document.SeriesDescription == "AI Cardiac CT series selection not for diagnosis"
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    (older,) = document.PredecessorDocumentsSequence
    assert older.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.7"
    (scheme,) = document.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99ORTHANCAI"
    assert document.ContributingEquipmentSequence[0].DeviceUID.startswith("2.25.")


def test_all_instances_are_evidence() -> None:
    document = srread(BytesIO(report([LOCALIZER, CORONARY])))
    assert document.get_evidence() == [
        (ct().StudyInstanceUID, line.series_instance_uid, instance.sop_instance_uid, instance.sop_class_uid)
        for line in (CORONARY, LOCALIZER)
        for instance in line.instances
    ]


def test_valid(tmp_path: Path) -> None:
    document = report([LOCALIZER, CORONARY])
    assert errors_of_dciodvfy(document, tmp_path) == set()
    dump = text_of_dsrdump(document, tmp_path)
    assert 'ACCEPTED,99ORTHANCAI,"Accepted as cardiac CT"' in dump
    content = srread(BytesIO(document)).content
    assert isinstance(content, MeasurementReport)
    assert len(content.get_image_measurement_groups()) == 2


def test_a_source_whose_characters_are_not_understood(tmp_path: Path) -> None:
    source = raw(ct(SpecificCharacterSet=None, ReferringPhysicianName=""), PatientName=b"M\xfcller")
    document = report([LOCALIZER], source)
    assert b"Topogramm 1.0 Gr??e" in document
    assert errors_of_dciodvfy(document, tmp_path) == {"Patient's Name"}


def test_refusals() -> None:
    with pytest.raises(ValueError, match="at least one series"):
        report([])
    with pytest.raises(ReportError, match="126000"):
        report([LOCALIZER], title=Concept("126000", "DCM", "Imaging Measurement Report"))


def test_same_inputs_same_bytes() -> None:
    assert report([LOCALIZER, CORONARY]) == report([LOCALIZER, CORONARY])
    moved = series_report(ct(), [LOCALIZER], IDENTITY, datetime(2026, 1, 1, tzinfo=UTC), rules_version="1")
    assert moved != report([LOCALIZER])


def test_5000_instances_take_less_than_a_second(tmp_path: Path) -> None:
    def lines() -> Iterator[SeriesLine]:
        for number in range(20):
            yield SeriesLine(
                f"1.2.3.{number}",
                number,
                "CorCTA",
                "CT",
                False,
                reason="B. (A)",
                instances=instances(250, str(number)),
            )

    study = list(lines())
    started = time.perf_counter()
    document = report(study)
    assert time.perf_counter() - started < 1
    assert len(srread(BytesIO(document)).get_evidence()) == 5000
    assert errors_of_dciodvfy(document, tmp_path) == set()


texts = st.text(max_size=40)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            SeriesLine,
            series_instance_uid=st.from_regex(r"[0-9A-Za-z.]{1,70}", fullmatch=True),
            series_number=st.none() | st.integers(-(2**31), 2**31),
            description=texts,
            modality=st.sampled_from(["CT", "SR", "", "OT"]),
            accepted=st.booleans(),
            best=st.booleans(),
            **dict.fromkeys(("role", "reason", "phases", "geometry", "contrast", "evidence", "remarks"), texts),
            instances=st.lists(
                st.builds(Instance, st.just(CT_IMAGE), st.from_regex(r"[0-9.]{1,64}", fullmatch=True)), max_size=3
            ).map(tuple),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_series_can_be_reported(lines: list[SeriesLine]) -> None:
    document = pydicom.dcmread(BytesIO(report(lines)))
    measurements = document.ContentSequence[-1]
    names = [item.ConceptNameCodeSequence[0].CodeMeaning for item in measurements.ContentSequence]
    assert names == [
        "Algorithm Name",
        "Algorithm Version",
        "Algorithm Manufacturer",
        *["Measurement Group"] * len(lines),
    ]
    assert len(viewer_lines(report(lines))) > 12

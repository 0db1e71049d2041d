"""The report on lengths: what viewers need to draw them, what they are, and that it is valid."""

import dataclasses
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom.dataset import Dataset

from orthanc_ai.report import provenance, vocabulary
from orthanc_ai.report.images import Spacing, length_spacing
from orthanc_ai.report.measurements_report import Length, measurements_report
from orthanc_ai.report.uids import tracking_uid

from .sources import IDENTITY, NOW, errors_of_dciodvfy, radiograph, raw, text_of_dsrdump, viewer_lines
from .test_findings_report import INHERITED_ERRORS, MALFORMED_REFERENCES, PREDECESSOR, SYNTHETIC

MAKER = provenance.of_rules("widths", "Widths of heart and thorax", "1", "0.1.0", (provenance.RESEARCH,))
HEART = Length("Cardiac width", vocabulary.HEART, (760, 1600.5), (1480, 1600.5))
THORAX = Length("Thoracic width", vocabulary.CHEST, (280.5, 1800.5), (1780, 1800.5))


def made(source: Dataset, *lengths: Length) -> bytes:
    return measurements_report(source, lengths or (HEART, THORAX), MAKER, IDENTITY, NOW)


def groups(document: bytes) -> list[Dataset]:
    """The measurement groups, as OHIF finds them."""
    root = pydicom.dcmread(BytesIO(document))
    [measurements] = [item for item in root.ContentSequence if named(item) == "Imaging Measurements"]
    return [item for item in measurements.ContentSequence if named(item) == "Measurement Group"]


def named(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_what_ohif_needs_to_draw_both_lines_and_make_them_its_own() -> None:
    source = radiograph()
    document = made(source)
    root = pydicom.dcmread(BytesIO(document))
    assert root.ConceptNameCodeSequence[0].CodeValue == "126000"
    assert root.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    found = groups(document)
    assert len(found) == 2
    for group, length in zip(found, (HEART, THORAX), strict=True):
        items = {named(item): item for item in group.ContentSequence}
        assert items["Tracking Identifier"].TextValue == f"Cornerstone3DTools@^0.1.0:Length:{length.label}"
        uid = items["Tracking Unique Identifier"].UID
        assert uid == tracking_uid(source.SOPInstanceUID, length.label)
        assert items["Comment"].TextValue == length.label
        assert items["Finding Site"].ConceptCodeSequence[0].CodeMeaning == length.site.meaning
        first = next(item for item in group.ContentSequence if item.ValueType == "NUM")
        [coordinates] = first.ContentSequence
        assert (coordinates.ValueType, coordinates.GraphicType) == ("SCOORD", "POLYLINE")
        assert coordinates.GraphicData == [*length.start, *length.end]
        [image] = coordinates.ContentSequence
        assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


# As OHIF 3.13 measures: see docs/overlays.md.
@pytest.mark.parametrize(
    ("attributes", "spacing", "shown"),
    [
        ({}, Spacing(0.14, 0.143, "detector"), "103.0 mm"),
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": None}, Spacing(0.2, 0.1, "unstated"), "72.0 mm"),
        ({"PixelSpacing": [0.14, 0.143]}, Spacing(0.14, 0.143, "detector"), "103.0 mm"),
        ({"PixelSpacing": [0.12, 0.1]}, Spacing(0.12, 0.1, "corrected"), "72.0 mm"),
        (
            {"PixelSpacing": [0.12, 0.1], "PixelSpacingCalibrationType": "GEOMETRY"},
            Spacing(0.12, 0.1, "corrected"),
            "72.0 mm",
        ),
        (
            {"PixelSpacing": [0.15, 0.15], "PixelSpacingCalibrationType": "FIDUCIAL"},
            Spacing(0.15, 0.15, "calibrated"),
            "108.0 mm",
        ),
        (
            {"EstimatedRadiographicMagnificationFactor": 1.1},
            Spacing(0.14 / 1.1, 0.143 / 1.1, "corrected"),
            "93.6 mm",
        ),
        (
            {"DistanceSourceToDetector": 1800, "DistanceSourceToPatient": 1500},
            Spacing(0.14 / 1.2, 0.143 / 1.2, "corrected"),
            "85.8 mm",
        ),
        ({"DistanceSourceToDetector": 1800}, Spacing(0.14, 0.143, "detector"), "103.0 mm"),
        ({"ImagerPixelSpacing": None}, None, "720 {pixels}"),
        ({"ImagerPixelSpacing": [100, 100]}, None, "720 {pixels}"),
        ({"ImagerPixelSpacing": [1e308, 1e308]}, None, "720 {pixels}"),
        ({"EstimatedRadiographicMagnificationFactor": 1e300}, None, "720 {pixels}"),
    ],
)
def test_lengths_are_those_that_ohif_measures(attributes: dict[str, Any], spacing: Spacing | None, shown: str) -> None:
    source = radiograph(**attributes)
    found = length_spacing(source)
    if spacing is None or found is None:
        assert found is spacing is None
    else:
        assert found.kind == spacing.kind
        assert found[:2] == pytest.approx(spacing[:2], rel=1e-9)
    assert f"Length: {shown}" in [line.replace(".0 {", " {") for line in viewer_lines(made(source))]


@pytest.mark.parametrize("malformed", [b"0\\0", b"-1\\1", b"nan\\nan", b"x\\y", b"0.1", b"0.1\\0.1\\0.1", b"1e400\\1"])
def test_a_malformed_spacing_is_none(malformed: bytes) -> None:
    assert length_spacing(raw(radiograph(), ImagerPixelSpacing=malformed)) is None
    for keyword in ("EstimatedRadiographicMagnificationFactor", "DistanceSourceToPatient"):
        assert length_spacing(raw(radiograph(), **{keyword: malformed})) == (0.14, 0.143, "detector")


def test_a_length_across_pixels_that_are_not_square() -> None:
    slanting = dataclasses.replace(HEART, start=(100, 100), end=(400, 500))
    source = radiograph(PixelSpacing=[0.2, 0.1], ImagerPixelSpacing=None)
    assert "Length: 85.4 mm" in viewer_lines(made(source, slanting)), "hypot(300 * 0.1, 400 * 0.2)"
    assert "Length: 500.0 {pixels}" in viewer_lines(made(radiograph(ImagerPixelSpacing=None), slanting))


def test_a_reader_is_told_what_the_lengths_are() -> None:
    def comments(source: Dataset) -> list[str]:
        root = pydicom.dcmread(BytesIO(made(source)))
        return [
            item.TextValue for item in root.ContentSequence if item.ValueType == "TEXT" and named(item) == "Comment"
        ]

    assert comments(radiograph()) == [
        "For research. Not for diagnostic use.",
        "Lengths are those of the shadow on the detector, which is larger than what casts it.",
    ]
    assert "in pixels" in comments(radiograph(ImagerPixelSpacing=None))[-1]


def test_header_of_the_document() -> None:
    report = pydicom.dcmread(BytesIO(measurements_report(radiograph(), [HEART], MAKER, IDENTITY, NOW, PREDECESSOR)))
    assert (report.Modality, report.SeriesNumber) == ("SR", 9002)
    assert report.SeriesDescription == "AI measurements widths not for diagnosis"
    assert report.SOPInstanceUID == IDENTITY.sop_instance_uid
    [study] = report.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == PREDECESSOR.sop_instance_uid


def test_a_report_without_a_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        measurements_report(radiograph(), [], MAKER, IDENTITY, NOW)


def test_same_inputs_same_bytes() -> None:
    assert made(radiograph()) == made(radiograph())


def test_own_texts_are_ascii_where_the_character_set_is_not_understood() -> None:
    source = raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xfcller")
    document = made(source, dataclasses.replace(HEART, label="Größe"))
    assert pydicom.dcmread(BytesIO(document)).get_item("PatientName").value.strip() == b"M\xfcller"
    assert b"Gr??e" in document


@pytest.mark.parametrize("name", SYNTHETIC)
def test_valid_whatever_the_source(name: str, tmp_path: Path) -> None:
    document = made(SYNTHETIC[name])
    assert errors_of_dciodvfy(document, tmp_path) == INHERITED_ERRORS.get(name, set())
    dump = text_of_dsrdump(document, tmp_path, tolerant=name in MALFORMED_REFERENCES)
    assert "POLYLINE,760/1600.5,1480/1600.5" in dump
    assert isinstance(srread(BytesIO(document)).content, MeasurementReport)

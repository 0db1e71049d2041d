"""What a findings report says of heat maps, ratio and change is valid, reads well, and is read back."""

import dataclasses
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from highdicom.sr import MeasurementReport, srread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.codes import Code
from orthanc_ai.report import comparison
from orthanc_ai.report.findings_report import FindingsTemplate, note_text
from orthanc_ai.report.header import InstanceReference
from orthanc_ai.report.ratio import Ratio, RatioRefusal
from orthanc_ai.report.read import read_findings_report

from .sources import (
    FEW,
    HEAT_MAP,
    IDENTITY,
    LINES,
    MEASURED,
    MORE,
    NOW,
    OUTLINES,
    REFUSED,
    SCORED,
    WEIGHTS,
    demonstration,
    errors_of_dciodvfy,
    findings,
    prior,
    radiograph,
    raw,
    text_of_dsrdump,
    viewer_lines,
)


@pytest.fixture(scope="module")
def few() -> FindingsTemplate:
    return FindingsTemplate(FEW, weights_digest=WEIGHTS, plugin_version="0.1.0")


@pytest.fixture(scope="module")
def demo() -> FindingsTemplate:
    return FindingsTemplate(demonstration(), weights_digest=WEIGHTS)


def _is_plain(text: str) -> bool:
    """Whether a text comes back as it was: DICOM takes trailing spaces for padding."""
    return text == text.rstrip(" \0") and text.isprintable()


@pytest.mark.parametrize("name", MORE)
def test_every_reader_understands_more(name: str, few: FindingsTemplate, tmp_path: Path) -> None:
    more = MORE[name]
    for source in (radiograph(), raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xfcller")):
        document = few.fill(source, findings(FEW), [], IDENTITY, NOW, **vars(more))
        assert errors_of_dciodvfy(document, tmp_path) <= {"Patient's Name"}
        text_of_dsrdump(document, tmp_path)
        content = srread(BytesIO(document)).content
        assert isinstance(content, MeasurementReport)
        assert len(content.get_image_measurement_groups()) == len(FEW.outputs) + (more.ratio is not None)
        report = read_findings_report(document)
        assert report.ratio == more.ratio
        assert {finding.label for finding in report.findings} == {output.label for output in FEW.outputs}
        assert report.notes == ()
        assert report.captures == {
            label: heat_map.sop_instance_uid.decode() for label, heat_map in more.captures.items()
        }
        assert report.objects == tuple(each.sop_instance_uid.decode() for each in more.objects)
        if more.prior is None:
            assert report.earlier is None
        else:
            assert report.earlier is not None
            assert (report.earlier.report, report.earlier.image) == (more.prior.sop_instance_uid, more.prior.image)
            assert report.earlier.date == more.prior.date
            assert report.earlier.changes.keys() == SCORED.keys()


def test_own_texts_of_a_ratio_are_ascii_where_the_character_set_is_not_understood(few: FindingsTemplate) -> None:
    source = raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xfcller")
    for ratio in (
        dataclasses.replace(MEASURED, method="Verfahren von Müller"),
        RatioRefusal(Code.RATIO_LUNGS_NOT_FOUND, "naïve"),
    ):
        document = few.fill(source, findings(FEW), [], IDENTITY, NOW, ratio=ratio)
        assert "ü".encode() not in document
        assert "ï".encode() not in document
        found = read_findings_report(document).ratio
        assert "?" in (found.method if isinstance(found, Ratio) else found.detail if found else "")


def test_what_a_reader_sees_of_more(few: FindingsTemplate) -> None:
    found = [
        dataclasses.replace(each, score=score, presence=score >= each.threshold)
        for each, score in zip(findings(FEW), (0.3, 0.873, 0.51, 0.2), strict=True)
    ]
    earlier = {found[1].label: 0.75, found[2].label: 0.49, found[3].label: 0.2}
    lines = viewer_lines(few.fill(radiograph(), found, [], IDENTITY, NOW, ratio=MEASURED, prior=prior(earlier)))
    assert (
        lines.index("Comparison to previous studies: " + comparison.sentence(prior(earlier), found, decides=True)) < 20
    )
    assert "Comment: Cardiothoracic ratio 0.512, standard uncertainty 0.011: heart 151.2 mm, thorax 295.2 mm." in lines
    assert [line for line in lines if line.startswith("Change since 2024-03-01")] == [
        "Change since 2024-03-01: 12.3 %{points}",
        "Change since 2024-03-01: 2.0 %{points}",
        "Change since 2024-03-01: 0.0 %{points}",
    ]
    assert lines[-5:] == [
        "Algorithm Name: outlines 1",
        "Algorithm Version: 0.1.0",
        "Cardiothoracic ratio: 0.512 {ratio}",
        "Cardiac width: 151.2 mm",
        "Thoracic width: 295.2 mm",
    ]
    lines = viewer_lines(few.fill(radiograph(), found, [], IDENTITY, NOW, ratio=REFUSED))
    assert f"Comment: The cardiothoracic ratio was not measured. {REFUSED.code.sentence}" in lines
    assert lines[-2:] == [f"Reason: {note_text(REFUSED.code)}", "Comment: the left lung"]
    # What viewers cannot print is nowhere but in the image library.
    more = MORE["everything"]
    lines = viewer_lines(few.fill(radiograph(), found, [], IDENTITY, NOW, **vars(more)))
    assert [line for line in lines if "not supported" in line] == ["Source: [IMAGE is not supported]"]


def test_evidence_is_sorted_by_examination(few: FindingsTemplate) -> None:
    def uids(sequence: Iterable[Dataset]) -> set[str]:
        series = [one for study in sequence for one in study.ReferencedSeriesSequence]
        return {str(one.ReferencedSOPInstanceUID) for each in series for one in each.ReferencedSOPSequence}

    more = MORE["everything"]
    report = pydicom.dcmread(BytesIO(few.fill(radiograph(), findings(FEW), [], IDENTITY, NOW, **vars(more))))
    assert more.prior is not None
    assert uids(report.PertinentOtherEvidenceSequence) == {more.prior.sop_instance_uid}
    assert uids(report.CurrentRequestedProcedureEvidenceSequence) == {
        str(radiograph().SOPInstanceUID),
        *(each.sop_instance_uid.decode() for each in (HEAT_MAP, OUTLINES, LINES)),
    }
    more = MORE["prior in this study"]
    report = pydicom.dcmread(BytesIO(few.fill(radiograph(), findings(FEW), [], IDENTITY, NOW, **vars(more))))
    assert "PertinentOtherEvidenceSequence" not in report
    assert len(uids(report.CurrentRequestedProcedureEvidenceSequence)) == 2


def test_a_demonstration_is_compared_without_thresholds(demo: FindingsTemplate) -> None:
    found = findings(demonstration())
    document = demo.fill(radiograph(), found, [], IDENTITY, NOW, prior=prior({each.label: 0.5 for each in found}))
    (line,) = (line for line in viewer_lines(document) if line.startswith("Comparison"))
    assert "Largest change" in line
    assert "threshold" not in line


def test_refuses_an_earlier_report_that_cannot_be(few: FindingsTemplate) -> None:
    for wrong, message in (
        (prior({}, date="2024-03-01"), "allowed: YYYYMMDD"),
        (prior({"Mass": 1.5}), "allowed: 0 to 1"),
        (prior({"Mass": float("nan")}), "allowed: 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            few.fill(radiograph(), findings(FEW), [], IDENTITY, NOW, prior=wrong)
    with pytest.raises(ValueError, match="heat maps of Gout"):
        few.fill(radiograph(), findings(FEW), [], IDENTITY, NOW, captures={"Gout": HEAT_MAP})


@settings(max_examples=40, deadline=None)
@given(
    scores=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    earlier=st.dictionaries(st.sampled_from([each.label for each in FEW.outputs]), st.floats(0, 1)),
    ratio=st.none()
    | st.builds(
        Ratio,
        st.floats(0, 10),
        st.floats(0, 10),
        st.floats(0.01, 1e6),
        st.floats(0.01, 1e6),
        st.booleans(),
        st.text(min_size=1, max_size=30).filter(_is_plain),
    )
    | st.builds(RatioRefusal, st.sampled_from(Code), st.text(max_size=30).filter(_is_plain)),
    heat_maps=st.sets(st.sampled_from([each.label for each in FEW.outputs])),
    objects=st.sets(st.sampled_from([OUTLINES, LINES])),
)
def test_what_is_put_in_comes_out(
    scores: list[float],
    earlier: dict[str, float],
    ratio: Ratio | RatioRefusal | None,
    heat_maps: set[str],
    objects: set[InstanceReference],
    few: FindingsTemplate,
) -> None:
    found = findings(FEW, scores)
    document = few.fill(
        radiograph(),
        found,
        [],
        IDENTITY,
        NOW,
        ratio=ratio,
        captures=dict.fromkeys(heat_maps, HEAT_MAP),
        objects=tuple(objects),
        prior=prior(earlier),
    )
    report = read_findings_report(document)
    assert report.ratio == ratio
    assert report.captures.keys() == heat_maps
    assert report.earlier is not None
    now = {each.label: each.score for each in found}
    assert report.earlier.changes == {label: 100 * (now[label] - score) for label, score in earlier.items()}
    for line in viewer_lines(document):
        if line.startswith("Change since"):
            assert any(abs(float(line.split()[3]) - each) <= 0.05 + 1e-9 for each in report.earlier.changes.values())

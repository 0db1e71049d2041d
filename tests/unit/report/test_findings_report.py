"""The filled report is the report that highdicom would have built, is valid, reads well, and costs little."""

import dataclasses
import statistics
import time
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import highdicom
import pydicom
import pytest
from highdicom.sr import Comprehensive3DSR, DeviceObserverIdentifyingAttributes, MeasurementReport, srread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from orthanc_ai.codes import Code
from orthanc_ai.concepts import Concept, Finding
from orthanc_ai.models.card import ModelCard, with_thresholds
from orthanc_ai.outcomes import Result
from orthanc_ai.report import comparison, provenance, ratio_group, tree
from orthanc_ai.report.errors import ReportError
from orthanc_ai.report.findings_report import (
    FindingsTemplate,
    ReportSettings,
    note_text,
    percent,
    presence_code,
    summary,
    threshold_percent,
)
from orthanc_ai.report.header import InstanceReference
from orthanc_ai.report.images import descriptors, image_facts
from orthanc_ai.report.ratio import Ratio
from orthanc_ai.report.read import read_findings_report
from orthanc_ai.report.uids import tracking_uid

from .sources import (
    FEW,
    IDENTITY,
    MORE,
    NOTHING_MORE,
    NOW,
    WEIGHTS,
    More,
    demonstration,
    errors_of_dciodvfy,
    findings,
    model_of_record,
    radiograph,
    raw,
    text_of_dsrdump,
    viewer_lines,
)

CARD = model_of_record()
PREDECESSOR = Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.7", "2.25.8", "2.25.9")


@pytest.fixture(scope="module")
def template() -> FindingsTemplate:
    return FindingsTemplate(CARD, weights_digest=WEIGHTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def few() -> FindingsTemplate:
    return FindingsTemplate(FEW, weights_digest=WEIGHTS, plugin_version="0.1.0")


@pytest.fixture(scope="module")
def demo() -> FindingsTemplate:
    return FindingsTemplate(demonstration(), weights_digest=WEIGHTS)


def from_scratch(
    card: ModelCard,
    source: Dataset,
    found: list[Finding],
    notes: list[Code],
    report_settings: ReportSettings,
    more: More = NOTHING_MORE,
) -> Dataset:
    """The same report by highdicom alone: the slow way, with nothing prepared."""
    maker = provenance.of_model(card, WEIGHTS, "0.1.0", report_settings.undetermined_band, report_settings.parameters)
    order = [True, None, False]
    ordered = sorted(found, key=lambda finding: (order.index(finding.presence), -finding.score))
    lines = [
        tree.FindingLine(
            label=each.label,
            tracking_uid=tracking_uid(source.SOPInstanceUID, each.label),
            finding=each.concept,
            site=each.site,
            percent=percent(each.score, each.threshold),
            exact_percent=100 * each.score,
            threshold_percent=threshold_percent(each.threshold),
            presence=presence_code(each.presence, card.demonstration),
            capture=_uids(more.captures[each.label]) if each.label in more.captures else None,
        )
        for each in ordered
    ]
    comments = [*maker.statements, *map(note_text, notes), *([] if card.demonstration else summary(ordered))]
    if more.ratio:
        comments.append(ratio_group.sentence(more.ratio))
    image = tree.Image(source.SOPClassUID, source.SOPInstanceUID, tuple(descriptors(image_facts(source))))
    content = tree.findings_tree(maker, report_settings.title, image, lines, comments)[0]
    _add(content, more, source, ordered, decides=not card.demonstration)
    private = bool(more.ratio or more.prior) or any(
        concept.scheme == "99ORTHANCAI" for each in card.outputs for concept in (each.finding, each.site)
    )
    document = Comprehensive3DSR(
        evidence=[source, *(_evidence(source, each) for each in more.references())],
        content=content,
        series_instance_uid=IDENTITY.series_instance_uid,
        series_number=9001,
        series_description=maker.series_description,
        sop_instance_uid=IDENTITY.sop_instance_uid,
        instance_number=1,
        manufacturer="Orthanc AI",
        manufacturer_model_name="Orthanc AI",
        device_serial_number=WEIGHTS[:16],
        software_versions="0.1.0",
        is_complete=True,
        is_final=False,
        previous_versions=[_as_dataset(PREDECESSOR)],
        content_date=NOW.date(),
        content_time=NOW.time(),
        series_date=NOW.date(),
        series_time=NOW.time(),
        specific_character_set="ISO_IR 192",
        coding_schemes=[provenance.private_scheme()] if private else None,
        contributing_equipment=[maker.contributing_equipment()],
    )
    document.InstanceCreationDate, document.InstanceCreationTime = DA("20261121"), TM("083015")
    # highdicom takes this up from the source by itself; the report names who read the image, not who took it.
    document.ContributingEquipmentSequence = [
        item
        for item in document.ContributingEquipmentSequence
        if item.PurposeOfReferenceCodeSequence[0].CodeValue == "109102" and item.Manufacturer == card.manufacturer
    ]
    buffer = BytesIO()
    document.save_as(buffer)
    return pydicom.dcmread(BytesIO(buffer.getvalue()))


def _add(root: Dataset, more: More, source: Dataset, ordered: list[Finding], *, decides: bool) -> None:
    measurements = root.ContentSequence[-1]
    if more.ratio:
        uid = tracking_uid(source.SOPInstanceUID, "Cardiothoracic ratio")
        if isinstance(more.ratio, Ratio):
            (group,) = ratio_group.measured(
                more.ratio,
                plugin_version="0.1.0",
                tracking=uid,
                image=(source.SOPClassUID, source.SOPInstanceUID),
                sources=[ratio_group.source(each) for each in more.objects],
            )
        else:
            texts = [(True, ratio_group.reason(more.ratio)), (False, more.ratio.detail)]
            (group,) = ratio_group.refused([each for each in texts if each[1]], tracking=uid)
        tree.separate(group)
        measurements.ContentSequence.append(group)
    if more.prior:
        words = comparison.sentence(more.prior, ordered, decides=decides)
        report = (more.prior.sop_class_uid, more.prior.sop_instance_uid)
        item = comparison.comparison_item(words, report=report, date=more.prior.date, image=more.prior.image)
        root.ContentSequence.insert(len(root.ContentSequence) - 2, item)
        groups = [each for each in measurements.ContentSequence if each.ValueType == "CONTAINER"]
        for group, each in zip(groups, ordered, strict=False):
            if each.label in more.prior.scores:
                change = comparison.change(more.prior, each)
                name = comparison.change_concept(more.prior)
                group.ContentSequence.append(comparison.change_item(name, comparison.shown(change), change))


def _uids(reference: InstanceReference) -> tuple[str, str]:
    return reference.sop_class_uid.decode(), reference.sop_instance_uid.decode()


def _evidence(source: Dataset, reference: InstanceReference) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = _uids(reference)
    dataset.SeriesInstanceUID = reference.series_instance_uid.decode()
    dataset.StudyInstanceUID = reference.study_instance_uid.decode()
    assert dataset.SOPInstanceUID != source.SOPInstanceUID
    return dataset


def _as_dataset(result: Result) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = result.sop_class_uid, result.sop_instance_uid
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = result.series_instance_uid, result.study_instance_uid
    return dataset


def elements(dataset: Dataset) -> dict[str, str]:
    """Every element by its path, as text: a difference shows where it is."""
    found: dict[str, str] = {}

    def walk(node: Dataset, path: str) -> None:
        for element in node:
            name = f"{path}/{element.keyword}"
            if element.VR == "SQ":
                found[name] = f"{len(element.value)} items"
                for index, item in enumerate(element.value):
                    walk(item, f"{name}[{index}]")
            else:
                found[name] = f"{element.VR} {element.value!r}"

    walk(dataset, "")
    return found


CASES = {
    "model of record": (CARD, ReportSettings(), [Code.BODY_PART_NOT_STATED, Code.VIEW_NOT_STATED]),
    "demonstration": (demonstration(), ReportSettings(), []),
    "band and title": (
        with_thresholds(CARD, {"Mass": 0.123456, "Edema": 0.29}),
        ReportSettings(Concept("59776-5", "LN", "Findings"), 0.05, ("VOI LUT not applied",)),
        [],
    ),
    "not ASCII": (
        dataclasses.replace(CARD, manufacturer="Universität Würzburg", title="Röntgen-Modell"),
        ReportSettings(),
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_highdicom_from_scratch(case: str) -> None:
    card, report_settings, notes = CASES[case]
    found = findings(card)
    if case == "band and title":
        found = [dataclasses.replace(each, presence=None) if 0.45 < each.score < 0.55 else each for each in found]
    source = radiograph()
    filled = FindingsTemplate(card, weights_digest=WEIGHTS, settings=report_settings, plugin_version="0.1.0").fill(
        source, found, notes, IDENTITY, NOW, PREDECESSOR
    )
    ours, theirs = (
        elements(pydicom.dcmread(BytesIO(filled))),
        elements(from_scratch(card, source, found, notes, report_settings)),
    )
    assert ours == theirs


@pytest.mark.parametrize("name", MORE)
def test_equals_highdicom_from_scratch_with_more(name: str, few: FindingsTemplate) -> None:
    source, more, found = radiograph(), MORE[name], findings(FEW)
    filled = few.fill(source, found, [], IDENTITY, NOW, PREDECESSOR, **vars(more))
    ours = elements(pydicom.dcmread(BytesIO(filled)))
    assert ours == elements(from_scratch(FEW, source, found, [], ReportSettings(), more))


def test_highdicom_reads_it(template: FindingsTemplate) -> None:
    document = template.fill(radiograph(), findings(CARD), [], IDENTITY, NOW)
    report = srread(BytesIO(document))
    assert isinstance(report.content, MeasurementReport)
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == len(CARD.outputs)
    assert {group.tracking_identifier for group in groups} == {output.label for output in CARD.outputs}
    (measurement,) = groups[0].get_measurements(highdicom.sr.CodedConcept("122157", "DCM", "Probability"))
    assert measurement.unit.value == "%"
    assert measurement.referenced_images[0].referenced_sop_instance_uid == radiograph().SOPInstanceUID
    (observer,) = report.content.get_observer_contexts()
    attributes = observer.observer_identifying_attributes
    assert isinstance(attributes, DeviceObserverIdentifyingAttributes)
    assert attributes.model_name == CARD.title


def test_header_of_the_report(template: FindingsTemplate) -> None:
    source = radiograph()
    report = pydicom.dcmread(BytesIO(template.fill(source, findings(CARD), [], IDENTITY, NOW, PREDECESSOR)))
    assert report.file_meta.MediaStorageSOPInstanceUID == report.SOPInstanceUID == IDENTITY.sop_instance_uid
    assert report.SeriesInstanceUID == IDENTITY.series_instance_uid
    assert report.StudyInstanceUID == source.StudyInstanceUID
    assert (report.Modality, report.SeriesNumber) == ("SR", 9001)
    assert (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag) == (
        "COMPLETE",
        "PRELIMINARY",
        "UNVERIFIED",
    )
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    assert evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == (
        source.SOPInstanceUID
    )
    (older,) = report.PredecessorDocumentsSequence
    assert older.StudyInstanceUID == PREDECESSOR.study_instance_uid
    assert older.ReferencedSeriesSequence[0].SeriesInstanceUID == PREDECESSOR.series_instance_uid
    assert older.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == (
        PREDECESSOR.sop_instance_uid
    )
    (scheme,) = report.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99ORTHANCAI"
    (equipment,) = report.ContributingEquipmentSequence
    assert equipment.ManufacturerModelName == CARD.title
    (observer,) = (item for item in report.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "121012")
    assert equipment.DeviceUID == observer.UID


def test_without_predecessor_and_private_codes(template: FindingsTemplate) -> None:
    public = dataclasses.replace(CARD, outputs=CARD.outputs[:3])
    plain = FindingsTemplate(public, weights_digest=WEIGHTS)
    report = pydicom.dcmread(BytesIO(plain.fill(radiograph(), findings(public), [], IDENTITY, NOW)))
    assert "PredecessorDocumentsSequence" not in report
    assert "CodingSchemeIdentificationSequence" not in report


def test_order_is_present_then_undetermined_then_absent(template: FindingsTemplate) -> None:
    labels = ["Mass", "Nodule", "Edema", "Effusion", "Hernia"]
    scores = [0.51, 0.9, 0.5, 0.49, 0.1]
    decisions = [True, True, None, None, False]
    found = [
        dataclasses.replace(each, score=scores[labels.index(each.label)], presence=decisions[labels.index(each.label)])
        for each in reversed(findings(CARD))
        if each.label in labels
    ]
    report = read_findings_report(template.fill(radiograph(), found, [], IDENTITY, NOW))
    assert [finding.label for finding in report.findings] == ["Nodule", "Mass", "Edema", "Effusion", "Hernia"]
    assert [finding.presence for finding in report.findings] == [True, True, None, None, False]


def test_what_a_reader_sees(template: FindingsTemplate) -> None:
    found = [
        dataclasses.replace(each, score=score, presence=score >= each.threshold)
        for each, score in zip(findings(CARD)[:2], (0.87312, 0.2), strict=True)
    ]
    lines = viewer_lines(template.fill(radiograph(), found, [Code.BODY_PART_NOT_STATED], IDENTITY, NOW))
    assert lines[0] == "1. Diagnostic Imaging Report"
    text = [line.removeprefix("Comment: ") for line in lines if line.startswith("Comment: ")]
    assert text == [
        "For research. Not for diagnostic use.",
        "Analyzed by TorchXRayVision DenseNet-121 (all data sets), version v1 (densenet121-res224-all).",
        provenance.SCORES,
        "The header does not say which part of the body is shown. (BODY_PART_NOT_STATED)",
        "At or above the threshold: Atelectasis 87.3 %.",
    ]
    first = lines.index("1.2.1. Measurement Group")
    uid = tracking_uid(radiograph().SOPInstanceUID, "Atelectasis")
    assert lines[first + 1 : first + 8] == [
        "Tracking Identifier: Atelectasis",
        f"Tracking Unique Identifier: {uid}",
        "Finding: Atelectasis",
        "Finding Site: Lung",
        "Probability: 87.3 %",
        "Threshold Value: 50 %",
        "Presence of property: Present",
    ]
    assert lines[first + 8] == "1.2.2. Measurement Group"
    assert lines[-1] == "Presence of property: Absent"


def test_a_demonstration_says_so_and_decides_nothing(demo: FindingsTemplate) -> None:
    card = demonstration()
    document = demo.fill(radiograph(), findings(card), [], IDENTITY, NOW)
    lines = viewer_lines(document)
    comments = [line for line in lines if line.startswith("Comment: ")]
    assert comments[0] == "Comment: Demonstration model trained on digital phantoms. Not for diagnosis."
    assert lines.index(comments[0]) < 12, "on the first screen"
    assert not any("Presence" in line or "threshold" in line for line in lines)
    assert pydicom.dcmread(BytesIO(document)).SeriesDescription == "AI findings phantom DEMONSTRATION not for diagnosis"
    report = read_findings_report(document)
    assert not report.decides
    assert {finding.presence for finding in report.findings} == {None}
    decided = [dataclasses.replace(findings(card)[0], presence=True)]
    with pytest.raises(ValueError, match="demonstration model does not decide"):
        demo.fill(radiograph(), decided, [], IDENTITY, NOW)


@pytest.mark.parametrize(
    ("score", "threshold", "shown"),
    [
        (0.87312, 0.5, 87.3),
        (0.49997, 0.5, 49.9),
        (0.5, 0.5, 50.0),
        (0.50001, 0.5, 50.0),
        (0.12346, 0.123456, 12.4),
        (0.12345, 0.123456, 12.3),
        (0, 0.5, 0.0),
        (1, 0.5, 100.0),
        (0.55, 0.55, 55.0),
        (0.5499999999999999, 0.55, 54.9),
        (0.29, 0.29, 29.0),
    ],
)
def test_rounding_never_contradicts_the_decision(score: float, threshold: float, shown: float) -> None:
    assert percent(score, threshold) == shown


@given(st.floats(0, 1), st.floats(0.001, 0.999))
def test_shown_percentages_are_near_and_on_the_right_side(score: float, threshold: float) -> None:
    shown = percent(score, threshold)
    assert abs(shown - 100 * score) <= 0.1 + 1e-9
    assert shown == round(shown, 1)
    assert (Decimal(repr(shown)) >= 100 * Decimal(repr(threshold))) == (score >= threshold)


def test_refuses_what_is_not_of_the_model(template: FindingsTemplate) -> None:
    first, second = findings(CARD)[:2]
    for wrong, message in (
        ([], "at least one"),
        ([first, first], "once"),
        ([dataclasses.replace(first, label="Gout")], "'Gout'; allowed: each of Atelectasis"),
        ([dataclasses.replace(first, threshold=0.4)], "another code or threshold"),
        ([dataclasses.replace(first, concept=second.concept)], "another code or threshold"),
        ([dataclasses.replace(first, score=1.01)], "allowed: 0 to 1"),
        ([dataclasses.replace(first, score=float("nan"))], "allowed: 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            template.fill(radiograph(), wrong, [], IDENTITY, NOW)


def test_refuses_the_title_that_breaks_viewers() -> None:
    with pytest.raises(ReportError, match="126000"):
        FindingsTemplate(
            CARD,
            weights_digest=WEIGHTS,
            settings=ReportSettings(Concept("126000", "DCM", "Imaging Measurement Report")),
        )


def test_own_texts_are_ascii_where_the_character_set_is_not_understood() -> None:
    card = dataclasses.replace(CARD, manufacturer="Universität", title="Modell ä")
    report = FindingsTemplate(card, weights_digest=WEIGHTS).fill(
        raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xfcller"), findings(card), [], IDENTITY, NOW
    )
    assert report.count(b"Universit?t") > 1
    assert "Universität".encode() not in report
    found = read_findings_report(report)
    assert found.comments[1].startswith("Analyzed by Modell ?")


def test_same_inputs_same_bytes(template: FindingsTemplate) -> None:
    one, other = (template.fill(radiograph(), findings(CARD), [], IDENTITY, NOW) for _ in range(2))
    assert one == other


def test_costs_at_most_15_ms(template: FindingsTemplate) -> None:
    source, found = radiograph(), findings(CARD)
    times = []
    for _ in range(21):
        started = time.perf_counter()
        template.fill(source, found, [Code.BODY_PART_NOT_STATED], IDENTITY, NOW, PREDECESSOR)
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.015


# ---- Validity ----------------------------------------------------------------------------------------------------

EMPTY = (
    "SpecificCharacterSet",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyID",
    "Rows",
    "Columns",
    "PatientOrientation",
    "ImagerPixelSpacing",
    "Modality",
)


def wild(**values: bytes) -> Dataset:
    """A source whose other texts are ASCII."""
    tame = radiograph(PatientName="", ReferringPhysicianName="", StudyDescription="", SpecificCharacterSet=None)
    return raw(tame, **values)


SYNTHETIC = {
    "complete": radiograph(),
    "nothing but UIDs": radiograph(**dict.fromkeys(EMPTY)),
    "empty name and ID": radiograph(PatientName="", PatientID=""),
    "three component groups": radiograph(SpecificCharacterSet="ISO_IR 192", PatientName="Hong^Gildong=洪^吉洞=홍^길동"),
    "ISO 2022": wild(
        SpecificCharacterSet=b"\\ISO 2022 IR 87", PatientName=b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    ),
    "GB18030": wild(SpecificCharacterSet=b"GB18030", PatientName=b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"),
    "character set missing": wild(PatientName=b"M\xfcller^J\xf6rg"),
    "character set unknown": wild(SpecificCharacterSet=b"KLINGON", PatientName=b"M\xfcller"),
    "character set wrong": wild(SpecificCharacterSet=b"ISO_IR 192", PatientName=b"M\xfcller"),
    "UIDs with leading zeros": wild(
        StudyInstanceUID=b"1.02.3", SeriesInstanceUID=b"1.2.03", SOPInstanceUID=b"1.2.3.007"
    ),
    "UIDs too long": wild(StudyInstanceUID=b"1." + b"2" * 70, SOPInstanceUID=b"1." + b"3" * 70),
    "UIDs with letters": wild(StudyInstanceUID=b"study-A", SeriesInstanceUID=b"series-B", SOPInstanceUID=b"image-C"),
    "private SOP class": wild(SOPClassUID=b"1.3.12.2.1107.5.99.3.10"),
    "old dates": wild(StudyDate=b"1999.03.10", StudyTime=b"12:16:24", PatientBirthDate=b"00000000", PatientSex=b"male"),
    "long ID": wild(PatientID=b"9" * 100, StudyDescription=b"d" * 100),
}

# What dciodvfy finds wrong in a report, all of it copied from a source that has it wrong. The real images are not in
# the table: their reports have no error.
INHERITED_ERRORS = {
    "character set missing": {"Patient's Name"},
    "character set unknown": {"Patient's Name"},
    "UIDs with leading zeros": {"Study Instance UID", "Series Instance UID", "Referenced SOP Instance UID"},
    "UIDs too long": {"Study Instance UID", "Referenced SOP Instance UID"},
    "UIDs with letters": {"Study Instance UID", "Series Instance UID", "Referenced SOP Instance UID"},
    "old dates": {"Study Date", "Study Time", "Patient's Birth Date", "Patient's Sex"},
    "long ID": {"Patient ID", "Study Description"},
}

# DCMTK reads a reference to an image of malformed UID or unknown SOP class only if it is told to.
MALFORMED_REFERENCES = {"UIDs with leading zeros", "UIDs too long", "UIDs with letters", "private SOP class"}


def check_validity(name: str, document: bytes, folder: Path) -> None:
    """Hold a report against the validators and both readers."""
    assert errors_of_dciodvfy(document, folder) == INHERITED_ERRORS.get(name, set())
    dump = text_of_dsrdump(document, folder, tolerant=name in MALFORMED_REFERENCES)
    for output in CARD.outputs:
        assert f'{output.finding.scheme},"{output.finding.meaning}")' in dump
    assert isinstance(srread(BytesIO(document)).content, MeasurementReport)
    report = read_findings_report(document)
    assert {finding.label for finding in report.findings} == {output.label for output in CARD.outputs}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_valid_whatever_the_source(name: str, template: FindingsTemplate, tmp_path: Path) -> None:
    notes = [Code.BODY_PART_NOT_STATED]
    document = template.fill(
        SYNTHETIC[name], findings(CARD), notes, IDENTITY, NOW, PREDECESSOR, **vars(MORE["everything"])
    )
    check_validity(name, document, tmp_path)


def test_valid_for_every_real_radiograph(template: FindingsTemplate, data: Path, tmp_path: Path) -> None:
    files = [*(data / "cxr").iterdir(), *(data / "negatives" / name for name in NEGATIVES)]
    for file in files:
        source = pydicom.dcmread(file, stop_before_pixels=True)
        document = template.fill(source, findings(CARD), [], IDENTITY, NOW, **vars(MORE["everything"]))
        check_validity(file.name, document, tmp_path)
        assert read_findings_report(document).source_sop_instance_uid == source.SOPInstanceUID


NEGATIVES = ("cr_hip_mono2_jpegext.dcm", "cr_tibia_mono1_rle.dcm", "dx_dog_thorax_mono1.dcm", "xa.dcm")


@settings(max_examples=40, deadline=None)
@given(
    charset=st.sampled_from(["", "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "ISO_IR 144", "KLINGON"]),
    values=st.fixed_dictionaries(
        {},
        optional={
            keyword: st.binary(max_size=70) | st.text(max_size=30).map(str.encode)
            for keyword in (
                "PatientName",
                "PatientID",
                "IssuerOfPatientID",
                "PatientBirthDate",
                "PatientSex",
                "PatientAge",
                "StudyDate",
                "StudyTime",
                "AccessionNumber",
                "StudyID",
                "ReferringPhysicianName",
                "StudyDescription",
                "TimezoneOffsetFromUTC",
                "PatientOrientation",
                "ImagerPixelSpacing",
                "Modality",
            )
        },
    ),
    scores=st.lists(st.floats(0, 1), min_size=len(FEW.outputs), max_size=len(FEW.outputs)),
)
def test_any_header_gives_a_report(
    charset: str, values: dict[str, bytes], scores: list[float], few: FindingsTemplate, folder: Path
) -> None:
    source = raw(radiograph(), SpecificCharacterSet=charset.encode(), **values)
    found = findings(FEW, scores)
    document = few.fill(source, found, [], IDENTITY, NOW)
    # What is wrong stands in the source, never in what the report says itself.
    copied = {dictionary_description(keyword) for keyword in values} | {"Referring Physician's Name"}
    assert errors_of_dciodvfy(document, folder) <= copied | {"Patient's Name"}
    text_of_dsrdump(document, folder)
    report = read_findings_report(document)
    by_label = {each.label: each for each in found}
    for finding in report.findings:
        assert finding.score == pytest.approx(by_label[finding.label].score, abs=1e-12)
        assert dataclasses.replace(finding, score=by_label[finding.label].score) == by_label[finding.label]

"""Our report made again, or sent on, is the same; with anything changed in it, it is not."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from orthanc_ai.analyses import REPORT_CHECK, Task
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Result
from orthanc_ai.report.check import ReportChecker
from orthanc_ai.report.document import SOP_CLASS_UID
from orthanc_ai.report.findings_report import FindingsTemplate
from orthanc_ai.report.same import difference
from orthanc_ai.report.series_report import series_report

from .sources import (
    HEAT_MAP,
    IDENTITY,
    LINES,
    MEASURED,
    NOW,
    OUTLINES,
    REFUSED,
    WEIGHTS,
    findings,
    model_of_record,
    prior,
    radiograph,
    raw,
)
from .test_series_report import CORONARY, LOCALIZER, ct

LATER = datetime(2027, 2, 3, 4, 5, 6)
STUDY = str(radiograph().StudyInstanceUID)
OLDER = Result(SOP_CLASS_UID, "2.25.7", "2.25.8", STUDY)
# Two findings say as much as eighteen, in less time.
CARD = dataclasses.replace(model_of_record(), outputs=model_of_record().outputs[:2])
TEMPLATE = FindingsTemplate(CARD, weights_digest=WEIGHTS)
MADE = frozenset(
    {
        *("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"),
        *("ContentDate", "ContentTime"),
    }
)


def findings_report(at: datetime = NOW, predecessor: Result | None = None, source: Dataset | None = None) -> bytes:
    notes = (Code.VIEW_NOT_STATED,)
    return TEMPLATE.fill(source or radiograph(), findings(CARD), notes, IDENTITY, at, predecessor)


def report_on_series(at: datetime = NOW, predecessor: Result | None = None, source: Dataset | None = None) -> bytes:
    return series_report(
        source or ct(), [LOCALIZER, CORONARY], IDENTITY, at, rules_version="1", predecessor=predecessor
    )


MAKERS: tuple[Callable[..., bytes], ...] = (findings_report, report_on_series)
both = pytest.mark.parametrize("make", MAKERS)


def written(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    stream = BytesIO()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    pydicom.dcmwrite(
        stream, dataset, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, force_encoding=True
    )
    return stream.getvalue()


def parsed(report: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(report))


# ---- The same ---------------------------------------------------------------------------------------------------


MORE: dict[str, Any] = {
    "ratio": MEASURED,
    "captures": {CARD.outputs[0].label: HEAT_MAP},
    "objects": (OUTLINES, LINES),
    "prior": prior({CARD.outputs[0].label: 0.25}),
}


def with_more(at: datetime = NOW, **other: Any) -> bytes:
    return TEMPLATE.fill(radiograph(), findings(CARD), (), IDENTITY, at, **(MORE | other))


def test_with_heat_maps_ratio_and_prior() -> None:
    assert difference(with_more(), with_more(LATER)) is None
    for other in (
        {"ratio": dataclasses.replace(MEASURED, heart=MEASURED.heart + 1e-9)},
        {"ratio": REFUSED},
        {"captures": {CARD.outputs[1].label: HEAT_MAP}},
        {"objects": (LINES, OUTLINES)},
        {"prior": prior({CARD.outputs[0].label: 0.250001})},
        {"prior": dataclasses.replace(MORE["prior"], image="2.25.1")},
        {"prior": dataclasses.replace(MORE["prior"], study_instance_uid="2.25.1")},
    ):
        assert difference(with_more(), with_more(**other)) is not None
        assert difference(with_more(**other), with_more()) is not None


@both
def test_made_at_another_time(make: Callable[..., bytes]) -> None:
    assert make(LATER) != make()
    assert difference(make(), make(LATER)) is None


@both
def test_only_the_time_differs_between_two_makings(make: Callable[..., bytes]) -> None:
    """So that the list of what may differ has nothing too much in it."""
    one, other = parsed(make()), parsed(make(LATER))
    assert {element.keyword for element in one if element != other[element.tag]} == MADE


@both
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_sent_on_in_another_transfer_syntax(make: Callable[..., bytes], syntax: str) -> None:
    assert difference(written(parsed(make()), syntax), make(LATER)) is None


@both
def test_sequences_of_defined_length(make: Callable[..., bytes]) -> None:
    dataset = parsed(make())
    for element in dataset.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = False
            for item in element.value:
                item.is_undefined_length_sequence_item = False
    assert written(dataset) != make()
    assert difference(written(dataset), make()) is None


@both
def test_what_archives_add(make: Callable[..., bytes]) -> None:
    dataset = parsed(make())
    dataset.add_new(0x00080000, "UL", 1234)
    dataset.add_new(0x00091001, "LO", "of an archive")
    dataset.ContentSequence[0].add_new(0x00091001, "LO", "of an archive")
    dataset.RetrieveAETitle = "ARCHIVE"
    dataset.add_new(0xFFFCFFFC, "OB", b"\0\0\0\0")
    dataset.file_meta.ImplementationVersionName = "OTHER"
    assert difference(written(dataset), make()) is None


@both
def test_another_history(make: Callable[..., bytes]) -> None:
    """A setting that is changed and changed back gives the same report after another one."""
    assert difference(make(NOW, OLDER), make()) is None
    assert difference(make(), make(NOW, OLDER)) is None
    assert difference(make(NOW, Result(SOP_CLASS_UID, "2.25.1", "2.25.2", STUDY)), make(NOW, OLDER)) is None


def test_a_source_whose_characters_are_not_understood() -> None:
    source = raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xfcller")
    assert difference(findings_report(source=source), findings_report(LATER, source=source)) is None
    other = raw(radiograph(SpecificCharacterSet=None), PatientName=b"M\xe4ller")
    assert difference(findings_report(source=other), findings_report(LATER, source=source)) == "PatientName differs"


# ---- Not the same -----------------------------------------------------------------------------------------------


type Path = tuple[tuple[int, int | None], ...]
"""Tags from the root to an element, each but the last with the number of an item."""


def paths(dataset: Dataset, before: Path = ()) -> Iterator[Path]:
    """The way to every element, at every depth."""
    for element in dataset:
        yield (*before, (element.tag, None))
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from paths(item, (*before, (element.tag, number)))


def kinds(report: bytes) -> list[Path]:
    """One element of each kind: a report has a thousand, most of them the same in group after group."""
    found = {tuple(tag for tag, _ in path): path for path in paths(parsed(report))}
    return list(found.values())


def at(root: Dataset, path: Path) -> tuple[Dataset, DataElement]:
    """The data set in which an element stands, and the element."""
    dataset = root
    for tag, number in path[:-1]:
        dataset = dataset[tag].value[number]
    return dataset, dataset[path[-1][0]]


def changed(element: DataElement) -> Any:
    """Another value of the same kind."""
    value = element.value
    match element.VR:
        case "FD":
            return value + 1e-9
        case "US" | "UL" | "IS":
            return int(value) + 1
        case "DS":
            return str(value) + "1"
        case "UI":
            return f"{value}.1"
        case "DA":
            return "20010101" if value != "20010101" else "20010102"
        case "TM":
            return "010101"
        case "AS":
            return "001Y"
        case "OB" | "UN":
            return b"\1" + (value or b"\0")
        case _:
            return f"{value}X"[-16:] if element.VR in ("CS", "SH") else f"{value}X"


def is_exempt(dataset: Dataset, root: Dataset, element: DataElement) -> bool:
    """Dates of the making; any other valid date is as good there."""
    return dataset is root and element.keyword in MADE


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("deed", ["change", "remove", "empty"])
def test_no_element_can_be_changed(make: Callable[..., bytes], deed: str) -> None:
    ours = make()
    for path in kinds(ours):
        report = parsed(ours)
        dataset, element = at(report, path)
        keyword, exempt = element.keyword, is_exempt(dataset, report, element)
        if deed == "change":
            if element.VR == "SQ":
                element.value.append(Dataset())
            else:
                element.value = changed(element)
        elif deed == "remove":
            exempt = False
            del dataset[element.tag]
        else:
            if element.is_empty:
                continue
            exempt = False
            element.value = [] if element.VR == "SQ" else None
        assert (difference(written(report), ours) is None) is exempt, (keyword, deed)


@both
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_item_can_be_moved_repeated_or_removed(make: Callable[..., bytes], data: st.DataObject) -> None:
    ours = make()
    report = parsed(ours)
    items = data.draw(st.sampled_from([element.value for element in report.iterall() if element.VR == "SQ"]))
    if not items:
        return
    one = data.draw(st.integers(0, len(items) - 1))
    match data.draw(st.sampled_from(["repeat", "remove", "move"])):
        case "repeat":
            items.insert(one, items[one])
        case "remove":
            del items[one]
        case _:
            other = data.draw(st.integers(0, len(items) - 1))
            if items[one] == items[other]:
                return
            items[one], items[other] = items[other], items[one]
    assert difference(written(report), ours) is not None


@both
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_nothing_can_be_added(make: Callable[..., bytes], data: st.DataObject) -> None:
    ours = make()
    report = parsed(ours)
    datasets = [report, *(item for element in report.iterall() if element.VR == "SQ" for item in element.value)]
    dataset = data.draw(st.sampled_from(datasets))
    keyword, value = data.draw(
        st.sampled_from(
            [
                ("ImageComments", "x"),
                ("OtherPatientIDs", "4711"),
                ("ContentLabel", "X"),
                ("OriginalAttributesSequence", [Dataset()]),
                ("VerificationDateTime", "20260101"),
                ("PertinentOtherEvidenceSequence", []),
            ]
        )
    )
    setattr(dataset, keyword, value)
    assert f"{keyword} was added" in str(difference(written(report), ours))


@both
def test_another_patient(make: Callable[..., bytes]) -> None:
    """As an archive coerces identifiers: the report is then about the patient of that archive."""
    for keyword in ("PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyInstanceUID"):
        report = parsed(make())
        setattr(report, keyword, "1.2.3.4711")
        assert difference(written(report), make()) == f"{keyword} differs"


@both
def test_a_history_that_is_none(make: Callable[..., bytes]) -> None:
    for older in (
        Result("1.2.840.10008.5.1.4.1.1.2", "2.25.7", "2.25.8", STUDY),
        Result(SOP_CLASS_UID, "2.25.7", "2.25.8", "2.25.9"),
    ):
        assert difference(make(NOW, older), make()) == "PredecessorDocumentsSequence was added"
    report = parsed(make(NOW, OLDER))
    report.PredecessorDocumentsSequence[0].add_new(0x00104000, "LT", "Patient comment")
    assert difference(written(report), make(NOW, OLDER)) is not None


@both
def test_dates_are_dates(make: Callable[..., bytes]) -> None:
    report = parsed(make())
    report["ContentDate"].value = None
    assert difference(written(report), make()) is not None
    assert difference(make().replace(b"20261121", b"<script>"), make()) == "InstanceCreationDate differs"


def test_an_element_that_comes_twice() -> None:
    """Of two, pydicom takes the last, DCMTK the first: a forged one could hide before ours."""
    ours = findings_report()
    at = ours.index(b"\x10\x00\x20\x00LO")
    forged = ours[:at] + b"\x10\x00\x20\x00LO\x04\x004711" + ours[at:]
    assert difference(forged, ours) == "unreadable: the tags do not ascend"


def test_anything_behind_the_end() -> None:
    assert difference(findings_report() + b"more", findings_report()) is not None


def test_reasons_tell_nothing_of_the_patient() -> None:
    report = parsed(findings_report())
    report.PatientName, report.PatientID = "Doe^Jane", "4711"
    report.ContentSequence[3].ConceptNameCodeSequence[0].CodeMeaning = "Secret"
    reason = str(difference(written(report), findings_report()))
    assert reason == "PatientName differs"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bytes_are_never_the_same_and_never_an_error(data: st.DataObject) -> None:
    ours = findings_report()
    spoiled = bytearray(ours)
    # Behind the file meta information, which does not count.
    start = ours.index(b"\x08\x00\x05\x00CS")
    at = data.draw(st.integers(start, len(ours) - 1).filter(lambda at: ours[at : at + 1] not in (b" ", b"\0")))
    spoiled[at] ^= data.draw(st.integers(1, 255))
    if b"20261121" in ours[at - 8 : at + 8] or b"083015" in ours[at - 6 : at + 6]:
        return  # when it was made
    assert difference(bytes(spoiled), ours) is not None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
@example(b"", 0)
def test_anything_else_is_not_the_same(noise: bytes, cut: int) -> None:
    ours = findings_report()
    for other in (noise, ours[: 132 + cut], ours[: 132 + cut] + noise, ours[:-1], ours[:340] + noise):
        assert difference(other, ours) is not None
        assert difference(ours, other) is not None


# ---- In a worker ------------------------------------------------------------------------------------------------


def check(stored: bytes, ours: bytes) -> tuple[Code, str]:
    answer = ReportChecker().read(Task(REPORT_CHECK, {"stored": stored, "ours": ours}, "recipe"))
    assert answer.outcome.recipe == "recipe"
    assert answer.dicom is None
    return answer.outcome.code, answer.outcome.detail


@both
def test_the_worker_tells_a_forged_report(make: Callable[..., bytes]) -> None:
    assert check(make(), make(LATER)) == (Code.REPORTED, "")
    forged = parsed(make())
    forged.PatientID = "4711"
    assert check(written(forged), make()) == (Code.RESULT_UID_TAKEN, "PatientID differs")
    assert check(b"", make()) == (Code.RESULT_UID_TAKEN, "unreadable: there is no DICOM prefix")

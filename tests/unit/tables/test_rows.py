"""The rows of an image: every value as the file has it, or the reason why not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag as Number
from pydicom.uid import CTImageStorage

from orthanc_ai.deidentify.options import Options
from orthanc_ai.deidentify.pseudonyms import Pseudonyms
from orthanc_ai.tables.assemble import flat
from orthanc_ai.tables.columns import DEFAULT_TAGS
from orthanc_ai.tables.treatment import treatments
from orthanc_ai.tables.wanted import Wanted
from orthanc_ai.tables.worker import write_rows

from .images import DICTIONARY, file_of, image, order, request


def rows(folder: Path, content: bytes | None, asked: dict[str, Any], key: bytes | None = None) -> list[dict[str, Any]]:
    """The rows of an image, by column."""
    [result] = write_rows([order(folder, content, asked, key)])
    layout = Wanted.of(asked).layout
    names = [column.name for column in layout.columns(result["widths"])]
    lines = Path(result["file"]).read_text().splitlines()
    assert len(lines) == result["rows"]
    return [dict(zip(names, row, strict=True)) for row in flat(map(json.loads, lines), layout, result["widths"])]


def row(folder: Path, dataset: Dataset, *tags: str, **more: Any) -> dict[str, Any]:
    [one] = rows(folder, file_of(dataset), request(*tags, **more))
    return one


def test_values_have_the_types_of_their_attributes(tmp_path: Path) -> None:
    dataset = image(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Eva", SeriesNumber=7, KVP="120.5")
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.FrameIncrementPointer = Number(0x00181063)
    found = row(
        tmp_path,
        dataset,
        *("PatientName", "SeriesNumber", "KVP", "StudyDate", "ImageType", "PixelSpacing", "FrameIncrementPointer"),
        *("TransferSyntaxUID", "Laterality"),
    )
    assert found == {
        "orthanc_id": "orthanc-0",
        "PatientID": "P",
        "StudyInstanceUID": "1.2",
        "SeriesInstanceUID": "1.2.3",
        "SOPInstanceUID": "1.2.3.1",
        "frame": None,
        "burned_in": None,
        "code": None,
        "PatientName": "Müller^Eva",
        "SeriesNumber": 7,
        "KVP": 120.5,
        "StudyDate": "2026-01-31",
        "ImageType": "ORIGINAL\\PRIMARY",
        "PixelSpacing": "0.50\\0.75",
        "FrameIncrementPointer": "(0018,1063)",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "Laterality": None,
        "unfit": None,
    }


def test_private_and_nested_attributes(tmp_path: Path) -> None:
    dataset = image()
    item, other = Dataset(), Dataset()
    item.ScheduledProcedureStepID, other.ScheduledProcedureStepID = "first", "second"
    dataset.RequestAttributesSequence = Sequence([item, other])
    dataset.add_new(0x00190010, "LO", "MAKER")
    dataset.add_new(0x0019100C, "LO", ["a", "b"])
    dataset.add_new(0x00191010, "UN", b"\x01\x02")
    dataset.add_new(0x00191020, "SQ", Sequence([item]))
    step = "RequestAttributesSequence[{}].ScheduledProcedureStepID"
    names = [step.format(0), step.format(1), step.format(2), "(0019,100C)", "(0019,1010)"]
    names += ["(0019,1020)[0].ScheduledProcedureStepID"]
    found = row(tmp_path, dataset, *names)
    assert [found[name] for name in names] == ["first", "second", None, "a\\b", "0x0102", "first"]
    assert found["code"] is None


def test_several_values_in_numbered_columns(tmp_path: Path) -> None:
    dataset = image(WindowCenter=["40", "400", "-600"], ImageType="ORIGINAL")
    found = row(tmp_path, dataset, "PixelSpacing", "WindowCenter", "WindowWidth", "ImageType", several="numbered")
    wanted: dict[str, Any] = {"PixelSpacing": 0.5, "PixelSpacing1": 0.75, "WindowCenter": 40.0, "WindowCenter1": 400.0}
    wanted |= {"WindowCenter2": -600.0, "WindowWidth": None, "ImageType": "ORIGINAL"}
    assert {name: found[name] for name in wanted} == wanted


def test_more_values_than_columns_are_kept(tmp_path: Path) -> None:
    values = [f"{number}" for number in range(20)]
    found = row(tmp_path, image(WindowCenter=values), "WindowCenter", several="numbered")
    assert [found["WindowCenter"], found["WindowCenter15"]] == [0.0, 15.0]
    assert json.loads(found["unfit"]) == {"WindowCenter": "\\".join(values)}
    assert found["code"] == "VALUE_UNFIT"


@pytest.mark.parametrize(
    ("tag", "vr", "content", "said"),
    [
        ("StudyDate", "DA", b"2026013 ", "2026013"),
        ("StudyDate", "DA", b"20261399", "20261399"),
        ("SeriesNumber", "IS", b"seven ", "seven"),
        ("SeriesNumber", "IS", b"7\\8 ", "7\\8"),
        ("SeriesNumber", "IS", b"7.5 ", "7.5"),
        ("KVP", "DS", b"high", "high"),
        ("KVP", "DS", b"1e999 ", "1e999"),
    ],
)
def test_what_does_not_fit_is_kept_as_it_is_written(
    tmp_path: Path, tag: str, vr: str, content: bytes, said: str
) -> None:
    dataset = image()
    dataset._dict[Number(tag)] = RawDataElement(Number(tag), vr, len(content), content, 0, False, True)
    found = row(tmp_path, dataset, tag, "Rows")
    assert (found[tag], json.loads(found["unfit"]), found["code"]) == (None, {tag: said}, "VALUE_UNFIT")
    assert found["Rows"] == 4


def test_a_date_of_acr_nema(tmp_path: Path) -> None:
    dataset = image()
    dataset._dict[Number("StudyDate")] = RawDataElement(Number("StudyDate"), "DA", 10, b"2026.01.31", 0, False, True)
    assert row(tmp_path, dataset, "StudyDate")["StudyDate"] == "2026-01-31"


WINDOWS = [{"name": "low", "center": -6.0, "width": 8.0}, {"name": "all", "center": 0, "width": 4000}]


def test_statistics_are_those_of_the_values(tmp_path: Path) -> None:
    found = row(tmp_path, image(2), statistics=True, windows=WINDOWS)
    values = np.arange(16) * 2.0 - 10
    assert (found["pixel_min"], found["pixel_max"]) == (-10, 20)
    assert found["pixel_mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert found["pixel_std"] == pytest.approx(values.std(), rel=1e-12)
    # Strictly inside of -10 to -2: -8, -6, -4.
    assert (found["in_low"], found["in_all"]) == (3 / 16, 1)


def test_statistics_of_several_frames_are_those_of_all_their_pixels(tmp_path: Path) -> None:
    found = row(tmp_path, image(frames=3), statistics=True, windows=WINDOWS)
    values = np.concatenate([np.arange(16.0) + 100 * frame - 10 for frame in range(3)])
    assert (found["frame"], found["pixel_min"], found["pixel_max"]) == (None, -10, 205)
    assert found["pixel_mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert found["pixel_std"] == pytest.approx(values.std(), rel=1e-12)
    assert found["in_low"] == pytest.approx(((values > -10) & (values < -2)).mean())


def test_each_frame_has_a_row(tmp_path: Path) -> None:
    dataset = image(frames=3)
    groups = []
    for frame in range(3):
        plane, group = Dataset(), Dataset()
        plane.ImagePositionPatient = ["0", "0", str(frame)]
        group.PlanePositionSequence = Sequence([plane])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    place = "PerFrameFunctionalGroupsSequence[frame].PlanePositionSequence[0].ImagePositionPatient"
    found = rows(tmp_path, file_of(dataset), request(place, statistics=True, frames=True))
    assert [(one["frame"], one[place], one["pixel_max"]) for one in found] == [
        (1, "0\\0\\0", 5),
        (2, "0\\0\\1", 105),
        (3, "0\\0\\2", 205),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "FILE_UNREADABLE"),
        (b"", "HEADER_UNREADABLE"),
        (b"\0" * 5000, "HEADER_UNREADABLE"),
        (file_of(image())[: file_of(image()).rindex(CTImageStorage.encode()) + 3], "HEADER_UNREADABLE"),
        (file_of(image(NumberOfFrames=30_000)), "TOO_MANY_FRAMES"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_row(tmp_path: Path, content: bytes | None, code: str) -> None:
    [found] = rows(tmp_path, content, request("Rows", statistics=True))
    assert (found["code"], found["SOPInstanceUID"], found["Rows"], found["pixel_min"]) == (code, "1.2.3.1", None, None)
    assert (found["orthanc_id"], found["PatientID"]) == ("orthanc-0", "P")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PixelData": None}, "NO_PIXELS"),
        ({"PhotometricInterpretation": "RGB"}, "PHOTOMETRIC_UNSUPPORTED"),
        ({"PixelData": b"\0\0"}, "PIXELS_UNREADABLE"),
    ],
)
def test_pixels_that_cannot_be_read_cost_their_statistics(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    found = row(tmp_path, image(**changes), "Rows", statistics=True, windows=WINDOWS)
    assert (found["code"], found["Rows"], found["pixel_mean"], found["in_low"]) == (code, 4, None, None)


def test_a_header_longer_than_what_is_read_first(tmp_path: Path) -> None:
    dataset = image()
    dataset.add(DataElement(0x00090010, "LO", "MAKER"))
    dataset.add(DataElement(0x00091010, "OB", b"\1" * 5_000_000))
    assert row(tmp_path, dataset, "Rows")["Rows"] == 4


KEY = bytes(range(32))
OPTIONS: dict[str, Any] = {"enabled": True, "retain": [], "clean": [], "burnedIn": "leaveOut", "keepKey": False}


@pytest.mark.parametrize(
    "retain", [[], ["fullDates"], ["modifiedDates"], ["uids", "patientCharacteristics", "deviceIdentity"]]
)
def test_a_table_says_what_de_identification_does_to_each_column(tmp_path: Path, retain: list[str]) -> None:
    """Every usual column is filled; what is said to go has gone, and what nothing is said of is as it was."""
    dataset = image(StudyDescription="CHEST", SeriesNumber=3, SeriesDescription="PA", ImageType=["ORIGINAL", "PRIMARY"])
    dataset.PatientSex, dataset.PatientAge, dataset.BodyPartExamined, dataset.Laterality = "F", "045Y", "CHEST", "L"
    dataset.ViewPosition, dataset.PresentationIntentType, dataset.BurnedInAnnotation = "PA", "FOR PRESENTATION", "NO"
    dataset.Manufacturer, dataset.ManufacturerModelName, dataset.KVP, dataset.ExposureTime = "M", "N", "120", 10
    dataset.XRayTubeCurrent, dataset.ConvolutionKernel, dataset.NumberOfFrames = 5, "B30", 1
    dataset.ImagerPixelSpacing, dataset.SliceThickness = ["0.1", "0.1"], "1"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = ["0", "0", "1"], ["1", "0", "0", "0", "1", "0"]
    dataset.RescaleType, dataset.WindowCenter, dataset.WindowWidth, dataset.LossyImageCompression = "HU", 1, 2, "00"
    dataset.AccessionNumber, dataset.PatientName, dataset.PatientBirthDate = "A1", "Doe^Jane", "19800101"
    dataset.DateOfSecondaryCapture = "20260131"
    dataset.add_new(0x00190010, "LO", "MAKER")
    dataset.add_new(0x0019100C, "LO", "Doe")
    tags = (
        *DEFAULT_TAGS,
        "AccessionNumber",
        "PatientName",
        "PatientBirthDate",
        "DateOfSecondaryCapture",
        "(0019,100C)",
    )
    options = OPTIONS | {"retain": retain}
    plain = row(tmp_path, dataset, *tags)
    assert all(plain[tag] is not None for tag in tags)
    [hidden] = rows(tmp_path, file_of(dataset), request(*tags, deidentify=options), KEY)
    said = treatments((DICTIONARY.tag(tag) for tag in tags), Options.of(options))
    for tag in tags:
        if said.get(tag) in ("removed", "emptied"):
            assert hidden[tag] is None, tag
        elif tag in said:
            assert hidden[tag] != plain[tag], tag
        else:
            assert hidden[tag] == plain[tag], tag
    assert "orthanc_id" not in hidden
    assert hidden["PatientID"] == Pseudonyms(KEY).patient("P", "", "1.2")
    assert (hidden["SOPInstanceUID"] == "1.2.3.1") == ("uids" in retain)


def test_texts_that_do_not_fit_are_not_shown_of_a_de_identified_file(tmp_path: Path) -> None:
    dataset = image(WindowCenter=[f"{number}" for number in range(20)])
    [found] = rows(tmp_path, file_of(dataset), request("WindowCenter", several="numbered", deidentify=OPTIONS), KEY)
    assert (json.loads(found["unfit"]), found["code"]) == ({"WindowCenter": ""}, "VALUE_UNFIT")


@pytest.mark.parametrize("content", [None, b"no DICOM", file_of(image())])
def test_an_image_has_the_same_pseudonyms_whether_it_can_be_read_or_not(tmp_path: Path, content: bytes | None) -> None:
    [found] = rows(tmp_path, content, request("Rows", deidentify=OPTIONS), KEY)
    pseudonyms = Pseudonyms(KEY)
    assert found["SOPInstanceUID"] == pseudonyms.uid("1.2.3.1")
    assert found["PatientID"] == pseudonyms.patient("P", "", "1.2")
    assert (found["code"] is None) == (found["Rows"] == 4)


def test_burned_in_annotation_is_flagged(tmp_path: Path) -> None:
    assert row(tmp_path, image(BurnedInAnnotation="YES"), "Rows")["burned_in"] == "BURNED_IN"


def test_windows_without_statistics(tmp_path: Path) -> None:
    found = row(tmp_path, image(2), statistics=False, windows=WINDOWS)
    assert (found["in_low"], "pixel_min" in found) == (3 / 16, False)

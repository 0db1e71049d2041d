"""Every DICOM object of a reading, for every real radiograph: valid, of the image's study, and as the outcome says.

Most real films have no ratio. Outlines of no film in particular are written down for them: what is valid does not depend on
where they lie.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage, SegmentationStorage

from orthanc_ai.analyses import XRAY, Answer, Task
from orthanc_ai.cardiothoracic.ratio import Outlines
from orthanc_ai.cardiothoracic.widths import ratio_of
from orthanc_ai.codes import Code
from orthanc_ai.dicom_file import header_of, open_file
from orthanc_ai.report.correction_report import Statement, correction_report
from orthanc_ai.report.provenance import DEMONSTRATION
from orthanc_ai.report.ratio import RatioRefusal
from orthanc_ai.report.read import read_findings_report
from orthanc_ai.report.uids import report_identity
from orthanc_ai.settings import AI
from orthanc_ai.xray.analysis import RadiographReader
from orthanc_ai.xray.overlays import of_ratio
from orthanc_ai.xray.wanted import Wanted
from phantom.dicom import chest_dx
from tests.unit.networks import MODELS, card
from tests.unit.report.sources import IDENTITY, NOW, errors_of_dciodvfy, prior, text_of_dsrdump

from .reader import RECIPE, prepared

IODS = {
    SecondaryCaptureImageStorage: "SCImage",
    SegmentationStorage: "Segmentation",
    Comprehensive3DSRStorage: "Comprehensive3DSR",
}
LABELS = [output.label for output in card("phantom").outputs]
SHOWN = ("Cardiomegaly", "Nodule")
"""Two findings reach their thresholds, whatever the film; more would cost time and show nothing new."""
NEGATIVES = ("cr_hip_mono2_jpegext.dcm", "cr_tibia_mono1_rle.dcm", "dx_dog_thorax_mono1.dcm", "xa.dcm")
EARLIER = prior(dict.fromkeys(LABELS, 0.25))


@cache
def reader() -> RadiographReader:
    model = prepared()
    thresholds = {label: 1e-6 if label in SHOWN else 1 - 1e-6 for label in LABELS}
    settings = {
        "Model": "phantom",
        "ModelsDirectory": MODELS,
        "CacheDirectory": model.onnx.parent.parent,
        "XRay": {"Thresholds": thresholds, "OutsideIntendedUse": "analyze", "UnstatedBodyPart": "analyze"},
    }
    return RadiographReader(AI.model_validate(settings))


def read(file: bytes) -> Answer:
    wanted = Wanted(overlays=True, prior=EARLIER)
    return reader().read(Task(XRAY, file, RECIPE, weights=prepared().weights_digest, context=wanted))


def check(file: bytes, name: str, answer: Answer, folder: Path) -> None:
    """Hold everything that is stored against the validators, the image, and the outcome."""
    outcome = answer.outcome
    assert outcome.code is Code.REPORTED, (name, outcome)
    assert answer.dicom is not None
    listed = outcome.data["overlays"]
    reached = [one["label"] for one in outcome.data["findings"] if one["score"] >= one["threshold"]]
    assert [one["finding"] for one in listed if one["kind"] == "heat map"] == reached
    assert {*SHOWN} <= {*reached}
    said = correction_report(answer.dicom, Statement("Dr. A", False, {"Nodule": False}, "none"), IDENTITY, NOW)
    for dicom in (*(made.dicom for made in answer.objects), answer.dicom, said):
        check_object(dicom, file, name, folder)
    agree(answer)


def check_object(dicom: bytes, file: bytes, name: str, folder: Path) -> None:
    """Hold one object against the validators and the image."""
    source, dataset = pydicom.dcmread(BytesIO(file), stop_before_pixels=True), pydicom.dcmread(BytesIO(dicom))
    which = name, dataset.SeriesDescription
    assert errors_of_dciodvfy(dicom, folder, IODS[dataset.SOPClassUID]) == set(), which
    if dataset.SOPClassUID == Comprehensive3DSRStorage:
        text_of_dsrdump(dicom, folder)
    assert dataset.StudyInstanceUID == source.StudyInstanceUID
    assert dataset.PatientID == (source.get("PatientID") or "")
    assert "DEMONSTRATION not for diagnosis" in dataset.SeriesDescription, which
    assert DEMONSTRATION in said_in(dataset), which


def of_any_ratio(file: bytes) -> Iterator[bytes]:
    """Outlines and lines that a film might have."""
    header = header_of(open_file(file))
    step = max(1, min(header.Rows, header.Columns) // 64)
    cells = np.zeros((3, header.Rows // step, header.Columns // step), np.bool_)
    cells[0, 20:50, 8:24] = cells[1, 20:50, 36:56] = cells[2, 35:50, 22:42] = True
    ratio = ratio_of(Outlines(cells[0], cells[1], cells[2], step), heart_error=1, thorax_error=1, method="by hand")
    identify = partial(report_identity, header.SOPInstanceUID, "pixels", XRAY, RECIPE)
    for overlay in of_ratio(header, ratio, card("phantom"), identify, datetime.now(UTC)):
        yield overlay.made.dicom


def said_in(dataset: pydicom.Dataset) -> str:
    """All that is written in an object, but not in pixels."""
    return "\n".join(str(each.value) for each in dataset.iterall() if each.VR in ("LO", "LT", "SH", "ST", "UT"))


def agree(answer: Answer) -> None:
    """Report, lines and outcome say the same."""
    assert answer.dicom is not None
    data, report = answer.outcome.data, read_findings_report(answer.dicom)
    scores = {finding.label: finding.score for finding in report.findings}
    assert scores == pytest.approx({one["label"]: one["score"] for one in data["findings"]}, abs=1e-6)
    by_kind = {one["kind"]: one["sopInstanceUID"] for one in data["overlays"]}
    assert {one["sopInstanceUID"] for one in data["overlays"]} == {*report.captures.values(), *report.objects}
    assert [made.result.sop_instance_uid for made in answer.objects] == [
        one["sopInstanceUID"] for one in data["overlays"]
    ]
    ratio = data["ratio"]
    if isinstance(report.ratio, RatioRefusal):
        assert str(report.ratio.code) == ratio["code"] != Code.MEASURED
        assert "segmentation" not in by_kind
        return
    assert report.ratio is not None
    assert report.ratio.value == pytest.approx(ratio["value"], abs=1e-4)
    assert report.ratio.uncertainty == pytest.approx(ratio["uncertainty"], abs=1e-4)
    per_pixel = ratio["spacing"][1] if ratio["spacing"] else 1
    widths = [(ratio[name][1][0] - ratio[name][0][0]) * per_pixel for name in ("heart", "thorax")]
    assert [report.ratio.heart, report.ratio.thorax] == pytest.approx(widths, rel=1e-3)
    lines = next(each.dicom for each in answer.objects if each.result.sop_instance_uid == by_kind["measurements"])
    drawn = sorted(graphics(pydicom.dcmread(BytesIO(lines))))
    assert np.ravel(drawn) == pytest.approx(
        np.ravel(sorted([*np.ravel(ratio[name])] for name in ("heart", "thorax"))), abs=0.006
    )


def graphics(item: Any) -> Iterator[list[float]]:
    for child in item.get("ContentSequence", ()):
        if "GraphicData" in child:
            yield list(child.GraphicData)
        yield from graphics(child)


def test_every_object_of_every_real_radiograph_is_valid(data: Path, tmp_path: Path) -> None:
    files = [*sorted((data / "cxr").iterdir()), *(data / "negatives" / name for name in NEGATIVES)]
    codes = set()
    for path in files:
        file = path.read_bytes()
        for dicom in of_any_ratio(file):
            check_object(dicom, file, path.name, tmp_path)
        if path.parent.name == "cxr":
            answer = read(file)
            check(file, path.name, answer, tmp_path)
            codes.add(answer.outcome.data["ratio"]["code"])
    assert {"MEASURED"} < codes


@pytest.mark.parametrize("mirrored", [False, True])
def test_every_object_of_a_phantom_is_valid(mirrored: bool, tmp_path: Path) -> None:
    film = chest_dx(5, 390, 320, ())
    if mirrored:
        film.PixelData = np.ascontiguousarray(film.pixel_array[:, ::-1]).tobytes()
        film.PatientOrientation = ["R", "F"]
    stream = BytesIO()
    pydicom.dcmwrite(stream, film, enforce_file_format=True)
    answer = read(stream.getvalue())
    check(stream.getvalue(), "phantom", answer, tmp_path)
    assert answer.outcome.data["ratio"]["code"] == Code.MEASURED

"""The model can be loaded before an image comes, with the weights that the server has seen; findings outlive what is drawn."""

from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from orthanc_ai.analyses import XRAY, XRAY_MODEL, Answer, Task
from orthanc_ai.codes import Code
from orthanc_ai.settings import AI
from orthanc_ai.xray import overlays
from orthanc_ai.xray.analysis import ModelLoader, RadiographReader
from orthanc_ai.xray.wanted import Wanted
from phantom.dicom import chest_dx
from tests.unit.networks import MODELS

from .reader import RECIPE, prepared, reader


def test_the_model_that_is_there_is_loaded() -> None:
    outcome = ModelLoader(reader()).read(Task(XRAY_MODEL, None, "", weights=prepared().weights_digest)).outcome
    assert outcome.code is Code.REPORTED


def test_other_weights_are_told_apart() -> None:
    outcome = ModelLoader(reader()).read(Task(XRAY_MODEL, None, "", weights="0" * 64)).outcome
    assert (outcome.code, outcome.detail) == (Code.HELD, "MODEL_TAMPERED")


def test_who_does_not_ask_for_the_model_that_outlines_needs_none(tmp_path: Path) -> None:
    for name in ("phantom", "findings.toml"):
        (tmp_path / name).symlink_to(MODELS / name)
    settings = {"Model": "phantom", "ModelsDirectory": tmp_path, "CacheDirectory": prepared().onnx.parent.parent}
    answer = RadiographReader(AI.model_validate(settings)).read(
        Task(XRAY, film(), RECIPE, weights=prepared().weights_digest)
    )
    assert answer.outcome.data["ratio"]["code"] == Code.MEASURED


def film() -> bytes:
    stream = BytesIO()
    pydicom.dcmwrite(stream, chest_dx(3, 640, 512), enforce_file_format=True)
    return stream.getvalue()


def drawn(no_objects: str = "") -> Answer:
    weights = prepared().weights_digest
    task = Task(XRAY, film(), RECIPE, weights=weights, context=Wanted(overlays=True), no_objects=no_objects)
    return reader().read(task)


def test_a_fault_in_drawing_costs_what_is_drawn_and_neither_the_rest_nor_the_findings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = drawn()
    kinds = [one["kind"] for one in whole.outcome.data["overlays"]]
    assert kinds[-2:] == ["segmentation", "measurements"]
    monkeypatch.setattr(overlays, "heat_maps", lambda *_: 1 / 0)
    outcome = drawn().outcome
    assert (outcome.code, [one["kind"] for one in outcome.data["overlays"]]) == (Code.REPORTED, kinds[-2:])
    assert Code.OVERLAYS_NOT_WRITTEN in outcome.notes
    assert "ZeroDivisionError" in outcome.detail
    assert outcome.recipe == whole.outcome.recipe
    assert outcome.result != whole.outcome.result, "two different reports with one identifier"


def test_a_report_without_what_orthanc_did_not_take_says_so() -> None:
    answer = drawn("STORE_REFUSED: no")
    assert answer.objects == ()
    assert "overlays" not in answer.outcome.data
    assert answer.outcome.detail == "STORE_REFUSED: no"
    assert answer.dicom
    assert Code.OVERLAYS_NOT_WRITTEN.encode() in answer.dicom

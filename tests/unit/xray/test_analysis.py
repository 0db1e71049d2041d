"""The model can be loaded before an image comes, and only with the weights that the server has seen."""

from orthanc_ai.analyses import XRAY_MODEL, Task
from orthanc_ai.codes import Code
from orthanc_ai.xray.analysis import ModelLoader

from .reader import prepared, reader


def test_the_model_that_is_there_is_loaded() -> None:
    outcome = ModelLoader(reader()).read(Task(XRAY_MODEL, None, "", weights=prepared().weights_digest)).outcome
    assert outcome.code is Code.REPORTED


def test_other_weights_are_told_apart() -> None:
    outcome = ModelLoader(reader()).read(Task(XRAY_MODEL, None, "", weights="0" * 64)).outcome
    assert (outcome.code, outcome.detail) == (Code.HELD, "MODEL_TAMPERED")

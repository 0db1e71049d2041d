import os
import subprocess
import sys

import numpy as np
import pytest

from orthanc_ai.accelerator import PACKAGE_PARENT
from orthanc_ai.codes import Code
from orthanc_ai.models import inference
from orthanc_ai.models.engine import Floats, OnnxEngine
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.inference import bounded, open_device
from tests.unit.networks import prepared

HANGS = """
import time
from orthanc_ai.models.inference import bounded
bounded(lambda images: time.sleep(600), 0.2)(None)
"""


def test_a_batch_that_never_ends_ends_its_process() -> None:
    command, environment = [sys.executable, "-c", HANGS], {**os.environ, "PYTHONPATH": PACKAGE_PARENT}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_a_batch_in_time_does_not() -> None:
    images = np.ones((1, 1, 2, 2), np.float32)
    assert bounded(lambda batch: batch * 2, 600.0)(images).sum() == 8


@pytest.mark.parametrize("wrong", [0.003, float("nan")])
def test_a_device_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: float) -> None:
    right = OnnxEngine(prepared())

    class Wrong(OnnxEngine):
        def scores_and_activations(self, batch: Floats) -> tuple[Floats, Floats]:
            scores, activations = super().scores_and_activations(batch)
            return scores + np.float32(wrong), activations

    engines = iter([Wrong(prepared()), right])
    monkeypatch.setattr(inference, "load_engine", lambda *_, **__: next(engines))
    with pytest.raises(ModelError, match="differ from the CPU") as caught:
        open_device(prepared(), "onnx", "cuda")
    assert caught.value.code is Code.DEVICE_MISSING

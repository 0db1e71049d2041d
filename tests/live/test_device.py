"""Where scores are computed. No test machine has a GPU: everything but the GPU is real, and the processors stand in for it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from orthanc_ai.outcomes import XRAY_METADATA

from .orthanc import Orthanc

IMAGES = ("gdcm_cr_mono1_10bit_440.dcm", "nih_dx_mono2_8bit_implicit_nofinding.dcm")

STAND_IN = """#!/bin/sh
case "$*" in *orthanc_ai.models.inference*) set -- "$@" --device cpu ;; esac
exec /opt/venv/bin/python3 "$@"
"""
"""An interpreter for AI.Python with which the process for the GPU computes on the processors."""


@pytest.fixture
def stand_in(tmp_path: Path) -> str:
    python = tmp_path / "python3"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    return str(python)


def processes(orthanc: Orthanc) -> list[int]:
    """Processes of a server that compute scores for its workers."""
    parent, found = str(orthanc.pid), []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            command = (stat.parent / "cmdline").read_bytes()
            if stat.read_text().rsplit(")", 1)[1].split()[1] == parent and b"orthanc_ai.models.inference" in command:
                found.append(int(stat.parent.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def test_without_the_gpu_that_is_asked_for_work_is_held(make_server: Callable[..., Orthanc], data: Path) -> None:
    """Never silently on the processors: the images are stored and wait, and everybody is told why."""
    orthanc = make_server({"Device": "cuda"}).start()
    orthanc.wait_until(
        lambda: orthanc.get("/ai/status")["model"]["code"] == "DEVICE_MISSING", "the status says not why"
    )
    instances = orthanc.upload([data / "cxr" / name for name in IMAGES])
    orthanc.wait_idle(with_model=False)
    assert orthanc.reports() == []
    for instance in instances:
        outcome = orthanc.outcome("instances", instance, XRAY_METADATA)
        assert outcome is not None
        assert (outcome["code"], outcome["detail"]) == ("HELD", "DEVICE_MISSING")
    status = orthanc.get("/ai/status")
    assert status["device"] is None
    assert "without CUDA" in status["model"]["detail"]
    assert "DEVICE_MISSING: ONNX Runtime" in orthanc.log_text()
    orthanc.stop()
    # The administrator lets the processors do it.
    orthanc.ai["Device"] = "auto"
    orthanc.start()
    orthanc.wait_until(lambda: len(orthanc.reports()) == len(IMAGES), "what was held is not read")
    assert orthanc.get("/ai/status")["device"] == "cpu"
    assert "scores are computed on the processors (AI.Device is auto)" in orthanc.log_text()
    assert processes(orthanc) == []


def test_one_process_computes_for_all_workers(make_server: Callable[..., Orthanc], data: Path, stand_in: str) -> None:
    orthanc = make_server({"Device": "cuda", "Python": stand_in}).start()
    orthanc.upload([data / "cxr" / IMAGES[0]])
    orthanc.wait_idle()
    assert len(orthanc.reports()) == 1, orthanc.log_text()[-2000:]
    assert orthanc.get("/ai/status")["device"] == "cuda"
    (first,) = processes(orthanc)
    # It dies: what comes meanwhile waits for the next one.
    os.kill(first, signal.SIGKILL)
    orthanc.upload([data / "cxr" / IMAGES[1]])
    orthanc.wait_until(lambda: len(orthanc.reports()) == 2, "the second film is not read")
    (second,) = processes(orthanc)
    assert second != first
    assert orthanc.stop(signal.SIGTERM) == 0
    orthanc.wait_until(lambda: not Path(f"/proc/{second}").exists(), "the process lives on")


def test_it_does_not_outlive_a_killed_server(make_server: Callable[..., Orthanc], stand_in: str) -> None:
    orthanc = make_server({"Device": "cuda", "Python": stand_in}).start()
    orthanc.wait_until(lambda: bool(processes(orthanc)), "there is no process")
    orthanc.wait_idle()
    (process,) = processes(orthanc)
    orthanc.kill()
    orthanc.wait_until(lambda: not Path(f"/proc/{process}").exists(), "the process lives on")

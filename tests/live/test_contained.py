"""A job can't hurt the server: it costs itself, and nothing else."""

import os
import signal
from collections.abc import Callable

from pydicom import Dataset

from orthanc_ai.outcomes import XRAY_METADATA
from phantom.dicom import chest_dx

from .faults import FAULTY_PYTHON
from .orthanc import Orthanc

BOUNDS = {"Python": str(FAULTY_PYTHON), "JobTimeout": 10, "WorkerMemoryMiB": 2048, "MaxAttempts": 2, "RetryPause": 0.2}


def film(seed: int, patient: str) -> Dataset:
    return chest_dx(seed, 128, 128, PatientID=patient)


def test_a_crash_a_hang_and_a_glutton_cost_one_job_each(make_server: Callable[..., Orthanc]) -> None:
    """They are tried again, then parked with the reason; the films around them are read, and the place moves on."""
    orthanc = make_server(BOUNDS).start()
    faults = {"SEGV": "WORKER_DIED", "HANG": "DEADLINE_EXCEEDED", "EAT": "WORKER_DIED"}
    patients = ["SOUND", *faults, "SOUND", "SOUND"]
    stored = orthanc.upload(film(seed, patient) for seed, patient in enumerate(patients))
    orthanc.wait_until(lambda: orthanc.get("/ai/status")["queue"]["failed"] == len(faults), "they are not parked")
    orthanc.wait_idle()
    for patient, instance in zip(patients, stored, strict=True):
        outcome = orthanc.outcome("instances", instance, XRAY_METADATA)
        assert outcome is not None
        if patient == "SOUND":
            assert outcome["code"] == "REPORTED"
        else:
            assert (outcome["code"], outcome["attempts"]) == ("FAILED", 2)
            assert outcome["detail"].startswith(faults[patient] + ": ")
    memory = orthanc.outcome("instances", stored[3], XRAY_METADATA)
    assert memory is not None
    assert "WorkerMemoryMiB" in memory["detail"]
    orthanc.wait_until(lambda: orthanc.metric("orthanc_ai_workers_replaced_total") == 6, "they are not counted")


def test_a_fault_that_passes_is_forgiven(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server(BOUNDS).start()
    stored = orthanc.upload(film(seed, patient) for seed, patient in enumerate(("ONCE-SEGV", "ONCE-HANG", "ONCE-EAT")))
    orthanc.wait_until(lambda: len(orthanc.reports()) == len(stored), "they are not read the second time")


def test_what_is_parked_stays_so_over_a_restart(make_server: Callable[..., Orthanc]) -> None:
    """Until somebody asks for it."""
    orthanc = make_server(BOUNDS).start()
    [poison] = orthanc.upload([film(1, "SEGV")])
    orthanc.wait_until(lambda: orthanc.get("/ai/status")["queue"]["failed"] == 1, "it is not parked")
    before = orthanc.outcome("instances", poison, XRAY_METADATA)
    orthanc.kill()
    orthanc.start()
    orthanc.wait_idle()
    assert orthanc.outcome("instances", poison, XRAY_METADATA) == before
    orthanc.stop()
    # The decoder is repaired.
    orthanc.ai.pop("Python")
    orthanc.start()
    orthanc.post("/ai/jobs/retry")
    orthanc.wait_until(lambda: len(orthanc.reports()) == 1, "it is not tried again")


def test_workers_killed_at_work_are_replaced(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"RetryPause": 0.2, "MaxAttempts": 5}).start()
    stored = 0
    for how in (signal.SIGKILL, signal.SIGSEGV, signal.SIGKILL):
        stored += len(orthanc.upload(chest_dx(stored + number, 1024, 1024) for number in range(4)))
        orthanc.wait_until(lambda: bool(orthanc.workers()), "there is no worker")
        os.kill(orthanc.workers()[0], how)
        orthanc.wait_until(lambda due=stored: len(orthanc.reports()) == due, "reports are missing")  # type: ignore[misc]

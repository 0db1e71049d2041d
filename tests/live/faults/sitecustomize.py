"""Makes pydicom misbehave where a Patient ID says so: the faults of codecs that no real file provokes at will.

Patient ID ``SEGV``, ``HANG`` or ``EAT``: the worker crashes, hangs, or takes all memory. With ``ONCE-`` before it, only
the first of all workers that meets the image does. ``WAIT``: it waits for the file that the environment variable
``ORTHANC_AI_FAULTS_GO`` names.
"""

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pydicom

_read = pydicom.dcmread


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    # As deaf as a loop inside a library.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _eat() -> None:
    eaten = []
    while True:
        eaten.append(bytearray(64 * 1024 * 1024))


def _wait() -> None:
    while not Path(os.environ["ORTHANC_AI_FAULTS_GO"]).exists():
        time.sleep(0.05)


_FAULTS = {"SEGV": _crash, "HANG": _hang, "EAT": _eat, "WAIT": _wait}


def _misbehaving_read(*arguments: Any, **options: Any) -> Any:
    dataset = _read(*arguments, **options)
    fault = str(dataset.get("PatientID", ""))
    if fault.startswith("ONCE-"):
        try:
            (Path(tempfile.gettempdir()) / f"fault-{dataset.SOPInstanceUID}").touch(exist_ok=False)
        except FileExistsError:
            return dataset
        fault = fault.removeprefix("ONCE-")
    if fault in _FAULTS:
        _FAULTS[fault]()
    return dataset


pydicom.dcmread = _misbehaving_read

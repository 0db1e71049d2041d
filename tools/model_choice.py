"""Which model the server uses: decided once, kept beside the data.

The server itself never changes from one model to another. So it is here, before its first start, that a machine without
network gets the demonstration model, said loudly.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PRODUCT = Path(__file__).resolve().parents[1]
DEMONSTRATION = "phantom"
"""The model that is part of this project and needs no network."""

FETCH_TIMEOUT = 60
"""Seconds that the first start waits for the weights of the model of record, some 30 MB."""

# Exit statuses of orthanc_ai.models.prepare.
READY, UNAVAILABLE = 0, 3


type Prepare = Callable[[str, Path], int]


class ModelChoiceError(Exception):
    """No model could be chosen. The message can be shown to users."""


def choose(asked: str, record: str, data: Path, prepare: Prepare | None = None) -> str:
    """Return the name of the model that the server is to be configured for, and keep it for later starts.

    Parameters
    ----------
    asked
        What the user asked for; empty if nothing.
    record
        The model of record: what a server uses that can have it.
    data
        Folder of the server's data; the choice is kept in its file ``model``.
    prepare
        What makes a model ready, as :func:`prepare_model`.

    Raises
    ------
    ModelChoiceError
        If a model's files are not what they should be, or the demonstration model itself is not usable.
    """
    prepare = prepare or prepare_model
    kept = data / "model"
    if asked:
        model = asked
        if prepare(model, data) == UNAVAILABLE:
            _say(f"The weights of {model} cannot be fetched now. The server starts, holds the work and waits for them.")
    elif kept.exists():
        model = kept.read_text("utf-8").strip()
        _say(f"Model {model}, as decided on the first start (MODEL=... chooses another).")
        prepare(model, data)
    elif prepare(record, data) == READY:
        model = record
    else:
        model = DEMONSTRATION
        _shout(
            f"The weights of the model of record, {record}, cannot be fetched from here.",
            f"This server takes the DEMONSTRATION model, {model}: trained on digital phantoms,",
            "its findings mean nothing for patients. NOT FOR DIAGNOSIS.",
            "Later starts keep this choice. With network access: make run MODEL=" + record,
        )
        if prepare(model, data) != READY:
            raise ModelChoiceError(f"The demonstration model {model} is not complete in this checkout.")
    kept.write_text(model + "\n", "utf-8")
    return model


def prepare_model(model: str, data: Path) -> int:
    """Fetch, check and export a model's files unless that is done; return ``READY`` or ``UNAVAILABLE``.

    Raises
    ------
    ModelChoiceError
        If there is no such model, or its files are not what they should be.
    """
    _say(f"Preparing the model {model}")
    command = [sys.executable, "-m", "orthanc_ai.models.prepare", model]
    command += ["--models", str(PRODUCT / "models"), "--cache", str(data / "ai" / "models")]
    command += ["--timeout", str(FETCH_TIMEOUT)]
    status = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(PRODUCT / "plugin")}, check=False).returncode
    if status in (READY, UNAVAILABLE):
        return status
    raise ModelChoiceError(f"The model {model} cannot be used; the message above says why.")


def _say(text: str) -> None:
    print(text, flush=True)


def _shout(*lines: str) -> None:
    width = max(map(len, lines))
    frame = "*" * (width + 4)
    print("", frame, *(f"* {line:<{width}} *" for line in lines), frame, "", sep="\n", flush=True)

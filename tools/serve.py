"""Runs the server in the foreground of the box, from first preparation to clean stop; see tools/run.

Orthanc gets a session of its own, so that Ctrl-C in a terminal reaches this module alone, which then stops Orthanc by
SIGTERM. The caller's end is noticed by the closing of a pipe: however it ends, nothing is left running.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import TextIO

from tools.client import Client, ServerError
from tools.configure import Configuration, read_configuration, with_changes
from tools.model_choice import DEMONSTRATION, PRODUCT, ModelChoiceError, choose

DATA = Path("/var/lib/orthanc")
EFFECTIVE = Path("/run/orthanc.json")

START_TIMEOUT = 120.0
"""Seconds until a starting Orthanc must answer: an index of some years' work takes its time to open."""

NO_DELAY = {"TCP_NODELAY": "1"}
"""For DCMTK (its envvars.txt). Orthanc's own builds of it send each answer at once; Debian's lets it wait for the
acknowledgement of what was sent before, so that each C-STORE takes 45 ms longer."""

STOP_TIMEOUT = 40.0
"""Seconds that Orthanc gets to stop, which takes 3 to 5, or more with callbacks in its queue."""


class ServeError(Exception):
    """The server cannot run. The message can be shown to users."""


def check_port(port: int, purpose: str, variable: str) -> None:
    """Check that a port is free.

    Raises
    ------
    ServeError
        If it is not, naming the variable that chooses another.
    """
    with socket.socket() as trial:
        # As Orthanc does: a port in TIME_WAIT from the last run is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("0.0.0.0", port))  # as Orthanc binds it
        except OSError as error:
            raise ServeError(
                f"Port {port} for {purpose} cannot be used: {error.strerror}. Choose another: make run {variable}=..."
            ) from None


def lock_data() -> TextIO:
    """Take the data folder for this process; the lock is held as long as the returned file is open.

    Raises
    ------
    ServeError
        If another server uses it.
    """
    lock = (DATA / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ServeError("Another server uses this data folder. Choose another: make run DATA_DIR=...") from None
    return lock


def stop_event(pipe: int) -> threading.Event:
    """Return an event that is set when the other end of the pipe is closed."""
    stop = threading.Event()

    def wait_for_end() -> None:
        while os.read(pipe, 1):
            pass
        stop.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    return stop


def set_on_signals(stop: threading.Event) -> None:
    """Let SIGINT, SIGTERM and SIGHUP set the event."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)


def wait_until_ready(orthanc: "subprocess.Popen[bytes]", client: Client, stop: threading.Event) -> bool:
    """Wait until the started server answers; return whether it does (not if it was stopped meanwhile).

    Raises
    ------
    ServeError
        If it ends or does not answer in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not stop.wait(0.2):
        if orthanc.poll() is not None:
            raise ServeError(f"Orthanc ended (exit status {orthanc.returncode}) before it was ready; see above.")
        try:
            client.get("/ai/status")
        except ServerError as error:
            if time.monotonic() > deadline:
                raise ServeError(f"Orthanc was not ready after {START_TIMEOUT:.0f} s: {error}") from None
        else:
            return True
    return False


def end(orthanc: "subprocess.Popen[bytes]") -> int:
    """Stop Orthanc and everything that it started; return its exit status."""
    if orthanc.poll() is None:
        print("Stopping", flush=True)
        orthanc.terminate()
        try:
            orthanc.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            print(f"Orthanc did not stop within {STOP_TIMEOUT:.0f} s; it is killed.", file=sys.stderr, flush=True)
    with contextlib.suppress(ProcessLookupError):  # the usual case: Orthanc was the last of its session
        os.killpg(orthanc.pid, signal.SIGKILL)
    return orthanc.wait()


def announcement(configuration: Configuration, data: str) -> str:
    """One line with the addresses of the running server."""
    web = f"http://127.0.0.1:{configuration['HttpPort']}"
    aet = configuration.get("DicomAet", "ORTHANC")
    model = configuration["AI"]["Model"]
    if model == DEMONSTRATION:
        model += " (demonstration, not for diagnosis)"
    return (
        f"Ready: Orthanc {web}/  operation {web}/ai/  viewer {web}/ohif/  "
        f"DICOM {aet}@127.0.0.1:{configuration['DicomPort']}  model {model}  data {data}"
    )


def serve(http_port: int, dicom_port: int, model: str, data: str, pipe: int | None) -> None:
    """Run the server until it is told to stop.

    Parameters
    ----------
    http_port, dicom_port
        Where to listen.
    model
        Name of the model that the user asked for; empty to decide once and keep that.
    data
        What to call the data folder in messages.
    pipe
        File descriptor whose closing at the other end stops the server.

    Raises
    ------
    ServeError, ModelChoiceError
        If it cannot run, or does not stop cleanly.
    """
    stop = threading.Event() if pipe is None else stop_event(pipe)
    set_on_signals(stop)
    for folder in ("db", "ai"):
        (DATA / folder).mkdir(exist_ok=True)
    with lock_data():
        check_port(http_port, "HTTP", "HTTP_PORT")
        check_port(dicom_port, "DICOM", "DICOM_PORT")
        base = read_configuration(PRODUCT / "orthanc.json")
        chosen = choose(model, base.get("AI", {}).get("Model", "densenet121-res224-all"), DATA)
        changes = {"HttpPort": http_port, "DicomPort": dicom_port, "AI.Model": chosen}
        configuration = with_changes(base, changes)
        EFFECTIVE.write_text(json.dumps(configuration, indent=2), "utf-8")
        orthanc = subprocess.Popen(["Orthanc", str(EFFECTIVE)], start_new_session=True, env={**NO_DELAY, **os.environ})
        try:
            if wait_until_ready(orthanc, Client.for_configuration(configuration), stop):
                print(announcement(configuration, data), flush=True)
            while orthanc.poll() is None and not stop.wait(0.5):
                pass
        finally:
            status = end(orthanc)
    if not stop.is_set():
        raise ServeError(f"Orthanc ended by itself (exit status {status}); see above.")
    if status:
        raise ServeError(f"Orthanc did not stop cleanly (exit status {status}); see above.")


def main() -> int:
    """Run the server as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description="Runs the server in the foreground.")
    parser.add_argument("--http-port", type=int, default=8042)
    parser.add_argument("--dicom-port", type=int, default=4242)
    parser.add_argument("--model", default="", help="model to configure; decided on the first start otherwise")
    parser.add_argument("--data-name", default=str(DATA), help="what to call the data folder in messages")
    parser.add_argument("--stop-pipe", type=int, help="file descriptor whose closing stops the server")
    options = parser.parse_args()
    try:
        serve(options.http_port, options.dicom_port, options.model, options.data_name, options.stop_pipe)
    except (ServeError, ModelChoiceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A real Orthanc for the live tests: started, asked, killed and started again."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import requests
from pynetdicom import AE
from requests import Response

from tools.serve import NO_DELAY

from .image import server_command

ROOT = Path(__file__).resolve().parents[2]

MODELS_CACHE = Path(os.environ.get("ORTHANC_AI_MODELS_CACHE", "/var/lib/orthanc/ai/models"))
"""Where the test set-up has left the exported demonstration model; exporting it anew costs 15 s each time."""

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
CALLING_AET = "PYNETDICOM"


_PORTS = 5000
"""Ports of each of the processes that run tests side by side; all of them below those that Linux gives to clients."""

_given: set[int] = set()


def free_port() -> int:
    """A TCP port that nobody listens on, and another one each time: two are asked for before either is used."""
    first = 10_000 + _PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = random.randrange(first, first + _PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def read_configuration() -> dict[str, Any]:
    """The product's own orthanc.json; Orthanc allows comments in it."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / "orthanc.json").read_text(), flags=re.MULTILINE)
    configuration: dict[str, Any] = json.loads(text)
    return configuration


class Orthanc:
    """One server with the product's configuration, in a folder of its own.

    Parameters
    ----------
    folder
        For database, log and configuration.
    ai
        Fields of the ``AI`` section that differ from the product's.
    options
        Options of Orthanc that differ from the product's; ``None`` takes one away.
    """

    def __init__(
        self, folder: Path, ai: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        self.folder = folder
        self.ai = {
            "Model": "phantom",
            "CacheDirectory": str(MODELS_CACHE),
            "BatchesDirectory": str(folder / "batches"),
            **(ai or {}),
        }
        self.options = dict(options or {})
        # Who asks, if the server wants to know: the first of its users.
        users = self.options.get("RegisteredUsers", {}) if self.options.get("AuthenticationEnabled") else {}
        self.user: tuple[str, str] | None = next(iter(users.items()), None)
        self.port = free_port()
        self.dicom_port = free_port()
        self.log = folder / "orthanc.log"
        self.killed = False
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process number of the running server."""
        assert self._process is not None
        return self._process.pid

    # Life

    def configuration(self) -> Path:
        """Write the configuration that the server starts with."""
        configuration = read_configuration()
        configuration |= {
            "StorageDirectory": str(self.folder / "db"),
            "IndexDirectory": str(self.folder / "db"),
            "HttpPort": self.port,
            "DicomPort": self.dicom_port,
            "StableAge": 2,
            **self.options,
        }
        configuration["AI"] = {**configuration["AI"], **self.ai}
        configuration = {name: value for name, value in configuration.items() if value is not None}
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(configuration, indent=1))
        return path

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it."""
        with self.log.open("ab") as log:
            command = server_command(self.configuration(), [self.folder, MODELS_CACHE])
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **NO_DELAY})
        return self._process

    def start(self) -> "Orthanc":
        """Start the server and wait until it answers."""
        self.launch()
        self.wait_for_http("/ai/status")
        return self

    def wait_for_http(self, path: str) -> None:
        """Wait until a path answers."""

        def answers() -> bool:
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"Orthanc ended with {self._process.returncode}:\n{self.log_text()[-3000:]}")
            try:
                return requests.get(self.url + path, auth=self.user, timeout=5).ok
            except requests.RequestException:
                return False

        self.wait_until(answers, "Orthanc did not answer", START_TIMEOUT_S)

    def wait_until(self, condition: Callable[[], bool], otherwise: str, timeout: float = 60.0) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise}\n{self.log_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server, and say how it ended."""
        if self._process is None or self._process.poll() is not None:
            # What has ended by itself is looked at by the test that expects it.
            self._process = None
            return 0
        self._process.send_signal(how)
        code = self._process.wait(STOP_TIMEOUT_S)
        self._process = None
        return code

    @property
    def running(self) -> bool:
        """Whether the process that was started is still there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut: no farewell."""
        self.killed = True
        self.stop(signal.SIGKILL)

    def workers(self) -> list[int]:
        """Process numbers of the running worker processes."""
        parent, found = str(self.pid), []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
                if fields[1] == parent and b"spawn_main" in (stat.parent / "cmdline").read_bytes():
                    found.append(int(stat.parent.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # HTTP

    def request(self, method: str, path: str, **options: Any) -> Response:
        return requests.request(method, self.url + path, **{"auth": self.user, "timeout": 60, **options})

    def get(self, path: str, **options: Any) -> Any:
        """JSON of a path that must be there."""
        answer = self.request("GET", path, **options)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.request("POST", path, json=body)
        answer.raise_for_status()
        return answer.json()

    def version(self) -> tuple[int, ...]:
        """Version of this Orthanc, e.g. ``(1, 12, 7)``."""
        return tuple(int(number) for number in self.get("/system")["Version"].split("."))

    def answers(self, path: str, user: tuple[str, str] | None = None, host: str = "127.0.0.1") -> int:
        """HTTP status of a path for a user, by way of an address of this machine; 0 if nobody listens."""
        try:
            return requests.get(f"http://{host}:{self.port}{path}", auth=user, timeout=10).status_code
        except requests.RequestException:
            return 0

    # Three ways in. Each answers with the Orthanc identifiers of what is stored afterwards.

    def upload(self, files: Iterable[Path | pydicom.Dataset]) -> list[str]:
        """By POST /instances; refused files are left out."""
        stored = []
        with requests.Session() as session:
            session.auth = self.user
            for file in files:
                data = _file(file) if isinstance(file, pydicom.Dataset) else file.read_bytes()
                answer = session.post(self.url + "/instances", data=data, timeout=60)
                if answer.ok:
                    stored.append(answer.json()["ID"])
        return stored

    def send(
        self, files: Iterable[Path | pydicom.Dataset], calling_aet: str = CALLING_AET, host: str = "127.0.0.1"
    ) -> list[int]:
        """By C-STORE, one association for all; the DIMSE status of each."""
        datasets = [file if isinstance(file, pydicom.Dataset) else pydicom.dcmread(file, force=True) for file in files]
        entity = AE(ae_title=calling_aet)
        wanted = {(str(data.SOPClassUID), str(data.file_meta.TransferSyntaxUID)) for data in datasets}
        for sop_class, syntax in sorted(wanted):
            entity.add_requested_context(sop_class, syntax)
        association = entity.associate(host, self.dicom_port, ae_title="ORTHANC")
        if not association.is_established:
            raise ConnectionError("the server refused the association")
        try:
            return [int(association.send_c_store(data).Status) for data in datasets]
        finally:
            association.release()

    def stow(self, files: Iterable[Path]) -> Response:
        """By STOW-RS, all in one request (PS3.18 section 10.5)."""
        boundary = "boundary-of-the-parts"
        parts = b"".join(
            f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + file.read_bytes() + b"\r\n"
            for file in files
        )
        content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        return self.request(
            "POST",
            "/dicom-web/studies",
            data=parts + f"--{boundary}--\r\n".encode(),
            headers={"Content-Type": content_type, "Accept": "application/dicom+json"},
        )

    # Waiting and looking

    def wait_idle(self, timeout: float = 120.0, *, with_model: bool = True) -> None:
        """Wait until everything that was stored up to now is settled, with the model if it is to be there."""

        def idle() -> bool:
            status = self.get("/ai/status")
            queue = status["queue"]
            page = self.get(f"/changes?since={queue['place']}&limit=1&type=NewInstance;StableStudy")
            return not page["Changes"] and queue["idle"] and status["model"]["ready"] is with_model

        self.wait_until(idle, "it is still busy", timeout)

    def outcome(self, level: str, identifier: str, metadata: str) -> dict[str, Any] | None:
        """The outcome in a resource's metadata."""
        answer = self.request("GET", f"/{level}/{identifier}/metadata/{metadata}")
        return json.loads(answer.text) if answer.ok else None

    def find(self, level: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Resources from the index, with tags and labels."""
        found: list[dict[str, Any]] = self.post("/tools/find", {"Level": level, "Query": dict(query), "Expand": True})
        return found

    def metric(self, name: str) -> float | None:
        """A value of Orthanc's own metrics."""
        for line in self.request("GET", "/tools/metrics-prometheus").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return None

    def reports(self) -> list[str]:
        """Orthanc identifiers of all SR instances."""
        return [instance for series in self.find("Series", {"Modality": "SR"}) for instance in series["Instances"]]

    def dataset(self, instance: str) -> pydicom.Dataset:
        """An instance as it is stored."""
        return pydicom.dcmread(BytesIO(self.request("GET", f"/instances/{instance}/file").content))


def _file(dataset: pydicom.Dataset) -> bytes:
    """A dataset as a DICOM file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()

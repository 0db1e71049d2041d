"""The process that owns the GPU, seen from the server: started when the model is ready, watched, ended with the server.

Without a GPU nothing of this runs: each worker then computes scores itself.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from .codes import Code
from .models.address import Address
from .models.errors import ModelError
from .models.prepared import Prepared
from .server import Server
from .settings import AI

START_S = 180.0
"""How long it may take to load CUDA's libraries, gigabytes from a slow disk, and the model."""

STOP_CHECK_S = 0.5
"""How often the wait for its start looks whether the server stops."""

NVIDIA_DRIVER = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""What NVIDIA's driver shows, on Linux and in Windows' subsystem for Linux. Without it, no library can find a GPU."""

PACKAGE_PARENT = str(Path(__file__).resolve().parent.parent)
"""Where `orthanc_ai` lies, for the child."""

_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PATH", "LANG")
"""Environment variables that the child gets: which GPU, and where CUDA's libraries are."""

_READY = "READY"


class Accelerator:
    """Takes the device that ``AI.Device`` asks for.

    Parameters
    ----------
    on_lost
        Called when the process has died that has computed scores so far.
    processors
        Whether the process is to use the processors, as tests do where there is no GPU.
    """

    def __init__(self, server: Server, settings: AI, on_lost: Callable[[], None], *, processors: bool = False) -> None:
        self._server = server
        self._settings = settings
        self._on_lost = on_lost
        self._processors = processors
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self.taken: str | None = None
        """``cpu`` or ``cuda``; ``None`` as long as that is open."""

    def take(self, prepared: Prepared) -> None:
        """Make the device ready for a model, unless it is; waits until it can be used.

        Raises
        ------
        ModelError
            ``DEVICE_MISSING`` if there is no GPU but only a GPU may be used. Whatever else is wrong with the model.
        """
        if self.address(prepared) is not None or (self.taken == "cpu" and self._settings.device == "cpu"):
            return
        self.taken = None
        self._end()
        if self._settings.device == "cpu":
            self.taken = "cpu"
            return
        try:
            # Nobody who has asked for nothing is to wait for a process that finds no GPU.
            if self._settings.device == "auto" and not any(file.exists() for file in NVIDIA_DRIVER):
                raise ModelError(Code.DEVICE_MISSING, "there is no NVIDIA driver on this machine")
            self._start(prepared)
        except ModelError as error:
            if error.code is not Code.DEVICE_MISSING or self._settings.device == "cuda":
                raise
            self._server.warn(f"AI: scores are computed on the processors (AI.Device is auto): {error}")
            self.taken = "cpu"
            return
        self._server.warn("AI: scores are computed on the GPU, by one process for all workers")
        self.taken = "cuda"

    def address(self, prepared: Prepared) -> Address | None:
        """Where workers reach the process; ``None`` if there is none for this model, so that they compute themselves."""
        child = self._child
        return child.address if child is not None and child.prepared == prepared and child.alive() else None

    def give_up(self) -> None:
        """Make no other process; the one that is there goes on, for those who are at work."""
        self._stopping.set()

    def stop(self) -> None:
        """End the process, and make no other one."""
        self._stopping.set()
        self._end()

    def _end(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def _start(self, prepared: Prepared) -> None:
        with self._lock:
            if self._stopping.is_set():
                raise ModelError(Code.DEVICE_MISSING, "the server is stopping")
            child = self._child = _Child(self._settings, prepared, self._lost, "cpu" if self._processors else "cuda")
        waited = 0.0
        while not child.told.wait(STOP_CHECK_S):
            waited += STOP_CHECK_S
            if waited >= START_S or self._stopping.is_set():
                break
        if child.answer.partition(" ")[0] == _READY:
            return
        self._end()
        code, _, detail = child.answer.partition(" ")
        known = code in Code.__members__
        raise ModelError(
            Code(code) if known else Code.DEVICE_MISSING,
            detail if known else f"the process for the GPU did not start: {child.answer or f'{waited:.0f} s'}",
        )

    def _lost(self, child: "_Child") -> None:
        """Its process has ended by itself."""
        with self._lock:
            if child is not self._child or self._stopping.is_set():
                return
            self._child = None
        child.end()
        if child.answer.partition(" ")[0] == _READY:
            self._server.error("AI: the process that computes scores on the GPU has died; another one is made")
            self._on_lost()


class _Child:
    """One process, and what it has said."""

    def __init__(self, settings: AI, prepared: Prepared, on_end: Callable[["_Child"], None], device: str) -> None:
        self.prepared = prepared
        # Only this user may enter it: 0700.
        self._folder = Path(tempfile.mkdtemp(prefix="orthanc-ai-"))
        self.address = Address(str(self._folder / "scores"), secrets.token_bytes(32))
        self.told = threading.Event()
        self.answer = ""
        self._on_end = on_end
        command = [
            *(str(settings.python), "-m", "orthanc_ai.models.inference", prepared.card.name),
            *("--models", str(settings.models_directory), "--cache", str(settings.cache_directory)),
            *("--socket", self.address.path, "--engine", settings.engine, "--device", device),
        ]
        environment = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
        environment |= {"PYTHONPATH": PACKAGE_PARENT, "HOME": str(settings.cache_directory)}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                env=environment,
            )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ModelError(Code.DEVICE_MISSING, f"{settings.python} cannot be started: {error.strerror}") from error
        threading.Thread(target=self._listen, name="ai-gpu", daemon=True).start()

    def alive(self) -> bool:
        """Whether it can be asked for scores."""
        return self.told.is_set() and self._process.poll() is None

    def end(self) -> None:
        """End it, and wait until it has ended."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        """Hand over the key, take its answer, wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(self.address.key.hex() + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended; what it said is in its output
        # Libraries may say something, too; the answer is the line that begins with a code.
        for line in self._process.stdout:
            first = line.partition(" ")[0]
            if first == _READY or first in Code.__members__:
                self.answer = line.strip()
                self.told.set()
        self._process.wait()
        self.told.set()
        self._on_end(self)

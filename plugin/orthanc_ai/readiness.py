"""Whether the configured models are there; until they are, the work that needs them is held.

Fetching, checking and exporting a model means unpickling it, so it happens in a process of its own
(`python3 -m orthanc_ai.models.prepare`), never in the server. No other model ever takes its place.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .accelerator import Accelerator
from .analyses import NotReadyError
from .codes import Code
from .faults import place
from .models.address import Address
from .models.card import ModelCard, load_card, with_thresholds
from .models.errors import ModelError
from .models.prepared import Prepared, load_prepared
from .models.segmentation_card import SEGMENTATION, SegmentationCard, load_segmentation_card
from .server import Server
from .settings import AI

FETCH_TIMEOUT_S = 600
"""Bound on one attempt to fetch weights: 30 MB over a slow line."""

PAUSES_S = (5, 30, 120, 600)
"""Pauses between attempts; the last one repeats."""

PACKAGE_PARENT = str(Path(__file__).resolve().parent.parent)
"""Where `orthanc_ai` lies, for the child."""

_EXIT_CODES = {3: Code.MODEL_MISSING, 4: Code.MODEL_TAMPERED, 5: Code.MODEL_INVALID}

_PASSED_ON = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PATH", "LANG")
"""Environment variables that the child gets: how to reach the network."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """The configured model, for those who ask."""

    name: str
    title: str
    ready: bool
    code: Code | None
    detail: str
    demonstration: bool
    weights_digest: str


class Readiness:
    """Keeps an eye on the configured model until it is ready."""

    def __init__(self, server: Server, settings: AI, on_ready: Callable[[], None]) -> None:
        self._server = server
        self._settings = settings
        self._on_ready = on_ready
        self._stopping = threading.Event()
        self._doubted = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._child_lock = threading.Lock()
        self._reason: tuple[Code, str] = (Code.MODEL_MISSING, "not looked for yet")
        self._prepared: Prepared | None = None
        self._outliner: Prepared[SegmentationCard] | None = None
        outlines = settings.x_ray.enabled and settings.x_ray.cardiothoracic_ratio == "segmentation"
        self._outliner_card = load_segmentation_card(settings.models_directory, SEGMENTATION) if outlines else None
        self._released = False
        self._accelerator = Accelerator(server, settings, lambda: self.doubt(Code.DEVICE_LOST))
        self.card: ModelCard = with_thresholds(
            load_card(settings.models_directory, settings.model), settings.x_ray.thresholds
        )
        self._waited_for = self.card.name

    def prepared(self) -> Prepared:
        """The model, ready to be used.

        Raises
        ------
        NotReadyError
            With the reason.
        """
        if self._prepared is None:
            code, detail = self._reason
            raise NotReadyError(code, self._waited_for, detail)
        return self._prepared

    def outliner(self) -> Prepared[SegmentationCard] | None:
        """The model that outlines heart and lungs, if the settings ask for it; ready as soon as `prepared` is."""
        return self._outliner

    def scorer(self, prepared: Prepared) -> Address | None:
        """Where workers let scores of this model be computed; ``None``: they do that themselves.

        Raises
        ------
        NotReadyError
            If the process that did so has just gone.
        """
        address = self._accelerator.address(prepared)
        if address is None and self._accelerator.taken != "cpu":
            raise NotReadyError(Code.DEVICE_LOST, self.card.name, "")
        return address

    def device(self) -> str | None:
        """``cpu`` or ``cuda``: where scores are computed; ``None`` until that is known."""
        return self._accelerator.taken

    def state(self) -> ModelState:
        """How it stands; not ready before what was held has been released, so that who waits for both misses nothing."""
        ready = self._prepared if self._released else None
        code, detail = (None, "") if ready else self._reason
        return ModelState(
            name=self.card.name,
            title=self.card.title,
            ready=ready is not None,
            code=code,
            detail=detail,
            demonstration=self.card.demonstration,
            weights_digest=ready.weights_digest if ready else "",
        )

    def run(self) -> None:
        """Try until the model is ready, and again whenever that is doubted. Runs on a thread of its own."""
        doubts = 0
        while True:
            # Before the model is looked at: whoever doubts it from now on is heard.
            self._doubted.clear()
            self._released = False
            if not self._make_ready():
                return
            self._announce()
            self._on_ready()
            # A doubt from before this line leaves no model, so the state stays honest.
            self._released = True
            ready_at = time.monotonic()
            self._doubted.wait()
            # What seems ready here and is of no use to the workers must not set them going over and over.
            doubts = doubts + 1 if time.monotonic() - ready_at < PAUSES_S[-1] else 0
            self._stopping.wait(PAUSES_S[min(doubts, len(PAUSES_S) - 1)])

    def _make_ready(self) -> bool:
        """Try until the model is ready; ``False`` if the server stops before."""
        attempt = 0
        while not self._stopping.is_set():
            prepared = self._found(self.card)
            if prepared and self._outliner_card:
                self._outliner = self._found(self._outliner_card)
                prepared = prepared if self._outliner else None
            if prepared and self._take_device(prepared):
                self._prepared = prepared
                return True
            code, detail = self._reason
            pause = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            attempt += 1
            self._server.warn(
                f"AI: model {self._waited_for} is not ready: {code}: {detail}. X-rays are held; next attempt in {pause} s"
            )
            self._stopping.wait(pause)
        return False

    def doubt(self, code: Code) -> None:
        """A worker could not use the model, with this code: look whether it is still there. Returns at once."""
        self._reason = (code, "a worker could not use it")
        self._released = False
        self._prepared = None
        self._doubted.set()

    def stop(self) -> None:
        """Give up trying."""
        with self._child_lock:
            self._stopping.set()
            self._doubted.set()
            if self._child:
                self._child.terminate()
        self._accelerator.give_up()

    def close(self) -> None:
        """End the process that computes scores, if there is one; nobody must be at work any more."""
        self._accelerator.stop()

    def _take_device(self, prepared: Prepared) -> bool:
        self._reason = (Code.STARTING, "the device is being made ready")
        try:
            self._accelerator.take(prepared)
        except ModelError as error:
            self._reason = (error.code, str(error))
            return False
        except Exception as error:  # noqa: BLE001 - if this thread ended, X-rays would be held for ever
            self._reason = (Code.DEVICE_MISSING, place(error))
            return False
        return True

    def _found[C: (ModelCard, SegmentationCard)](self, card: C) -> Prepared[C] | None:
        """A model in the cache, or prepared now."""
        self._waited_for = card.name
        # If preparing fails, its reason stands: that of another look would be that nothing was prepared.
        return self._load(card) or (self._load(card) if self._prepare(card.name) else None)

    def _load[C: (ModelCard, SegmentationCard)](self, card: C) -> Prepared[C] | None:
        try:
            return load_prepared(card, self._settings.cache_directory)
        except ModelError as error:
            self._reason = (error.code, str(error))
            return None
        except OSError as error:
            self._reason = (Code.MODEL_INVALID, f"the model cache cannot be read: {error.strerror}")
            return None
        except Exception as error:  # noqa: BLE001 - if this thread ended, X-rays would be held for ever
            self._reason = (Code.MODEL_INVALID, place(error))
        return None

    def _prepare(self, name: str) -> bool:
        """Fetch, check and export a model in a process of its own; whether that was done."""
        settings = self._settings
        command = [
            *(str(settings.python), "-m", "orthanc_ai.models.prepare", name),
            *("--models", str(settings.models_directory), "--cache", str(settings.cache_directory)),
            *("--timeout", str(FETCH_TIMEOUT_S)),
        ]
        if settings.model_mirror:
            command += ["--mirror", settings.model_mirror]
        environment = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON}
        environment |= {"PYTHONPATH": PACKAGE_PARENT, "HOME": str(settings.cache_directory)}
        try:
            with self._child_lock:
                if self._stopping.is_set():
                    return False
                child = self._child = subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    env=environment,
                )
        except OSError as error:
            self._reason = (Code.MODEL_INVALID, f"{settings.python} cannot be started: {error.strerror}")
            return False
        output, _ = child.communicate()
        with self._child_lock:
            self._child = None
        if child.returncode:
            lines = output.strip().splitlines()
            reason = lines[-1] if lines else f"exit code {child.returncode}"
            code = _EXIT_CODES.get(child.returncode, Code.MODEL_INVALID)
            self._reason = (code, reason.removeprefix(f"{code}: "))
        return child.returncode == 0

    def _announce(self) -> None:
        card = self.card
        self._server.warn(f"AI: model {card.name} is ready ({card.title})")
        if card.demonstration:
            self._server.warn(
                f"AI: {card.name} is a DEMONSTRATION MODEL trained on digital phantoms. Its reports are not for "
                "diagnosis. Set AI.Model to densenet121-res224-all for the model of record."
            )

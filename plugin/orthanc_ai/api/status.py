"""``/ai/status``: versions, the model, the queue, the latest trouble."""

from typing import Any

from .. import __version__
from ..codes import Code
from ..server import Server
from .context import Context
from .views import DEMONSTRATION_WARNING, View


class ConfiguredModel(View):
    """The configured model."""

    name: str
    title: str
    ready: bool
    code: Code | None
    """Why it is not ready."""
    sentence: str | None
    detail: str
    demonstration: bool
    """Not for diagnosis."""
    warning: str | None
    weights_digest: str | None
    """SHA-256 of the weights, hex; `null` until the model is ready."""


class LastErrorView(View):
    """The latest trouble."""

    code: Code
    sentence: str
    at: str
    """ISO 8601, UTC."""


class QueueView(View):
    """How the work stands."""

    waiting: int
    """Jobs in hand that wait for a worker. More may wait in Orthanc's change log."""
    running: int
    retrying: int
    """X-rays and CT studies whose analysis failed and is tried again."""
    studies_to_come: int
    """CT studies whose images arrive and that are not complete yet."""
    idle: bool
    """Nothing is in hand or asked for: everything up to `place` is settled."""
    paused: bool
    """An operator has paused the work."""
    yielding: bool
    """Images come so fast that the analysis steps back (`AI.YieldAbove`)."""
    held: int
    """X-rays and CT studies in the archive that wait for the model or for the end of the pause."""
    failed: int
    """X-rays and CT studies in the archive whose analysis was given up."""
    deliveries_due: int
    """Reports in the archive that are still to be sent on to some destination."""
    deliveries_failed: int
    """Reports in the archive that some destination has not taken, so that sending them there was given up."""
    ended: dict[str, int]
    """Jobs that ended since the server started, by code."""
    counted: dict[str, int]
    """Instances since the server started that no analysis is about, by modality."""
    place: int
    """Row of Orthanc's change log up to which everything is settled."""
    oldest_seconds: float
    """Age of the oldest row of Orthanc's change log that is not settled; 0 if there is none."""
    last_error: LastErrorView | None


class Status(View):
    """The state of the server."""

    version: str
    """Of this plugin."""
    orthanc_version: str
    model: ConfiguredModel
    engine: str
    device: str | None
    """Where scores are computed, `cpu` or `cuda` (one GPU for all workers); `null` until that is known."""
    workers: int
    """Number of worker processes."""
    queue: QueueView


class StatusReader:
    """Answers for the status; remembers what does not change."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._orthanc_version = ""

    def read(self, context: Context) -> Status:
        """The state of the server now."""
        counts = context.counter.read()
        # In this order: a model that is ready has released what was held, so that it is in hand and the work not idle.
        model = configured_model(context)
        work = context.queue.status()
        return Status(
            version=__version__,
            orthanc_version=self._version(),
            model=model,
            engine=context.settings.engine,
            device=context.models.device(),
            workers=context.settings.workers,
            queue=QueueView(
                waiting=work.waiting,
                running=work.running,
                retrying=counts.retrying,
                studies_to_come=work.studies_to_come,
                idle=work.idle,
                paused=work.paused,
                yielding=work.rush,
                held=counts.held,
                failed=counts.failed,
                deliveries_due=counts.to_send,
                deliveries_failed=counts.not_taken,
                ended={str(code): number for code, number in work.ended.items()},
                counted=dict(work.counted),
                place=work.place,
                oldest_seconds=round(work.oldest_s, 1),
                last_error=LastErrorView(
                    code=work.last_error.code,
                    sentence=work.last_error.code.sentence,
                    at=work.last_error.at,
                )
                if work.last_error
                else None,
            ),
        )

    def _version(self) -> str:
        if not self._orthanc_version:
            system: dict[str, Any] = self._server.get("/system") or {}
            self._orthanc_version = str(system.get("Version", ""))
        return self._orthanc_version


def configured_model(context: Context) -> ConfiguredModel:
    """The configured model and whether it is ready."""
    state = context.models.state()
    return ConfiguredModel(
        name=state.name,
        title=state.title,
        ready=state.ready,
        code=state.code,
        sentence=state.code.sentence if state.code else None,
        detail=state.detail,
        demonstration=state.demonstration,
        warning=DEMONSTRATION_WARNING if state.demonstration else None,
        weights_digest=state.weights_digest or None,
    )

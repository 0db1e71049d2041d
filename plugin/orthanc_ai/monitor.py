"""Tells Orthanc's metrics how the work stands, every few seconds."""

import threading

from .counts import Counter
from .desk import Desk
from .metrics import Metrics
from .readiness import Readiness
from .server import Server, ServerError

PAUSE_S = 5.0
"""Between two writings; Prometheus asks every 15 s or less often."""


class Monitor:
    """Reads the gauges and writes all metrics."""

    def __init__(
        self,
        server: Server,
        metrics: Metrics,
        desk: Desk,
        counter: Counter,
        readiness: Readiness,
    ) -> None:
        self._server = server
        self._metrics = metrics
        self._desk = desk
        self._counter = counter
        self._readiness = readiness
        self._stopping = threading.Event()

    def run(self) -> None:
        """Write until told to stop. Runs on a thread of its own."""
        while not self._stopping.wait(PAUSE_S):
            try:
                self._measure()
            except ServerError as error:
                self._server.error(f"AI: metrics: {error}; trying again")
            self._metrics.flush()

    def stop(self) -> None:
        """Write no more."""
        self._stopping.set()

    def _measure(self) -> None:
        work, counts, gauge = self._desk.status(), self._counter.refresh(), self._metrics.gauge
        gauge("jobs_waiting", work.waiting)
        gauge("jobs_running", work.running)
        gauge("jobs_retrying", counts.retrying)
        gauge("jobs_held", counts.held)
        gauge("jobs_failed", counts.failed)
        gauge("oldest_unsettled_seconds", work.oldest_s)
        gauge("model_ready", self._readiness.state().ready)
        gauge("paused", work.paused)
        gauge("deliveries_due", counts.to_send)
        gauge("deliveries_failed", counts.not_taken)
        gauge("deliveries_sent", counts.sent)

"""Numbers about the work, for Orthanc's own `/tools/metrics-prometheus`; docs/operation.md lists them.

Orthanc's metrics have no labels, so what would be one stands in the name, e.g. the outcome's code, written as
everywhere else. There is nothing about a patient or an image in them.
"""

import re
import threading
from collections.abc import Callable, Mapping

from .codes import Code

PREFIX = "orthanc_ai_"

GAUGES = {
    "jobs_waiting": "Jobs in hand that wait for a worker. More may wait in Orthanc's change log.",
    "jobs_running": "Jobs at work.",
    "jobs_retrying": "X-rays and CT studies whose analysis failed and will be tried again.",
    "jobs_held": "X-rays and CT studies in the archive that wait: for the configured model, or for an operator.",
    "jobs_failed": "X-rays and CT studies in the archive whose analysis was given up.",
    "oldest_unsettled_seconds": "Age of the oldest change that is not settled; 0 if there is none.",
    "deliveries_due": "Reports that are still to be sent on.",
    "deliveries_failed": "Reports whose sending was given up.",
    "deliveries_sent": "Reports in the archive that some destination has taken.",
    "model_ready": "1 if the configured model is ready, else 0.",
    "paused": "1 if an operator has paused the work, else 0.",
}
"""What `Metrics.gauge` takes, and what it means; without `PREFIX`."""

WORKERS_REPLACED = f"{PREFIX}workers_replaced_total"

ENDS = (Code.REPORTED, Code.ACCEPTED, Code.HELD, Code.RETRYING, Code.FAILED)
"""Counted from zero on, so that the first one shows as an increase; the other codes appear with their first job."""


class Metrics:
    """Keeps the numbers and writes them. Any thread may call any method.

    Parameters
    ----------
    write
        Takes a name, ``[a-zA-Z_][a-zA-Z0-9_]*``, and a value. Orthanc keeps values in single precision.
    """

    def __init__(self, write: Callable[[str, float], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._values = dict.fromkeys((*map(_ended, ENDS), WORKERS_REPLACED), 0.0)

    def job_ended(
        self, analysis: str, code: Code, seconds: Mapping[str, float], cpu_seconds: Mapping[str, float] | None = None
    ) -> None:
        """Count a job that has ended.

        Parameters
        ----------
        analysis
            Its name, e.g. ``xray-findings``.
        code
            Of the outcome.
        seconds
            Wall time by stage.
        cpu_seconds
            Processor time of the worker by stage.
        """
        with self._lock:
            self._add(_ended(code), 1)
            for stage, taken in seconds.items():
                name = f"{PREFIX}{_word(analysis)}_{_word(stage)}_seconds"
                self._add(f"{name}_sum", taken)
                self._add(f"{name}_count", 1)
            for stage, taken in (cpu_seconds or {}).items():
                self._add(f"{PREFIX}{_word(analysis)}_{_word(stage)}_cpu_seconds_sum", taken)

    def worker_replaced(self) -> None:
        """Count a worker process that had to be replaced: it died, or was too slow."""
        with self._lock:
            self._add(WORKERS_REPLACED, 1)

    def gauge(self, name: str, value: float) -> None:
        """Note how something stands.

        Parameters
        ----------
        name
            One of `GAUGES`.

        Raises
        ------
        KeyError
            If it is none of them.
        """
        if name not in GAUGES:
            raise KeyError(name)
        with self._lock:
            self._values[PREFIX + name] = value

    def flush(self) -> None:
        """Write all values, changed or not.

        Orthanc states when each value was written, and Prometheus takes that as the time of the sample: what is not
        written for five minutes vanishes from its queries.
        """
        with self._lock:
            values = dict(self._values)
        for name, value in values.items():
            self._write(name, value)

    def _add(self, name: str, amount: float) -> None:
        self._values[name] = self._values.get(name, 0.0) + amount


def _ended(code: Code) -> str:
    return f"{PREFIX}jobs_ended_{code}_total"


def _word(name: str) -> str:
    """A name as a part of a metric's name: Prometheus' data model allows letters, digits and underscores."""
    return re.sub("[^a-zA-Z0-9_]", "_", name)

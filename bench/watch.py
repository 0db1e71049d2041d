"""When what is stored can be found: Orthanc's change log, read on several times a second."""

import http.client
import json
import threading
import time
from collections.abc import Collection
from types import TracebackType
from typing import Self

from tests.live.orthanc import Orthanc

PAGE = 1000
"""Rows of the log in one answer."""


class Watch:
    """Reads a server's change log in a thread of its own, as a context manager.

    A row appears in the same transaction of Orthanc's index as the instance itself. One question costs the server
    about 0.5 ms.

    Parameters
    ----------
    pause_s
        Seconds between two questions: how exact the times are.

    Attributes
    ----------
    pause_s
        May be changed meanwhile.
    instances
        When each instance was first seen (`time.perf_counter`), by Orthanc identifier.
    new_series, stable_series
        Orthanc identifiers.
    stable_studies
        When each study was first seen to be stable, by Orthanc identifier.
    """

    def __init__(self, orthanc: Orthanc, pause_s: float = 0.1) -> None:
        self._orthanc = orthanc
        self.pause_s = pause_s
        self._ended = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.instances: dict[str, float] = {}
        self.new_series: set[str] = set()
        self.stable_series: set[str] = set()
        self.stable_studies: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def wait_for_reports(self, others: Collection[str], number: int, timeout_s: float) -> dict[str, float]:
        """When each of so many instances was seen that are none of the others.

        Raises
        ------
        TimeoutError
            If there are fewer in the end.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            if self._error:
                raise self._error
            found = {name: at for name, at in list(self.instances.items()) if name not in others}
            if len(found) >= number:
                return found
            if time.monotonic() > deadline:
                log = self._orthanc.log_text()[-3000:]
                raise TimeoutError(f"{len(found)} of {number} reports in {timeout_s:g} s\n{log}")
            time.sleep(self.pause_s)

    @property
    def all_stable(self) -> bool:
        """Whether every series has become stable: the DICOMweb plugin has then been told to read its files."""
        return self.new_series <= self.stable_series

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._orthanc.port, timeout=60)
        since = 0
        try:
            while not self._ended.is_set():
                connection.request("GET", f"/changes?since={since}&limit={PAGE}")
                answer = json.loads(connection.getresponse().read())
                now, since = time.perf_counter(), answer["Last"]
                for change in answer["Changes"]:
                    match change["ChangeType"]:
                        case "NewInstance":
                            self.instances.setdefault(change["ID"], now)
                        case "NewSeries":
                            self.new_series.add(change["ID"])
                        case "StableSeries":
                            self.stable_series.add(change["ID"])
                        case "StableStudy":
                            self.stable_studies.setdefault(change["ID"], now)
                if answer["Done"]:
                    self._ended.wait(self.pause_s)
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error
        finally:
            connection.close()

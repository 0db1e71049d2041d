"""Servers for the benchmarks, with the product's own configuration and an empty archive each time."""

import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds
from bench.watch import Watch
from tests.live.orthanc import START_TIMEOUT_S, Orthanc, read_configuration

WITHOUT_PLUGIN: dict[str, Any] = {"PythonScript": None}
"""The same Orthanc with the same plugins of others, but not ours."""

QUIET_S = 0.5
"""How long a server must be quiet before all of its work is taken for done."""

QUIET_SHARE = 0.1
"""Share of a processor that counts as quiet: a watched server answers questions all the time."""


@contextmanager
def fresh_server(folder: Path, *, plugin: bool) -> Iterator[Orthanc]:
    """A server that has just started; afterwards it is killed and its folder deleted.

    Parameters
    ----------
    folder
        For its database and storage; what an interrupted run has left there is deleted first.
    plugin
        Whether it loads the plugin.
    """
    # The live tests' own stable age is short, and what Orthanc and its DICOMweb plugin do with each study that has
    # become stable would fall into the timing.
    with timed_server(folder, plugin=plugin, options={"StableAge": read_configuration()["StableAge"]}) as (orthanc, _):
        yield orthanc


@contextmanager
def timed_server(
    folder: Path,
    *,
    plugin: bool,
    options: Mapping[str, Any] | None = None,
    ai: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Orthanc, float]]:
    """A server that has just started, and the seconds from its process' start until it took images both ways.

    Parameters
    ----------
    folder, plugin
        As for `fresh_server`.
    options, ai
        Options of Orthanc, and fields of its ``AI`` section, that differ from the product's.
    """
    shutil.rmtree(folder, ignore_errors=True)
    orthanc = Orthanc(folder, ai, options={**(options or {}), **({} if plugin else WITHOUT_PLUGIN)})
    try:
        started = time.perf_counter()
        orthanc.launch()
        _wait_until_ready(orthanc)
        seconds = time.perf_counter() - started
        orthanc.wait_for_http("/ai/status" if plugin else "/system")
        yield orthanc, seconds
    finally:
        orthanc.kill()
        shutil.rmtree(folder)


def _wait_until_ready(orthanc: Orthanc) -> None:
    """Wait until HTTP and DICOM are listened to, looking every hundredth of a second."""
    deadline = time.monotonic() + START_TIMEOUT_S
    for port in (orthanc.port, orthanc.dicom_port):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or not orthanc.running:
                    raise RuntimeError(f"Orthanc did not start:\n{orthanc.log_text()[-3000:]}") from None
                time.sleep(0.01)


def settle(orthanc: Orthanc, watch: Watch, timeout_s: float = 120.0) -> None:
    """Wait until nothing more comes of what is stored: every series stable, the DICOMweb plugin done with it.

    Raises
    ------
    TimeoutError
        If the server stays busy.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        before = cpu_seconds(processes_of(orthanc))
        time.sleep(QUIET_S)
        if watch.all_stable and cpu_seconds(processes_of(orthanc)) - before <= QUIET_SHARE * QUIET_S:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the server is still busy after {timeout_s:g} s")


def processes_of(orthanc: Orthanc) -> list[int]:
    """The server's process, and its workers'."""
    return [orthanc.pid, *orthanc.workers()]


def ended(orthanc: Orthanc) -> int:
    """Jobs that have ended since the server's start."""
    return sum(orthanc.get("/ai/status")["queue"]["ended"].values())


def wait_until_busy(orthanc: Orthanc) -> None:
    """Wait until every worker has loaded its model and work goes on."""

    def busy() -> bool:
        status = orthanc.get("/ai/status")
        enough: bool = sum(status["queue"]["ended"].values()) >= 2 * status["workers"]
        return enough and status["queue"]["running"] > 0

    orthanc.wait_until(busy, "the workers do not begin", 60)


def check_busy(orthanc: Orthanc) -> None:
    """See that work still goes on.

    Raises
    ------
    RuntimeError
        If all is done: what was measured was not a busy server.
    """
    queue = orthanc.get("/ai/status")["queue"]
    if queue["idle"] or queue["failed"]:
        raise RuntimeError(f"the server was to be busy all the time, without failures: {queue}")

"""Servers for the benchmarks, with the product's own configuration and an empty archive each time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.orthanc import Orthanc, read_configuration

WITHOUT_PLUGIN: dict[str, Any] = {"PythonScript": None}
"""The same Orthanc with the same plugins of others, but not ours."""


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
    options = {"StableAge": read_configuration()["StableAge"], **({} if plugin else WITHOUT_PLUGIN)}
    shutil.rmtree(folder, ignore_errors=True)
    orthanc = Orthanc(folder, options=options)
    try:
        orthanc.launch()
        orthanc.wait_for_http("/ai/status" if plugin else "/system")
        yield orthanc
    finally:
        orthanc.kill()
        shutil.rmtree(folder)


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

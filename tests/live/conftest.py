"""Servers for the live tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .orthanc import Orthanc


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A running server with the demonstration model, shared by all tests that do not mind each other's images."""
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"))
    orthanc.start()
    yield orthanc
    assert orthanc.stop() == 0


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Orthanc]]:
    """Makes servers of a test's own, not started yet; all are stopped afterwards."""
    made: list[Orthanc] = []

    def make(ai: dict[str, Any] | None = None, options: dict[str, Any] | None = None, name: str = "orthanc") -> Orthanc:
        made.append(Orthanc(tmp_path / name, ai, options))
        return made[-1]

    yield make
    for orthanc in made:
        assert orthanc.stop() == 0
        log = orthanc.log_text()
        # A worker that was just being started when its server was killed says so in a traceback of its own.
        expected = log.count("import spawn_main; spawn_main(") if orthanc.killed else 0
        assert log.count("Traceback") == expected, log[log.find("Traceback") :]

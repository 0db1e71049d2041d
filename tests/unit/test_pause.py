"""The pause outlives a restart, and holds only once it is written down."""

import pytest

from orthanc_ai.pause import Pause
from orthanc_ai.server import ServerError

from .stand_in import Archive, fail


def test_it_outlives_a_restart_and_so_does_its_end() -> None:
    archive = Archive()
    assert not Pause(archive.server).active
    Pause(archive.server).set(True)
    again = Pause(archive.server)
    assert again.active
    again.set(False)
    assert not Pause(archive.server).active


def test_it_holds_only_if_it_is_written_down() -> None:
    archive = Archive()
    pause = Pause(archive.server)
    archive.trouble = fail("set_property", times=1)
    with pytest.raises(ServerError):
        pause.set(True)
    assert not pause.active


def test_an_index_that_fails_at_the_start_is_no_end_of_a_pause() -> None:
    archive = Archive()
    Pause(archive.server).set(True)
    pause = Pause(archive.server)
    archive.trouble = fail("property", times=1)
    with pytest.raises(ServerError):
        _ = pause.active
    assert pause.active


def test_the_index_is_asked_once() -> None:
    archive = Archive()
    pause = Pause(archive.server)
    assert [pause.active for _ in range(3)] == [False] * 3
    assert archive.calls["property"] == 1

"""Files that a worker asks for: from the storage directory, or through memory, and never too many."""

from pathlib import Path

import pytest

from orthanc_ai import asked_files
from orthanc_ai.asked_files import handed_over
from orthanc_ai.handover import Shared
from orthanc_ai.server import ServerError


def test_files_lie_where_orthanc_keeps_them_or_in_memory(tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(b"in the storage directory")
    found: dict[str, Shared | bytes | None] = {
        "a": Shared(str(tmp_path / "stored")),
        "b": b"one",
        "c": b"another",
        "d": None,
    }
    with handed_over(found.get, ["c", "d", "a", "b"], doing_without=False) as places:
        assert {uid: place.read() for uid, place in places.items()} == {
            "c": b"another",
            "a": b"in the storage directory",
            "b": b"one",
        }
        with places["b"].open() as file:
            assert file.read(2) == b"on"
            assert file.seek(1) == 1
            assert file.read() == b"ne"


def test_what_orthanc_cannot_read_is_left_out_if_it_may_be() -> None:
    def file(uid: str) -> bytes:
        if uid == "bad":
            raise ServerError("not a regular file")
        return uid.encode()

    with handed_over(file, ["bad", "good"], doing_without=True) as places:
        assert set(places) == {"good"}
    with pytest.raises(ServerError), handed_over(file, ["bad", "good"], doing_without=False):
        pass


def test_memory_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_files, "MAXIMUM_BYTES", 10)
    monkeypatch.setattr(asked_files, "MAXIMUM_FILES", 3)
    sizes = {"a": 6, "b": 6, "c": 4, "d": 1}
    with handed_over(lambda uid: bytes(sizes[uid]), sizes, doing_without=False) as places:
        assert set(places) == {"a", "c"}

import json
import time
from pathlib import Path

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.files import sha256_of
from orthanc_ai.models.errors import ModelError
from orthanc_ai.models.weights import (
    LOCK_FILE,
    adopt,
    cached_weights,
    fetch_weights,
    lock,
    locked_digest,
    private_copy,
)
from tests.unit.networks import card

from .mirror import Manner, mirror

CONTENT = b"weights, as far as this file is concerned" * 100


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_fetching_from_a_mirror(tmp_path: Path) -> None:
    with mirror(CONTENT) as address:
        file = fetch_weights(card(), tmp_path, 30, address)
    assert file == tmp_path / card().weights.file
    assert file.read_bytes() == CONTENT
    assert names(tmp_path) == [file.name]


@pytest.mark.parametrize("manner", ["cut", "not found"])
def test_what_cannot_be_fetched_is_not_kept(tmp_path: Path, manner: Manner) -> None:
    with mirror(CONTENT, manner) as address, pytest.raises(ModelError, match="cannot be fetched") as caught:
        fetch_weights(card(), tmp_path, 30, address)
    assert caught.value.code is Code.MODEL_MISSING
    assert names(tmp_path) == []


def test_nobody_listens(tmp_path: Path) -> None:
    with mirror(CONTENT) as address:
        pass
    with pytest.raises(ModelError) as caught:
        fetch_weights(card(), tmp_path, 30, address)
    assert caught.value.code is Code.MODEL_MISSING
    assert names(tmp_path) == []


def test_waiting_is_bounded(tmp_path: Path) -> None:
    start = time.monotonic()
    with mirror(CONTENT, "slowly") as address, pytest.raises(ModelError, match=r"not fetched within 1 s") as caught:
        fetch_weights(card(), tmp_path, 1, address)
    assert caught.value.code is Code.MODEL_MISSING
    assert time.monotonic() - start < 10
    assert names(tmp_path) == []


def test_a_locked_digest_is_enforced_on_what_is_fetched(tmp_path: Path) -> None:
    lock(tmp_path, tmp_path / "file", "0" * 64)
    with mirror(CONTENT) as address, pytest.raises(ModelError, match="when first seen") as caught:
        fetch_weights(card(), tmp_path, 30, address)
    assert caught.value.code is Code.MODEL_TAMPERED
    assert names(tmp_path) == [LOCK_FILE]


def test_a_locked_digest_is_enforced_on_what_is_cached(tmp_path: Path) -> None:
    file = tmp_path / card().weights.file
    assert cached_weights(card(), tmp_path) is None
    file.write_bytes(CONTENT)
    assert cached_weights(card(), tmp_path) == file
    lock(tmp_path, file, sha256_of(file))
    assert cached_weights(card(), tmp_path) == file
    file.write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError) as caught:
        cached_weights(card(), tmp_path)
    assert caught.value.code is Code.MODEL_TAMPERED


def test_the_first_lock_stays(tmp_path: Path) -> None:
    lock(tmp_path, tmp_path / "file", "1" * 64)
    lock(tmp_path, tmp_path / "file", "2" * 64)
    assert locked_digest(tmp_path) == "1" * 64
    note = json.loads((tmp_path / LOCK_FILE).read_text())
    assert note["file"] == "file"
    assert note["first_seen"].endswith("+00:00")


@pytest.mark.parametrize("note", ["", "{}", "5", "[]"])
def test_a_lock_that_cannot_be_read_opens_nothing(tmp_path: Path, note: str) -> None:
    (tmp_path / LOCK_FILE).write_text(note)
    with pytest.raises(ModelError) as caught:
        locked_digest(tmp_path)
    assert caught.value.code is Code.MODEL_INVALID


def test_a_file_brought_by_hand(tmp_path: Path) -> None:
    brought = tmp_path / "usb-stick.pt"
    brought.write_bytes(CONTENT)
    folder = tmp_path / "cache"
    assert adopt(card(), folder, brought).read_bytes() == CONTENT
    with pytest.raises(ModelError) as caught:
        adopt(card(), folder, tmp_path / "no-such-file")
    assert caught.value.code is Code.MODEL_MISSING


def test_what_is_checked_is_what_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(CONTENT)
    with private_copy(file, sha256_of(file)) as copy:
        file.write_bytes(b"replaced in between")
        assert copy.read_bytes() == CONTENT
        assert copy.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(ModelError) as caught, private_copy(file, "0" * 64):
        pass
    assert caught.value.code is Code.MODEL_TAMPERED

"""Keys come from a secret of the server and the request, and from nothing else."""

import stat
from pathlib import Path

from orthanc_ai.datasets.keys import key_of


def test_the_same_request_has_the_same_key_on_the_same_server_alone(tmp_path: Path) -> None:
    first = key_of(tmp_path / "here", {"a": 1, "b": [2]})
    assert key_of(tmp_path / "here", {"b": [2], "a": 1}) == first
    assert key_of(tmp_path / "here", {"a": 1, "b": [3]}) != first
    assert key_of(tmp_path / "there", {"a": 1, "b": [2]}) != first
    assert len(first) == 32
    [secret] = (tmp_path / "here").iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600

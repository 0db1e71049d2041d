import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.configure import ConfigurationError, read_configuration, with_changes

PRODUCT = Path(__file__).resolve().parents[3]


def test_comments_are_left_out_but_not_what_looks_like_one_in_a_string(tmp_path: Path) -> None:
    path = tmp_path / "orthanc.json"
    path.write_text('{ // the name\n "Name": "a // b /* c */ \\" // d", /* and\n more */ "HttpPort": 1 }')
    assert read_configuration(path) == {"Name": 'a // b /* c */ " // d', "HttpPort": 1}


def test_a_folder_is_read_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"HttpPort": 1}')
    (tmp_path / "b.json").write_text('{"DicomPort": 2}')
    (tmp_path / "c.txt").write_text("not a configuration")
    assert read_configuration(tmp_path) == {"HttpPort": 1, "DicomPort": 2}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": }'])
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"broken\.json"):
        read_configuration(path)


def test_changes_reach_into_sections_and_leave_the_original_alone() -> None:
    configuration = {"AI": {"Model": "a", "Workers": 2}, "DicomModalities": {}}
    changed = with_changes(configuration, {"AI.Model": "b", "DicomModalities": None, "New.Section": 1})
    assert changed == {"AI": {"Model": "b", "Workers": 2}, "New": {"Section": 1}}
    assert configuration == {"AI": {"Model": "a", "Workers": 2}, "DicomModalities": {}}


def test_the_image_s_configuration_for_others_asks_for_users_and_knows_no_modalities() -> None:
    arguments = ["RemoteAccessAllowed=true", "AuthenticationEnabled=true", "DicomModalities="]
    command = [sys.executable, str(PRODUCT / "tools/configure.py"), str(PRODUCT / "orthanc.json"), *arguments]
    remote = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    here = read_configuration(PRODUCT / "orthanc.json")
    assert (here["RemoteAccessAllowed"], remote["RemoteAccessAllowed"]) == (False, True)
    assert remote["AuthenticationEnabled"] is True
    assert "DicomModalities" not in remote
    assert remote["AI"] == here["AI"]

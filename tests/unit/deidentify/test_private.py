from pathlib import Path

import pytest

from orthanc_ai.deidentify.options import Options
from orthanc_ai.deidentify.private import Private


def test_a_key_is_made_once_and_differs_between_datasets(tmp_path: Path) -> None:
    first, again, other = Private(tmp_path / "a"), Private(tmp_path / "a"), Private(tmp_path / "b")
    assert not first.exists
    assert first.key() == again.key() != other.key()
    assert again.exists
    assert len(first.key()) == 32


def test_nobody_else_may_look(tmp_path: Path) -> None:
    private = Private(tmp_path / "a")
    private.key()
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0


def test_a_dataset_that_grows_has_the_same_key(tmp_path: Path) -> None:
    earlier, later = Private(tmp_path / "a"), Private(tmp_path / "b")
    key = earlier.key()
    later.use(key)
    assert later.key() == key
    later.use(b"x" * 32)
    assert later.key() == key
    with pytest.raises(ValueError, match="32 bytes"):
        later.use(b"x")


def test_what_is_destroyed_is_gone(tmp_path: Path) -> None:
    private = Private(tmp_path / "a")
    private.key()
    private.note([{"key": "x"}])
    private.destroy()
    private.destroy()
    assert not private.exists
    assert list(private.members()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_spoiled_key_is_not_used(tmp_path: Path) -> None:
    private = Private(tmp_path / "a")
    private.key()
    (tmp_path / "a" / "key").write_text("00")
    with pytest.raises(ValueError, match="spoiled"):
        private.key()


def test_members_survive_a_power_cut(tmp_path: Path) -> None:
    private = Private(tmp_path / "a")
    private.note([{"key": "1"}, {"key": "2"}])
    with (tmp_path / "a" / "members.jsonl").open("ab") as stream:
        stream.write(b'{"key": "torn')
    private.note([{"key": "3"}])
    assert [one["key"] for one in private.members()] == ["1", "2", "3"]


def test_the_division_is_kept(tmp_path: Path) -> None:
    private = Private(tmp_path / "a")
    assert private.division() is None
    private.keep_division({"sides": {"x": "train"}})
    assert private.division() == {"sides": {"x": "train"}}


def test_options_are_read_and_written() -> None:
    asked = {"retain": ["uids", "modifiedDates"], "clean": ["descriptors"], "burnedIn": "take", "keepKey": True}
    options = Options.of(asked)
    assert options.to_json() == {**asked, "enabled": True, "retain": ["modifiedDates", "uids"]}
    assert Options.of(options.to_json()) == options
    assert Options.of({}) == Options()
    assert Options().enabled


@pytest.mark.parametrize(
    "asked",
    [
        {"retain": ["fullDates", "modifiedDates"]},
        {"retain": ["names"]},
        {"clean": ["uids"]},
        {"burnedIn": "x"},
        {"key": 1},
    ],
)
def test_options_that_there_are_not(asked: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Options.of(asked)

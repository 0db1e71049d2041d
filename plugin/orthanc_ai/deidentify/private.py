"""The folder of a dataset that is never handed out: its key, and whose each of its images is."""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..files import write_atomically
from .pseudonyms import KEY_BYTES

_KEY = "key"
_MEMBERS = "members.jsonl"
_DIVISION = "division.json"


class Private:
    """Secrets of a dataset, in a folder beside what can be downloaded of it.

    Parameters
    ----------
    folder
        It is made when the first secret is; only the server's user may look into it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def exists(self) -> bool:
        """Whether there are any secrets: without them nothing can be added to the dataset."""
        return (self._folder / _KEY).is_file()

    def key(self) -> bytes:
        """The key of the pseudonyms, made when it is asked for first; a resumed run finds the same.

        Raises
        ------
        OSError
        ValueError
            If somebody, or the disk, has spoiled it.
        """
        file = self._folder / _KEY
        if not file.is_file():
            self.use(secrets.token_bytes(KEY_BYTES))
        key = bytes.fromhex(file.read_text("ascii"))
        if len(key) != KEY_BYTES:
            raise ValueError("the key of the dataset is spoiled")
        return key

    def use(self, key: bytes) -> None:
        """Have a certain key, e.g. that of the dataset that grows. A key that is there already stays.

        Raises
        ------
        OSError
        ValueError
            If it is no key.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        if not self.exists:
            self._made()
            write_atomically(self._folder / _KEY, key.hex().encode())

    def note(self, members: Iterable[Mapping[str, Any]]) -> None:
        """Add lines about images, in JSON types; to be called before the images are settled.

        Raises
        ------
        OSError
        """
        self._made()
        with (self._folder / _MEMBERS).open("ab+") as stream:
            if stream.tell():
                stream.seek(-1, os.SEEK_END)
                if stream.read(1) != b"\n":  # the power went in the middle of a line
                    stream.write(b"\n")
            stream.writelines(json.dumps(member).encode() + b"\n" for member in members)

    def members(self) -> Iterator[dict[str, Any]]:
        """What was noted, in that order; of a line in whose middle the power went, nothing.

        An image that was noted by a run that was killed before it was settled comes twice.

        Raises
        ------
        OSError
        """
        file = self._folder / _MEMBERS
        if not file.is_file():
            return
        with file.open("rb") as stream:
            for line in stream:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

    def keep_division(self, division: Mapping[str, Any]) -> None:
        """Write down who stands where, for the dataset that grows from this one.

        Raises
        ------
        OSError
        """
        self._made()
        write_atomically(self._folder / _DIVISION, json.dumps(division).encode())

    def division(self) -> dict[str, Any] | None:
        """Who stands where; ``None`` if it was not divided.

        Raises
        ------
        OSError
        ValueError
        """
        file = self._folder / _DIVISION
        if not file.is_file():
            return None
        return dict(json.loads(file.read_bytes()))

    def destroy(self) -> None:
        """Delete everything: from now on nobody can tell by this server's files whose an image of the dataset is.

        Raises
        ------
        OSError
        """
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _made(self) -> None:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)

"""`Store`: the folders of the batches.

Each batch has one: ``batch.json`` says how it stands, ``journal.jsonl`` which of its items are settled, and ``output``
has what it made. Both files survive a power cut: the first is replaced as a whole, the other only grows.
"""

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..files import write_atomically
from .batch import Batch

_IDENTIFIER = re.compile(r"[0-9a-f]{16}")
_BATCH = "batch.json"
_JOURNAL = "journal.jsonl"
_OUTPUT = "output"
_AWAY = ".removed"


class Store:
    """Batches of one kind, in a folder of theirs.

    Parameters
    ----------
    folder
        Where the folders of the batches lie; it is made when the first batch is.
    kind
        Name of the kind.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder / kind
        self._kind = kind

    def create(self, request: Mapping[str, Any]) -> Batch:
        """Write down what was asked for.

        Raises
        ------
        OSError
        """
        batch = Batch(secrets.token_hex(8), self._kind, request, now())
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        # Requests name patients, and so do results.
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.save(batch)
        return batch

    def save(self, batch: Batch) -> None:
        """Write down how a batch stands.

        Raises
        ------
        OSError
        """
        write_atomically(self._of(batch) / _BATCH, json.dumps(batch.to_json()).encode())

    def get(self, identifier: str) -> Batch | None:
        """One batch; ``None`` if there is none, or if what is there cannot be read."""
        if not _IDENTIFIER.fullmatch(identifier):
            return None
        try:
            batch = Batch.from_json(json.loads((self._folder / identifier / _BATCH).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return batch if batch.identifier == identifier and batch.kind == self._kind else None

    def all(self) -> list[Batch]:
        """All batches, the oldest first."""
        try:
            names = [entry.name for entry in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        found = [batch for name in names if (batch := self.get(name))]
        return sorted(found, key=lambda batch: (batch.created, batch.identifier))

    def take_away(self, batch: Batch) -> Path:
        """Take a batch out of the list, in one step that no kill can halve.

        Returns
        -------
        The folder with everything that it made, still to be deleted.

        Raises
        ------
        OSError
        """
        away = self._folder / f".{batch.identifier}{_AWAY}"
        self._of(batch).rename(away)
        return away

    def taken_away(self) -> list[Path]:
        """Folders that were taken away and are not deleted yet, as after a kill."""
        return list(self._folder.glob(f".*{_AWAY}"))

    def output(self, batch: Batch) -> Path:
        """The folder of what a batch makes."""
        return self._of(batch) / _OUTPUT

    def journal(self, batch: Batch) -> "Journal":
        """Which of a batch's items are settled."""
        return Journal(self._of(batch) / _JOURNAL)

    def _of(self, batch: Batch) -> Path:
        return self._folder / batch.identifier


class Journal:
    """The settled items of a batch: each a key and a record in JSON types."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> dict[str, Any]:
        """All records by their keys, in the order in which they were written.

        Raises
        ------
        OSError
        ValueError
            If somebody, or the disk, has spoiled it.
        """
        return dict(self._lines()) if self._file.exists() else {}

    def write(self, records: Mapping[str, Any]) -> None:
        """Settle items, their records by their keys; when this returns, they are settled whatever happens.

        Raises
        ------
        OSError
        """
        with self._file.open("ab") as stream:
            stream.write(b"".join(json.dumps([key, record]).encode() + b"\n" for key, record in records.items()))
            stream.flush()
            os.fsync(stream.fileno())

    def mend(self) -> None:
        """Cut off the line in whose middle the power went.

        Raises
        ------
        OSError
        """
        if not self._file.exists():
            return
        with self._file.open("rb+") as stream:
            whole = 0
            for line in stream:
                if not line.endswith(b"\n"):
                    stream.truncate(whole)
                    break
                whole += len(line)

    def _lines(self) -> Iterator[tuple[str, Any]]:
        with self._file.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    match json.loads(line, object_hook=_shared):
                        case [str(key), record]:
                            yield key, record
                        case _:
                            raise ValueError("no item of a journal")


def _shared(record: dict[str, Any]) -> dict[str, Any]:
    """An object whose names are there once, however many lines have them."""
    return {sys.intern(name): value for name, value in record.items()}


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")

"""The files that say what a dataset is: ``manifest.json`` with everything, and tables for those who train.

All of them depend on the request, the content of the archive and the versions alone: no times, no random names. So two runs
of one request can be compared by the digest of the manifest.
"""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ..formulas import with_apostrophe
from .labels import score_column

MANIFEST = "manifest.json"
TABLE = "dataset.csv"

FORMAT = 1
"""Version of the manifest's form."""

COLUMNS: Mapping[str, str] = {name: name for name in ("file", "split", "class", "group", "patient")} | {
    "study": "studyInstanceUID",
    "series": "seriesInstanceUID",
    "image": "sopInstanceUID",
    **{name: name for name in ("frame", "modality", "bodyPart", "role", "rows", "columns")},
    **{name: name for name in ("pixels", "picture", "sha256")},
}
"""What every table has: the column, and what the manifest calls it."""

READER_COLUMN = "reader/"
"""Before the name of a finding: the column of what readers say, 1 or 0; empty where nobody does, or the rule decides nothing."""

READERS, DISAGREE = "readers", "readersDisagree"

_DECIDED: Mapping[bool | None, int | None] = {True: 1, False: 0, None: None}

_FROM_FILES = frozenset({"modality", "bodyPart", "class"})
"""Columns with texts that stood in DICOM files, where others have written them."""


def write_manifest(
    file: Path,
    head: Mapping[str, Any],
    lists: Mapping[str, Iterable[Mapping[str, Any]]],
) -> str:
    """Write the manifest, with an entry of a list in each line.

    Parameters
    ----------
    head
        What it says of the dataset as a whole.
    lists
        Entries by name.

    Returns
    -------
    SHA-256 (hex) of the file.

    Raises
    ------
    OSError
    """

    def lines() -> Iterator[str]:
        yield "{\n"
        for name, value in head.items():
            yield f"{json.dumps(name)}: {json.dumps(value, indent=1, sort_keys=True)},\n"
        for number, (name, entries) in enumerate(lists.items()):
            yield f"{',' if number else ''}{json.dumps(name)}: ["
            for place, entry in enumerate(entries):
                yield f"{',' if place else ''}\n {json.dumps(entry)}"
            yield "\n]\n"
        yield "}\n"

    return _write(file, lambda stream: stream.writelines(lines()))


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table as CSV (RFC 4180), numbers with all their digits.

    Returns
    -------
    SHA-256 (hex) of the file.

    Raises
    ------
    OSError
    """

    def write(stream: IO[str]) -> None:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)

    return _write(file, write)


def table_of(images: Sequence[Mapping[str, Any]]) -> tuple[list[str], Iterator[list[Any]]]:
    """Columns and rows of ``dataset.csv``: one row for each image, with its scores and the researcher's own labels.

    Parameters
    ----------
    images
        Entries of the manifest.
    """
    scores = sorted({(one["model"], name) for one in images for name in one.get("findings", ())})
    own = sorted({name for one in images for name in one.get("labels", ())})
    stated = sorted({name for one in images for name in one.get("readers", ())})
    ours = [
        *COLUMNS,
        *(score_column(*score) for score in scores),
        *(READER_COLUMN + name for name in stated),
        *((READERS, DISAGREE) if stated else ()),
    ]
    columns = [*ours, *(_own_column(name, ours) for name in own)]

    def rows() -> Iterator[list[Any]]:
        for one in images:
            findings, labels, said = one.get("findings", {}), one.get("labels", {}), one.get("readers", {})
            yield [
                *(_harmless(name, one.get(name), labels) for name in COLUMNS.values()),
                *(findings.get(name) if one.get("model") == model else None for model, name in scores),
                *(_DECIDED[said.get(name, {}).get("present")] for name in stated),
                *((_readers(said), _disputed(said)) if stated else ()),
                *(labels.get(name) for name in own),
            ]

    return columns, rows()


def _readers(said: Mapping[str, Mapping[str, Any]]) -> int | None:
    """How many readers have said something of an image."""
    return len({reader for label in said.values() for reader in label["readers"]}) or None


def _disputed(said: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The findings on which they say different things."""
    disputed = " ".join(name for name, label in said.items() if label["disagree"])
    return with_apostrophe(disputed) if disputed else None


def _own_column(name: str, ours: Sequence[str]) -> str:
    return f"label/{name}" if name in ours else name


def _harmless(name: str, value: Any, labels: Mapping[str, str]) -> Any:
    """A cell that no spreadsheet takes for a formula; a label of the researcher's stays what it is, e.g. -1."""
    if name not in _FROM_FILES or value is None or value in labels.values():
        return value
    return with_apostrophe(value)


def _write(file: Path, write: Callable[[IO[str]], None]) -> str:
    """Write a file as a whole or not at all; its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}.", delete=False, encoding="utf-8", newline=""
    ) as stream:
        try:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
            Path(stream.name).chmod(0o644)  # a temporary file is its owner's only
            Path(stream.name).replace(file)
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            raise
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()

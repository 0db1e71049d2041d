"""Finished rows, some hundred to a file: what a kill leaves of a table, and what it is put together from.

A worker writes the rows of a few images as a piece; the server lets one follow the other in a part, without a look into them.
Both are text, a row to a line, each a JSON array. A part is there whole or not at all, and outlives a power cut.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PARTS = ".parts"
PIECES = ".pieces"
"""Folders within that of a table; the point keeps them out of what can be downloaded."""

IMAGES = 200
"""Images in a part: what a kill may cost. A film with its statistics takes a worker up to 0.2 s."""

TOGETHER = 8
"""Images in a piece, and in a worker's task; `IMAGES` is a multiple of it."""


def part(folder: Path, number: int) -> Path:
    """The file of a part, counted from 0, in the folder of a table."""
    return folder / PARTS / f"{number:07d}.jsonl"


def piece(folder: Path, number: int) -> Path:
    """The file of a piece by its first image, in the folder of a table."""
    return folder / PIECES / f"{number:09d}.jsonl"


def join(pieces: Iterable[Path], file: Path) -> None:
    """Let pieces follow each other in a part, and delete them.

    Raises
    ------
    OSError
    """
    pieces = list(pieces)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    with partial.open("wb") as whole:
        for one in pieces:
            with one.open("rb") as stream:
                shutil.copyfileobj(stream, whole)
        whole.flush()
        os.fsync(whole.fileno())
    partial.replace(file)
    for one in pieces:
        one.unlink()


def read_parts(files: Iterable[Path]) -> Iterator[list[Any]]:
    """The rows of parts, one after the other.

    Raises
    ------
    OSError
    """
    for file in files:
        with file.open("rb") as stream:
            for line in stream:
                yield json.loads(line)

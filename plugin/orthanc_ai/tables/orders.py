"""What the server asks a worker for: the rows of an image, and the parts as one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..handover import Shared

TABLES = "tables"
"""Name of the batches, and of the worker's tasks."""

Format = Literal["csv", "parquet", "sqlite"]

NAME = "table"
"""Of the files, before the ending."""

DESCRIPTION = "table.json"
"""What is to be known of a table, beside it."""


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """Make the rows of one image.

    Attributes
    ----------
    request
        Of the batch.
    number
        Of the image in the table, counted from 0.
    folder
        Where to, together with the images that come in one task.
    identifier
        Orthanc identifier of the instance.
    keys
        What the index says of it, for a file that cannot be read: by keyword, those of `columns.KEYS` and the issuer.
    file
        Where it lies; ``None`` if Orthanc has none that can be read.
    key
        Of the pseudonyms; ``None`` if the table is not de-identified.
    """

    request: Mapping[str, Any]
    number: int
    folder: Path
    identifier: str
    keys: Mapping[str, str]
    file: Shared | None
    key: bytes | None


@dataclass(frozen=True, slots=True)
class TableOrder:
    """Put the parts of a table together.

    Attributes
    ----------
    request
        Of the batch.
    parts
        The files of the rows, in their order.
    widths
        How many columns each split tag has, by path.
    folder
        Where to.
    about
        What else `DESCRIPTION` shall say, in JSON types.
    """

    request: Mapping[str, Any]
    parts: tuple[Path, ...]
    widths: Mapping[str, int]
    folder: Path
    about: Mapping[str, Any]

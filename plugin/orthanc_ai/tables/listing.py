"""Which images a table is about, and in which order: written down once, so that a run that goes on goes on with the same."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..files import sync
from ..server import Resource, Server
from .keys import INDEXED, ISSUER

LISTING = ".images.jsonl"
"""Within the folder of a table: one line for each image, some 300 bytes."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An image of a table.

    Attributes
    ----------
    identifier
        Orthanc's.
    keys
        What the index says of it: `keys.INDEXED`, by keyword.
    """

    identifier: str
    keys: Mapping[str, str]


def listed(server: Server, images: Iterable[Resource], *, issuers: bool) -> Iterator[Listed]:
    """Images of the index as they are listed.

    Parameters
    ----------
    issuers
        Whether the issuer of the Patient ID is asked for, once for each series: pseudonyms are made of both.
    """
    series, issuer = "", ""
    for image in images:
        if issuers and image.parent != series:
            study = server.study_of("instance", image.identifier)
            series, issuer = image.parent, str(study.tags.get(ISSUER, "")) if study else ""
        keys = {key: str(image.tags.get(key, "")) for key in INDEXED}
        yield Listed(image.identifier, keys | {ISSUER: issuer})


def write_listing(folder: Path, images: Iterable[Listed]) -> None:
    """Write down the images.

    Raises
    ------
    OSError
    """
    file = folder / LISTING
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as stream:
        for image in images:
            stream.write(json.dumps([image.identifier, *(image.keys[key] for key in INDEXED)]) + "\n")
    sync(partial)
    partial.replace(file)


def is_listed(folder: Path) -> bool:
    """Whether the images are written down."""
    return (folder / LISTING).is_file()


def count(folder: Path) -> int:
    """How many images are written down.

    Raises
    ------
    OSError
    """
    with (folder / LISTING).open("rb") as stream:
        return sum(1 for _ in stream)


def read_listing(folder: Path, start: int) -> Iterator[Listed]:
    """The images that are written down, from one on.

    Raises
    ------
    OSError
    """
    with (folder / LISTING).open("rb") as stream:
        for line in islice(stream, start, None):
            identifier, *values = json.loads(line)
            yield Listed(identifier, dict(zip(INDEXED, values, strict=True)))

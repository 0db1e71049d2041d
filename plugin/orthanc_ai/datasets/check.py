"""The proof that a split leaks nothing: no patient and no picture stands on two sides.

It looks at what a dataset says of its images and, if asked, at the files themselves; how the split was made is of no matter to
it. It needs the standard library alone, so that it runs where the dataset is used::

    python3 -m orthanc_ai.datasets.check FOLDER
"""

import csv
import gzip
import hashlib
import sys
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IDENTITIES = ("group", "patient", "study", "series", "image", "pixels", "picture", "sha256")
"""Columns of which no value may stand on two sides. Those that a table does not have are not looked at, and said so."""

NEEDED = ("file", "split")
"""Columns without which nothing can be proved."""

MOST_FILES = 20
"""Files that a leak lists."""

_ENDINGS = (".png", ".npz", ".nii.gz", ".dcm")
_PNG = b"\x89PNG\r\n\x1a\n"


class CheckError(ValueError):
    """What is to be checked is no dataset."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is on two sides, or not where the table says.

    Attributes
    ----------
    kind
        One of `IDENTITIES`; ``content``: files whose pictures are the same; ``missing``, ``unlisted``: files that are in the
        table alone, or in the folder alone; ``misplaced``: files that lie in the folder of another side.
    value
        What is shared; of a file, its name.
    sides
        Where it stands.
    files
        `MOST_FILES` at most.
    """

    kind: str
    value: str
    sides: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What the check has found.

    Attributes
    ----------
    images
        By side.
    compared
        By column, how many values were compared; ``content`` if the files were looked into.
    not_compared
        Columns that the table does not have.
    leaks
        Empty if there are none.
    """

    images: Mapping[str, int]
    compared: Mapping[str, int]
    not_compared: tuple[str, ...]
    leaks: tuple[Leak, ...]

    def to_json(self) -> dict[str, Any]:
        """In JSON types."""
        return {
            "images": dict(sorted(self.images.items())),
            "compared": dict(self.compared),
            "notCompared": list(self.not_compared),
            "leaks": [
                {"kind": leak.kind, "value": leak.value, "sides": list(leak.sides), "files": list(leak.files)}
                for leak in self.leaks
            ],
        }


def check_rows(rows: Iterable[Mapping[str, Any]]) -> Report:
    """Look for leaks in what a dataset says of its images.

    Parameters
    ----------
    rows
        One for each image: ``file``, ``split``, and some of `IDENTITIES`.

    Raises
    ------
    CheckError
        If a row lacks its file or its side, or all of them lack whose they are.
    """
    images: Counter[str] = Counter()
    found: dict[str, _Places] = {column: _Places() for column in IDENTITIES}
    for row in rows:
        file, side = (str(row.get(column) or "") for column in NEEDED)
        if not file or not side:
            raise CheckError("a row has no file or no split")
        images[side] += 1
        for column, places in found.items():
            if value := str(row.get(column) or ""):
                places.add(value, side, file)
    if images and not (found["group"].places or found["patient"].places):
        raise CheckError("nothing says whose the images are: there is neither a column group nor a column patient")
    compared = {column: len(places.places) for column, places in found.items() if places.places}
    leaks = tuple(leak for column, places in found.items() for leak in places.leaks(column))
    return Report(images, compared, tuple(column for column in IDENTITIES if column not in compared), leaks)


def check_folder(folder: Path, table: Path | None = None) -> Report:
    """Look for leaks in a dataset: in its table, and in its files.

    Parameters
    ----------
    folder
        The dataset.
    table
        Its table; without it, the CSV file in the folder that has the columns of one.

    Raises
    ------
    CheckError
        If there is no such table, or more than one.
    OSError
    """
    rows = _read(table or _table_of(folder))
    said = check_rows(rows)
    listed = {row["file"]: row["split"] for row in rows}
    contents, leaks = _Places(), list(said.leaks)
    for file, side in listed.items():
        path = folder / file
        if not path.is_file():
            leaks.append(Leak("missing", file, (side,), (file,)))
            continue
        first = Path(file).parts[0]
        if first in said.images and first != side:
            leaks.append(Leak("misplaced", file, tuple(sorted((first, side))), (file,)))
        contents.add(content_digest(path), side, file)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name.endswith(_ENDINGS) and name not in listed:
            leaks.append(Leak("unlisted", name, (), (name,)))
    leaks += contents.leaks("content")
    compared = {**said.compared, "content": len(contents.places)}
    return Report(said.images, compared, said.not_compared, tuple(leaks))


def content_digest(file: Path) -> str:
    """SHA-256 (hex) of what a file shows, without what only its form has: times in archives, UIDs in DICOM files.

    Raises
    ------
    OSError
    """
    digest = hashlib.sha256()
    for part in _parts(file):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    try:
        if content.startswith(_PNG):
            yield from _png(content)
        elif file.name.endswith(".npz"):
            with zipfile.ZipFile(file) as archive:
                for name in sorted(archive.namelist()):
                    yield from (name.encode(), archive.read(name))
        elif file.name.endswith(".nii.gz"):
            yield gzip.decompress(content)
        elif file.name.endswith(".dcm"):
            yield _pixel_data(file)
        else:
            yield content
    except (zlib.error, zipfile.BadZipFile, EOFError, IndexError, ImportError):
        # Spoiled, or of a kind that cannot be looked into here: then its bytes count.
        yield content


def _png(content: bytes) -> Iterator[bytes]:
    """Size and type of a picture, and its pixels as they were filtered: one encoder filters the same ones alike."""
    at, data = len(_PNG), []
    while at < len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            yield body
        elif kind == b"IDAT":
            data.append(body)
        at += 12 + length
    yield zlib.decompress(b"".join(data))


def _pixel_data(file: Path) -> bytes:
    import pydicom

    return bytes(pydicom.dcmread(file, force=True).get("PixelData", b""))


def _table_of(folder: Path) -> Path:
    found = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            if set(NEEDED) <= set(next(csv.reader(stream), [])):
                found.append(file)
    if len(found) != 1:
        raise CheckError(f"{len(found)} tables with the columns {' and '.join(NEEDED)} lie in the folder")
    return found[0]


def _read(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


class _Places:
    """Where each value stands."""

    def __init__(self) -> None:
        self.places: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)

    def add(self, value: str, side: str, file: str) -> None:
        files = self.places[value].setdefault(side, [])
        if len(files) < MOST_FILES:
            files.append(file)

    def leaks(self, kind: str) -> Iterator[Leak]:
        for value, by_side in sorted(self.places.items()):
            if len(by_side) > 1:
                files = [file for side in sorted(by_side) for file in by_side[side]]
                yield Leak(kind, value, tuple(sorted(by_side)), tuple(files[:MOST_FILES]))


def main(arguments: list[str]) -> int:
    """Check a folder and say what was found.

    Returns
    -------
    0 if nothing leaks, 1 if something does, 2 if there is no dataset.
    """
    if len(arguments) != 1:
        print("usage: python3 -m orthanc_ai.datasets.check FOLDER", file=sys.stderr)
        return 2
    try:
        report = check_folder(Path(arguments[0]))
    except (CheckError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for side, count in sorted(report.images.items()):
        print(f"{side}: {count} images")
    for leak in report.leaks:
        print(f"{leak.kind} {leak.value} on {', '.join(leak.sides) or 'no side'}: {', '.join(leak.files)}")
    print("nothing stands on two sides" if not report.leaks else f"{len(report.leaks)} leaks")
    return 1 if report.leaks else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""What the journal of a dataset says of an instance: its files, and what was left out of it; nothing of whose it is."""

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..batches.crew import Done
from ..batches.run import Run
from ..codes import Code
from ..deidentify.pseudonyms import Pseudonyms
from .orders import ImageOrder


def record_of(done: Done[ImageOrder], pseudonyms: Pseudonyms) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """The record of an instance, and its members: whose its images are, which no journal may keep."""
    if done.result is None:
        return {"images": [], "leftOut": [{"frame": None, "code": done.code}]}, []
    images = [dict(image) for image in done.result["images"]]
    members = [image.pop("member") for image in images]
    for image, member in zip(images, members, strict=True):
        # So that the same pixels can be found within the dataset, and only there.
        image |= {name: pseudonyms.digest(member[name]) for name in ("pixels", "picture")}
    return {"images": images, "leftOut": done.result["leftOut"]}, members


def count(run: Run, records: Iterable[Mapping[str, Any]], *, anew: bool = False) -> None:
    """Add records to the summary of a run.

    Parameters
    ----------
    anew
        Whether they are all there are: a kill takes along what was counted before.
    """
    codes: dict[str, int] = {} if anew else dict(run.summary.get("codes", {}))
    size = 0 if anew else int(run.summary.get("bytes", 0))
    for record in records:
        codes[Code.EXPORTED] = codes.get(Code.EXPORTED, 0) + len(record["images"])
        size += sum(image["bytes"] for image in record["images"])
        for one in record["leftOut"]:
            codes[one["code"]] = codes.get(one["code"], 0) + 1
    run.summarise(codes={str(code): number for code, number in codes.items() if number}, bytes=size)


def spoiled(settled: Mapping[str, Any], folder: Path, noted: Container[str]) -> Iterator[str]:
    """Names of instances that are settled and whose files, or members, are not what was written: the power went too soon.

    Parameters
    ----------
    noted
        The files of which is known whose they are.
    """
    for name, record in settled.items():
        if not all(image["file"] in noted and _is_sound(folder / image["file"], image) for image in record["images"]):
            yield name


def _is_sound(file: Path, image: Mapping[str, Any]) -> bool:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == str(image["sha256"])
    except OSError:
        return False

"""The list of images that a dataset is made of: drawn up once, so that a resumed run makes the same dataset.

It says whose each image is, so it lies in the private folder of the dataset.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import write_atomically
from .choice import Chosen


@dataclass(frozen=True, slots=True)
class Planned:
    """One instance of the dataset.

    Attributes
    ----------
    name
        What its files are called, without ending; it says nothing of whose they are.
    patient
        Pseudonym of the patient.
    labels
        The researcher's own, by column.
    """

    chosen: Chosen
    name: str
    patient: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Planned":
        """Read back what was written."""
        return cls(Chosen(**content["chosen"]), content["name"], content["patient"], content["labels"])


def write_plan(file: Path, planned: Iterable[Planned]) -> None:
    """Write down the list, whole or not at all.

    Raises
    ------
    OSError
    """
    write_atomically(file, b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in planned))


def read_plan(file: Path) -> Iterator[Planned]:
    """Read the list.

    Raises
    ------
    OSError
    ValueError, KeyError, TypeError
        If somebody has spoiled it.
    """
    with file.open("rb") as stream:
        for line in stream:
            yield Planned.of(json.loads(line))

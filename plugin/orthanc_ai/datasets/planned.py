"""The list of images that a dataset is made of: drawn up once, so that a resumed run makes the same dataset.

It says whose each image is, so it lies in the private folder of the dataset.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
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
    readers
        What readers say, by finding: `readers.Label.to_json`.
    """

    chosen: Chosen
    name: str
    patient: str
    labels: Mapping[str, str]
    readers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Planned":
        """Read back what was written."""
        return cls(
            Chosen(**content["chosen"]),
            content["name"],
            content["patient"],
            content["labels"],
            content.get("readers", {}),
        )


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
    thresholds: dict[tuple[tuple[str, float], ...], dict[str, float]] = {}
    with file.open("rb") as stream:
        for line in stream:
            content = json.loads(line, object_hook=_shared)
            # A model has the same for all images: of a hundred thousand, they would take a hundred megabytes.
            own = content["chosen"]["thresholds"]
            content["chosen"]["thresholds"] = thresholds.setdefault(tuple(own.items()), own)
            yield Planned.of(content)


def _shared(content: dict[str, Any]) -> dict[str, Any]:
    """An object whose names are there once, however many lines have them."""
    return {sys.intern(name): value for name, value in content.items()}

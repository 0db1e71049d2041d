"""What is to be fetched: the studies that were found, with their series, and the file that keeps them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ..files import write_atomically

FILE = "studies.jsonl"
"""Name of the file in a batch's output: one study on each line."""

SUMMARY = "search.json"
"""Name of the file with the numbers of the search."""


@dataclass(frozen=True, slots=True)
class Series:
    """A wanted series, as the peer describes it.

    Attributes
    ----------
    instances
        How many the peer says it has; ``None`` if it does not say.
    """

    series_instance_uid: str
    modality: str
    body_part: str
    description: str
    number: str
    instances: int | None


@dataclass(frozen=True, slots=True)
class Study:
    """A wanted study, as the peer describes it.

    Attributes
    ----------
    date
        Study Date.
    issuer
        Issuer of Patient ID.
    series
        Those of its series that are wanted.
    others
        How many of its series are not.
    """

    study_instance_uid: str
    patient_id: str
    issuer: str
    date: str
    description: str
    series: tuple[Series, ...]
    others: int

    @property
    def instances(self) -> int | None:
        """Number of wanted instances; ``None`` if the peer does not say of each series."""
        counts = [one.instances for one in self.series]
        return None if None in counts else sum(count or 0 for count in counts)

    def to_json(self) -> dict[str, Any]:
        """The study in JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read `to_json` back."""
        return cls(**{**values, "series": tuple(Series(**one) for one in values["series"])})


def write(output: Path, studies: Iterable[Study], summary: Mapping[str, Any]) -> None:
    """Keep a plan: it is there as a whole, or not at all.

    Parameters
    ----------
    summary
        The numbers of the search, in JSON types.

    Raises
    ------
    OSError
    """
    write_atomically(output / SUMMARY, json.dumps(summary).encode())
    lines = [json.dumps(study.to_json()).encode() + b"\n" for study in studies]
    write_atomically(output / FILE, b"".join(lines))


def summary(output: Path) -> dict[str, Any] | None:
    """The numbers of the search; ``None`` if there is no plan yet.

    Raises
    ------
    OSError
    """
    if not (output / FILE).exists():
        return None
    found: dict[str, Any] = json.loads((output / SUMMARY).read_bytes())
    return found


def read(output: Path, start: int = 0) -> Iterator[Study]:
    """The studies of a plan, one by one, from a number on; none if there is no plan yet.

    Raises
    ------
    OSError
    """
    try:
        stream = (output / FILE).open("rb")
    except FileNotFoundError:
        return
    with stream:
        for number, line in enumerate(stream):
            if number >= start:
                yield Study.from_json(json.loads(line))

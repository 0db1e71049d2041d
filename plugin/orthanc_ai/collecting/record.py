"""What became of the studies of a collection: one by one, as it is settled, and counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from ..codes import Code


class StudyState(StrEnum):
    """What became of a study."""

    FETCHED = "fetched"
    HERE = "here"
    """All that is wanted of it was here."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a study.

    Attributes
    ----------
    at
        When, ISO 8601 with time zone.
    begun
        When it was begun the last time, ISO 8601 with time zone; empty if the peer was not asked for it.
    attempts
        How often the peer was asked for it.
    code, detail
        Why it failed; ``None`` and empty if it did not.
    orthanc_ids
        Of the study, as it is here: several if it is here under several Patient IDs.
    """

    state: StudyState
    at: str
    begun: str = ""
    attempts: int = 0
    code: Code | None = None
    detail: str = ""
    orthanc_ids: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The record in JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read `to_json` back."""
        code = values["code"]
        known = {"state": StudyState(values["state"]), "code": None if code is None else Code[code]}
        return cls(**{**values, **known})


class Tally:
    """Counts records."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._states: Counter[StudyState] = Counter()
        self._codes: Counter[Code] = Counter()
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Count one more."""
        self._states[record.state] += 1
        if record.code:
            self._codes[record.code] += 1

    def summary(self) -> dict[str, Any]:
        """The numbers in JSON types."""
        states = {str(state): self._states[state] for state in StudyState}
        return states | {"failures": {str(code): count for code, count in sorted(self._codes.items())}}

"""Lists over the whole archive, newest first, page by page, in bounded memory and time.

Rows are numbered from the oldest, so that what arrives while somebody turns pages changes no number: a cursor is the
number of rows that remain. A resource that is deleted meanwhile makes a row appear twice, never be missed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..codes import Code
from ..server import Content, Level, Resource, Server
from .http import Problem

MAXIMUM_LIMIT = 1000
DEFAULT_LIMIT = 100

SMALLEST_READ = 20
LARGEST_READ = 500
"""Rows of the index read at once: each takes about 2 KB."""

MAXIMUM_SCAN = 20_000
"""Rows of the index looked at for one page, a few seconds' work. A page may therefore hold less than its limit, even
nothing, and there is more as long as it names a next one."""

_ORDER: Mapping[Level, tuple[str, str, Literal["ASC"]]] = {
    "instance": ("Metadata", "ReceptionDate", "ASC"),
    "series": ("Metadata", "LastUpdate", "ASC"),
    "study": ("Metadata", "LastUpdate", "ASC"),
    "patient": ("Metadata", "LastUpdate", "ASC"),
}

_CONTENT: Sequence[Content] = ("MainDicomTags", "Metadata", "Parent")

CURSOR = r"([0-9]{1,12})(?:\.([0-9]{1,6})\.([0-9a-f]{8}))?"
"""Regular expression of a cursor's text."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page goes on.

    Attributes
    ----------
    remaining
        How many rows of the index remain, counted from the oldest.
    taken
        How many items of the newest of them are done with already.
    identifier
        The beginning of that row's Orthanc identifier: if another row stands there now, all its items are due.
    """

    remaining: int
    taken: int = 0
    identifier: str = ""

    def __str__(self) -> str:
        return f"{self.remaining}.{self.taken}.{self.identifier}" if self.taken else str(self.remaining)

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read a cursor back.

        Raises
        ------
        Problem
            ``BAD_REQUEST``
        """
        match = re.fullmatch(CURSOR, text)
        if not match:
            raise Problem(Code.BAD_REQUEST, f"cursor: found {text!r}; allowed: what the `next` of a page names")
        remaining, taken, identifier = match.groups()
        return cls(int(remaining), int(taken or 0), identifier or "")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of the index a list is made from.

    Attributes
    ----------
    items
        How many items a row contributes, by and large: no more rows are read for a page than it is likely to need.
    """

    level: Level
    metadata: Mapping[str, str]
    query: Mapping[str, str]
    tags: Sequence[str]
    items: int = 1


def page[Item](
    server: Server, selection: Selection, items: Callable[[Resource], list[Item]], cursor: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """One page of a list.

    Parameters
    ----------
    items
        What a row of the index contributes, after all filters.
    cursor
        Where to go on; ``None`` to begin.

    Returns
    -------
    The items, at most `limit`, and the cursor of the next page; ``None`` if there is none.
    """
    place = Cursor.parse(cursor) if cursor else _newest(server, selection)
    taken: list[Item] = []
    for scanned, (remaining, row) in enumerate(_rows(server, selection, place.remaining, limit)):
        done = place.taken if scanned == 0 and row.identifier.startswith(place.identifier) else 0
        due = items(row)[done:]
        room = limit - len(taken)
        taken += due[:room]
        if len(due) > room:
            return taken, str(Cursor(remaining + 1, done + room, row.identifier[:8]))
        if remaining and (len(taken) == limit or scanned + 1 == MAXIMUM_SCAN):
            return taken, str(Cursor(remaining))
    return taken, None


def _newest(server: Server, selection: Selection) -> Cursor:
    return Cursor(server.count(selection.level, selection.query, metadata=selection.metadata))


def _rows(server: Server, selection: Selection, remaining: int, limit: int) -> Iterator[tuple[int, Resource]]:
    """Rows from the newest on, each with the number of those that remain after it."""
    size = max(SMALLEST_READ, min(limit // selection.items, LARGEST_READ))
    while remaining > 0:
        first = max(0, remaining - size)
        found = server.find(
            selection.level,
            selection.query,
            metadata=selection.metadata,
            tags=selection.tags,
            since=first,
            limit=remaining - first,
            order=[_ORDER[selection.level]],
            # As they are counted, and as Orthanc can do it beyond the first row.
            case_sensitive=False,
            # The instances of a series may be thousands.
            content=_CONTENT,
        )
        for number in reversed(range(len(found))):
            yield first + number, found[number]
        # A cursor comes from outside: where it lies far beyond the newest row, there is nothing to read up to there.
        remaining, size = (first if found else min(first, _newest(server, selection).remaining)), LARGEST_READ

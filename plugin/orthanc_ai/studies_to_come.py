"""CT studies whose images arrive and that are not known to be complete yet.

Orthanc's stable events live in its memory, so a restart eats them. A study that was quiet for longer than the stable age is
therefore complete, event or not; and the saved place stays before its images until it is judged.
"""

import time
from dataclasses import dataclass

from .server import Server
from .settings import Priority

REMEMBERED_SERIES = 10_000
"""How many series' studies are remembered; each takes about 300 bytes."""


@dataclass(slots=True)
class Study:
    """A study to come.

    Attributes
    ----------
    sequence
        Row of the change log of its first image.
    seen
        When its latest image was seen, by the monotonic clock.
    """

    sequence: int
    seen: float
    urgent: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """The study that a series belongs to, and whether its own header calls it urgent."""

    identifier: str
    urgent: bool


class StudiesToCome:
    """Used on the thread of the inbox; its length may be asked for on any.

    Parameters
    ----------
    quiet_s
        Seconds without a new image after which a study is looked at.
    """

    def __init__(self, server: Server, priority: Priority, quiet_s: float) -> None:
        self._server = server
        self._priority = priority
        self._quiet_s = quiet_s
        self._studies: dict[str, Study] = {}
        self._owners: dict[str, Owner] = {}
        self._of_series: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._studies)

    def owner(self, series: str) -> Owner | None:
        """A series' study, remembered: the slices of a series come by the thousand. ``None`` if it is gone."""
        if series not in self._owners:
            found = self._server.study_of("series", series)
            if found is None:
                return None
            if len(self._owners) >= REMEMBERED_SERIES:
                self._owners.clear()
            self._owners[series] = Owner(found.identifier, self._priority.is_stat(found.tags))
        return self._owners[series]

    def seen(self, series: str) -> bool:
        """Another image has come; whether it is one of a CT series whose study is expected already."""
        study = self._studies.get(self._of_series.get(series, ""))
        if study:
            study.seen = time.monotonic()
        return study is not None

    def seen_again(self, series: str, identifier: str) -> bool:
        """An image of a CT series of a study has come; whether the study was expected already."""
        if len(self._of_series) >= REMEMBERED_SERIES:
            self._of_series.clear()
        self._of_series[series] = identifier
        return self.seen(series)

    def add(self, identifier: str, sequence: int, *, urgent: bool) -> None:
        """The first image of a study has come."""
        self._studies[identifier] = Study(sequence, time.monotonic(), urgent)

    def take(self, identifier: str) -> Study | None:
        """A study is complete: expect no more of it."""
        return self._studies.pop(identifier, None)

    def quiet(self) -> list[tuple[str, Study]]:
        """Studies whose latest image came long enough ago."""
        since = time.monotonic() - self._quiet_s
        return [one for one in self._studies.items() if one[1].seen < since]

    def take_if_complete(self, identifier: str) -> bool:
        """Take a quiet study, unless Orthanc still waits for it."""
        found = self._server.resource("study", identifier)
        if found is not None and not found.stable:
            self._studies[identifier].seen = time.monotonic()
            return False
        del self._studies[identifier]
        return True

"""Sweeps: ways through the archive that find work which no new row of the change log tells of.

Each gives its work in pages, so that what waits is in Orthanc's index and not in memory. If a page cannot be read, the
sweep stays where it was.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from .analyses import CARDIAC, XRAY, Analysis
from .codes import Code
from .outcomes import CARDIAC_METADATA, REQUEST_METADATA, XRAY_METADATA, read_outcome, search_pattern
from .server import Level, Resource, Server
from .xray.select import is_xray

OUTCOMES_AT_ONCE = 100
"""Outcomes read at once when all with a certain code are looked at again."""

INSTANCES_AT_ONCE = 500
"""Instances read at once of a resource that somebody asked for; each takes about 2 KB while it is looked at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Work that a sweep has found."""

    analysis: str
    identifier: str
    asked: bool = False


class Sweep(Protocol):
    """One way through the archive."""

    patient: bool
    """Whether the work of a page must be done before the next page is asked for."""

    def page(self, server: Server) -> list[Wanted] | None:
        """The next work, maybe none; ``None`` if the sweep has come to its end.

        Raises
        ------
        ServerError
            If the index could not be read; the same page comes again.
        """
        ...

    def finish(self, server: Server) -> None:
        """Called once all its work is done."""
        ...


@dataclass(slots=True, eq=False)
class Running:
    """A sweep on its way: what it has found and is not begun, and how much was begun and is not done."""

    sweep: Sweep
    due: deque[Wanted] = field(default_factory=deque)
    open: int = 0
    exhausted: bool = False
    rests_until: float = 0.0
    """Not to be asked before, by the monotonic clock: it could not be read."""

    @property
    def done(self) -> bool:
        """Whether all its work is done."""
        return self.exhausted and not self.due and not self.open

    @property
    def may_go_on(self) -> bool:
        """Whether there is, or may be, work to begin now."""
        return bool(self.due) or not (self.exhausted or (self.sweep.patient and self.open))

    def fill(self, server: Server) -> None:
        """Ask for a page if none is left."""
        if not self.due and not self.exhausted:
            page = self.sweep.page(server)
            self.exhausted = page is None
            self.due.extend(page or ())


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How far a look through the whole archive has come.

    Attributes
    ----------
    studies, looked_at
        Studies there are, and that were looked at.
    found, settled
        Images and studies that had no outcome, and how many of them have one by now.
    started, ended
        ISO 8601, UTC; empty if it has not begun or ended.
    """

    running: bool
    studies: int
    looked_at: int
    found: int
    settled: int
    started: str
    ended: str


WAITING = Reconciliation(running=True, studies=0, looked_at=0, found=0, settled=0, started="", ended="")
"""A look through the archive that is wanted and has not begun."""


class ArchiveSweep:
    """Everything in the archive that was received since a moment and has no outcome.

    Parameters
    ----------
    since
        Earliest reception, in the form of Orthanc's `ReceptionDate` (UTC); empty for everything.
    """

    patient = False

    def __init__(self, since: str) -> None:
        self._since = since
        self._studies: list[bytes] | None = None
        self._total = 0
        self._looked_at = 0
        self._found = 0
        self._started = _now()
        self._ended = ""

    def page(self, server: Server) -> list[Wanted] | None:
        """What one more study lacks."""
        if self._studies is None:
            # 20 bytes each instead of the 100 of a text: an archive may hold a million studies.
            self._studies = [bytes.fromhex(one.replace("-", "")) for one in server.identifiers("study")]
            self._total = len(self._studies)
            server.warn(f"AI: looking through {self._total} studies for what has no outcome yet")
        if not self._studies:
            return None
        wanted = self._lacking(server, _orthanc_id(self._studies[-1]))
        # Taken off only after it was read: an error must not make it look done.
        self._studies.pop()
        self._looked_at += 1
        self._found += len(wanted)
        return wanted

    def finish(self, server: Server) -> None:
        """Say that it is done."""
        self._ended = _now()
        server.warn(f"AI: the archive has been looked through: {self._found} without an outcome were found")

    def progress(self, open_work: int) -> Reconciliation:
        """How far it has come, if so much of its work is not done yet."""
        return Reconciliation(
            running=not self._ended,
            studies=self._total,
            looked_at=self._looked_at,
            found=self._found,
            settled=self._found - open_work,
            started=self._started,
            ended=self._ended,
        )

    def _lacking(self, server: Server, study: str) -> list[Wanted]:
        """What a study holds that has no outcome: its X-rays, and itself if it has CT images that nobody has judged."""
        wanted, ct = [], 0
        recent = False
        for found in server.children("study", study, "instance", ("Modality",)):
            is_recent = found.metadata.get("ReceptionDate", "") >= self._since
            if _modality(found) == "CT":
                ct += 1
                recent = recent or is_recent
            elif is_recent and _is_xray(found) and read_outcome(found.metadata, XRAY_METADATA) is None:
                wanted.append(Wanted(XRAY, found.identifier))
        if recent and self._is_to_be_judged(server, study, ct):
            wanted.append(Wanted(CARDIAC, study))
        return wanted

    @staticmethod
    def _is_to_be_judged(server: Server, study: str, instances: int) -> bool:
        text = server.metadata("study", study, CARDIAC_METADATA)
        outcome = read_outcome({CARDIAC_METADATA: text}, CARDIAC_METADATA) if text else None
        # It may have grown behind a log that was cleared.
        return outcome is None or outcome.data.get("instances", instances) != instances


class OutcomeSweep:
    """Everything whose outcome has a certain code, e.g. all that is held.

    What keeps its code although it was looked at is passed over. What is held is held by what all of them wait for, so
    if a whole page stays held, the rest is left to whoever releases it.
    """

    patient = True

    def __init__(self, code: Code, analysis: Analysis, *, asked: bool) -> None:
        self.key = (code, analysis.name)
        self._code = code
        self._analysis = analysis
        self._asked = asked
        self.restart()

    def restart(self) -> None:
        """Begin anew with the first of them."""
        self._before: set[str] = set()
        self._passed_over = 0

    def page(self, server: Server) -> list[Wanted] | None:
        """The next of them."""
        pattern = {self._analysis.metadata: search_pattern(self._code)}
        found = server.identifiers(
            self._analysis.level, metadata=pattern, since=self._passed_over, limit=OUTCOMES_AT_ONCE
        )
        if not found:
            return None
        fresh = [one for one in found if one not in self._before]
        kept = len(found) - len(fresh)
        if kept and kept == len(self._before) and self._code is Code.HELD:
            return None
        self._passed_over += kept
        self._before = set(found)
        return [Wanted(self._analysis.name, one, self._asked) for one in fresh]

    def finish(self, _server: Server) -> None:
        """Nothing to be remembered."""


class RequestSweep:
    """Everything below a resource that somebody has asked to be analysed."""

    patient = False

    def __init__(self, level: Level, identifier: str) -> None:
        self.level = level
        self.identifier = identifier
        self.key: tuple[Level, str] = (level, identifier)
        self.keep = False
        """Whether the request was made once more meanwhile, so that it must not be forgotten."""
        self._read = 0
        self._series: set[str] = set()
        self._studies: set[str] = set()

    def page(self, server: Server) -> list[Wanted] | None:
        """The next of it."""
        if self.level == "instance":
            found = server.resource("instance", self.identifier, ("Modality",)) if not self._read else None
            instances = [found] if found else []
        else:
            parent = (self.level, self.identifier)
            instances = list(
                server.find(
                    "instance",
                    parent=parent,
                    tags=("Modality",),
                    since=self._read,
                    limit=INSTANCES_AT_ONCE,
                    order=_ORDER,
                )
            )
        if not instances:
            return None
        wanted = [Wanted(XRAY, one.identifier, asked=True) for one in instances if _is_xray(one)]
        for series in {one.parent for one in instances if _modality(one) == "CT"} - self._series:
            study = server.study_of("series", series)
            if study and study.identifier not in self._studies:
                wanted.append(Wanted(CARDIAC, study.identifier, asked=True))
                self._studies.add(study.identifier)
            self._series.add(series)
        self._read += len(instances)
        return wanted

    def finish(self, server: Server) -> None:
        """The request is carried out."""
        if not self.keep:
            server.remove_metadata(self.level, self.identifier, REQUEST_METADATA)


_ORDER: tuple[tuple[str, str, Literal["ASC"]], ...] = (("DicomTag", "SOPInstanceUID", "ASC"),)


def _orthanc_id(digest: bytes) -> str:
    """An Orthanc identifier: a SHA-1 digest in five groups of eight hexadecimal digits."""
    return digest.hex("-", 4)


def _modality(found: Resource) -> str:
    return str(found.tags.get("Modality", ""))


def _is_xray(found: Resource) -> bool:
    return is_xray(_modality(found), found.metadata.get("SopClassUid", ""))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

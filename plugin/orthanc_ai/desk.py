"""What the /ai routes may ask of the work: how it stands, to do something again, to pause, to look through the archive."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from .analyses import XRAY
from .codes import Code
from .inbox import KINDS, Inbox
from .jobs import Jobs, LastError
from .outcomes import REQUEST_METADATA
from .pause import Pause
from .server import ORTHANC_TIME, Level, Resource, Server
from .sweeps import Reconciliation
from .xray.select import is_xray


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How the work stands.

    Attributes
    ----------
    waiting, running
        Jobs in hand. More may wait in the change log.
    studies_to_come
        CT studies whose images arrive and that are not complete yet.
    idle
        Whether nothing is in hand or asked for, so that everything up to `place` is done.
    paused
        Whether an operator has paused the work.
    place
        Row of Orthanc's change log up to which everything is settled.
    oldest_s
        Age of the oldest row that is not, in seconds; 0 if there is none.
    ended
        Jobs by outcome since the start.
    counted
        Instances that no analysis wants, by modality, since the start.
    rush
        Whether images come so fast that the analysis steps back.
    """

    waiting: int
    running: int
    studies_to_come: int
    idle: bool
    paused: bool
    place: int
    oldest_s: float
    ended: Mapping[Code, int]
    counted: Mapping[str, int]
    last_error: LastError | None
    rush: bool = False


@dataclass(frozen=True, slots=True)
class HandJob:
    """A job in hand.

    Attributes
    ----------
    attempts
        How often Orthanc's index could not be read or written for it.
    since
        When it was taken (UTC).
    """

    analysis: str
    level: Level
    identifier: str
    state: Literal["waiting", "running"]
    urgent: bool
    asked: bool
    attempts: int
    since: datetime


class Desk:
    """Where questions and requests about the work are taken."""

    def __init__(
        self, server: Server, inbox: Inbox, jobs: Jobs, pause: Pause, rush: Callable[[], bool] = lambda: False
    ) -> None:
        self._server = server
        self._inbox = inbox
        self._errands = inbox.errands
        self._jobs = jobs
        self._pause = pause
        self._rush = rush

    def status(self) -> QueueStatus:
        """How the work stands now."""
        waiting, running = self._jobs.count()
        requested, studies = self._inbox.waiting()
        place = self._inbox.ledger.place
        return QueueStatus(
            waiting=waiting + requested,
            running=running,
            studies_to_come=studies,
            idle=self._inbox.idle and not waiting + running,
            paused=self._pause.active,
            place=place,
            oldest_s=self._oldest_s(place),
            ended=Counter(self._jobs.ended),
            counted=Counter(self._inbox.counted),
            last_error=self._jobs.last_error,
            rush=self._rush(),
        )

    def _oldest_s(self, place: int) -> float:
        rows = self._server.changes(place, 1, KINDS).rows
        if not rows:
            return 0.0
        begun = datetime.strptime(rows[0].date, ORTHANC_TIME).replace(tzinfo=UTC)
        return max(0.0, (datetime.now(UTC) - begun).total_seconds())

    def in_hand(self) -> tuple[HandJob, ...]:
        """The jobs in hand: those that run, then those that wait, in their order."""
        return tuple(
            HandJob(
                analysis=job.analysis.name,
                level=job.analysis.level,
                identifier=job.identifier,
                state="running" if job.running else "waiting",
                urgent=job.urgent,
                asked=job.asked,
                attempts=job.attempts,
                since=job.since,
            )
            for job in self._jobs.in_hand()
        )

    def request(self, level: Level, identifier: str) -> int:
        """Ask for everything below a resource to be analysed; what is settled and up to date stays as it is.

        Parameters
        ----------
        level, identifier
            The resource, by its Orthanc identifier.

        Returns
        -------
        Number of jobs that were asked for: X-ray instances, and the CT studies that they belong to. They outlive a
        restart.
        """
        instances = (
            [found for found in [self._server.resource("instance", identifier, ("Modality",))] if found]
            if level == "instance"
            else self._server.children(level, identifier, "instance", ("Modality",))
        )
        xrays, series = 0, set()
        for found in instances:
            xrays += is_xray(_modality(found), found.metadata.get("SopClassUid", ""))
            if _modality(found) == "CT":
                series.add(found.parent)
        studies = {found.identifier for found in (self._server.study_of("series", one) for one in series) if found}
        wanted = xrays + len(studies)
        if wanted:
            self._errands.request(level, identifier)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._server.set_metadata(level, identifier, REQUEST_METADATA, now)
        return wanted

    def retry(self, analysis: str, identifier: str) -> None:
        """Try one job again at once, its attempts counted anew."""
        level: Level = "instance" if analysis == XRAY else "study"
        self._errands.request(level, identifier)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._server.set_metadata(level, identifier, REQUEST_METADATA, now)

    def retry_failed(self) -> int:
        """Try everything again that was given up; how much that is."""
        return self._errands.retry_failed()

    def pause(self) -> None:
        """Begin nothing more until further notice, which outlives a restart. What runs is finished."""
        self._pause.set(True)

    def resume(self) -> None:
        """Go on."""
        self._pause.set(False)
        self._errands.release_held()

    def reconcile(self, since: date | None) -> None:
        """Look through the whole archive for what has no outcome, from a day of reception on."""
        self._errands.reconcile(since)

    def reconciliation(self) -> Reconciliation | None:
        """The look through the archive that runs, or the latest one since the start."""
        return self._errands.reconciliation()


def _modality(found: Resource) -> str:
    return str(found.tags.get("Modality", ""))

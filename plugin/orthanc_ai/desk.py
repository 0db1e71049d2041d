"""What the /ai routes may ask of the work: how it stands, and to do something again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .analyses import CARDIAC, XRAY
from .codes import Code
from .inbox import Inbox
from .jobs import Jobs, LastError
from .server import Level, Resource, Server
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
    place
        Row of Orthanc's change log up to which everything is settled.
    ended
        Jobs by outcome since the start.
    counted
        Instances that no analysis wants, by modality, since the start.
    """

    waiting: int
    running: int
    studies_to_come: int
    idle: bool
    place: int
    ended: Mapping[Code, int]
    counted: Mapping[str, int]
    last_error: LastError | None


class Desk:
    """Where questions and requests about the work are taken."""

    def __init__(self, server: Server, inbox: Inbox, jobs: Jobs) -> None:
        self._server = server
        self._inbox = inbox
        self._jobs = jobs

    def status(self) -> QueueStatus:
        """How the work stands now."""
        waiting, running = self._jobs.count()
        requested, studies = self._inbox.waiting()
        return QueueStatus(
            waiting=waiting + requested,
            running=running,
            studies_to_come=studies,
            idle=self._inbox.idle and not waiting + running,
            place=self._inbox.ledger.place,
            ended=Counter(self._jobs.ended),
            counted=Counter(self._inbox.counted),
            last_error=self._jobs.last_error,
        )

    def request(self, level: Level, identifier: str) -> int:
        """Ask for everything below a resource to be analysed; what is settled and up to date stays as it is.

        Parameters
        ----------
        level, identifier
            The resource, by its Orthanc identifier.

        Returns
        -------
        Number of jobs that were asked for: X-ray instances, and the CT studies that they belong to.
        """
        instances = (
            [found for found in [self._server.resource("instance", identifier, ("Modality",))] if found]
            if level == "instance"
            else list(self._server.children(level, identifier, "instance", ("Modality",)))
        )
        wanted = [(XRAY, found.identifier) for found in instances if _is_xray(found)]
        series = {found.parent for found in instances if found.tags.get("Modality") == "CT"}
        studies = {found.parent for found in (self._server.resource("series", one) for one in series) if found}
        wanted += [(CARDIAC, study) for study in sorted(studies)]
        self._inbox.request(wanted)
        return len(wanted)


def _is_xray(found: Resource) -> bool:
    return is_xray(str(found.tags.get("Modality", "")), found.metadata.get("SopClassUid", ""))

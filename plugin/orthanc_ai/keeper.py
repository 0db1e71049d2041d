"""How reports, and what they refer to, are stored: once, seen to be there, and marked as ours."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from .analyses import REPORT_CHECK, Answer, Made, Task
from .codes import Code
from .faults import Fault, ObjectsFault
from .outcomes import REPORT_METADATA, Result
from .server import FileRefusedError, Resource, Server, ServerError

IDENTITY_TAGS = ("PatientID", "StudyInstanceUID")
"""What a report and its source have in common."""


class Marker(Protocol):
    """Makes the mark of an object of ours that has just been stored: whether and where it is sent on to."""

    def __call__(self, found: Resource, answer: Answer, *, overlay: bool = False) -> str:
        """Text of its metadata `ai-report`.

        Parameters
        ----------
        found, answer
            What was analysed, and what came of it.
        overlay
            Whether the object is one that the report refers to, and not the report itself.
        """
        ...


class Kept(Enum):
    """Whether the archive has a report."""

    NO = auto()
    OURS = auto()
    UNMARKED = auto()


class Keeper:
    """Stores reports.

    Parameters
    ----------
    run
        Lets a worker do a task.
    mark
        Makes the mark of an object of ours.
    on_store
        A report is about to be stored.
    on_marked
        A report, by its Orthanc identifier, was marked.
    """

    def __init__(
        self,
        server: Server,
        run: Callable[[Task], Answer],
        mark: Marker,
        *,
        on_store: Callable[[], None],
        on_marked: Callable[[str], None],
    ) -> None:
        self._server = server
        self._run = run
        self._mark = mark
        self._on_store = on_store
        self._on_marked = on_marked

    def find(self, found: Resource, result: Result) -> tuple[Kept, str]:
        """Whether a report is there, for the patient and study of its source, and its Orthanc identifier.

        After a correction of the Patient ID the same UIDs stand under two patients. Their Orthanc identifiers are not
        compared: Orthanc takes padding for a part of the Patient ID where a source does not state the representation.
        """
        for stored in self._server.bearers(result.sop_instance_uid):
            if _identity(stored) == _identity(found):
                return (Kept.OURS if REPORT_METADATA in stored.metadata else Kept.UNMARKED), stored.identifier
        return Kept.NO, ""

    def keep(self, found: Resource, answer: Answer) -> bool:
        """Store a report and what it refers to unless it is there, see that it is there, and mark it as ours.

        The report comes last: what it refers to is there for whoever sees it.

        Returns
        -------
        Whether the resource is still there. A report must not bring back a study that was deleted meanwhile.

        Raises
        ------
        ObjectsFault
            If something that the report refers to is not there afterwards, for a reason that may well stay.
        Fault
            If one of them is not there afterwards.
        """
        assert answer.dicom is not None
        assert answer.outcome.result is not None
        for made in answer.objects:
            try:
                if not self._keep(found, made, answer, overlay=True):
                    return False
            except Fault as fault:
                if not fault.counts:
                    raise
                raise ObjectsFault(fault.code, fault.detail, parked=fault.parked) from fault
        return self._keep(found, Made(answer.dicom, answer.outcome.result), answer, overlay=False)

    def _keep(self, found: Resource, made: Made, answer: Answer, *, overlay: bool) -> bool:
        if self.gone(found):
            return False
        kept, identifier = self.find(found, made.result)
        if kept is Kept.NO:
            self._on_store()
            try:
                stored = self._server.store(made.dicom)
            except FileRefusedError as error:
                raise Fault(Code.STORE_REFUSED, str(error), parked=True) from error
            except ServerError as error:
                raise Fault(Code.STORE_FAILED, str(error), counts=False) from error
            if self.gone(found):
                self._server.delete("instance", stored)
                return False
            kept, identifier = self.find(found, made.result)
            if kept is Kept.NO:
                # It counts: a filter of the site that discards reports will do so again.
                raise Fault(Code.STORE_FAILED, "Orthanc took the report but does not have it")
        elif kept is Kept.UNMARKED:
            self._compare(identifier, made.dicom)
        if kept is Kept.UNMARKED:
            mark = self._mark(found, answer, overlay=overlay)
            self._server.set_metadata("instance", identifier, REPORT_METADATA, mark)
            self._on_marked(identifier)
        return True

    def _compare(self, identifier: str, ours: bytes) -> None:
        """See whether a report that nobody has marked is ours: come back from an archive, or stored before a crash.

        Raises
        ------
        Fault
            If somebody else has stored something under its identifiers.
        """
        try:
            stored = self._server.file(identifier)
        except ServerError as error:
            raise Fault(Code.STORE_FAILED, f"the stored report cannot be read: {error}") from error
        if stored is None:
            raise Fault(Code.STORE_FAILED, "the report vanished while it was looked at")
        verdict = self._run(Task(REPORT_CHECK, {"stored": stored, "ours": ours}, "")).outcome
        if verdict.code is not Code.REPORTED:
            raise Fault(verdict.code, verdict.detail, parked=True)

    def gone(self, found: Resource) -> bool:
        """Whether a resource was deleted meanwhile."""
        return not self._server.exists(found.level, found.identifier)


def _identity(resource: Resource) -> list[str]:
    return [str(resource.tags.get(tag, "")).strip() for tag in IDENTITY_TAGS]

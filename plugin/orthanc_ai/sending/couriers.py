"""Orthanc's jobs as couriers: how a report is given to one, and what became of it.

What Orthanc 1.12.7 and 1.13.0 say of a failed job, measured with peers that fail in each way:

- C-STORE: `ErrorCode` is 9 for nearly everything, and `ErrorDetails` tells a refused connection, a rejected association,
  an abort, a timeout and a DIMSE failure status apart, in words; 2015 says that no presentation context was accepted.
- STOW-RS: `ErrorCode` is always 1. `Content.FunctionErrorCode` is 8 for HTTP 400, 29 for 401 and 403, 17 for 404, and 9 for
  all others, for a broken connection and for a destination that Orthanc does not know.
- The job of a C-STORE names the study and the AE title, neither the instance nor the modality; that of a STOW-RS names
  instances and server.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..server import Level, Server, ServerError
from ..settings import NamedArchive, SendTo, SettingsError
from .delivery import Delivery, Destination

_UNFINISHED = frozenset({"Pending", "Running", "Paused", "Retry"})

# Orthanc's error codes (OrthancFramework, enumeration ErrorCode).
_BAD_REQUEST = 8
_UNKNOWN_RESOURCE = 17
_UNAUTHORIZED = 29
_CANCELED_JOB = 37
_NO_PRESENTATION_CONTEXT = 2015

_DIMSE_STATUS = re.compile(r"DIMSE status 0x([0-9A-Fa-f]{4})")

_OUT_OF_RESOURCES = 0xA7
"""First byte of the failure status of a peer whose disk is full, say (PS3.4 table B.2-1)."""

_NOT_CONNECTED = "DicomAssociation - connecting to"
"""How Orthanc's words begin if there was no association at all."""

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

_LEVELS: tuple[Level, ...] = ("instance", "study")
"""Levels of what is sent along."""

DETAIL_LENGTH = 300
"""Characters of Orthanc's words that are kept."""


class End(Enum):
    """What became of a job."""

    UNFINISHED = auto()
    SENT = auto()
    REFUSED = auto()
    """The destination answered that it does not take this report."""
    AWAY = auto()
    """The destination takes nothing now: not there, not reachable, full, or we may not."""
    BROKEN = auto()
    """It broke off, for a reason that may lie with the destination or with this report."""
    FORGOTTEN = auto()
    """Orthanc does not know the job any more."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a job, in Orthanc's words."""

    end: End
    detail: str = ""


class Couriers:
    """Gives reports to Orthanc's jobs and asks after them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        root = server.configuration().get("DicomWeb", {}).get("Root", "/dicom-web/")
        self._dicom_web = f"/{root.strip('/')}/servers"

    def known(self) -> frozenset[Destination]:
        """The destinations that Orthanc knows now: it lets them be changed while it runs."""
        modalities = self._server.get("/modalities") or ()
        servers = self._server.get(self._dicom_web, plugins=True) or ()
        found = [Destination("modality", name) for name in modalities]
        return frozenset(found + [Destination("dicom-web", name) for name in servers])

    def submit(self, report: str, destination: Destination, also: Sequence[str] = ()) -> str:
        """Have a report sent.

        Parameters
        ----------
        report
            Orthanc identifier of the instance.
        also
            What is sent along, as far as it is still there: first, so that where the report has arrived, the rest has.

        Returns
        -------
        Orthanc's number of the job.

        Raises
        ------
        ServerError
            If Orthanc does not take the job.
        """
        there = [one for one in also if any(self._server.exists(level, one) for level in _LEVELS)]
        body = {"Resources": [*there, report], "Synchronous": False}
        if destination.kind == "modality":
            answer = self._server.post(f"/modalities/{destination.name}/store", body)
        else:
            answer = self._server.post(f"{self._dicom_web}/{destination.name}/stow", body, plugins=True)
        return str(answer["ID"])

    def fate(self, job: str) -> Fate:
        """What became of a job."""
        found = self._server.get(f"/jobs/{job}")
        return fate_of(found) if found else Fate(End.FORGOTTEN)

    def may_be_under_way(self, report: str, delivery: Delivery) -> bool:
        """Whether an unfinished job may be the one that sends a report.

        Used where the job's number was lost. A C-STORE job does not say which instance of a study it sends, so this may
        be another one; it tells when to wait, not what was sent.
        """
        jobs = [job for job in self._server.get("/jobs?expand") or () if job.get("State") in _UNFINISHED]
        if delivery.destination.kind == "dicom-web":
            return any(
                job.get("Type") == "DicomWebStowClient"
                and job["Content"].get("Server") == delivery.destination.name
                and report in job["Content"].get("Resources", {}).get("Instances", ())
                for job in jobs
            )
        jobs = [job for job in jobs if job.get("Type") == "DicomModalityStore"]
        if not jobs:
            return False
        study = (self._server.get(f"/instances/{report}/study") or {}).get("ID")
        peer = self._server.get(f"/modalities/{delivery.destination.name}/configuration") or {}
        return any(
            study in job["Content"].get("ParentResources", ()) and job["Content"].get("RemoteAet") == peer.get("AET")
            for job in jobs
        )

    def has(self, report: str, destination: Destination) -> bool:
        """Whether the destination says that it has a report; also false if it does not answer such questions."""
        found = self._server.resource("instance", report, _UIDS)
        if found is None:
            return False
        uids = {name: str(found.tags.get(name, "")) for name in _UIDS}
        try:
            if destination.kind == "dicom-web":
                question = {"Uri": "/instances", "Arguments": uids}
                return bool(self._server.post(f"{self._dicom_web}/{destination.name}/qido", question, plugins=True))
            # Orthanc forgets the oldest of more than 100 queries by itself (QueryRetrieveSize).
            query = self._server.post(f"/modalities/{destination.name}/query", {"Level": "Instance", "Query": uids})
            return bool(self._server.get(f"/queries/{query['ID']}/answers"))
        except ServerError:
            return False

    def stop(self) -> None:
        """Nothing: Orthanc keeps its jobs."""


def fate_of(job: Mapping[str, Any]) -> Fate:
    """What Orthanc's description of a job says of its end.

    Parameters
    ----------
    job
        As `/jobs/{id}` gives it.
    """
    state, content = job.get("State"), job.get("Content") or {}
    if state == "Success":
        return Fate(End.SENT)
    if state in _UNFINISHED:
        return Fate(End.UNFINISHED)
    code = content.get("FunctionErrorCode", job.get("ErrorCode"))
    words = (
        content.get("FunctionErrorDetails")
        or content.get("FunctionErrorDescription")
        or job.get("ErrorDetails")
        or job.get("ErrorDescription")
        or ""
    )
    return Fate(_end(code, words), words[:DETAIL_LENGTH])


def _end(code: object, words: str) -> End:
    status = _DIMSE_STATUS.search(words)
    if status:
        return End.AWAY if int(status[1], 16) >> 8 == _OUT_OF_RESOURCES else End.REFUSED
    if code in (_NO_PRESENTATION_CONTEXT, _BAD_REQUEST, _CANCELED_JOB):
        return End.REFUSED
    # A wrong password or address says nothing about the report.
    if code in (_UNAUTHORIZED, _UNKNOWN_RESOURCE) or words.startswith(_NOT_CONNECTED):
        return End.AWAY
    return End.BROKEN


def check_destinations(configuration: Mapping[str, Any], send_to: SendTo) -> None:
    """See that Orthanc's configuration has every destination.

    Raises
    ------
    SettingsError
        Naming those that it has not. What Orthanc keeps in its database, or learns while it runs, is not known yet.
    """
    dicom_web = configuration.get("DicomWeb", {})
    faults = []
    if configuration.get("DicomModalitiesInDatabase") is not True:
        known = configuration.get("DicomModalities", {})
        faults += _faults("AI.SendTo.Modalities", send_to.modalities, known, "DicomModalities")
    if dicom_web.get("ServersInDatabase") is not True:
        known = dicom_web.get("Servers", {})
        faults += _faults("AI.SendTo.DicomWebServers", send_to.dicom_web_servers, known, "DicomWeb.Servers")
    if send_to.dicom_web_servers and dicom_web.get("Enable") is False:
        faults.append("AI.SendTo.DicomWebServers: found names; allowed: none, since DicomWeb.Enable is false")
    if faults:
        raise SettingsError("\n".join(faults))


def _faults(field: str, wanted: Sequence[NamedArchive], known: Mapping[str, Any], where: str) -> list[str]:
    allowed = ", ".join(sorted(known)) or "none, since it names nobody"
    names = dict.fromkeys(one.name for one in wanted)
    return [f"{field}: found {name!r}; allowed: what {where} names ({allowed})" for name in names if name not in known]

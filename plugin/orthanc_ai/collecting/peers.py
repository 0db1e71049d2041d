"""`Peer`: another archive as collecting asks and fetches from it, by way of Orthanc.

Orthanc speaks DIMSE and DICOMweb here; a question is answered while one waits, a transfer is one of its jobs.
"""

from collections.abc import Sequence
from typing import Protocol

from ..sending.couriers import Couriers
from ..sending.delivery import Destination
from ..server import Server
from .dicom_web import DicomWebServer
from .modality import Modality
from .question import Answer, Keys, Level


class Peer(Protocol):
    """An archive to collect from."""

    def ask(self, level: Level, keys: Keys) -> Sequence[Answer]:
        """Find what matches.

        Raises
        ------
        PeerError
        """
        ...

    def fetch(self, study: str, series: str, instances: Sequence[str] = ()) -> str:
        """Have a series, or some of its instances, brought here.

        Parameters
        ----------
        study, series, instances
            Their DICOM identifiers.

        Returns
        -------
        Orthanc's number of the job.

        Raises
        ------
        ServerError
            If Orthanc does not take the job.
        """
        ...


def peer(server: Server, destination: Destination, timeout_s: int) -> Peer:
    """The archive of that name.

    Parameters
    ----------
    timeout_s
        Seconds without a sign of life after which a transfer is given up.
    """
    if destination.kind == "modality":
        return Modality(server, destination.name, timeout_s)
    return DicomWebServer(server, destination.name)


def is_known(server: Server, destination: Destination) -> bool:
    """Whether Orthanc names it now."""
    return destination in Couriers(server).known()

"""An archive that takes reports by C-STORE, counts them, and can be as stubborn as real ones."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pydicom
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from .orthanc import free_port

SUCCESS = 0x0000
PENDING = 0xFF00

Behaviour = Callable[["Peer", Any], int]


def takes(_peer: "Peer", _event: Any) -> int:
    """Take everything."""
    return SUCCESS


class Peer:
    """A Storage SCP.

    Parameters
    ----------
    aet
        Its AE title.
    behaviour
        Called for each C-STORE; gives the DIMSE status. What it does not give 0 for is not kept.
    rejects
        Let no association come about.
    port
        TCP port; a free one unless it is given.

    Attributes
    ----------
    asked
        C-STORE requests by SOP Instance UID.
    kept
        C-STORE requests that were answered with success, by SOP Instance UID.
    """

    def __init__(
        self, aet: str, behaviour: Behaviour = takes, *, rejects: bool = False, port: int | None = None
    ) -> None:
        self.aet = aet
        self.behaviour = behaviour
        self.port = port or free_port()
        self.asked: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self._lock = threading.Lock()
        # Whoever is called by another name than its own and insists on it rejects the association.
        self._entity = AE(ae_title="SOMEBODYELSE" if rejects else aet)
        self._entity.require_called_aet = rejects
        self._entity.supported_contexts = AllStoragePresentationContexts
        self._entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        self._server: Any = None

    @property
    def modality(self) -> dict[str, Any]:
        """Its entry in Orthanc's `DicomModalities`."""
        return {"AET": self.aet, "Host": "127.0.0.1", "Port": self.port}

    def start(self) -> "Peer":
        """Listen."""
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find)]
        self._server = self._entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def stop(self) -> None:
        """Be gone."""
        if self._server:
            self._server.shutdown()
            self._server = None

    def _store(self, event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        with self._lock:
            self.asked[uid] += 1
        status = self.behaviour(self, event)
        if status == SUCCESS:
            with self._lock:
                self.kept[uid] += 1
        return status

    def _find(self, event: Any) -> Iterator[tuple[int, pydicom.Dataset | None]]:
        wanted = str(event.identifier.SOPInstanceUID)
        with self._lock:
            found = wanted in self.kept
        if found:
            yield PENDING, event.identifier

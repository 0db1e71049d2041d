"""A peer that speaks DIMSE: asked by C-FIND, fetched from by C-MOVE or, where Orthanc's configuration says so, by C-GET."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..codes import Code
from ..server import Server, ServerError
from .fault import PeerError, words
from .question import Answer, Keys, Level

QUESTION_TIMEOUT_S = 15
"""Seconds without an answer after which a question is given up. Orthanc answers C-FIND to us only when it is over, so a
server that stops has to wait for it, and for the echo behind it; `batches.batches.JOIN_S` seconds."""

ECHO_TIMEOUT_S = 5
"""Seconds without an answer to C-ECHO after which a peer counts as away."""

_TAGS: Mapping[Level, tuple[str, ...]] = {
    "study": (
        "StudyInstanceUID",
        "PatientID",
        "IssuerOfPatientID",
        "StudyDate",
        "StudyDescription",
        "ModalitiesInStudy",
    ),
    "series": (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "BodyPartExamined",
        "SeriesDescription",
        "SeriesNumber",
        "NumberOfSeriesRelatedInstances",
    ),
    "instance": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
}
"""What is asked for: empty keys want the value (PS3.4 C.2.2.1.3)."""


class Modality:
    """One of Orthanc's ``DicomModalities``.

    Parameters
    ----------
    timeout_s
        Seconds without a DICOM message after which a transfer is given up.
    """

    def __init__(self, server: Server, name: str, timeout_s: int) -> None:
        self._server = server
        self._path = f"/modalities/{name}"
        self._timeout_s = timeout_s

    def ask(self, level: Level, keys: Keys) -> Sequence[Answer]:
        """Find by C-FIND.

        Raises
        ------
        PeerError
        """
        body = {
            "Level": level.capitalize(),
            "Query": {**dict.fromkeys(_TAGS[level], ""), **keys},
            "Timeout": min(self._timeout_s, QUESTION_TIMEOUT_S),
        }
        began = time.monotonic()
        try:
            query = self._server.post(f"{self._path}/query", body)
        except ServerError as error:
            raise self._fault(error, time.monotonic() - began) from None
        try:
            answers = self._server.get(f"/queries/{query['ID']}/answers?expand&simplify")
        except ServerError as error:
            raise PeerError(Code.PEER_REFUSED, f"C-FIND: its answers cannot be read: {words(error)}") from None
        if answers is None:
            # It forgets the oldest of more than 100 queries by itself (QueryRetrieveSize). That is not "nothing found".
            raise PeerError(
                Code.PEER_BROKE_OFF, "C-FIND: Orthanc has forgotten the answers, for others that came since"
            )
        # Where a value is none or a sequence, it is none of those that were asked for.
        return [{name: value for name, value in answer.items() if isinstance(value, str)} for answer in answers]

    def _fault(self, error: ServerError, seconds: float) -> PeerError:
        """Why a question failed. Orthanc tells a plugin no more than that it did, so the peer is asked for an echo."""
        if seconds >= min(self._timeout_s, QUESTION_TIMEOUT_S):
            return PeerError(Code.PEER_SILENT, f"no answer to C-FIND within {seconds:.0f} s")
        try:
            self._server.post(f"{self._path}/echo", {"Timeout": min(self._timeout_s, ECHO_TIMEOUT_S)})
        except ServerError:
            return PeerError(Code.PEER_AWAY, words(error))
        return PeerError(Code.PEER_REFUSED, f"C-FIND: {words(error)}")

    def fetch(self, study: str, series: str, instances: Sequence[str] = ()) -> str:
        """Have Orthanc fetch a series, or some of its instances.

        Raises
        ------
        ServerError
            If Orthanc does not take the job.
        """
        of_series = {"StudyInstanceUID": study, "SeriesInstanceUID": series}
        body: dict[str, Any] = {
            "Level": "Instance" if instances else "Series",
            "Resources": [{**of_series, "SOPInstanceUID": one} for one in instances] or [of_series],
            "Timeout": self._timeout_s,
            "Synchronous": False,
            # One that the peer cannot give must not keep back the others.
            "Permissive": len(instances) > 1,
        }
        configured = self._server.get(f"{self._path}/configuration") or {}
        if self._method(configured) == "C-GET":
            return str(self._server.post(f"{self._path}/get", body)["ID"])
        # Orthanc calls itself by this name here, and the peer knows no other.
        if configured.get("LocalAet"):
            body["TargetAet"] = configured["LocalAet"]
        return str(self._server.post(f"{self._path}/move", body)["ID"])

    def _method(self, configured: Mapping[str, Any]) -> str:
        method = configured.get("RetrieveMethod", "SystemDefault")
        if method == "SystemDefault":
            method = self._server.configuration().get("DicomDefaultRetrieveMethod", "C-MOVE")
        return str(method)

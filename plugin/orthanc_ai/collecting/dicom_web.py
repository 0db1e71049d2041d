"""A peer that speaks DICOMweb: asked by QIDO-RS, fetched from by WADO-RS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..codes import Code
from ..server import Server, ServerError
from .fault import PeerError, number, words
from .question import Answer, Keys, Level

PAGE = 200
"""Answers asked for at once. A server may give less than it has without saying so (PS3.18 8.3.4.4), so it is asked on until
nothing new comes."""

MAXIMUM_PAGES = 500

_KEYWORDS: Mapping[str, str] = {
    "00080018": "SOPInstanceUID",
    "00080020": "StudyDate",
    "00080060": "Modality",
    "00080061": "ModalitiesInStudy",
    "00081030": "StudyDescription",
    "0008103E": "SeriesDescription",
    "00100020": "PatientID",
    "00100021": "IssuerOfPatientID",
    "00180015": "BodyPartExamined",
    "0020000D": "StudyInstanceUID",
    "0020000E": "SeriesInstanceUID",
    "00200011": "SeriesNumber",
    "00201209": "NumberOfSeriesRelatedInstances",
}
"""Tags as DICOM JSON names them."""

# What a server gives only if it is asked for it (PS3.18 tables 10.6.1-3 and 10.6.3-3 to -5).
_INCLUDED: Mapping[Level, str] = {"study": "00081030,00100021", "series": "00180015,0008103E", "instance": ""}

_UIDS: Mapping[Level, str] = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}

_OWN: Mapping[Level, str] = {"study": "/studies", "series": "/series", "instance": "/instances"}
_ABOVE: Mapping[Level, tuple[Level, ...]] = {"study": (), "series": ("study",), "instance": ("study", "series")}

# Numbers of Orthanc's errors (OrthancFramework, enumeration ErrorCode) for HTTP status 400 and 401 or 403.
_REFUSALS = {8, 29}


class DicomWebServer:
    """One of the ``Servers`` of Orthanc's ``DicomWeb`` section; how long it may be silent stands there."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        root = server.configuration().get("DicomWeb", {}).get("Root", "/dicom-web/")
        self._path = f"/{root.strip('/')}/servers/{name}"

    def ask(self, level: Level, keys: Keys) -> Sequence[Answer]:
        """Find by QIDO-RS, page by page.

        Raises
        ------
        PeerError
        """
        found: dict[str, Answer] = {}
        arguments = dict(keys)
        uri = "".join(f"{_OWN[above]}/{arguments.pop(_UIDS[above])}" for above in _ABOVE[level])
        if _INCLUDED[level]:
            arguments["includefield"] = _INCLUDED[level]
        for _ in range(MAXIMUM_PAGES):
            before = len(found)
            for answer in self._page(uri + _OWN[level], {**arguments, "limit": str(PAGE), "offset": str(before)}):
                found.setdefault(answer.get(_UIDS[level], ""), answer)
            if len(found) == before:
                return tuple(found.values())
        raise PeerError(Code.PEER_REFUSED, f"QIDO-RS: its answer does not end after {MAXIMUM_PAGES} pages")

    def _page(self, uri: str, arguments: Mapping[str, str]) -> Iterator[Answer]:
        body = {"Uri": uri, "Arguments": arguments, "HttpHeaders": {"Accept": "application/dicom+json"}}
        try:
            answers = self._server.post(f"{self._path}/get", body, plugins=True)
        except ServerError as error:
            code = Code.PEER_REFUSED if number(error) in _REFUSALS else Code.PEER_AWAY
            raise PeerError(code, f"QIDO-RS: {words(error)}") from None
        except ValueError:
            raise PeerError(Code.PEER_REFUSED, "QIDO-RS: its answer is no DICOM JSON") from None
        # Where nothing matches, some answer with nothing at all (204).
        for answer in answers if isinstance(answers, list) else ():
            if isinstance(answer, dict):
                yield {_KEYWORDS[tag]: _text(element) for tag, element in answer.items() if tag in _KEYWORDS}

    def fetch(self, study: str, series: str, instances: Sequence[str] = ()) -> str:
        """Have Orthanc fetch a series, or some of its instances.

        Raises
        ------
        ServerError
            If Orthanc does not take the job.
        """
        of_series = {"Study": study, "Series": series}
        resources = [{**of_series, "Instance": one} for one in instances] or [of_series]
        body = {"Resources": resources, "Synchronous": False}
        return str(self._server.post(f"{self._path}/retrieve", body, plugins=True)["ID"])


def _text(element: Any) -> str:
    """Value of an element of DICOM JSON (PS3.18 F.2), several joined by backslashes."""
    values = element.get("Value") if isinstance(element, dict) else None
    return "\\".join(str(value) for value in values) if isinstance(values, list) else ""

"""Archives to collect from that are as stubborn as real ones: one speaks DIMSE, the other DICOMweb."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pydicom
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from .orthanc import free_port

SUCCESS = 0x0000
PENDING = 0xFF00
DESTINATION_UNKNOWN = 0xA801

LONG_S = 60.0
"""As long as nobody waits here."""

Files = Sequence[pydicom.Dataset]


class Catalogue:
    """What an archive has, and what it answers to questions of any level.

    Attributes
    ----------
    sent
        How often each instance was sent, by SOP Instance UID.
    asked
        How often each study was to be sent.
    """

    def __init__(self, files: Files) -> None:
        self.files = list(files)
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()

    def matching(self, keys: Mapping[str, str]) -> list[pydicom.Dataset]:
        """Instances with these identifiers."""
        return [file for file in self.files if all(str(file.get(name, "")) == value for name, value in keys.items())]

    def answers(self, level: str, keys: Mapping[str, str]) -> list[dict[str, str]]:
        """One answer for each study, series or instance with these values."""
        unique = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}[level]
        names = ["StudyInstanceUID", "PatientID", "StudyDate", "StudyDescription", "SOPInstanceUID"]
        names += ["SeriesInstanceUID", "Modality", "SeriesDescription", "BodyPartExamined"]
        found: dict[str, dict[str, str]] = {}
        counts: Counter[str] = Counter()
        for file in self.matching(keys):
            uid = str(file[unique].value)
            counts[uid] += 1
            found[uid] = {name: str(file.get(name, "")) for name in names}
        return [one | {"NumberOfSeriesRelatedInstances": str(counts[uid])} for uid, one in found.items()]


Move = Callable[["Source", Any, Files], Iterator[Any]]
"""How an archive obeys a C-MOVE: what its handler yields after the destination."""


def gives(_source: "Source", _event: Any, files: Files) -> Iterator[Any]:
    """Send everything."""
    yield len(files)
    for file in files:
        yield PENDING, file


def refuses(_source: "Source", _event: Any, _files: Files) -> Iterator[Any]:
    """Answer that it does not know us."""
    yield 1
    yield DESTINATION_UNKNOWN, None


def stalls(source: "Source", _event: Any, _files: Files) -> Iterator[Any]:
    """Say nothing any more."""
    source.over.wait(LONG_S)
    yield 0


def gives_half(_source: "Source", _event: Any, files: Files) -> Iterator[Any]:
    """Send a half, and say that this was all."""
    yield len(files) // 2
    for file in files[: len(files) // 2]:
        yield PENDING, file


def drops_once(source: "Source", event: Any, files: Files) -> Iterator[Any]:
    """Break off the first time, after a half."""
    first = source.catalogue.asked[str(files[0].StudyInstanceUID)] == 1
    yield len(files)
    for number, file in enumerate(files):
        if first and number == len(files) // 2:
            event.assoc.abort()
            return
        yield PENDING, file


class Source:
    """A Query/Retrieve SCP.

    Parameters
    ----------
    destination
        Port at which ORTHANC takes what is sent.
    moves
        How it obeys, by Study Instance UID; it gives everything where nothing is said.
    rejects
        Let no association come about.
    """

    def __init__(
        self,
        aet: str,
        files: Files,
        destination: int,
        moves: Mapping[str, Move] | None = None,
        *,
        rejects: bool = False,
    ) -> None:
        self.aet = aet
        self.catalogue = Catalogue(files)
        self.port = free_port()
        self.over = threading.Event()
        self._destination = destination
        self._moves = dict(moves or {})
        self._entity = AE(ae_title="SOMEBODYELSE" if rejects else aet)
        self._entity.require_called_aet = rejects
        self._entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        self._entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
        self._entity.add_supported_context(Verification)
        handlers: list[Any] = [(evt.EVT_C_FIND, self._find), (evt.EVT_C_MOVE, self._move)]
        self._server: Any = self._entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    @property
    def modality(self) -> dict[str, Any]:
        """Its entry in Orthanc's `DicomModalities`."""
        return {"AET": self.aet, "Host": "127.0.0.1", "Port": self.port}

    def stop(self) -> None:
        """Be gone."""
        self.over.set()
        self._server.shutdown()

    def _find(self, event: Any) -> Iterator[tuple[int, pydicom.Dataset | None]]:
        level = {"STUDY": "study", "SERIES": "series", "IMAGE": "instance"}[event.identifier.QueryRetrieveLevel]
        keys = {element.keyword: str(element.value) for element in event.identifier if element.value}
        keys = {name: keys[name] for name in keys if name in ("StudyInstanceUID", "SeriesInstanceUID", "StudyDate")}
        for answer in self.catalogue.answers(level, keys):
            made = pydicom.Dataset()
            made.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
            for element in event.identifier:
                if element.keyword in answer:
                    setattr(made, element.keyword, answer[element.keyword])
            yield PENDING, made

    def _move(self, event: Any) -> Iterator[Any]:
        names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        keys = {name: str(event.identifier[name].value) for name in names if event.identifier.get(name)}
        files = self.catalogue.matching(keys)
        study = keys["StudyInstanceUID"]
        self.catalogue.asked[study] += 1
        contexts = {(str(file.SOPClassUID), str(file.file_meta.TransferSyntaxUID)) for file in files}
        yield "127.0.0.1", self._destination, {"contexts": [build_context(*context) for context in contexts]}
        for made in self._moves.get(study, gives)(self, event, files):
            if isinstance(made, tuple) and made[1] is not None:
                self.catalogue.sent[str(made[1].SOPInstanceUID)] += 1
            yield made


Web = Callable[["WebSource", BaseHTTPRequestHandler, Files], None]
"""How a web server answers a WADO-RS request for some instances."""


class WebSource:
    """A QIDO-RS and WADO-RS server.

    Parameters
    ----------
    answers
        How it answers WADO-RS, by Study Instance UID; it gives everything where nothing is said.
    """

    def __init__(self, files: Files, answers: Mapping[str, Web] | None = None) -> None:
        self.catalogue = Catalogue(files)
        self.over = threading.Event()
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                names = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}
                path = parts.path.strip("/").split("/")
                keys = {names[plural]: uid for plural, uid in zip(path[::2], path[1::2], strict=False)}
                if len(path) % 2:
                    self._answer(path[-1], keys, parts.query)
                    return
                files = source.catalogue.matching(keys)
                study = keys["StudyInstanceUID"]
                source.catalogue.asked[study] += 1
                (answers or {}).get(study, gives_parts)(source, self, files)

            def _answer(self, plural: str, keys: dict[str, str], query: str) -> None:
                level = {"studies": "study", "series": "series", "instances": "instance"}[plural]
                found = [] if "offset=0" not in query.split("&") else source.catalogue.answers(level, keys)
                body = json.dumps([_dicom_json(answer) for answer in found]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Who asked may have gone when it is answered.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def server(self) -> dict[str, object]:
        """Its entry in the `Servers` of Orthanc's `DicomWeb` section."""
        return {"Url": f"http://127.0.0.1:{self._server.server_port}/", "Timeout": 1}

    def stop(self) -> None:
        """Be gone."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def _dicom_json(answer: Mapping[str, str]) -> dict[str, Any]:
    made = pydicom.Dataset()
    for name, value in answer.items():
        setattr(made, name, value)
    return made.to_json_dict()


_BOUNDARY = "boundary-of-the-parts"


def _part(file: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + buffer.getvalue() + b"\r\n"


def _send(source: WebSource, handler: BaseHTTPRequestHandler, files: Files, length: int | None = None) -> None:
    end = f"--{_BOUNDARY}--\r\n".encode()
    parts = [_part(file) for file in files]
    handler.send_response(200)
    handler.send_header("Content-Type", f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}')
    handler.send_header("Content-Length", str(length or sum(map(len, parts)) + len(end)))
    handler.end_headers()
    for file, part in zip(files, parts, strict=True):
        handler.wfile.write(part)
        source.catalogue.sent[str(file.SOPInstanceUID)] += 1
    handler.wfile.write(end if length is None else b"")


def gives_parts(source: WebSource, handler: BaseHTTPRequestHandler, files: Files) -> None:
    """Send everything."""
    _send(source, handler, files)


def drops_connection_once(source: WebSource, handler: BaseHTTPRequestHandler, files: Files) -> None:
    """Break off the first time, after a half."""
    if source.catalogue.asked[str(files[0].StudyInstanceUID)] > 1:
        _send(source, handler, files)
        return
    _send(source, handler, files[: len(files) // 2], length=10**7)
    handler.wfile.flush()
    handler.close_connection = True


def is_busy(_source: WebSource, handler: BaseHTTPRequestHandler, _files: Files) -> None:
    """Answer that it has no time."""
    handler.send_error(503)


def says_nothing(source: WebSource, _handler: BaseHTTPRequestHandler, _files: Files) -> None:
    """Keep the connection, and say nothing."""
    source.over.wait(LONG_S)

"""A DICOMweb server that takes reports by STOW-RS, counts them, says what it has, and can be as stubborn as real ones."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pydicom

OK = 200

# Referenced SOP Sequence: what was stored (PS3.18 table I.2-1). Orthanc counts its items.
_TAKEN = {"00081199": {"vr": "SQ", "Value": [{}]}}

Status = Callable[[int], int]


class WebPeer:
    """A STOW-RS and QIDO-RS server.

    Parameters
    ----------
    status
        HTTP status of each STOW-RS request, by its number from 1.
    delay
        Seconds between taking an object and saying so.

    Attributes
    ----------
    asked
        Number of STOW-RS requests.
    kept
        STOW-RS requests that were answered with success, by SOP Instance UID.
    """

    def __init__(self, status: Status = lambda _: OK, delay: float = 0.0) -> None:
        self.asked = 0
        self.kept: Counter[str] = Counter()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                peer.asked += 1
                answer = status(peer.asked)
                if answer == OK:
                    peer.kept[_uid(body)] += 1
                    time.sleep(delay)
                self._answer(answer, _TAKEN if answer == OK else {})

            def do_GET(self) -> None:
                [wanted] = parse_qs(urlsplit(self.path).query)["SOPInstanceUID"]
                found = [{"00080018": {"vr": "UI", "Value": [wanted]}}] if wanted in peer.kept else []
                self._answer(OK, found)

            def _answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Who asked may be dead when it is answered.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def server(self) -> dict[str, object]:
        """Its entry in the `Servers` of Orthanc's `DicomWeb` section."""
        return {"Url": f"http://127.0.0.1:{self._server.server_port}/", "ChunkedTransfers": False}

    def stop(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()


def _uid(body: bytes) -> str:
    """SOP Instance UID of the one object in a multipart body."""
    part = re.split(rb"\r\n\r\n", body, maxsplit=1)[1]
    return str(pydicom.dcmread(BytesIO(part), specific_tags=["SOPInstanceUID"]).SOPInstanceUID)

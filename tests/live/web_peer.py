"""A DICOMweb server that takes reports by STOW-RS, counts them, and can be as stubborn as real ones."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK = 200

# Stored and not stored instances (PS3.18 table 10.5.3-1), as far as Orthanc looks.
_TAKEN = {"00081199": {"vr": "SQ", "Value": [{}]}}


class WebPeer:
    """A STOW-RS server.

    Parameters
    ----------
    status
        HTTP status of each request, by its number from 1.

    Attributes
    ----------
    asked
        Number of requests.
    """

    def __init__(self, status: Callable[[int], int]) -> None:
        self.asked = 0
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                peer.asked += 1
                answer = status(peer.asked)
                body = json.dumps(_TAKEN if answer == OK else {}).encode()
                self.send_response(answer)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def server(self) -> dict[str, object]:
        """Its entry in the `Servers` of Orthanc's `DicomWeb` section."""
        return {"Url": f"http://127.0.0.1:{self._server.server_port}/", "ChunkedTransfers": False}

    def stop(self) -> None:
        """Be gone."""
        self._server.shutdown()
        self._server.server_close()

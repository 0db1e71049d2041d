"""A program that takes webhooks, verifies them as docs/triage.md says, and can be as unreliable as real ones."""

import re
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

HANG = 0
"""In place of a status: say nothing."""


def snippet() -> Callable[..., str]:
    """`verify` as docs/triage.md gives it to whoever receives messages."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "triage.md").read_text(), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - from our own documentation
    verify: Callable[..., str] = names["verify"]
    return verify


class Receiver:
    """A server for webhooks.

    Parameters
    ----------
    status
        HTTP status of each request, by its number from 1; `HANG` for none.
    certificate
        File with key and certificate, for `https://`.
    port
        To listen on; any that is free if 0.

    Attributes
    ----------
    asked
        Number of requests.
    taken
        `webhook-id` and body of each message that was verified and answered with success, in order.
    """

    def __init__(
        self, status: Callable[[int], int] = lambda _: 200, certificate: Path | None = None, port: int = 0
    ) -> None:
        self.asked = 0
        self.seen: list[str] = []
        self.taken: list[tuple[str, bytes]] = []
        self.faults: list[str] = []
        self.released = threading.Event()
        receiver, verify = self, snippet()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                answer = status(receiver.asked)
                try:
                    message = verify(SECRET, self.headers, body)
                except ValueError as error:
                    receiver.faults.append(str(error))
                    answer = 401
                else:
                    receiver.seen.append(message)
                if answer == HANG:
                    receiver.released.wait(30)
                    return
                if answer == 200:
                    receiver.taken.append((message, body))
                self.send_response(answer)
                if 300 <= answer < 400:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.end_headers()
                if answer == 204:
                    return
                # More than anybody should read.
                for _ in range(100):
                    self.wfile.write(b"x" * 65536)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_port)
        self._scheme = "https" if certificate else "http"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def webhook(self, name: str = "list", **fields: Any) -> dict[str, Any]:
        """Its entry in `AI.SendTo.Webhooks`."""
        url = f"{self._scheme}://localhost:{self.port}/hook?from=orthanc"
        return {"Name": name, "Url": url, "Secret": SECRET, **fields}

    def stop(self) -> None:
        """Be gone."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)

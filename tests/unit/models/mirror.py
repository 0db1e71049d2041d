"""A mirror of weights on this machine, which can be made to misbehave."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Manner = Literal["well", "cut", "cut without length", "slowly", "not found", "sign-in page"]


@contextmanager
def mirror(content: bytes, manner: Manner = "well") -> Iterator[str]:
    """Serve the same content under every name; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if manner == "not found":
                self.send_error(404)
                return
            page = b"<html>Please sign in</html>" if manner == "sign-in page" else content
            self.send_response(200)
            if manner != "cut without length":
                self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            if manner == "slowly":
                for byte in page:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.2)
            else:
                self.wfile.write(page[: len(page) // 2] if manner.startswith("cut") else page)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients that give up are what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/weights/"
        server.shutdown()
        thread.join()

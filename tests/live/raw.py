"""HTTP as it stands on the wire: clients would tidy up what the tests send."""

import contextlib
import http.client
import io
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its headers, its body."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _Wire:
    """What `http.client` reads an answer from."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


def send(port: int, request: bytes, timeout: float = 10.0) -> Answer | None:
    """Send a request as it stands and read the whole answer; ``None`` if the server closed the connection without one.

    Raises
    ------
    http.client.HTTPException, TimeoutError
        If what came is no HTTP, or nothing came.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        # A server that has seen enough hangs up in the middle.
        with contextlib.suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                received += part
    if not received:
        return None
    response = http.client.HTTPResponse(_Wire(received))  # type: ignore[arg-type]
    response.begin()
    return Answer(response.status, response.headers, response.read())


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """A request that says how long it is."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body

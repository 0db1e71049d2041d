"""A client of the running server's HTTP interface, as small as the tools here need it."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from tools.configure import Configuration

# A healthy server answers /ai/status within milliseconds, also while it works.
TIMEOUT = 10.0
"""Seconds."""


class ServerError(Exception):
    """The server does not answer, or answers with an error. The message can be shown to users."""


class ProblemError(ServerError):
    """The server answers with a problem document (RFC 9457).

    Attributes
    ----------
    code
        Its code, such as ``NOT_FOUND``; empty if the error is not of the ``/ai/`` routes.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """Speaks HTTP with the server on this machine.

    Parameters
    ----------
    base
        Address of the server, such as ``http://127.0.0.1:8042``.
    user
        Name and password, if the server wants them.
    """

    def __init__(self, base: str, user: tuple[str, str] | None = None) -> None:
        self.base = base.rstrip("/")
        self._headers = {}
        if user:
            self._headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()

    @classmethod
    def for_configuration(cls, configuration: Configuration) -> "Client":
        """Return a client for the server that runs on this machine with the given configuration."""
        scheme = "https" if configuration.get("SslEnabled") else "http"
        users = configuration.get("RegisteredUsers", {}) if configuration.get("AuthenticationEnabled") else {}
        return cls(f"{scheme}://127.0.0.1:{configuration.get('HttpPort', 8042)}", next(iter(users.items()), None))

    def get(self, path: str) -> Any:
        """Return the JSON document at a path.

        Raises
        ------
        ServerError
            If there is none.
        """
        return self._send("GET", path)

    def post(self, path: str, body: bytes, timeout: float = TIMEOUT) -> Any:
        """Send a document to a path and return the answer.

        Raises
        ------
        ServerError
            If the server refuses.
        """
        return self._send("POST", path, body, timeout)

    def delete(self, path: str) -> Any:
        """Delete the resource at a path and return the answer.

        Raises
        ------
        ServerError
            If the server refuses.
        """
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, body: bytes | None = None, timeout: float = TIMEOUT) -> Any:
        request = urllib.request.Request(self.base + path, body, self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _problem(error, self.base + path) from None
        except (urllib.error.URLError, OSError) as error:
            raise ServerError(f"No server at {self.base} ({getattr(error, 'reason', error)})") from None
        return json.loads(text) if text else None


def _problem(error: urllib.error.HTTPError, address: str) -> ProblemError:
    try:
        document = json.loads(error.read())
        # Orthanc's own errors have other members, and no code of ours.
        words = document.get("detail") or document.get("title") or document.get("Details") or document["Message"]
        return ProblemError(f"{address}: {words}", document.get("code", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ProblemError(f"{address}: {error.code} {error.reason}", "")

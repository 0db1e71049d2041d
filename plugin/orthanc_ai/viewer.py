"""OHIF at ``/ohif/`` of this server, and its button in Orthanc Explorer.

What is served is a table of files made at the start, so that no request can name anything else: no dots, no links, no
other folder. It runs on Orthanc's HTTP threads with their small stacks: a look into the table, and one file read.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .codes import Code
from .sdk import UTF8, RestOutput, Sdk, immortal, raise_pending

ROOT = "/ohif"

URI = f"{ROOT}(|/{UTF8})"
"""Regular expression of what is answered here. Orthanc takes away a slash at the end."""

PAGE = "index.html"

# By suffix, since browsers take a script, style sheet or WebAssembly only with its right type (Orthanc sends
# X-Content-Type-Options: nosniff) and the system's own table differs from machine to machine.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".jsonc": "application/json",
    ".map": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".xml": "application/xml",
    ".webapp": "application/x-web-app-manifest+json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_UNKNOWN_TYPE = "application/octet-stream"

# Names with a hash of the content: another content has another name.
_HASHED = re.compile(r"(^|[./-])[0-9a-f]{16,32}\.")
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

_NOT_MODIFIED = 304
_NOT_FOUND = 404
_UNAVAILABLE = 503

SCRIPT = Path(__file__).with_name("explorer.js")
"""What Orthanc Explorer's study page is extended with."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    mime: str
    cache: str
    tag: str


class Viewer:
    """Serves the files of a folder as OHIF.

    Parameters
    ----------
    folder
        Where OHIF lies. If it is not there, every request is answered with a problem that says so.
    """

    def __init__(self, folder: Path) -> None:
        self._files = _table(folder)
        self._missing = _problem(
            _UNAVAILABLE, Code.VIEWER_MISSING, "Install OHIF there (tools/provision.sh does) and start Orthanc again."
        )
        self._unknown = _problem(_NOT_FOUND, Code.NOT_FOUND, "The viewer has no such file.")

    @property
    def installed(self) -> bool:
        """Whether OHIF is there."""
        return PAGE in self._files

    def register(self, sdk: Sdk) -> None:
        """Take the requests for ``/ohif/``, and put the button into Orthanc Explorer."""
        sdk.RegisterRestCallback(URI, immortal(self.callback))
        sdk.ExtendOrthancExplorer(SCRIPT.read_text(encoding="utf-8"))

    def callback(self, output: RestOutput, uri: str, **request: object) -> None:
        """Called by Orthanc on one of its HTTP threads. Always answers."""
        # `contextlib.suppress` would come upon the error before it could do anything.
        try:  # noqa: SIM105
            raise_pending()
        except UnicodeError:
            pass  # no file depends on the query
        if request.get("method", "GET") != "GET":
            output.SendMethodNotAllowed("GET")
            return
        if not self.installed:
            _send_problem(output, _UNAVAILABLE, self._missing)
            return
        file = self._find(uri.removeprefix(ROOT).strip("/"))
        if file is None:
            _send_problem(output, _NOT_FOUND, self._unknown)
            return
        headers = request.get("headers")
        known = headers.get("if-none-match", "") if isinstance(headers, Mapping) else ""
        self._send(output, file, str(known))

    def _find(self, name: str) -> _File | None:
        """The file of that name. OHIF's own addresses, such as ``viewer``, are no files: its page knows them."""
        if file := self._files.get(name):
            return file
        return None if "." in name.rpartition("/")[2] else self._files[PAGE]

    def _send(self, output: RestOutput, file: _File, known: str) -> None:
        if file.tag not in known:
            try:
                content = file.path.read_bytes()
            except OSError:
                _send_problem(output, _NOT_FOUND, self._unknown)
                return
        output.SetHttpHeader("Cache-Control", file.cache)
        output.SetHttpHeader("ETag", file.tag)
        if file.tag in known:
            output.SendHttpStatus(_NOT_MODIFIED, b"")
        else:
            output.AnswerBuffer(content, file.mime)


def _table(folder: Path) -> dict[str, _File]:
    """The files below a folder by their path in it; links that lead out of it are left out."""
    if not folder.is_dir():
        return {}
    root = folder.resolve()
    files = {}
    for path in sorted(folder.rglob("*")):
        real = path.resolve()
        if not real.is_file() or not real.is_relative_to(root):
            continue
        with real.open("rb") as opened:
            digest = hashlib.file_digest(opened, "blake2b").hexdigest()[:32]
        files[path.relative_to(folder).as_posix()] = _File(
            path=real,
            mime=_TYPES.get(path.suffix.lower(), _UNKNOWN_TYPE),
            cache=_FOR_EVER if _HASHED.search(path.name) else _ASK_AGAIN,
            tag=f'"{digest}"',
        )
    return files


def _problem(status: int, code: Code, detail: str) -> bytes:
    """A problem document (RFC 9457), as the ``/ai`` routes answer with."""
    document = {
        "type": f"/ai/codes/{code}",
        "title": code.sentence,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return json.dumps(document).encode()


def _send_problem(output: RestOutput, status: int, body: bytes) -> None:
    output.SetHttpHeader("Content-Type", "application/problem+json")
    output.SendHttpStatus(status, body)

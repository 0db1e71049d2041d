"""Webhooks: programs that are told of reports by HTTP POST, signed after the Standard Webhooks scheme (version 1.0.0).

The posts are made here, by the standard library, and not by Orthanc's HTTP client: that one follows redirects, reads
answers of any size into memory, and verifies certificates only as long as `HttpsVerifyPeers` says so.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import __version__
from ..outcomes import REPORT_METADATA
from ..server import Server, ServerError
from ..settings import SettingsError, Webhook
from .couriers import End, Fate
from .delivery import Delivery, Destination, read_mark

POST = "post:"
"""How the name of a post begins; it is known only as long as the server runs."""

SECRET_BYTES = range(24, 65)
"""Length of a secret (Standard Webhooks 1.0.0, signature scheme: 192 to 512 bits)."""

_PREFIX = "whsec_"

ANSWER_BYTES = 4096
"""How much of an answer is read, and thrown away: the status says it all."""

_TOO_SLOW = 408
_TOO_MANY = 429

_TAGS = {
    "uids": {"StudyInstanceUID": "studyInstanceUID", "SOPInstanceUID": "reportSOPInstanceUID"},
    "accession": {"AccessionNumber": "accessionNumber"},
    "patient": {"PatientID": "patientID"},
}
"""What a message says if `With` asks for it: main tags of the report in Orthanc's index, and their names there."""


def signature(secrets: Sequence[bytes], message: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature` of a message, with one signature for each secret."""
    signed = f"{message}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}" for secret in secrets)


def message_of(report: str, webhook: str) -> str:
    """The header `webhook-id`: the same for a report however often it is tried, and another one for each webhook.

    Parameters
    ----------
    report
        Orthanc identifier of the report.
    """
    return "msg_" + hashlib.sha256(f"{report}|{webhook}".encode()).hexdigest()[:32]


def read_secrets(webhook: Webhook, environment: Mapping[str, str] = os.environ) -> tuple[bytes, ...]:
    """What messages to a webhook are signed with.

    Raises
    ------
    SettingsError
        If there is no secret, or none of the right form. The secret itself is not quoted.
    """
    field = f"AI.SendTo.Webhooks.{webhook.name}"
    if webhook.secret is not None:
        field, text = f"{field}.Secret", webhook.secret.get_secret_value()
    elif webhook.secret_file is not None:
        field = f"{field}.SecretFile"
        try:
            text = Path(webhook.secret_file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not ASCII"
            raise SettingsError(
                f"{field}: found {str(webhook.secret_file)!r}; allowed: a file with a secret ({reason})"
            ) from None
    else:
        name = webhook.secret_environment or ""
        field, text = f"{field}.SecretEnvironment", environment.get(name, "")
        if not text:
            raise SettingsError(f"{field}: found {name!r}; allowed: an environment variable of Orthanc that is set")
    allowed = f"{_PREFIX} and {SECRET_BYTES.start} to {SECRET_BYTES.stop - 1} bytes in Base64; several with spaces between them"
    secrets = []
    for one in text.split():
        try:
            secrets.append(base64.b64decode(one.removeprefix(_PREFIX), validate=True))
        except (binascii.Error, ValueError):
            raise SettingsError(f"{field}: found what is no Base64; allowed: {allowed}") from None
    if not secrets or any(len(one) not in SECRET_BYTES for one in secrets):
        raise SettingsError(f"{field}: found {[len(one) for one in secrets]} bytes; allowed: {allowed}")
    return tuple(secrets)


def authorities(server: Server) -> ssl.SSLContext:
    """Whom to believe who a server is: the certificates that Orthanc's `HttpsCACertificates` names, or the system's.

    Raises
    ------
    SettingsError
        If they cannot be read.
    """
    name = str(server.configuration().get("HttpsCACertificates") or "")
    try:
        return ssl.create_default_context(cafile=server.configuration_folder() / name if name else None)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"HttpsCACertificates: found {name!r}; allowed: a file of certificates ({reason})"
        ) from None


@dataclass(slots=True, eq=False)
class _Post:
    """A message under way.

    Attributes
    ----------
    until
        When it has taken too long, by the monotonic clock.
    fate
        What became of it; ``None`` as long as nobody knows.
    """

    connection: http.client.HTTPConnection
    until: float
    timeout: int
    fate: Fate | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """A webhook, ready to be posted to."""

    settings: Webhook
    secrets: tuple[bytes, ...] = field(repr=False)


class Webhooks:
    """Tells webhooks of reports.

    Parameters
    ----------
    clock
        Seconds since 1970, for the header `webhook-timestamp`.

    Raises
    ------
    SettingsError
        If a secret cannot be had.
    """

    def __init__(self, server: Server, webhooks: Sequence[Webhook], clock: Callable[[], float] = time.time) -> None:
        self._server = server
        self._targets = {one.name: _Target(one, read_secrets(one)) for one in webhooks}
        self._tls = authorities(server) if webhooks else None
        self._clock = clock
        self._posts: dict[str, _Post] = {}

    def known(self) -> frozenset[Destination]:
        """The webhooks of the settings."""
        return frozenset(Destination("webhook", name) for name in self._targets)

    def submit(self, report: str, destination: Destination, _also: Sequence[str] = ()) -> str:
        """Begin to tell a webhook of a report.

        Parameters
        ----------
        report
            Orthanc identifier of the instance.

        Raises
        ------
        ServerError
            If the report is gone, or the index could not be read.
        """
        target = self._targets[destination.name]
        body = self._body(report, target.settings)
        message, timestamp = message_of(report, destination.name), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"orthanc-ai/{__version__}",
            "Connection": "close",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(target.secrets, message, timestamp, body),
        }
        post = self._open(target.settings)
        name = f"{POST}{uuid.uuid4()}"
        self._posts[name] = post
        address = urlsplit(target.settings.url)
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        threading.Thread(target=_carry, args=(post, path, body, headers), name="ai-webhook", daemon=True).start()
        return name

    def fate(self, job: str) -> Fate:
        """What became of a post; it is forgotten as soon as that was asked for and is known."""
        post = self._posts.get(job)
        if post is None:
            return Fate(End.FORGOTTEN)
        if post.fate is None and time.monotonic() < post.until:
            return Fate(End.UNFINISHED)
        del self._posts[job]
        if post.fate is None:
            # Its thread may hang in the system; who hangs up wakes it.
            _hang_up(post)
            return Fate(End.BROKEN, f"no answer within {post.timeout} s")
        return post.fate

    def may_be_under_way(self, _report: str, _delivery: Delivery) -> bool:
        """Never: posts end with the server."""
        return False

    def has(self, _report: str, _destination: Destination) -> bool:
        """Nobody can say: it is told once more, by the same `webhook-id`."""
        return False

    def stop(self) -> None:
        """Hang up."""
        for post in list(self._posts.values()):
            _hang_up(post)

    def _open(self, webhook: Webhook) -> _Post:
        address = urlsplit(webhook.url)
        assert address.hostname is not None
        connection: http.client.HTTPConnection
        if address.scheme == "https":
            connection = http.client.HTTPSConnection(
                address.hostname, address.port, timeout=webhook.timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=webhook.timeout)
        return _Post(connection, time.monotonic() + webhook.timeout, webhook.timeout)

    def _body(self, report: str, webhook: Webhook) -> bytes:
        mark = read_mark(self._server.metadata("instance", report, REPORT_METADATA))
        if mark is None:
            raise ServerError("the report is gone")
        event = dict(mark.event)
        told: dict[str, Any] = {
            "type": event.pop("type", "report.stored"),
            "timestamp": event.pop("timestamp", ""),
            "data": {
                "source": {"level": event.pop("level", ""), "id": event.pop("source", "")},
                "study": event.pop("study", ""),
                "report": report,
                **event,
            },
        }
        wanted = {tag: name for part in webhook.with_ for tag, name in _TAGS[part].items()}
        if wanted:
            found = self._server.resource("instance", report, tuple(wanted))
            told["data"]["dicom"] = (
                {name: str(found.tags.get(tag, "")) for tag, name in wanted.items()} if found else {}
            )
        if "uids" in webhook.with_ and told["data"]["source"]["level"] == "instance":
            image = self._server.resource("instance", told["data"]["source"]["id"])
            told["data"]["dicom"]["imageSOPInstanceUID"] = str(image.tags.get("SOPInstanceUID", "")) if image else ""
        return json.dumps(told, separators=(",", ":")).encode()


def _carry(post: _Post, path: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Make a post and leave what became of it. Runs on a thread of its own."""
    connection = post.connection
    fate = Fate(End.BROKEN, "ended without an answer")
    try:
        try:
            connection.connect()
        except OSError as error:
            # Also a certificate that nobody vouches for: that says nothing of the report.
            fate = Fate(End.AWAY, f"no connection: {_words(error)}")
            return
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(ANSWER_BYTES)
        fate = fate_of_status(answer.status)
    except (OSError, http.client.HTTPException, ValueError) as error:
        fate = Fate(End.BROKEN, f"broken off: {_words(error)}")
    finally:
        connection.close()
        post.fate = fate


def fate_of_status(status: int) -> Fate:
    """What an HTTP status says of a message.

    What another time or another address may cure concerns the webhook: a redirect, which is not followed, a request that
    came too slowly, too many of them. An error of the server may lie with either. Any other refusal is about this message.
    """
    words = f"HTTP {status}"
    if 200 <= status < 300:
        return Fate(End.SENT)
    if 300 <= status < 400:
        return Fate(End.AWAY, f"{words}: redirects are not followed")
    if status in (_TOO_SLOW, _TOO_MANY):
        return Fate(End.AWAY, words)
    return Fate(End.REFUSED if 400 <= status < 500 else End.BROKEN, words)


def _hang_up(post: _Post) -> None:
    sock = post.connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    """An error in words, without what somebody else has sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__

"""Where a report is sent on to and how far that is: the text of its metadata `ai-report`.

The metadata is at once the mark that this server made the report. As with outcomes, it is one JSON text, written in one
step, the state first, so that `/tools/find` can look for it with a wildcard.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Self, get_args

from ..codes import Code
from ..settings import SendTo

Kind = Literal["modality", "dicom-web", "webhook"]


class DeliveryState(StrEnum):
    """How far one delivery is."""

    DUE = "due"
    """It is to be sent, as soon as the destination takes anything."""
    SENDING = "sending"
    """Orthanc has been asked to send it. Without the number of its job, that question itself may have been lost."""
    RETRYING = "retrying"
    """The destination has refused it, and it will be tried again."""
    SENT = "sent"
    """The destination has taken it."""
    FAILED = "failed"
    """It was given up, until somebody asks for it."""


OPEN = frozenset({DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.RETRYING})
"""States that the server still has to do with."""

OPEN_PATTERN = '{"send":"open"*'
"""Wildcard for the `MetadataQuery` of `/tools/find` that matches reports with something left to send."""

FAILED_PATTERN = '*"state":"failed"*'
"""Wildcard that matches reports that some destination has not taken. No detail can look like it: its quotes are
escaped."""


SENT_PATTERN = '*"state":"sent"*'
"""Wildcard that matches reports that some destination has taken."""


class MarkError(ValueError):
    """A metadata text is not the mark of a report."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where reports are sent on to.

    Attributes
    ----------
    kind
        ``modality`` for C-STORE, ``dicom-web`` for STOW-RS, ``webhook`` for a message by HTTP.
    name
        In Orthanc's configuration; of a webhook, in `AI.SendTo.Webhooks`.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a destination back.

        Raises
        ------
        MarkError
            If the text is none.
        """
        kind, colon, name = text.partition(":")
        if not colon or not name or kind not in get_args(Kind):
            raise MarkError(f"not a destination: {text!r}")
        return cls(kind, name)  # type: ignore[arg-type]


def destinations(send_to: SendTo) -> tuple[Destination, ...]:
    """The destinations that the settings name, each once."""
    named = [Destination("modality", one.name) for one in send_to.modalities]
    named += [Destination("dicom-web", one.name) for one in send_to.dicom_web_servers]
    named += [Destination("webhook", one.name) for one in send_to.webhooks]
    return tuple(dict.fromkeys(named))


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One report on its way to one destination.

    Attributes
    ----------
    attempts
        How often the destination has refused it. An absent destination refuses nothing.
    job
        Orthanc's job that sends it; empty if there is none, or if it is not known.
    since
        Since when the state is what it is, ISO 8601 in UTC.
    due
        When it is tried again, ISO 8601 in UTC; empty unless it was refused.
    code, detail
        Why the latest attempt failed; ``None`` and empty if it did not.
    also
        Orthanc identifiers of what is sent along: the image, or the study.
    """

    destination: Destination
    state: DeliveryState = DeliveryState.DUE
    attempts: int = 0
    job: str = ""
    since: str = field(default_factory=now)
    due: str = ""
    code: Code | None = None
    detail: str = ""
    also: tuple[str, ...] = ()

    def to_parts(self) -> dict[str, Any]:
        """The delivery as JSON types, empty parts left out."""
        parts: dict[str, Any] = {"destination": str(self.destination), "state": str(self.state), "since": self.since}
        optional = {
            "attempts": self.attempts,
            "job": self.job,
            "due": self.due,
            "code": str(self.code) if self.code else "",
            "detail": self.detail,
            "also": list(self.also),
        }
        return parts | {name: value for name, value in optional.items() if value}

    @classmethod
    def from_parts(cls, parts: Any) -> Self:
        """Read a delivery back.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        code = parts.get("code")
        return cls(
            destination=Destination.parse(_text(parts["destination"])),
            state=DeliveryState(parts["state"]),
            attempts=int(parts.get("attempts", 0)),
            job=_text(parts.get("job", "")),
            since=_time(parts["since"]),
            due=_time(parts["due"]) if parts.get("due") else "",
            code=Code(code) if code else None,
            detail=_text(parts.get("detail", "")),
            also=tuple(_text(one) for one in parts.get("also", ())),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a report that this server has made, with all its deliveries.

    Attributes
    ----------
    event
        What webhooks are told, JSON types: decided once, so that it stays the same however often it is tried. Gone as soon
        as all of them know.
    """

    deliveries: tuple[Delivery, ...] = ()
    event: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def fresh(cls, wanted: Iterable[Destination]) -> Self:
        """The mark of a report that has just been stored: due everywhere."""
        return cls(tuple(Delivery(destination) for destination in wanted))

    @property
    def is_open(self) -> bool:
        """Whether something is left to send."""
        return any(one.state in OPEN for one in self.deliveries)

    def to(self, destination: Destination) -> Delivery | None:
        """The delivery to a destination; ``None`` if the report is not meant for it."""
        return next((one for one in self.deliveries if one.destination == destination), None)

    def with_delivery(self, changed: Delivery) -> Self:
        """The mark with a delivery in the place of the one to the same destination."""
        deliveries = tuple(changed if one.destination == changed.destination else one for one in self.deliveries)
        untold = any(one.destination.kind == "webhook" and one.state is not DeliveryState.SENT for one in deliveries)
        return replace(self, deliveries=deliveries, event=self.event if untold else {})

    def to_text(self) -> str:
        """The mark as metadata text."""
        states = {one.state for one in self.deliveries}
        send = "open" if self.is_open else "failed" if DeliveryState.FAILED in states else "sent" if states else "none"
        parts: dict[str, Any] = {"send": send, "to": [one.to_parts() for one in self.deliveries]}
        if self.event:
            parts["event"] = dict(self.event)
        return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a mark back.

        Raises
        ------
        MarkError
            If the text is none; metadata can be edited by anybody who may write to Orthanc.
        """
        try:
            # Half of a surrogate pair can be named in JSON, but neither be answered nor stored again.
            text.encode()
            if "\\u" in text:
                json.dumps(json.loads(text), ensure_ascii=False).encode()
            parts = json.loads(text)
            mark = cls(tuple(Delivery.from_parts(one) for one in parts["to"]), dict(parts.get("event", {})))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise MarkError(f"not the mark of a report: {error}") from None
        if len({one.destination for one in mark.deliveries}) < len(mark.deliveries):
            raise MarkError("not the mark of a report: a destination stands there twice")
        return mark


def read_mark(text: str | None) -> Mark | None:
    """The mark in a metadata text; ``None`` if there is none, or one that somebody has spoiled."""
    try:
        return Mark.from_text(text) if text else None
    except MarkError:
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r}")
    return value


def _time(value: object) -> str:
    text = _text(value)
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"a time without time zone: {text!r}")
    return text

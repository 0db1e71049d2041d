"""`Batch`: what was asked for, how far it is, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from ..codes import Code


class State(StrEnum):
    """How a batch stands. It begins as waiting and stays as it ended."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """It is not to go on; its folder is removed as soon as nobody works in it."""


OPEN = frozenset({State.WAITING, State.RUNNING})
"""States in which a batch has work to do, after a restart too."""


class BatchError(Exception):
    """A batch cannot be begun or cannot go on, whatever one tries.

    Attributes
    ----------
    code, detail
        Why.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or code.sentence)
        self.code = code
        self.detail = detail


class InterruptedBatch(Exception):  # noqa: N818 - no error: somebody wants the work to end
    """The server stops, or the batch was cancelled."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch.

    Attributes
    ----------
    identifier
        16 hexadecimal digits.
    kind
        Name of its kind.
    request
        What was asked for, in JSON types.
    created, started, ended
        ISO 8601, UTC; empty if it has not come to that.
    done, total
        Items that are settled, and how many there are; ``None`` while that is not known.
    code, detail
        Why it failed, or why it waits.
    summary
        What came of it, in JSON types; its kind says what.
    """

    identifier: str
    kind: str
    request: Mapping[str, Any]
    created: str
    state: State = State.WAITING
    started: str = ""
    ended: str = ""
    done: int = 0
    total: int | None = None
    code: Code | None = None
    detail: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The batch in JSON types."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read `to_json` back.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it is something else.
        """
        known = dict(values)
        known["state"] = State(known["state"])
        known["code"] = None if known.get("code") is None else Code[known["code"]]
        return cls(**known)

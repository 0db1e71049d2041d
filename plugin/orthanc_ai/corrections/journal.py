"""All statements on one image: the text of its metadata `ai-corrections`.

As with outcomes it is one JSON text, written in one step. Whether an SR is still to be stored stands first, so that
`/tools/find` can look for it with a wildcard. A statement stands here before its SR is stored: a crash at any moment loses
none.
"""

import json
from collections.abc import Sequence

from .correction import Correction, State

PENDING_PATTERN = '{"pending":true*'
"""Wildcard for the `MetadataQuery` of `/tools/find` that matches images with an SR that is still to be stored."""

ANY_PATTERN = '{"pending":*'
"""The same for all images on which somebody has said something."""

DEMONSTRATION_PATTERN = '{"pending":*"demonstration":true*'
"""The same where it is about findings of a demonstration model. No text can look like it: its quotes are escaped."""

MOST = 200
"""Statements on one image: several from each of many readers."""


class JournalError(ValueError):
    """A metadata text is no journal."""


def to_text(corrections: Sequence[Correction]) -> str:
    """Statements, oldest first, as metadata text."""
    pending = any(one.state is State.PENDING for one in corrections)
    parts = {"pending": pending, "corrections": [one.to_json() for one in corrections]}
    # In ASCII, as outcomes are.
    return json.dumps(parts, separators=(",", ":"))


def from_text(text: str | None) -> tuple[Correction, ...]:
    """Read statements back, oldest first.

    Raises
    ------
    JournalError
        If the text is something else; metadata can be edited by anybody who may write to Orthanc.
    """
    if not text:
        return ()
    try:
        parts = json.loads(text)
        # Half of a surrogate pair can be named in JSON, but in no answer and no report.
        json.dumps(parts, ensure_ascii=False).encode()
        return tuple(Correction.of(one) for one in parts["corrections"])
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise JournalError(f"not a journal of corrections: {type(error).__name__}") from None

"""What is asked of a peer, and what it answers."""

import re
from collections.abc import Mapping
from typing import Literal

Level = Literal["study", "series", "instance"]

Keys = Mapping[str, str]
"""Values by keyword, as in C-FIND; identifiers of the levels above included."""

Answer = Mapping[str, str]
"""One answer: values by keyword, several joined by backslashes. What the peer did not state is missing or empty."""

_UID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def is_uid(text: str) -> bool:
    """Whether a peer's identifier can be asked for again: wildcards and slashes would stand for something else.

    Real archives have UIDs with letters in them, so these pass.
    """
    return _UID.fullmatch(text) is not None

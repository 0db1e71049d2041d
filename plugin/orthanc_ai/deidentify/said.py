"""What a dataset says of the request that made it: which images were asked for, and nobody's identifier."""

from collections.abc import Mapping, Sequence
from typing import Any

from .pseudonyms import Pseudonyms

_TELLS_NOBODY = frozenset(
    {"modality", "bodyPart", "label", "code", "finding", "minimum", "maximum", "model", "roles", "role"}
)
"""Parts of a selection that choose by kind. All others may name or date somebody: identifiers, descriptions, dates."""


def said_selection(selection: Mapping[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """A selection for the manifest of a de-identified dataset.

    What may name somebody is replaced by pseudonyms, which tell that there was something, and how many.
    """
    return {
        name: value if name in _TELLS_NOBODY or not value else _hidden(name, value, pseudonyms)
        for name, value in selection.items()
    }


def _hidden(name: str, value: Any, pseudonyms: Pseudonyms) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [pseudonyms.name("asked", name, str(one)) for one in value]
    return pseudonyms.name("asked", name, str(value))

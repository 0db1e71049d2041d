"""Into which class an image falls, and under what name a folder can hold it."""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .choice import Chosen
from .manifest import MANIFEST, TABLE
from .recipe import Classes

NO_FINDING = "No Finding"
"""The class of an X-ray of which no score reaches its threshold, as public data sets call it."""

_NOBODY: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
"""Readers of an image of which nobody says anything."""

_OTHERS = re.compile(r"[^A-Za-z0-9._ -]+")
_LONGEST = 64
_DIGITS = 8
"""Of the digest behind a name that is not the text itself."""

_TAKEN = frozenset({MANIFEST, TABLE})


def class_of(
    chosen: Chosen,
    classes: Classes,
    labels: Mapping[str, str],
    readers: Mapping[str, Mapping[str, Any]] = _NOBODY,
) -> str | None:
    """The class of an image; ``None`` if it has none.

    Parameters
    ----------
    labels
        The researcher's own of this image, by column.
    readers
        What readers say of it, by finding: `readers.Label.to_json`.
    """
    match classes.by:
        case "finding":
            return _by_finding(chosen, classes.name)
        case "label":
            return _named(labels.get(classes.name, ""))
        case "reader":
            present = readers.get(classes.name, {}).get("present")
            return None if present is None else _decided(classes.name, present)
        case "modality":
            return _named(chosen.tag("Modality"))
        case "bodyPart":
            return _named(chosen.tag("BodyPartExamined").upper())
        case "role":
            return _named(chosen.role)


def folder_name(text: str) -> str:
    """A text as the name of a folder, safe everywhere.

    What no folder can be called gets a digest behind what is left of it, so that no two classes become one: of a text in
    another alphabet, nothing is left.
    """
    safe = _OTHERS.sub("_", text).strip(". ")
    if text and safe == text and len(text) <= _LONGEST and text.casefold() not in _TAKEN:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{(safe or '_')[: _LONGEST - _DIGITS - 1]}-{digest}"


def _named(text: str) -> str | None:
    return text.strip() or None


def _decided(name: str, present: bool) -> str:
    return name if present else f"No {name}"


def _by_finding(chosen: Chosen, name: str) -> str | None:
    """Of several findings that reach their thresholds the one that does so most surely: by its score."""
    if name:
        score, threshold = chosen.findings.get(name), chosen.thresholds.get(name)
        if score is None or threshold is None:
            return None
        return _decided(name, score >= threshold)
    if not chosen.thresholds:
        return None
    reached = [one for one, threshold in chosen.thresholds.items() if chosen.findings[one] >= threshold]
    return max(reached, key=lambda one: (chosen.findings[one], one), default=NO_FINDING)

"""Into which class an image falls, and under what name a folder can hold it."""

import re
from collections.abc import Mapping

from .choice import Chosen
from .recipe import Classes

NO_FINDING = "No Finding"
"""The class of an X-ray of which no score reaches its threshold, as public data sets call it."""

_OTHERS = re.compile(r"[^A-Za-z0-9._ -]+")
_LONGEST = 64


def class_of(chosen: Chosen, classes: Classes, labels: Mapping[str, str]) -> str | None:
    """The class of an image; ``None`` if it has none.

    Parameters
    ----------
    labels
        The researcher's own of this image, by column.
    """
    match classes.by:
        case "finding":
            return _by_finding(chosen, classes.name)
        case "label":
            return _named(labels.get(classes.name, ""))
        case "modality":
            return _named(chosen.tag("Modality"))
        case "bodyPart":
            return _named(chosen.tag("BodyPartExamined").upper())
        case "role":
            return _named(chosen.role)


def folder_name(text: str) -> str:
    """A text as the name of a folder, safe everywhere; different texts may have the same."""
    return _OTHERS.sub("_", text).strip(". ")[:_LONGEST].strip(". ") or "_"


def _named(text: str) -> str | None:
    return text.strip() or None


def _by_finding(chosen: Chosen, name: str) -> str | None:
    """Of several findings that reach their thresholds the one that does so most surely: by its score."""
    if name:
        score, threshold = chosen.findings.get(name), chosen.thresholds.get(name)
        if score is None or threshold is None:
            return None
        return name if score >= threshold else f"No {name}"
    if not chosen.thresholds:
        return None
    reached = [one for one, threshold in chosen.thresholds.items() if chosen.findings[one] >= threshold]
    return max(reached, key=lambda one: (chosen.findings[one], one), default=NO_FINDING)

"""Which labels of a study are ours, and for which of its images: the text of its metadata `ai-triage`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

PATTERN = '{"state":*'
"""Wildcard for the `MetadataQuery` of `/tools/find` that matches studies with a record."""

Images = Mapping[str, frozenset[str]]
"""Orthanc identifiers of the images that fit, by label."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the rules have given a study.

    Attributes
    ----------
    labels
        The images that fit, by label. A label without any is being taken away.
    theirs
        Labels that the study bore before a rule gave them: somebody else's, who may take them away.
    changing
        Whether labels are just being given or taken, so that after a crash they may stand otherwise than written here.
    """

    labels: Images = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()
    changing: bool = False

    @property
    def images(self) -> frozenset[str]:
        """All images for which the study bears a label."""
        return frozenset().union(*self.labels.values())

    def fitting(self) -> dict[str, frozenset[str]]:
        """The images by label, without labels that no image gives any more."""
        return {label: images for label, images in self.labels.items() if images}

    def with_image(self, image: str, labels: frozenset[str]) -> Images:
        """The images by label after a reading of one of them, which now gives these labels and no others."""
        after = {label: images - {image} for label, images in self.labels.items()}
        for label in labels:
            after[label] = after.get(label, frozenset()) | {image}
        return {label: images for label, images in after.items() if images}

    def to_text(self) -> str:
        """The record as metadata text."""
        parts: dict[str, object] = {
            "state": "changing" if self.changing else "done",
            "labels": {label: sorted(images) for label, images in sorted(self.labels.items())},
        }
        if self.theirs:
            parts["theirs"] = sorted(self.theirs)
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """Read a record back; an empty one if there is none, or one that somebody has spoiled."""
        try:
            parts = json.loads(text or "{}")
            labels = {
                str(label): frozenset(str(image) for image in images) for label, images in parts["labels"].items()
            }
            theirs = frozenset(str(label) for label in parts.get("theirs", ()))
            return cls(labels, theirs, parts["state"] == "changing")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done so that a study bears the labels that its images give it.

    Attributes
    ----------
    give, take
        Labels that it gets, and that are taken away.
    during, after
        The record while that is done, from which it can be repeated after a crash, and then.
    """

    give: frozenset[str]
    take: frozenset[str]
    during: Record
    after: Record


def change(before: Record, wanted: Images, borne: frozenset[str]) -> Change:
    """What is to be done.

    Parameters
    ----------
    wanted
        The images that fit now, by label.
    borne
        Labels that the study bears.
    """
    lost = before.labels.keys() - wanted.keys()
    theirs = frozenset(
        label for label in wanted if label in before.theirs or (label in borne and label not in before.labels)
    )
    # Somebody may have taken a label away by hand: it comes back for an image that has not given it before.
    give = frozenset(
        label
        for label, images in wanted.items()
        if label not in borne and (before.changing or images - before.labels.get(label, frozenset()))
    )
    take = frozenset(label for label in lost if label in borne and label not in before.theirs)
    after = Record(wanted, theirs & wanted.keys() - give)
    during = Record({**wanted, **dict.fromkeys(take, frozenset())}, after.theirs, changing=True)
    return Change(give, take, during, replace(after))

"""What is taken out of an export, and what stays: the options of PS3.15 section E.3."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

Retained = Literal[
    "uids",
    "deviceIdentity",
    "institutionIdentity",
    "patientCharacteristics",
    "fullDates",
    "modifiedDates",
]
"""What stays although the Basic Profile removes it (PS3.15 sections E.3.6 to E.3.11)."""

Cleaned = Literal["descriptors"]
"""What is cleaned instead of removed (PS3.15 section E.3.5)."""

BurnedIn = Literal["leaveOut", "take"]
"""What becomes of images that show, or are likely to show, a text about the patient."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an export is de-identified.

    Attributes
    ----------
    enabled
        Whether it is at all.
    retain, clean
        The options of the profile.
    burned_in
        Whether images with burned-in annotation are taken. Flagged they are always.
    keep_key
        Whether the key of the pseudonyms is kept: with it whoever has the originals can tell whose an image is, and
        without it the dataset cannot grow.

    Raises
    ------
    ValueError
        If dates were to be retained and modified at once.
    """

    enabled: bool = True
    retain: frozenset[Retained] = frozenset()
    clean: frozenset[Cleaned] = frozenset()
    burned_in: BurnedIn = "leaveOut"
    keep_key: bool = False

    OFF: ClassVar["Options"]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if {"fullDates", "modifiedDates"} <= self.retain:
            raise ValueError("dates are retained either in full or modified")

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read the form in which they are asked for.

        Raises
        ------
        ValueError
            If there is something else in it.
        """
        unknown = set(content) - {"enabled", "retain", "clean", "burnedIn", "keepKey"}
        if unknown:
            raise ValueError(f"no option of de-identification: {', '.join(sorted(unknown))}")
        burned_in = content.get("burnedIn", "leaveOut")
        if burned_in not in get_args(BurnedIn):
            raise ValueError(f"burnedIn is one of {', '.join(get_args(BurnedIn))}")
        return cls(
            enabled=bool(content.get("enabled", True)),
            retain=frozenset(_chosen("retain", content.get("retain", ()), get_args(Retained))),
            clean=frozenset(_chosen("clean", content.get("clean", ()), get_args(Cleaned))),
            burned_in=burned_in,
            keep_key=bool(content.get("keepKey", False)),
        )

    def to_json(self) -> dict[str, Any]:
        """The form in which they are asked for, complete."""
        return {
            "enabled": self.enabled,
            "retain": sorted(self.retain),
            "clean": sorted(self.clean),
            "burnedIn": self.burned_in,
            "keepKey": self.keep_key,
        }


Options.OFF = Options(enabled=False, burned_in="take")


def _chosen(name: str, asked: Sequence[str], known: tuple[Any, ...]) -> set[Any]:
    unknown = set(asked) - set(known)
    if unknown:
        raise ValueError(f"{name} knows {', '.join(known)}, not {', '.join(sorted(unknown))}")
    return set(asked)

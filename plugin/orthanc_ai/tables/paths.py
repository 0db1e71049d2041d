"""Which attribute a column is about: a keyword or tag, or the way to one within sequences."""

import re
from dataclasses import dataclass
from typing import Self

LONGEST = 512
"""Letters of a path: four sequences deep by the longest keywords."""

FRAME = "frame"
"""In place of an item's number: the item of the row's own frame, for the functional groups of multi-frame objects."""

_NAME = r"[A-Za-z][A-Za-z0-9]{0,127}|\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)"
_ITEM = rf"[0-9]{{1,4}}|{FRAME}"
_SEQUENCE = re.compile(rf"({_NAME})\[({_ITEM})\]\.")
PATTERN = rf"^(?:(?:{_NAME})\[(?:{_ITEM})\]\.)*(?:{_NAME})$"
"""Regular expression of a path's text."""


@dataclass(frozen=True, slots=True)
class Path:
    """The way to an attribute.

    Attributes
    ----------
    sequences
        Name of each sequence on the way and which of its items, from 0; `None` for the one of the row's frame.
    name
        Keyword, or tag as ``(0019,100C)``.
    """

    sequences: tuple[tuple[str, int | None], ...]
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path such as ``RequestAttributesSequence[0].ScheduledProcedureStepID``.

        Raises
        ------
        ValueError
            If it is none.
        """
        if len(text) > LONGEST or not re.fullmatch(PATTERN, text):
            raise ValueError(
                "a keyword, or a tag as (0019,100C); within sequences as RequestAttributesSequence[0].Keyword"
            )
        found = list(_SEQUENCE.finditer(text))
        sequences = tuple((one[1], None if one[2] == FRAME else int(one[2])) for one in found)
        return cls(sequences, text[found[-1].end() :] if found else text)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sequences and of the attribute."""
        return (*(name for name, _ in self.sequences), self.name)


def tag_of(name: str) -> int | None:
    """The number that a name such as ``(0019,100C)`` states; ``None`` for a keyword."""
    return int(name[1:5] + name[6:10], 16) if name.startswith("(") else None


def is_private(tag: int) -> bool:
    """Whether a manufacturer and not DICOM defines a tag: its group is odd (PS3.5 section 7.8)."""
    return bool(tag >> 16 & 1)

"""Was contrast given? What the header says, and what the blood in a few slices shows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Seen(StrEnum):
    """What the pixels say."""

    YES = "YES"
    NO = "NO"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is known of contrast in a series.

    Attributes
    ----------
    stated
        Contrast/Bolus Agent (0018,0010) says that it was given. Its absence says nothing.
    seen
        What the pixels show; ``None`` if they were not looked at.
    blood_hu
        Hounsfield units of the blood, if they were.
    """

    stated: bool = False
    seen: Seen | None = None
    blood_hu: float | None = None

    def to_json(self) -> dict[str, Any]:
        """In JSON types."""
        return {
            "stated": self.stated,
            "seen": None if self.seen is None else str(self.seen),
            "bloodHu": None if self.blood_hu is None else round(self.blood_hu),
        }

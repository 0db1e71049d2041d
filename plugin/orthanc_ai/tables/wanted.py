"""What a table is about: the request of its batch, in our own terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .columns import Layout, Tag


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rows of a table hold.

    Attributes
    ----------
    layout
        The columns.
    windows
        Center and width by name, in values after the modality transformation; e.g. HU.
    frames
        Whether each frame of a multi-frame object has a row of its own.
    """

    layout: Layout
    windows: Mapping[str, tuple[float, float]]
    frames: bool

    @property
    def pixels(self) -> bool:
        """Whether pixels are looked at."""
        return self.layout.statistics or bool(self.layout.windows)

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self:
        """Read the request of a batch, which was checked when it was taken in."""
        windows = {one["name"]: (one["center"], one["width"]) for one in request["windows"]}
        layout = Layout(
            tags=tuple(Tag.of(tag) for tag in request["tags"]),
            numbered=request["several"] == "numbered",
            statistics=request["statistics"],
            windows=tuple(windows),
            identified=request["deidentify"] is None,
        )
        return cls(layout, windows, request["frames"])

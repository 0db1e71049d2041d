"""The size of a picture, as it is asked for. Pure, since the server process checks requests with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

LARGEST = 8192
"""Pixels of a side."""

How = Literal["fit", "crop", "stretch"]


@dataclass(frozen=True, slots=True)
class Size:
    """Which size pictures get.

    Attributes
    ----------
    rows, columns
        In pixels.
    how
        ``fit``: the whole image, with black around it; ``crop``: the middle of it that fills the picture; ``stretch``: the
        whole image, its sides stretched differently.
    square
        Whether to make pixels square that are not, by Pixel Spacing or the like. If not, a pixel counts as square.
    content
        Whether to leave the dark margins of the image out, see `content.content_box`.
    """

    rows: int
    columns: int
    how: How = "fit"
    square: bool = False
    content: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        sides: tuple[Any, ...] = (self.rows, self.columns)
        if not all(type(side) is int and 1 <= side <= LARGEST for side in sides):
            raise ValueError(f"a picture has 1 to {LARGEST} rows and columns")
        if self.how not in get_args(How):
            raise ValueError(f"an image gets its size by one of {', '.join(get_args(How))}")
        if {type(self.square), type(self.content)} != {bool}:
            raise ValueError("square and content are true or false")

    @classmethod
    def of(cls, json: int | Sequence[int] | Mapping[str, Any]) -> Self:
        """From JSON: the side of a square, rows and columns, or the attributes by name.

        Raises
        ------
        ValueError
            If it says nothing that can be done.
        """
        if isinstance(json, int):
            return cls(json, json)
        if isinstance(json, Mapping):
            unknown = set(json) - {field.name for field in fields(cls)}
            if unknown or not {"rows", "columns"} <= set(json):
                raise ValueError("a size has rows and columns, and may have how, square and content")
            return cls(**json)
        if len(json) != 2:
            raise ValueError("a size has rows and columns")
        return cls(json[0], json[1])

    def to_json(self) -> dict[str, Any]:
        """As `of` takes it."""
        said: dict[str, Any] = {"rows": self.rows, "columns": self.columns, "how": self.how}
        return said | {name: True for name in ("square", "content") if getattr(self, name)}

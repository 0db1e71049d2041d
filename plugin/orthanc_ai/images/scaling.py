"""Which values become which gray levels, as it is asked for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from .window import FUNCTIONS, Window
from .windows import NAMED

Kind = Literal["header", "named", "window", "frequency", "range", "viewer"]
"""Kinds of scaling."""

BINS = 100
"""Of frequency scaling, as fastai has it."""

MAXIMUM_BINS = 65_536
"""More than 16 bits have values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How values become gray levels.

    Attributes
    ----------
    kind
        ``header``: the VOI LUT or window of the image. ``named``: one of `windows.NAMED`. ``window``: one's own.
        ``frequency``: by how often values occur. ``range``: from one value to another. ``viewer``: as the viewer draws
        the image when it opens it.
    number
        Of ``header``: which of several windows, counted from 1; `None` for the first VOI LUT or else window.
    explanation
        Of ``header``: the window with this Window Center & Width Explanation, or the VOI LUT with this LUT Explanation.
    name
        Of ``named``.
    center, width, function
        Of ``window``, in values after the modality transformation, e.g. HU.
    bins
        Of ``frequency``: how many.
    minimum, maximum
        Of ``range``: black and white; of ``frequency``: values beyond are held there. `None`: those of the image.
    """

    kind: Kind = "header"
    number: int | None = None
    explanation: str | None = None
    name: str | None = None
    center: float | None = None
    width: float | None = None
    function: str = "LINEAR"
    bins: int = BINS
    minimum: float | None = None
    maximum: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"the kind of scaling is one of {', '.join(get_args(Kind))}")
        if self.kind == "named" and self.name not in NAMED:
            raise ValueError(f"the name of a window is one of {', '.join(NAMED)}")
        if self.kind == "window":
            if self.center is None or self.width is None:
                raise ValueError("a window has center and width")
            Window(self.center, self.width, self.function)
        if self.function not in FUNCTIONS:
            raise ValueError(f"the function of a window is one of {', '.join(FUNCTIONS)}")
        if not 1 <= self.bins <= MAXIMUM_BINS:
            raise ValueError(f"there are 1 to {MAXIMUM_BINS} bins")
        if self.number is not None and self.number < 1:
            raise ValueError("windows are counted from 1")
        if self.minimum is not None and self.maximum is not None and not self.minimum < self.maximum:
            raise ValueError("the minimum is below the maximum")

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> Self:
        """From JSON.

        Raises
        ------
        ValueError
            If it says nothing that can be done.
        """
        unknown = set(json) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a scaling has no {', '.join(sorted(unknown))}")
        return cls(**json)

    def to_json(self) -> dict[str, Any]:
        """As `of` takes it, without what is not said."""
        default = Scaling()
        said = asdict(self)
        return {key: value for key, value in said.items() if key == "kind" or value != getattr(default, key)}

"""Which values become which gray levels, as it is asked for. Pure, since the server process checks requests with it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from .window import FUNCTIONS, Window
from .windows import named

Kind = Literal["header", "named", "window", "frequency", "range", "viewer"]
"""Kinds of scaling."""

Use = Literal["lut", "window"]
"""What a header may offer: VOI LUTs and windows."""

Padding = Literal["shown", "black"]
"""What becomes of padding."""

BINS = 100
"""Of frequency scaling, as fastai has it."""

MAXIMUM_BINS = 65_536
"""More than 16 bits have values."""

_JSON_NAMES = {"cut_points": "cutPoints"}
_ATTRIBUTES: Mapping[Kind, frozenset[str]] = {
    "header": frozenset({"number", "explanation", "use"}),
    "named": frozenset({"name", "function"}),
    "window": frozenset({"center", "width", "function"}),
    "frequency": frozenset({"bins", "cut_points", "minimum", "maximum"}),
    "range": frozenset({"minimum", "maximum", "percentiles"}),
    "viewer": frozenset(),
}
"""Which attributes mean something to which kind."""

_USUAL: Mapping[str, Any] = {"function": "LINEAR", "bins": BINS}
"""What may be said to any kind, since a form says it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How values become gray levels.

    Values are those after the modality transformation, e.g. HU. All ``None`` mean "as usual".

    Attributes
    ----------
    kind
        ``header``: by a VOI LUT or window of the image. ``named``: by one of `windows.NAMED`. ``window``: by one's own.
        ``frequency``: by how often values occur. ``range``: from one value to another. ``viewer``: as the viewer draws
        the image when it opens it, which is ``header`` without a word about images that have no window.
    use
        Of ``header``: only its VOI LUTs, or only its windows. Usually the VOI LUTs come first, then the windows.
    number
        Of ``header``: which of these, counted from 1; usually the first.
    explanation
        Of ``header``: which of these, by LUT Explanation or Window Center & Width Explanation, whatever its case.
    name
        Of ``named``.
    center, width
        Of ``window``.
    function
        VOI LUT Function of ``named`` and ``window``; usually ``LINEAR``.
    bins
        Of ``frequency``: how many; usually `BINS`.
    cut_points
        Of ``frequency``: one's own, ascending, e.g. those of another image; usually those of the image.
    minimum, maximum
        Of ``range``: black and white; of ``frequency``: values beyond are held there. Usually those of the image.
    percentiles
        Of ``range``: black and white by the share of pixels below them, in percent.
    padding
        Whether padding (PS3.3 section C.7.5.1.1.2) is ``shown`` like any other value, as the viewer does, or ``black``.

    Raises
    ------
    ValueError
        If it says nothing that can be done.
    """

    kind: Kind = "header"
    use: Use | None = None
    number: int | None = None
    explanation: str | None = None
    name: str | None = None
    center: float | None = None
    width: float | None = None
    function: str | None = None
    bins: int | None = None
    cut_points: tuple[float, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    percentiles: tuple[float, float] | None = None
    padding: Padding = "shown"

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"the kind of scaling is one of {', '.join(get_args(Kind))}")
        if self.padding not in get_args(Padding):
            raise ValueError(f"padding is {' or '.join(get_args(Padding))}")
        said = {field.name for field in fields(self) if getattr(self, field.name) not in (None, _USUAL.get(field.name))}
        if strange := said - _ATTRIBUTES[self.kind] - {"kind", "padding"}:
            raise ValueError(f"scaling by {self.kind} has no {', '.join(map(_json_name, sorted(strange)))}")
        self._check_numbers()
        if self.function is not None and self.function not in FUNCTIONS:
            raise ValueError(f"the function of a window is one of {', '.join(FUNCTIONS)}")
        if self.use is not None and self.use not in get_args(Use):
            raise ValueError(f"a header has {' or '.join(get_args(Use))}")
        if self.kind in ("named", "window"):
            _ = self.window
        if self.percentiles is not None and (self.minimum is not None or self.maximum is not None):
            raise ValueError("a range has either percentiles or a minimum and a maximum")

    def _check_numbers(self) -> None:
        for name in ("center", "width", "minimum", "maximum"):
            _check_finite(name, getattr(self, name))
        for name in ("number", "bins"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name} is a whole number from 1 on")
        if (self.bins or 0) > MAXIMUM_BINS:
            raise ValueError(f"there are at most {MAXIMUM_BINS} bins")
        if self.minimum is not None and self.maximum is not None and not self.minimum < self.maximum:
            raise ValueError("the minimum is below the maximum")
        for value in self.cut_points or ():
            _check_finite("cutPoints", value)
        if self.cut_points is not None and not (
            2 <= len(self.cut_points) <= MAXIMUM_BINS and list(self.cut_points) == sorted(set(self.cut_points))
        ):
            raise ValueError(f"there are 2 to {MAXIMUM_BINS} cut points, each above the one before")
        if self.percentiles is not None:
            shares: tuple[Any, ...] = self.percentiles
            for value in shares:
                _check_finite("percentiles", value)
            if len(shares) != 2 or not 0 <= shares[0] < shares[1] <= 100:
                raise ValueError("two percentiles lie between 0 and 100, the lower first")

    @property
    def window(self) -> Window:
        """The window of ``named`` and ``window``."""
        function = self.function or str(_USUAL["function"])
        if self.kind == "named":
            if self.name is None:
                raise ValueError("which window is asked for by name")
            window = named(self.name)
            return Window(window.center, window.width, function)
        if self.center is None or self.width is None:
            raise ValueError("a window has center and width")
        return Window(self.center, self.width, function)

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> Self:
        """From JSON, with names in camelCase.

        Raises
        ------
        ValueError
            If it says nothing that can be done.
        """
        names = {_json_name(field.name): field.name for field in fields(cls)}
        if unknown := set(json) - set(names):
            raise ValueError(f"a scaling has no {', '.join(sorted(map(str, unknown)))}")
        said: dict[str, Any] = {
            names[key]: tuple(value) if isinstance(value, list) else value for key, value in json.items()
        }
        try:
            return cls(**said)
        except TypeError as error:
            raise ValueError("some part of the scaling is of the wrong type") from error

    def to_json(self) -> dict[str, Any]:
        """As `of` takes it, without what is as usual."""
        json: dict[str, Any] = {"kind": self.kind}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _ATTRIBUTES[self.kind] and value is not None:
                json[_json_name(field.name)] = list(value) if isinstance(value, tuple) else value
        return json | ({"padding": self.padding} if self.padding != "shown" else {})


def _json_name(name: str) -> str:
    return _JSON_NAMES.get(name, name)


def _check_finite(name: str, value: Any) -> None:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise ValueError(f"{name} is a finite number")

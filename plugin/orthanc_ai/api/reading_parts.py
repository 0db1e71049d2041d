"""The parts of a radiograph's outcome, read with care: whoever may write to Orthanc may edit metadata.

Each part is read by itself, so that a spoiled one takes nothing with it, and which ones are spoiled is told.
"""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from ..codes import Code

MEASURED = "MEASURED"
"""Code of a ratio that was measured; any other one says why not."""

MOST_PIXELS = 65_535
"""Rows and Columns are 16-bit numbers (PS3.3 section C.7.6.3.1)."""

MOST_CELLS = 64
"""Cells along one side of an activation grid: nine times those of a DenseNet at 224 pixels."""

Score = Annotated[FiniteFloat, Field(ge=0, le=1)]
Coordinate = Annotated[FiniteFloat, Field(ge=-MOST_PIXELS, le=2 * MOST_PIXELS)]
Length = Annotated[int, Field(ge=1, le=MOST_PIXELS)]
Point = tuple[Coordinate, Coordinate]
UID = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""Whatever stands for one in an archive: not all are well formed."""


def _no_measurement(code: Code) -> Code:
    if code == MEASURED:
        raise ValueError("a measured ratio without its values")
    return code


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class StoredRatio(_Part):
    """A measured ratio."""

    code: Literal["MEASURED"]
    value: Annotated[FiniteFloat, Field(gt=0, lt=10)]
    uncertainty: Annotated[FiniteFloat, Field(ge=0, lt=10)]
    heart: tuple[Point, Point]
    thorax: tuple[Point, Point]
    spacing: tuple[Annotated[FiniteFloat, Field(gt=0, lt=100)], Annotated[FiniteFloat, Field(gt=0, lt=100)]] | None = (
        None
    )
    method: str = ""


class StoredRefusal(_Part):
    """Why there is no ratio."""

    code: Annotated[Code, AfterValidator(_no_measurement)]
    detail: str = ""


class StoredPrior(_Part):
    """What the earlier report said."""

    image: UID
    report: UID
    date: str = ""
    scores: dict[str, Score] = {}


class StoredOverlay(_Part):
    """An object that was written beside the report."""

    kind: str
    finding: str = ""
    sop_instance_uid: Annotated[UID, Field(alias="sopInstanceUID")]
    series_instance_uid: Annotated[UID, Field(alias="seriesInstanceUID")]


class _StoredFinding(_Part):
    label: str
    activation: str = ""


_FINDINGS: TypeAdapter[list[_StoredFinding]] = TypeAdapter(list[_StoredFinding])
_RATIO: TypeAdapter[StoredRatio | StoredRefusal] = TypeAdapter(StoredRatio | StoredRefusal)
_PRIOR: TypeAdapter[StoredPrior] = TypeAdapter(StoredPrior)
_OVERLAYS: TypeAdapter[tuple[StoredOverlay, ...]] = TypeAdapter(tuple[StoredOverlay, ...])
_BOX: TypeAdapter[tuple[Coordinate, Coordinate, Length, Length]] = TypeAdapter(
    tuple[Coordinate, Coordinate, Length, Length]
)
_SIZE: TypeAdapter[tuple[Length, Length]] = TypeAdapter(tuple[Length, Length])
_WEIGHTS: TypeAdapter[str] = TypeAdapter(str)


@dataclass(frozen=True, slots=True)
class Grid:
    """An activation map as it is stored.

    Attributes
    ----------
    side
        Cells along each side.
    values
        Base64 of side * side bytes, row by row; 255 is the largest of this map, 0 is zero or negative.
    """

    side: int
    values: str

    @property
    def peak(self) -> tuple[int, int]:
        """Column and row of the largest cell."""
        cells = base64.b64decode(self.values)
        row, column = divmod(cells.index(max(cells)), self.side)
        return column, row


@dataclass(slots=True)
class Parts:
    """What an outcome holds beside the findings' scores.

    Attributes
    ----------
    grids
        By label of the finding.
    box
        Left, top, width and height, in pixels of the image, of what the grids cover.
    size
        Rows and columns of the image.
    spoiled
        Names of the parts that are there and cannot be read.
    """

    grids: dict[str, Grid] = field(default_factory=dict)
    box: tuple[float, float, int, int] | None = None
    size: tuple[int, int] | None = None
    ratio: StoredRatio | StoredRefusal | None = None
    prior: StoredPrior | None = None
    overlays: tuple[StoredOverlay, ...] = ()
    weights: str = ""
    spoiled: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Parts":
        """Read them."""
        parts = cls()

        def read[T](name: str, adapter: TypeAdapter[T]) -> T | None:
            if data.get(name) is None:
                return None
            try:
                return adapter.validate_python(data[name])
            except (ValidationError, RecursionError):
                parts.spoiled.append(name)
                return None

        for one in read("findings", _FINDINGS) or ():
            try:
                grid = _grid(one.activation) if one.activation else None
            except ValueError:
                if "findings" not in parts.spoiled:
                    parts.spoiled.append("findings")
            else:
                if grid:
                    parts.grids[one.label] = grid
        parts.box = read("box", _BOX)
        parts.size = read("size", _SIZE)
        parts.ratio = read("ratio", _RATIO)
        parts.prior = read("prior", _PRIOR)
        parts.overlays = read("overlays", _OVERLAYS) or ()
        parts.weights = read("weights", _WEIGHTS) or ""
        return parts


def _grid(text: str) -> Grid | None:
    """The map; ``None`` if nothing in the image speaks for the finding."""
    cells = base64.b64decode(text, validate=True)
    side = math.isqrt(len(cells))
    if not 1 <= side <= MOST_CELLS or side * side != len(cells):
        raise ValueError("not a square")
    if not any(cells):
        return None
    return Grid(side, base64.b64encode(cells).decode())

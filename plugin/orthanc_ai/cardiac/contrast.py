"""Was contrast given? What the header says, and what the blood in a few slices shows.

In a slice through the heart its chambers, their walls and the roots of the great vessels are the largest compact piece of
soft tissue in front of the spine: the largest circle that fits into soft tissue lies there. In its bright quarter is
blood, opacified or not. It is brighter than 200 HU in coronary angiograms, 40 HU without contrast, and bone, the only
tissue that is as bright, is not within such a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage  # type: ignore[import-untyped]

from ..codes import Code
from .header import Header
from .stack import Stack

CONTRAST_HU = 200.0
"""Blood is at least so bright after contrast, in the arterial phase; guidelines ask for 300 HU in the coronaries."""

NO_CONTRAST_HU = 80.0
"""Blood without contrast is less bright: 30 to 60 HU, by haemoglobin."""

LOOKED_AT = (0.5, 0.35, 0.65, 0.2, 0.8)
"""Where in a stack slices are looked at, of the way from its first to its last: the middle first."""

ENOUGH_BRIGHT, ENOUGH_DARK = 2, 3
"""So many slices with bright, or with nothing but dark blood are enough; no more are then looked at."""

_CELL_MM = 2.0  # the images are averaged to cells of about this size, which takes the noise out
_BODY_HU = -300.0  # between lung and fat
_SOFT_HU = (-30.0, 800.0)  # between fat and what is bone or metal in any case
_MINIMUM_RADIUS_MM = 15.0  # a smaller piece of soft tissue is no part of a heart: a vertebral body has less
_RADIUS_MM = 45.0  # of a heart
_BEFORE_SPINE = 0.6  # of the body's depth, or the image's, from the front: the spine lies behind
_BRIGHT_QUARTER = 75.0

Array = npt.NDArray[np.float32]


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
        Hounsfield units of the blood; ``None`` if they were not looked at, or no heart was found in them.
    fault
        Why some or all slices were not looked at, although they should have been.
    """

    stated: bool = False
    seen: Seen | None = None
    blood_hu: float | None = None
    fault: Code | None = None

    @property
    def given(self) -> bool:
        """Whether contrast was given, as far as is known: the pixels know better than the header."""
        return self.stated if self.seen in (None, Seen.UNCERTAIN) else self.seen is Seen.YES

    def to_json(self) -> dict[str, Any]:
        """In JSON types."""
        return {
            "stated": self.stated,
            "seen": None if self.seen is None else str(self.seen),
            "bloodHu": None if self.blood_hu is None else round(self.blood_hu),
        }


def slices_to_look_at(stack: Stack) -> list[Header]:
    """The few slices of a stack that tell whether contrast was given, each once, in the order of looking."""
    last = len(stack.headers) - 1
    return [stack.headers[index] for index in dict.fromkeys(round(part * last) for part in LOOKED_AT)]


def is_enough(blood_hu: Sequence[float | None]) -> bool:
    """Whether the slices that were looked at leave no doubt."""
    known = [blood for blood in blood_hu if blood is not None]
    return sum(blood > CONTRAST_HU for blood in known) >= ENOUGH_BRIGHT or (
        len(known) >= ENOUGH_DARK and max(known) < NO_CONTRAST_HU
    )


def judge_blood(blood_hu: Sequence[float | None]) -> tuple[Seen, float | None]:
    """Whether contrast was given, by the blood of several slices, each as `blood_in` has it.

    The second brightest slice decides: the heart is not in all of them, and one may have metal in it.
    """
    known = sorted((blood for blood in blood_hu if blood is not None), reverse=True)
    if len(known) < 2:
        return Seen.UNCERTAIN, known[0] if known else None
    blood = known[1]
    if blood > CONTRAST_HU:
        return Seen.YES, blood
    return Seen.NO if blood < NO_CONTRAST_HU else Seen.UNCERTAIN, blood


@dataclass(frozen=True, slots=True)
class Heart:
    """A circle of soft tissue in a slice that seems to be the heart, or a part of it.

    Attributes
    ----------
    row, column
        Its centre, in pixels of the slice.
    radius_mm
        Its radius.
    blood_hu
        Median brightness of its brightest quarter, in HU: of what seems to be blood.
    """

    row: float
    column: float
    radius_mm: float
    blood_hu: float


def find_heart(hu: Array, header: Header) -> Heart | None:
    """The heart in a slice, if it seems to be there.

    Parameters
    ----------
    hu
        Hounsfield units, shape (rows, columns).
    header
        Of the slice, with pixel spacing and orientation.
    """
    if header.pixel_spacing is None or header.image_orientation is None:
        return None
    factors = [max(1, round(_CELL_MM / spacing)) for spacing in header.pixel_spacing]
    cells = _averaged(hu, factors)
    cell_mm = [spacing * factor for spacing, factor in zip(header.pixel_spacing, factors, strict=True)]
    body = _largest(cells > _BODY_HU)
    if body is None:
        return None
    depth = _depth(cells.shape, cell_mm, header.image_orientation)
    front, back = float(depth[body].min()), float(depth[body].max())
    before_spine = depth <= front + _BEFORE_SPINE * (back - front)
    soft = (cells > _SOFT_HU[0]) & (cells < _SOFT_HU[1])
    # With a rim: what is beyond the image is not known to be soft.
    to_edge = ndimage.distance_transform_edt(np.pad(soft, 1), sampling=cell_mm)[1:-1, 1:-1]
    to_edge[~before_spine] = 0
    row, column = np.unravel_index(int(np.argmax(to_edge)), to_edge.shape)
    if to_edge[row, column] < _MINIMUM_RADIUS_MM:
        return None
    radius = min(float(to_edge[row, column]), _RADIUS_MM)
    rows, columns = np.ogrid[: cells.shape[0], : cells.shape[1]]
    circle = ((rows - row) * cell_mm[0]) ** 2 + ((columns - column) * cell_mm[1]) ** 2 <= radius**2
    values = cells[circle & before_spine]
    blood = float(np.median(values[values >= np.percentile(values, _BRIGHT_QUARTER)]))
    return Heart((row + 0.5) * factors[0], (column + 0.5) * factors[1], radius, blood)


def blood_in(hu: Array, header: Header) -> float | None:
    """The brightness of blood in a slice, in HU; ``None`` if there is no heart. See `find_heart`."""
    heart = find_heart(hu, header)
    return None if heart is None else heart.blood_hu


def _averaged(hu: Array, factors: Sequence[int]) -> Array:
    """Means of blocks of pixels; what is left over at the ends is left out."""
    rows, columns = (max(1, size // factor) for size, factor in zip(hu.shape, factors, strict=True))
    trimmed = hu[: rows * factors[0], : columns * factors[1]]
    if trimmed.shape != (rows * factors[0], columns * factors[1]):
        return trimmed
    means: Array = trimmed.reshape(rows, factors[0], columns, factors[1]).mean(axis=(1, 3), dtype=np.float32)
    return means


def _largest(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_] | None:
    """The largest connected part: the body, and not the table."""
    labels, count = ndimage.label(mask)
    if not count:
        return None
    part: npt.NDArray[np.bool_] = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return part


def _depth(shape: tuple[int, ...], cell_mm: Sequence[float], orientation: Sequence[float]) -> npt.NDArray[np.float64]:
    """How far behind the image's first cell each cell lies in the patient, mm: the y axis runs to the back."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    depth: npt.NDArray[np.float64] = rows * cell_mm[0] * orientation[4] + columns * cell_mm[1] * orientation[1]
    return depth

"""Which images of a series make a volume, phase by phase, and why the others are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..cardiac.geometry import (
    LEAVING_OUT,
    ORIENTATION_TOLERANCE,
    PIXEL_SPACING_TOLERANCE_MM,
    REFUSING,
    Geometry,
    geometry,
)
from ..cardiac.header import Header
from ..cardiac.judge import is_unread
from ..cardiac.select import image_refusal
from ..cardiac.stack import Stack
from ..codes import Code


class LeftOut(NamedTuple):
    """An image that belongs to no volume, and why."""

    header: Header
    code: Code


@dataclass(frozen=True, slots=True)
class Plan:
    """What the images of a series make.

    Attributes
    ----------
    stacks
        One for each cardiac phase, in their order; sound or not.
    left_out
        Images that belong to none of them.
    codes
        What `geometry` says about the series as a whole and about its best stack.
    """

    stacks: tuple[Stack, ...]
    left_out: tuple[LeftOut, ...]
    codes: tuple[Code, ...]


def plan_series(headers: Sequence[Header]) -> Plan:
    """Sort the images of one series into stacks.

    Parameters
    ----------
    headers
        Those of its instances, images or not, or of their frames, in any order.
    """
    refused = [_refusal(header) for header in headers]
    images = [header for header, code in zip(headers, refused, strict=True) if code is None]
    left_out = [LeftOut(header, code) for header, code in zip(headers, refused, strict=True) if code]
    if not images:
        return Plan((), tuple(left_out), ())
    shape = geometry(images)
    taken = {id(header) for stack in shape.stacks for header in stack.headers}
    left_out += [LeftOut(header, _why(header, shape)) for header in images if id(header) not in taken]
    return Plan(shape.stacks, tuple(left_out), shape.codes)


def _refusal(header: Header) -> Code | None:
    """Why a header is of no image that could be part of a volume."""
    code = image_refusal(header)
    if code is Code.NOT_HOUNSFIELD:
        # A volume without the images of another unit would have lost slices: whoever reads it refuses it as a whole.
        code = None
    return code or header.fault or (Code.ENHANCED_MULTIFRAME if is_unread(header) else None)


def refusals(stack: Stack) -> tuple[Code, ...]:
    """Why a stack is not fit for measurement; empty if it is."""
    return tuple(code for code in stack.codes if code in REFUSING)


def _why(header: Header, shape: Geometry) -> Code:
    """Why an image is in no stack of its series."""
    alone = geometry([header])
    if not alone.stacks:
        return next(code for code in alone.codes if code in LEAVING_OUT)
    chosen = shape.stacks[0].headers[0]
    identity = header.sop_instance_uid, header.frame_number
    others = (other for stack in shape.stacks for other in stack.headers)
    if any((other.sop_instance_uid, other.frame_number) == identity for other in others):
        return Code.DUPLICATE_INSTANCE
    if _differ(header.image_orientation, chosen.image_orientation, ORIENTATION_TOLERANCE):
        return Code.MIXED_ORIENTATION
    if (header.rows, header.columns) != (chosen.rows, chosen.columns) or _differ(
        header.pixel_spacing, chosen.pixel_spacing, PIXEL_SPACING_TOLERANCE_MM
    ):
        return Code.MIXED_PIXEL_GRID
    if header.convolution_kernel != chosen.convolution_kernel:
        return Code.MIXED_KERNEL
    if Code.DUPLICATE_POSITIONS not in shape.codes:
        return Code.MIXED_FRAME_OF_REFERENCE
    return Code.DUPLICATE_POSITIONS


def _differ(one: tuple[float, ...] | None, other: tuple[float, ...] | None, tolerance: float) -> bool:
    return any(abs(a - b) > tolerance for a, b in zip(one or (), other or (), strict=True))

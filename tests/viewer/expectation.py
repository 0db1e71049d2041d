"""What the viewer's renderers are known to make of images: where they draw as DICOM says, and where and why they do not."""

from dataclasses import dataclass

from .patterns import ALIKE, Pattern
from .renderer import Renderer

HANDED_OVER = "VOI LUT, handed over"
"""A function of the table: the VOI LUT that OHIF keeps from its renderer is given to it."""

LARGEST = {Renderer.CPU: 0, Renderer.GPU: 1}
"""Gray levels that a pixel may differ by where a renderer implements a function.

The GPU renderer looks its gray levels up in a texture of 1,024 entries, at the nearest."""


@dataclass(frozen=True)
class Expectation:
    """What a renderer makes of an image.

    Attributes
    ----------
    unread : tuple of str
        What it does not read, as keywords of DICOM: it draws as if these were not in the header.
    largest : int or None
        How many gray levels a pixel may differ by from what it then should draw; `None` if it draws what no header
        says.
    why : tuple of str
        The keys in `DEPARTURES` of what makes it depart from DICOM; none if it does not.
    """

    unread: tuple[str, ...] = ()
    largest: int | None = 0
    why: tuple[str, ...] = ()


DEPARTURES = {
    "linear": "The CPU renderer draws every window as LINEAR: it does not read VOI LUT Function (0028,1056).",
    "kept": "OHIF does not hand the VOI LUT Sequence (0028,3010) to its renderers. They draw from the lowest to the highest "
    "value, as without a window.",
    "no LUT": "The GPU renderer has no VOI LUTs; handed over, they change nothing.",
    "modality LUT": "OHIF does not read the Modality LUT Sequence (0028,3000): windows act on stored values.",
    "spare bits": "All bits allocated are taken for the value, so what lies in a bit above those stored is drawn.",
    "steps": "The CPU renderer counts values that are no whole numbers in 65,536 steps from the lowest to the highest, "
    "rounded down; pixels close to the step between two gray levels are drawn one level off.",
    "places": "The CPU renderer looks for entries of the VOI LUT at places that are no whole numbers, and finds none.",
    "falling": "A negative Rescale Slope makes the highest value the lowest, and both renderers choose an array that cannot "
    "hold the values.",
    "no width": "In a window of width 1 nothing lies between black and white, and an image whose pixels are all alike gets "
    "such a window. The GPU renderer then draws no value as black. The CPU renderer draws the value in the middle black, in "
    "MONOCHROME1 too.",
}
"""What makes the renderers depart from DICOM PS3.3 sections C.11.1, C.11.2 and C.7.6.3.1."""


def expectation(renderer: Renderer, pattern: Pattern, function: str) -> Expectation:
    """What a renderer is known to make of a pattern; cornerstone3D 5.6.8 inside OHIF 3.13.2.

    Parameters
    ----------
    function
        The pattern's, or `HANDED_OVER`.
    """
    unread: list[str] = []
    why: list[str] = []
    cpu, kind = renderer is Renderer.CPU, pattern.kind
    largest: int | None = LARGEST[renderer]
    if function == "VOI LUT" or (function == HANDED_OVER and not cpu):
        unread.append("VOILUTSequence")
        why.append("kept" if function == "VOI LUT" else "no LUT")
    if cpu and function in ("linear exact", "sigmoid"):
        unread.append("VOILUTFunction")
        why.append("linear")
    if kind.table:
        unread.append("ModalityLUTSequence")
        why.append("modality LUT")
    if kind.overlay:
        unread.append("BitsStored")
        why.append("spare bits")
    if cpu and kind.fractional:
        largest = None if function == HANDED_OVER else 1
        why.append("places" if function == HANDED_OVER else "steps")
    if kind.slope.startswith("-"):
        largest = None
        why.append("falling")
    if pattern.remark == ALIKE and (not cpu or pattern.photometric == "MONOCHROME1"):
        largest = None
        why.append("no width")
    if pattern.remark == "width 1" and not cpu:
        largest = None
        why.append("no width")
    return Expectation(tuple(unread), largest, tuple(why))

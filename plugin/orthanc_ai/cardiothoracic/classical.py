"""The classical method: outlines of lungs and heart from edges, without anything learnt."""

import math

from ..codes import Code
from .diaphragm import Diaphragm, find_diaphragm
from .evidence import gather, refuse, uncertainty
from .grid import Gray, halved, normalized
from .heart import SECOND_LOOK, find_heart
from .lungs import lung_masks
from .place import Place, find_chest
from .ratio import Outlines, Ratio, RatioError
from .walls import Walls, find_walls
from .widths import ratio_of

METHOD = "edges and paths 1"

# About so many cells along the shorter side are fine enough: 1.2 mm of a chest of 30 cm.
_SIDE = 256
# The method works in a grid of at most so many. With that and the step, films of 193 pixels and more are worked on in 96 to
# 192, where it measures alike; with 86, it measured every fourth phantom wrongly.
_WORKING_SIDE = 192
_SMALLEST_SIDE = 96
# Of the longer side to the shorter. Chest films have up to 1.23; time and memory grow with the square of this.
_MOST_ELONGATED = 3
# Standard uncertainty of the width of the thorax, as a share of it: that of the development phantoms.
_THORAX = 0.008


def step_for(rows: int, columns: int) -> int:
    """How many pixels of an image, along rows and columns, make one cell of what `measure` takes."""
    return max(1, round(min(rows, columns) / _SIDE))


def measure(image: Gray, step: int) -> Ratio:
    """Measure the cardiothoracic ratio of a frontal chest radiograph.

    Parameters
    ----------
    image
        Shape (rows, columns), float32, brightness from 0 to 1, bone bright, the patient's right on the left: means of
        blocks of `step` times `step` pixels of the whole image.
    step
        See `step_for`.

    Raises
    ------
    RatioError
        ``RATIO_NOT_FRONTAL``, ``RATIO_LUNGS_NOT_FOUND``, ``RATIO_HEART_BORDER_UNCLEAR``.
    """
    if min(image.shape) < _SMALLEST_SIDE:
        raise RatioError(Code.RATIO_NOT_FRONTAL, f"{image.shape[1]} x {image.shape[0]} cells show no chest")
    if max(image.shape) > _MOST_ELONGATED * min(image.shape):
        raise RatioError(Code.RATIO_NOT_FRONTAL, "the image is too narrow or too low for a chest")
    coarse, scale = halved(image, _WORKING_SIDE)
    place = find_chest(coarse)
    level = normalized(coarse, 1.2 * place.half_width)
    walls = find_walls(level, place)
    diaphragm = find_diaphragm(level, place, walls)
    half_width = _half_width(place, walls, diaphragm)
    heart = find_heart(level, place.column, half_width, diaphragm)
    again = find_heart(level, place.column, half_width, diaphragm, SECOND_LOOK)
    shape = (image.shape[0], image.shape[1])
    masks = lung_masks(shape, scale, level, place, walls, diaphragm, heart)
    small = tuple(mask[scale // 2 :: scale, scale // 2 :: scale][: level.shape[0], : level.shape[1]] for mask in masks)
    evidence = gather(level, place, walls, diaphragm, half_width, (heart, again), (small[0], small[1], small[2]))
    refuse(evidence)
    right, left, middle = masks
    width = 2 * half_width * scale * step
    # The uncertainty of the ratio is known as a whole: what is not the thorax's share of it is the heart's.
    heart_share = math.sqrt(max(uncertainty(evidence) ** 2 - (_THORAX * evidence.width) ** 2, 0.0))
    return ratio_of(
        Outlines(right, left, middle, step),
        heart_error=heart_share * width,
        thorax_error=_THORAX * width,
        method=METHOD,
    )


def _half_width(place: Place, walls: Walls, diaphragm: Diaphragm) -> float:
    """Half of the widest inner width above the diaphragm."""
    top = round(place.row) - walls.first_row
    bottom = round(diaphragm.level) - walls.first_row
    return float(walls.distances.sum(axis=0)[top : max(bottom, top + 1)].max()) / 2

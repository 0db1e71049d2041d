"""How far outlines are to be trusted: what speaks against them, and how large their error is likely to be."""

import math
from dataclasses import dataclass

import numpy as np

from ..codes import Code
from .diaphragm import Diaphragm
from .grid import Gray
from .heart import ANGLES, WIDEST, Heart
from .place import Place
from .ratio import Mask, RatioError
from .walls import Walls

# Rays along which a lung lies beside the heart in most people.
_BESIDE = (np.deg2rad(-41) < ANGLES) & (np.deg2rad(16) > ANGLES)
# A border that is stronger than this (in standard deviations) is one that can be seen.
_SEEN = 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a set of outlines besides themselves. Lengths are shares of the half-width of the thorax.

    Attributes
    ----------
    contrast
        Of the chest as a whole; see `Place`.
    skew
        Difference of the distances from the midline to both walls, as a share of their sum.
    wall
        Strength of the weaker wall, exceeded by nine tenths of its rows.
    dome
        Strength of the right half of the diaphragm.
    left_lower
        How much lower the left half of the diaphragm lies than the right.
    lung_contrast
        How much darker the brighter of the two lungs is than the heart, in standard deviations.
    right_share
        Share of the heart's width that lies right of the midline.
    left_height
        Angle, in degrees below the middle of the heart, at which it reaches farthest left.
    width
        Of the heart, by that of the thorax.
    hidden
        Share of the worse border's rays along which nothing can be seen.
    roughness
        Mean absolute second difference of both borders' rays, added.
    disagreement
        Between two looks at the heart: the greater of the differences on both sides.
    """

    contrast: float
    skew: float
    wall: float
    dome: float
    left_lower: float
    lung_contrast: float
    right_share: float
    left_height: float
    width: float
    hidden: float
    roughness: float
    disagreement: float


def gather(
    level: Gray,
    place: Place,
    walls: Walls,
    diaphragm: Diaphragm,
    half_width: float,
    hearts: tuple[Heart, Heart],
    masks: tuple[Mask, Mask, Mask],
) -> Evidence:
    """All evidence; `masks` are right lung, left lung and heart in the grid of `level`."""
    heart = hearts[0]
    top, bottom = round(place.row) - walls.first_row, round(diaphragm.level) - walls.first_row
    rows = slice(max(top, 0), max(bottom, top + 1))
    distances = np.median(walls.distances[:, rows], axis=1)
    extents = heart.extents
    right, left, middle = (float(level[mask].mean()) if mask.any() else math.nan for mask in masks)
    tops = diaphragm.tops
    aside = heart.radii[1] * np.cos(ANGLES)
    return Evidence(
        contrast=place.contrast,
        skew=float((distances[1] - distances[0]) / distances.sum()),
        wall=float(np.percentile(walls.strengths[:, rows], 10, axis=1).min()),
        dome=float(diaphragm.strengths[0]),
        left_lower=float(tops[1] - tops[0]) / half_width,
        lung_contrast=middle - max(right, left),
        right_share=float(extents[0] / extents.sum()),
        left_height=float(np.rad2deg(ANGLES[WIDEST][aside[WIDEST].argmax()])),
        width=float(extents.sum()) / half_width / 2,
        hidden=float(1 - (heart.strengths[:, _BESIDE] > _SEEN).mean(axis=1).min()),
        roughness=float(np.abs(np.diff(heart.radii[:, _BESIDE], 2)).mean(axis=1).sum()) / half_width,
        disagreement=float(np.abs(hearts[1].extents - extents).max()) / half_width / 2,
    )


# What no outlines of a chest seen from the front have, in the words of `Evidence`. The limits lie beyond those of 99 of
# 100 development phantoms with right outlines; docs/cardiothoracic-ratio.md tells how they were chosen.
_LEAST_CONTRAST, _LEAST_LUNG_CONTRAST = 2.6, 0.85
_MOST_SKEW = 0.13
_LEAST_WALL, _LEAST_DOME = 0.0, 1.3
_LOWER = (-0.3, 0.5)
_SHARE = (0.22, 0.5)
_WIDTH = (0.3, 0.8)
_MOST_HIDDEN = 0.5
# Beyond this, no ratio is given. With 0.015, 95.0 % of phantoms were within 0.02; this leaves some way to what is promised.
LARGEST_UNCERTAINTY = 0.013
# The uncertainty where nothing speaks against the outlines, and how much each doubt adds to its logarithm.
_LEAST = 0.0049
_DISAGREEMENT, _ROUGHNESS, _HIDDEN, _SHARED = 11.3, 23.6, 1.03, 6.7
_HIGHER_LEFT, _DIM, _WEAK_WALL, _HIGH_LEFT = 3.8, 0.31, 0.4, 0.82


def refuse(evidence: Evidence) -> None:
    """Refuse outlines that are likely to be wrong.

    Raises
    ------
    RatioError
        ``RATIO_NOT_FRONTAL``, ``RATIO_LUNGS_NOT_FOUND`` or ``RATIO_HEART_BORDER_UNCLEAR``.
    """
    e = evidence
    if e.contrast < _LEAST_CONTRAST or not e.lung_contrast >= _LEAST_LUNG_CONTRAST:
        raise RatioError(Code.RATIO_NOT_FRONTAL, "no two dark lungs beside a bright middle")
    if abs(e.skew) > _MOST_SKEW:
        raise RatioError(
            Code.RATIO_NOT_FRONTAL, f"one half of the chest is {_times(e.skew)} times as wide as the other"
        )
    if e.wall < _LEAST_WALL:
        raise RatioError(Code.RATIO_LUNGS_NOT_FOUND, "a wall of the chest does not stand out")
    if e.dome < _LEAST_DOME:
        raise RatioError(Code.RATIO_LUNGS_NOT_FOUND, "the diaphragm does not stand out")
    if not _LOWER[0] < e.left_lower < _LOWER[1]:
        raise RatioError(Code.RATIO_LUNGS_NOT_FOUND, "the lungs end at very different heights")
    if not _SHARE[0] < e.right_share < _SHARE[1]:
        raise RatioError(
            Code.RATIO_HEART_BORDER_UNCLEAR, f"{e.right_share:.0%} of what seems the heart lies right of the midline"
        )
    if not _WIDTH[0] < e.width < _WIDTH[1]:
        raise RatioError(
            Code.RATIO_HEART_BORDER_UNCLEAR, f"what seems the heart is {e.width:.0%} as wide as the thorax"
        )
    if e.hidden > _MOST_HIDDEN:
        raise RatioError(Code.RATIO_HEART_BORDER_UNCLEAR, "a border of the heart is hidden")
    if (error := uncertainty(e)) > LARGEST_UNCERTAINTY:
        raise RatioError(Code.RATIO_HEART_BORDER_UNCLEAR, f"the standard uncertainty would be {error:.3f}")


def uncertainty(evidence: Evidence) -> float:
    """Standard uncertainty of a ratio that is measured on such evidence.

    A regression of the logarithm of the error of 1,000 development phantoms on what speaks against their outlines, times
    a factor that gives the errors, in units of it, a standard deviation of 1; see docs/cardiothoracic-ratio.md.
    """
    e = evidence
    doubt = (
        _DISAGREEMENT * min(e.disagreement, 0.06)
        + _ROUGHNESS * e.roughness
        + _HIDDEN * e.hidden
        + _SHARED * _between(e.right_share - 0.42, 0.15)
        + _HIGHER_LEFT * _between(0.05 - e.left_lower, 0.4)
        + _DIM * _between(4.2 - e.contrast, 2.0)
        + _WEAK_WALL * _between(0.5 - e.wall, 0.6)
        + _HIGH_LEFT * _between((3.0 - e.left_height) / 15, 1.0)
    )
    return _LEAST * math.exp(doubt)


def _between(value: float, most: float) -> float:
    return min(max(value, 0.0), most)


def _times(skew: float) -> str:
    return f"{(1 + abs(skew)) / (1 - abs(skew)):.1f}"

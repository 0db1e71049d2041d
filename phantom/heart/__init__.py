"""A digital heart in a chest: coronary arteries with lesions and calcium of known size, imaged by a digital scanner."""

from phantom.heart.calcium import CalciumPhantom, Insert, blocks, cylinders
from phantom.heart.dicom import heart_series, write_heart
from phantom.heart.grid import Grid
from phantom.heart.heart import ELSEWHERE, Heart, draw_heart
from phantom.heart.scan import (
    ANGIOGRAM,
    CALCIUM_SCAN,
    SMALL_ANGIOGRAM,
    SMALL_CALCIUM_SCAN,
    WITHOUT_CONTRAST,
    Scan,
    Volume,
    render,
)
from phantom.heart.truth import Calcium, calcium_of, truth_of
from phantom.heart.vessels import Lesion, Plan, Vessel

__all__ = [
    "ANGIOGRAM",
    "CALCIUM_SCAN",
    "ELSEWHERE",
    "SMALL_ANGIOGRAM",
    "SMALL_CALCIUM_SCAN",
    "WITHOUT_CONTRAST",
    "Calcium",
    "CalciumPhantom",
    "Grid",
    "Heart",
    "Insert",
    "Lesion",
    "Plan",
    "Scan",
    "Vessel",
    "Volume",
    "blocks",
    "calcium_of",
    "cylinders",
    "draw_heart",
    "heart_series",
    "render",
    "truth_of",
    "write_heart",
]

"""The anatomy about the coronary arteries: chambers, great vessels, bones, lungs, and what they attenuate."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates  # type: ignore[import-untyped]

from phantom.heart.grid import Array, Grid
from phantom.heart.solids import Column, Ellipsoid, Solid, Tube, distances, frame_along, smooth_tube

AORTA_HU = 400.0
"""Of a good angiogram at 100 kV."""

# Hounsfield units, rounded values of radiology textbooks.
LUNG, FAT, SOFT = -850.0, -85.0, 45.0
WALL = 60.0
"""Of the wall of a vessel, and of plaque without calcium."""
CORTEX, MARROW = 550.0, 210.0
BLOOD = 45.0
MYOCARDIUM = 50.0

ENHANCED_MYOCARDIUM = 105.0
"""In the arterial phase."""

ENHANCED: Mapping[str, float] = {
    "left ventricle": 0.975,
    "outflow": 0.975,
    "left atrium": 0.95,
    "pulmonary veins": 0.95,
    "right ventricle": 0.475,
    "right atrium": 0.5,
    "pulmonary trunk": 0.625,
    "superior vena cava": 1.2,
    "aorta": 1.0,
    "descending aorta": 0.975,
    "coronary": 0.97,
}
"""Blood in an angiogram as a share of the ascending aorta's Hounsfield units."""

_HEART_AXIS = frame_along((0.7, -0.5, -0.5))
"""From the base of the left ventricle to its apex: left, forward, down."""

AORTA: Tube = smooth_tube(
    [(0, 0, 4), (-1, -1, 14), (-3, -4, 30), (-7, -10, 55), (-10, -12, 95)], [13.5, 17, 14.5, 14.5, 14.5], 24
)
"""Ascending aorta with its sinus, from the valve up."""

DESCENDING_AORTA = Column((30.5, 60.5), (12, 12))

PARTS: Mapping[str, tuple[Solid, ...]] = {
    "left ventricle": (Ellipsoid((23, -4, -28), (38, 22, 22), _HEART_AXIS),),
    "myocardium": (Ellipsoid((25, -5, -30), (47, 32, 32), _HEART_AXIS),),
    "outflow": (smooth_tube([(0, 0, 6), (10, -2, -10), (20, -4, -24)], [12, 11, 11], 16),),
    "left atrium": (Ellipsoid((5, 32, 2), (28, 19, 21)),),
    "pulmonary veins": (
        smooth_tube([(25, 38, 8), (45, 48, 14), (80, 55, 20)], [6, 6, 6], 16),
        smooth_tube([(-18, 40, 8), (-40, 48, 14), (-75, 52, 20)], [6, 6, 6], 16),
    ),
    "right ventricle": (Ellipsoid((-2, -32, -36), (37, 21, 29)),),
    "right atrium": (Ellipsoid((-35, -5, -20), (21, 24, 28)),),
    "pulmonary trunk": (smooth_tube([(8, -36, -12), (12, -38, 12), (19, -24, 40), (22, -5, 85)], [12.5] * 4, 16),),
    "superior vena cava": (smooth_tube([(-36, 0, 0), (-36, 2, 95)], [9, 9], 8),),
    "aorta": (AORTA,),
    "descending aorta": (DESCENDING_AORTA,),
}
"""Places and sizes are those of an adult, mm, about the aortic valve."""

OUTER = (
    "myocardium",
    "left atrium",
    "right ventricle",
    "right atrium",
    "pulmonary trunk",
    "superior vena cava",
    "aorta",
)
"""Parts outside of which the coronary arteries run."""


_OPEN_TO_EACH_OTHER: Sequence[Mapping[str, float]] = (
    {"superior vena cava": 1.2, "right atrium": 1.2},
    {"right ventricle": 2.5, "pulmonary trunk": 1.2},
    {"pulmonary veins": 1.2, "left atrium": 1.2},
)
"""Parts whose blood flows into each other, and the thickness of their walls, mm."""


@dataclass(frozen=True, slots=True)
class Coat:
    """One layer of the picture: a solid, grown by `growth` mm, filled with `hu`. Later ones cover earlier ones."""

    solid: Solid
    hu: float
    growth: float = 0.0


def blood(part: str, aorta_hu: float | None) -> float:
    """Hounsfield units of the blood in a part; `aorta_hu` is ``None`` without contrast."""
    return BLOOD if aorta_hu is None else ENHANCED[part] * aorta_hu


def coats(aorta_hu: float | None) -> list[Coat]:
    """All layers but the coronary arteries, from the back to the front; they begin on air-filled lung.

    Parameters
    ----------
    aorta_hu
        Of the blood in the ascending aorta; ``None`` without contrast.
    """
    myocardium = MYOCARDIUM if aorta_hu is None else ENHANCED_MYOCARDIUM
    answer = [
        Coat(Ellipsoid((5, -5, -10), (78, 66, 95)), SOFT),  # mediastinum
        Coat(Column((5, 55), (60, 50)), SOFT),
        Coat(Column((0, 0), (118, 98), outside=True), SOFT),  # wall of the chest
        Coat(Ellipsoid((10, -5, -15), (72, 60, 72)), FAT),  # inside the pericardium
        Coat(AORTA, FAT, 9.0),
        *(Coat(solid, FAT, 5.0) for solid in PARTS["left atrium"]),
        Coat(Column((0, 88), (19, 19)), CORTEX),  # spine
        Coat(Column((0, 88), (16, 16)), MARROW),
        Coat(Ellipsoid((0, -93, 10), (20, 6, 70)), CORTEX),  # sternum
        Coat(Ellipsoid((0, -93, 10), (18, 4, 68)), MARROW),
    ]
    for parts in _OPEN_TO_EACH_OTHER:
        for part, thickness in parts.items():
            answer += [Coat(solid, WALL, thickness) for solid in PARTS[part]]
        for part in parts:
            answer += [Coat(solid, blood(part, aorta_hu)) for solid in PARTS[part]]
    answer += [Coat(solid, myocardium) for solid in PARTS["myocardium"]]
    answer += [Coat(AORTA, WALL, 1.3)]
    for part in ("left ventricle", "outflow", "aorta"):
        answer += [Coat(solid, blood(part, aorta_hu)) for solid in PARTS[part]]
    return [
        *answer,
        Coat(DESCENDING_AORTA, WALL, 1.3),
        Coat(DESCENDING_AORTA, blood("descending aorta", aorta_hu)),
    ]


FIELD_REACH_MM = 20.0
"""Depths beyond this are all the same."""

_FIELD = Grid.about((10, -5, -15), (65, 75, 85), (2.0, 2.0, 2.0))
"""Where arteries may run; a depth between its points is interpolated, to within 0.1 mm."""


def depth_in_fat(points: Array) -> Array:
    """How far places lie outside the heart, mm, at most `FIELD_REACH_MM`; grooves are rounded by 2 mm.

    Parameters
    ----------
    points
        LPS mm, shape ``(n, 3)``.
    """
    depths: Array = map_coordinates(_depth_field(), _FIELD.index(points).T, order=1, mode="nearest")
    return depths


@functools.cache
def _depth_field() -> Array:
    rounding, axes = 2.0, _FIELD.axes()
    parts = [distances(solid, axes, FIELD_REACH_MM) for name in OUTER for solid in PARTS[name]]
    smooth = np.zeros(_FIELD.shape)
    for part in parts:
        smooth += np.exp(-np.minimum(part, FIELD_REACH_MM) / rounding)
    depths: Array = np.minimum(-rounding * np.log(smooth), FIELD_REACH_MM)
    return depths

"""`Heart`: a heart with coronary arteries and lesions, drawn by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phantom.heart.solids import Ellipsoid
from phantom.heart.vessels import Name, Plan, Vessel, draw_plans, draw_vessels, with_lesions

LESIONS = 4
"""So many are drawn unless told otherwise."""

ELSEWHERE_DENSITY = 500.0
"""Of calcium outside the coronary arteries, mg/cm3."""

ELSEWHERE: Mapping[str, Ellipsoid] = {
    "aortic wall": Ellipsoid((42.5, 60.5, 20), (0.9, 4.0, 6.0)),
    "mitral annulus": Ellipsoid((22, 22, -8), (5.0, 1.6, 2.2)),
}
"""Calcium that is not coronary and must not be counted."""


@dataclass(frozen=True, slots=True)
class Heart:
    """What is to be imaged.

    Attributes
    ----------
    vessels
        By name, parents before their branches.
    elsewhere
        Names of `ELSEWHERE`: calcium outside the coronary arteries.
    """

    seed: int
    vessels: Mapping[Name, Vessel]
    elsewhere: tuple[str, ...] = ()


def draw_heart(
    seed: int, lesions: int | Sequence[Plan] = LESIONS, *, elsewhere: Sequence[str] = (), jitter_mm: float = 2.0
) -> Heart:
    """Draw a heart.

    Parameters
    ----------
    seed
        The same seed gives the same heart. The course of the arteries does not depend on the lesions.
    lesions
        How many to draw, or exactly which.
    elsewhere
        Names of `ELSEWHERE`: calcium to add outside the coronary arteries.
    jitter_mm
        Deviation of the arteries' control points from their usual places.

    Raises
    ------
    ValueError
        A lesion does not fit into its vessel.
    KeyError
        An unknown name in `elsewhere`, or a lesion of an unknown vessel.
    """
    vessels = draw_vessels(np.random.default_rng([seed, 1]), jitter_mm)
    plans = draw_plans(np.random.default_rng([seed, 2]), lesions) if isinstance(lesions, int) else list(lesions)
    for name in dict.fromkeys(plan.vessel for plan in plans):
        vessels[name] = with_lesions(vessels[name], [plan for plan in plans if plan.vessel == name])
    unknown = set(elsewhere) - ELSEWHERE.keys()
    if unknown:
        raise KeyError(f"no such place of calcium: {', '.join(sorted(unknown))}")
    return Heart(seed, vessels, tuple(elsewhere))

"""The coronary arteries: their course over the heart, their width, and their narrowings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.interpolate import splev, splprep  # type: ignore[import-untyped]
from scipy.ndimage import gaussian_filter1d  # type: ignore[import-untyped]

from phantom.heart.anatomy import AORTA, depth_in_fat
from phantom.heart.grid import Array
from phantom.heart.solids import Ellipsoid, Tube, frame_along

Name = Literal["LM", "LAD", "LCX", "RCA", "D1", "OM1"]

STEP_MM = 0.5
"""Distance of neighbouring points of a centreline."""

WALL_MM = 0.7
"""Thickness of the wall about the healthy lumen."""

FAT_MM = 1.6
"""Distance of an artery's lumen from the heart under it: its wall and a little fat."""

HU_PER_DENSITY = 1.25
"""Hounsfield units for each mg/cm3 of hydroxyapatite at 120 kV; soft tissue has `DENSITY_OFFSET_HU` beside."""

DENSITY_OFFSET_HU = 40.0


def calcium_hu(density: float) -> float:
    """Hounsfield units of tissue with so much hydroxyapatite, mg/cm3."""
    return DENSITY_OFFSET_HU + HU_PER_DENSITY * density


@dataclass(frozen=True, slots=True)
class Course:
    """Where an artery runs and how wide it is: control points in mm, diameters fall from the first to the last radius.

    The first point may be a place on another artery: its name, and the share of its length.
    """

    start: tuple[float, float, float] | tuple[Name, float]
    points: tuple[tuple[float, float, float], ...]
    radii: tuple[float, float]


COURSES: Mapping[Name, Course] = {
    "LM": Course((12, 2, 14), ((16.5, 3.2, 14), (22, 4, 14), (27, 3.5, 13)), (2.3, 2.1)),
    "LAD": Course(
        ("LM", 1.0),
        ((32, -8, 9), (33, -22, 3), (35, -36, -8), (42, -44, -22), (52, -46, -38), (60, -42, -54), (63, -34, -64)),
        (1.9, 0.8),
    ),
    "LCX": Course(("LM", 1.0), ((38, 9, 11), (48, 17, 3), (54, 26, -10), (55, 33, -25), (48, 40, -40)), (1.7, 0.85)),
    "RCA": Course(
        (-6, -10, 14),
        (
            (-10, -17.5, 14.5),
            (-18, -27, 12),
            (-30, -36, 4),
            (-42, -38, -12),
            (-48, -32, -30),
            (-45, -22, -48),
            (-34, -6, -58),
            (-14, 8, -62),
        ),
        (2.0, 1.0),
    ),
    "D1": Course(("LAD", 0.28), ((42, -24, -2), (53, -25, -14), (60, -20, -28), (66, -14, -40)), (1.1, 0.6)),
    "OM1": Course(("LCX", 0.35), ((58, 12, -8), (64, 12, -24), (68, 8, -40)), (1.2, 0.65)),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A lesion to be built in.

    Attributes
    ----------
    vessel
        "LAD", "LCX" or "RCA" as a rule.
    at
        Where its middle lies, as a share of the vessel's length.
    stenosis
        By which share the diameter is narrowed, 0 to 1.
    length_mm
        From healthy to healthy; the narrowing is a raised cosine.
    density
        Of a calcification beside the lumen, mg/cm3 hydroxyapatite; 0 for plaque without calcium.
    angle
        On which side the calcification lies, radians about the centreline.
    """

    vessel: Name
    at: float
    stenosis: float
    length_mm: float = 9.0
    density: float = 0.0
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion as it was built: `Plan`, the index of its middle on the centreline, and its calcification."""

    plan: Plan
    index: int
    calcification: Ellipsoid | None


@dataclass(frozen=True, slots=True)
class Vessel:
    """A coronary artery.

    Attributes
    ----------
    points
        Centreline from its origin to its end, LPS mm, shape ``(n, 3)``, `STEP_MM` apart.
    radii, healthy_radii
        Of the lumen at these points with and without lesions, mm, shape ``(n,)``.
    """

    name: Name
    parent: Name | None
    points: Array
    healthy_radii: Array
    radii: Array
    lesions: tuple[Lesion, ...] = ()

    @property
    def along(self) -> Array:
        """Distance of each point from the origin along the centreline, mm."""
        steps = np.linalg.norm(np.diff(self.points, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length_mm(self) -> float:
        """From origin to end."""
        return float(self.along[-1])

    @property
    def lumen(self) -> Tube:
        """As a solid."""
        return Tube(self.points, self.radii)

    @property
    def wall(self) -> Tube:
        """Lumen, plaque and wall as one solid."""
        return Tube(self.points, self.healthy_radii + WALL_MM)


def draw_vessels(random: np.random.Generator, jitter_mm: float = 2.0) -> dict[Name, Vessel]:
    """Healthy coronary arteries; control points are moved by a normal deviate of `jitter_mm`."""
    vessels: dict[Name, Vessel] = {}
    for name, course in COURSES.items():
        start, parent = _start(course, vessels)
        # The first points of a trunk lie in the aorta's wall, and the left main stem is too short to bend.
        fixed = 2 if parent is None else 1
        points = np.array([start, *course.points], dtype=float)
        if name != "LM":
            points[fixed:] += random.normal(0, jitter_mm, points[fixed:].shape)
        path = _spline(points)
        if name != "LM":
            path = _laid_on_heart(path, course.radii)
        radii: Array = np.linspace(*course.radii, len(path)).astype(np.float64)
        vessels[name] = Vessel(name, parent, path, radii, radii)
    return vessels


def draw_plans(random: np.random.Generator, count: int) -> list[Plan]:
    """Lesions of random grade, at most one in each third of LAD, LCX and RCA; a third of them calcified."""
    trunks: tuple[Name, ...] = ("LAD", "LCX", "RCA")
    slots = [(vessel, third) for vessel in trunks for third in range(3)]
    plans = []
    for number in random.permutation(len(slots))[:count]:
        vessel, third = slots[number]
        plans.append(
            Plan(
                vessel,
                at=third / 3 + float(random.uniform(0.09, 0.24)),
                stenosis=float(random.choice([0.3, 0.4, 0.5, 0.6, 0.7, 0.8])),
                length_mm=float(random.uniform(7, 12)),
                density=float(random.choice([0, 0, 400, 600, 800])),
                angle=float(random.uniform(0, 2 * np.pi)),
            )
        )
    return plans


def with_lesions(vessel: Vessel, plans: Sequence[Plan]) -> Vessel:
    """The vessel with lesions built in.

    Raises
    ------
    ValueError
        A lesion reaches beyond an end of the vessel, or its stenosis is not between 0 and 1.
    """
    along, radii = vessel.along, vessel.radii
    middles = [int(np.argmin(np.abs(along - plan.at * vessel.length_mm))) for plan in plans]
    for plan, index in zip(plans, middles, strict=True):
        half = plan.length_mm / 2
        if not half <= along[index] <= vessel.length_mm - half:
            raise ValueError(f"a lesion of {plan.length_mm:g} mm does not fit into {vessel.name} at {plan.at:g}")
        if not 0 <= plan.stenosis < 1:
            raise ValueError(f"a stenosis is a share from 0 to below 1, not {plan.stenosis:g}")
        place = np.clip((along - along[index]) / half, -1, 1)
        radii = radii * (1 - plan.stenosis * 0.5 * (1 + np.cos(np.pi * place)))
    narrowed = replace(vessel, radii=radii)
    lesions = tuple(
        Lesion(plan, index, _calcification(narrowed, plan, index)) for plan, index in zip(plans, middles, strict=True)
    )
    return replace(narrowed, lesions=lesions)


def ostium(vessel: Vessel) -> Array:
    """Where the centreline of a trunk leaves the aorta, LPS mm, shape ``(3,)``."""
    outside = AORTA.at(*vessel.points.T) > 0
    first: Array = vessel.points[int(np.argmax(outside))]
    return first


def _calcification(vessel: Vessel, plan: Plan, index: int) -> Ellipsoid | None:
    """An ellipsoid in the wall that touches the narrowed lumen from one side."""
    if not plan.density:
        return None
    length, height, width = 0.28 * plan.length_mm, 0.7, 0.95  # semi-axes, mm
    ends = vessel.points[max(index - 3, 0)], vessel.points[min(index + 3, len(vessel.points) - 1)]
    direction, second, third = frame_along(ends[1] - ends[0])
    outward = np.cos(plan.angle) * second + np.sin(plan.angle) * third
    x, y, z = vessel.points[index] + outward * (vessel.radii[index] + height)
    frame = np.stack([direction, outward, np.cross(direction, outward)])
    return Ellipsoid((float(x), float(y), float(z)), (length, height, width), frame)


def _start(course: Course, vessels: Mapping[Name, Vessel]) -> tuple[Array, Name | None]:
    if len(course.start) == 3:
        return np.array(course.start, dtype=float), None
    name, share = course.start
    parent = vessels[name]
    return parent.points[round(share * (len(parent.points) - 1))], name


def _spline(points: Array) -> Array:
    """A smooth curve through control points, in steps of about `STEP_MM`, shape ``(n, 3)``."""
    knots, _ = splprep(points.T, s=0, k=min(3, len(points) - 1))
    dense = np.array(splev(np.linspace(0, 1, 4000), knots)).T
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    places = np.linspace(0, along[-1], max(round(along[-1] / STEP_MM), 4) + 1)
    return np.stack([np.interp(places, along, dense[:, axis]) for axis in range(3)], axis=1)


def _laid_on_heart(path: Array, radii: tuple[float, float]) -> Array:
    """The path, moved so that the artery runs in the fat just above the heart; it leaves its origin gradually."""
    # The second round mends where the curve through fewer points has cut a corner.
    for rounds, every_mm in ((40, 5.0), (20, 2.5)):
        for _ in range(rounds):
            path = _moved(path, radii)
        every = round(every_mm / STEP_MM)
        path = _spline(path[[*range(0, len(path) - every // 2, every), len(path) - 1]])
    return path


def _moved(path: Array, radii: tuple[float, float]) -> Array:
    """One step of the path towards its place above the heart."""
    along = np.arange(len(path)) * STEP_MM
    # Near its origin an artery is held; for a while it may lie in free fat, but not in another part of the heart.
    free = np.clip(along / 8, 0, 1)[:, None]
    drawn = np.clip((along - 10) / 40, 0, 1)[:, None]
    stencil = 0.5 * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    depths = depth_in_fat((path + stencil[:, None]).reshape(-1, 3)).reshape(len(stencil), -1)
    gradient = (depths[1:4] - depths[4:7]).T
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True) + 1e-6
    lack = (np.linspace(*radii, len(path)) + FAT_MM - depths[0])[:, None]
    # Sideways only, or the path would bunch up where it is drawn to two parts of the heart.
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    gradient -= (gradient * tangent).sum(axis=1, keepdims=True) * tangent
    out = gaussian_filter1d(gradient * 0.5 * np.maximum(lack, 0), 2.4 / STEP_MM, axis=0, mode="nearest")
    near = gaussian_filter1d(gradient * 0.12 * np.minimum(lack, 0), 6.0 / STEP_MM, axis=0, mode="nearest")
    stiff = 0.2 * (gaussian_filter1d(path, 4.0 / STEP_MM, axis=0, mode="nearest") - path)
    moved: Array = path + (out + stiff) * free + near * drawn
    moved[-1] = path[-1] + out[-1] + near[-1]  # smoothing would draw the end back
    return moved

"""The lungs: outlines in the frontal view and path lengths through them."""

from dataclasses import dataclass, replace

import numpy as np

from phantom.chest.body import APEX_Y, LUNG_WIDEST_Y, Body
from phantom.chest.geometry import Grid, Map

RIGHT, LEFT = -1, 1  # the patient's sides as the image shows them: right lies at negative x
SIDES = (RIGHT, LEFT)

# How fast the diaphragm falls away from its top, in mm per mm squared: sideways (outer, inner) and front to back.
DOME_FALL_OUTER, DOME_FALL_INNER, DOME_FALL_DEPTH = 0.0105, 0.0045, 0.0072
# The top of the dome lies in front of the middle of the chest (positive z is the patient's front).
DOME_Z = 20.0
MEDIAL_BASE, MEDIAL_APEX = 12.0, 36.0


@dataclass(frozen=True)
class Lung:
    """One lung. All lengths in mm; `side` is RIGHT or LEFT.

    Attributes
    ----------
    body : Body
    side : int
    apex : float
        y of the apex before its rounding.
    dome : float
        y of the top of the hemidiaphragm.
    flatness : float
        1 for a normal dome, towards 0 for a flat one.
    gap : float
        How far the lung has come away from the chest wall at the apex; less further down.
    gap_from, gap_to : float
        Range of y with such a gap, with soft ends; the whole height by default.
    """

    body: Body
    side: int
    apex: float
    dome: float
    flatness: float = 1.0
    gap: float = 0.0
    gap_from: float = -1000.0
    gap_to: float = 1000.0

    @property
    def widest(self) -> float:
        """Y at which the rib cage is widest."""
        return LUNG_WIDEST_Y * self.body.scale + self.body.shift_y

    @property
    def dome_x(self) -> float:
        """X of the top of the hemidiaphragm."""
        return self.body.midline(self.dome) + self.side * 0.48 * self.body.chest_half_width

    def height(self, y: Map) -> Map:
        """0 at the widest level and below, 1 at the apex."""
        top = self.apex + (0.35 * self.gap if self.gap_from < self.apex else 0.0)
        t: Map = np.clip((np.float32(self.widest) - y) / np.float32(self.widest - top), 0, 1)
        return t

    def lateral(self, y: Map) -> Map:
        """Distance of the outer border from the midline."""
        t = self.height(y)
        below = np.maximum(y - np.float32(self.widest), 0) / np.float32(100)
        border = (
            np.float32(self.body.chest_half_width) * np.power(1 - np.power(t, 3.0), 1 / 2.5) * (1 - 0.12 * below**2)
        )
        if self.gap:
            share = 0.35 + 0.65 * t
            ends = _plateau(y, self.gap_from, self.gap_to, 25.0)
            border = border - np.float32(self.gap) * share * ends
        out: Map = border.astype(np.float32)
        return out

    def medial(self, y: Map) -> Map:
        """Distance of the inner border from the midline."""
        t = self.height(y)
        border: Map = (MEDIAL_BASE + (MEDIAL_APEX - MEDIAL_BASE) * t**6).astype(np.float32) * np.float32(
            self.body.scale
        )
        return border

    def below_dome(self, x: Map, y: Map) -> Map:
        """How far a point lies below the outline of the hemidiaphragm, in mm."""
        aside = np.float32(self.side) * (x - np.float32(self.dome_x))
        fall = np.where(aside > 0, DOME_FALL_OUTER, DOME_FALL_INNER).astype(np.float32) * np.float32(self.flatness)
        below: Map = y - np.float32(self.dome) - fall * aside * aside
        return below

    def path(self, x: Map, y: Map) -> Map:
        """Length of the beam's path through the lung, before heart and mediastinum take their part.

        Parameters
        ----------
        x : array of shape (1, columns) or (rows, columns)
        y : array of shape (rows, 1) or like x

        Returns
        -------
        array of shape (rows, columns), mm
        """
        distance = np.float32(self.side) * (x - np.float32(self.body.shift_x) - np.float32(self.body.lean) * y)
        outer, inner = self.lateral(y), self.medial(y)
        width = np.maximum(outer - inner, 1e-3)
        roundness = np.maximum((distance - inner) * (outer - distance) * 4 / (width * width), 0)
        half_depth = np.float32(self.body.lung_half_depth) * (1 - 0.8 * self.height(y) ** 3)
        half = np.where(outer > inner, half_depth * np.power(roundness, 0.42), 0).astype(np.float32)
        # What lies below the dome is liver, stomach or spleen: a slab of half-width w about the dome's plane.
        below = np.maximum(self.below_dome(x, y), 0)
        slab = np.sqrt(below / np.float32(DOME_FALL_DEPTH * self.flatness))
        covered = np.minimum(half, slab + np.float32(DOME_Z)) + np.minimum(half, slab - np.float32(DOME_Z))
        path: Map = np.where(below > 0, np.maximum(2 * half - np.maximum(covered, 0), 0), 2 * half)
        return path

    def path_at(self, x: float, y: float) -> float:
        """Path length at one point in mm."""
        return float(self.path(np.full((1, 1), x, np.float32), np.full((1, 1), y, np.float32))[0, 0])

    def with_gap(self, gap: float, low: float = -1000.0, high: float = 1000.0) -> "Lung":
        """The same lung, come away from the chest wall by `gap` mm between the heights `low` and `high`."""
        return replace(self, gap=gap, gap_from=low, gap_to=high)


def _plateau(y: Map, low: float, high: float, soft: float) -> Map:
    """1 between `low` and `high`, 0 beyond, with soft ends."""
    rise = np.clip((y - np.float32(low)) / np.float32(soft) + 0.5, 0, 1)
    fall = np.clip((np.float32(high) - y) / np.float32(soft) + 0.5, 0, 1)
    ends: Map = rise * fall
    return ends


def make_lung(body: Body, side: int, lift: float = 0.0, flatness: float = 1.0) -> Lung:
    """The lung of a body; `lift` raises its half of the diaphragm by so many mm (negative lowers it)."""
    dome = (body.dome_right if side == RIGHT else body.dome_left) + body.shift_y - lift
    return Lung(body, side, APEX_Y * body.scale + body.shift_y, dome, flatness)


def inner_width(right: Lung, left: Lung) -> float:
    """Greatest inner width of the rib cage in mm, the denominator of the cardiothoracic ratio."""
    y = np.linspace(right.widest - 120, max(right.dome, left.dome) + 25, 60, dtype=np.float32)[:, None]
    return float((right.lateral(y) + left.lateral(y)).max())


def outline(lung: Lung, grid: Grid) -> Map:
    """Where the lung's path is longer than 1 mm, as 0 and 1."""
    mask: Map = (lung.path(grid.x, grid.y) > 1).astype(np.float32)
    return mask

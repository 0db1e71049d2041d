"""A digital chest radiograph: the phantom projected, and the truth about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantom.chest.body import APEX_Y, Body, stream
from phantom.chest.effects import EFFECTS, MU_SOFT, Scene
from phantom.chest.findings import Chest, Finding
from phantom.chest.geometry import Ellipsoid, Grid, Map, Mask, Tubes, random_field, smoothstep, tube_map
from phantom.chest.lungs import LEFT, RIGHT, SIDES, inner_width
from phantom.chest.mediastinum import Heart, airway_path, lung_vessels, mediastinal_path
from phantom.chest.physics import display, draw_exposure, expose
from phantom.chest.skeleton import bone_map

# The long side of a chest cassette.
DETECTOR_MM = 430.0
LEAD = 1.6  # attenuation of a side marker


@dataclass(frozen=True)
class Place:
    """Where and how grave a finding is, in pixels of the image.

    Attributes
    ----------
    finding : Finding
    row, column : float
        Its middle.
    radius : float
        Its radius in pixels where it is round, else 0.
    mask : boolean array of shape (rows, columns)
        Where it shows.
    """

    finding: Finding
    row: float
    column: float
    radius: float
    mask: Mask


@dataclass(frozen=True)
class Truth:
    """What is known about a phantom radiograph.

    Attributes
    ----------
    labels : frozenset of str
        Every label that holds, derived ones included.
    places : dict of label to Place
    cardiothoracic_ratio : float
    heart_width_mm, thorax_width_mm : float
    heart, right_lung, left_lung : boolean arrays of shape (rows, columns)
        Their shadows; the lungs without what heart and mediastinum cover in full.
    pixel_mm : float
    """

    labels: frozenset[str]
    places: dict[str, Place]
    cardiothoracic_ratio: float
    heart_width_mm: float
    thorax_width_mm: float
    heart: Mask
    right_lung: Mask
    left_lung: Mask
    pixel_mm: float


@dataclass(frozen=True)
class Radiograph:
    """A phantom radiograph.

    Attributes
    ----------
    pixels : uint16 array of shape (rows, columns)
        12 bits, bright where the body is dense (MONOCHROME2).
    attenuation : float32 array of shape (rows, columns)
        The line integrals of linear attenuation from which they were computed, without scatter, noise or blur.
    chest : Chest
    truth : Truth
    """

    pixels: NDArray[np.uint16]
    attenuation: Map
    chest: Chest
    truth: Truth


def _body_path(body: Body, grid: Grid) -> Map:
    """Length of the beam's path through the whole body, lungs counted as filled, in mm."""
    s, y = body.scale, grid.y - np.float32(body.shift_y)
    x = grid.x - np.float32(body.shift_x) - np.float32(body.lean) * grid.y
    trunk = np.float32(body.chest_half_width + 12 * s + body.fat)
    shoulder = smoothstep(-y, 45 * s, 120 * s)
    neck = smoothstep(-y, -(APEX_Y - 0) * s, -(APEX_Y - 95) * s)
    half_width = trunk * (1 + np.float32(0.75) * shoulder) * (1 - neck) + np.float32(58 * s) * neck
    depth = np.float32(body.lung_half_depth + 16 * s + 0.8 * body.fat) * (1 - 0.28 * shoulder) * (1 - neck)
    depth = depth + np.float32(60 * s) * neck
    path: Map = 2 * depth * np.power(np.maximum(1 - (x / half_width) ** 2, 0), 0.38)
    fold = random_field(stream(body.seed, "flesh"), grid, 28)
    path = path + np.where(path > 30, 1.6 * fold, 0).astype(np.float32)
    if body.breast:
        for side in SIDES:
            low = body.shift_y + 58 * s
            breast = Ellipsoid(body.midline(low) + side * 74 * s, low, 62 * s, 64 * s, 25 * body.breast, side * 0.15)
            level = breast.level(grid.x, grid.y)
            path = path + np.float32(2 * breast.depth) * np.power(np.maximum(1 - level, 0), 0.8)
    return path


def _belly(chest: Chest, grid: Grid) -> Map:
    """Gas in stomach and bowel under the left half of the diaphragm, path in mm."""
    body, left = chest.body, chest.lungs[1]
    g = stream(body.seed, "belly")
    gas = grid.empty()
    for _ in range(int(g.integers(0, 4))):
        a = g.uniform(12, 30)
        x, y = left.dome_x + g.normal(-5, 22), left.dome + a + g.uniform(4, 26)
        bubble = Ellipsoid(float(x), float(y), float(a), float(a * g.uniform(0.5, 0.9)), float(a * 0.8))
        gas = np.maximum(gas, bubble.chord(grid.x, grid.y))
    return gas


def _wires(body: Body, grid: Grid) -> Map:
    """Leads across the chest of a bedside patient, attenuation."""
    g = stream(body.seed, "wires")
    if body.view == "PA" or g.random() < 0.4:
        return grid.empty()
    parts = []
    for _ in range(int(g.integers(1, 4))):
        t = np.linspace(0, 1, 30)
        x = g.uniform(-120, 120) + g.uniform(-120, 120) * t + 15 * np.sin(g.uniform(2, 6) * t + g.uniform(0, 6))
        y = -210 + g.uniform(180, 330) * t
        parts.append(Tubes.along(np.stack([x, y, 0 * t], axis=1), 0.7))
        parts.append(Tubes.along(np.array([[x[-1], y[-1], 0.0], [x[-1] + 7, y[-1], 0.0]]), 3.5))
    return np.float32(0.22) * tube_map(grid, Tubes.joined(parts))


_LETTERS: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {  # strokes of the side markers, unit box
    "L": [((0, 0), (0, 1)), ((0, 1), (0.6, 1))],
    "R": [((0, 0), (0, 1)), ((0, 0), (0.6, 0.05)), ((0.6, 0.05), (0.6, 0.45)), ((0.6, 0.45), (0, 0.5)),
          ((0.1, 0.5), (0.65, 1))],
}  # fmt: skip


def _marker(body: Body, grid: Grid) -> Map:
    """A lead letter beside the shoulder that says which side is which."""
    g = stream(body.seed, "marker")
    letter, side = ("L", 1) if g.random() < 0.5 else ("R", -1)
    x0, y0 = (
        side * grid.columns * grid.pixel_mm * g.uniform(0.40, 0.45) - 7,
        -grid.rows * grid.pixel_mm * g.uniform(0.3, 0.45),
    )
    starts = np.array([(x0 + 15 * a[0], y0 + 18 * a[1], 0.0) for a, _ in _LETTERS[letter]])
    ends = np.array([(x0 + 15 * b[0], y0 + 18 * b[1], 0.0) for _, b in _LETTERS[letter]])
    path = tube_map(grid, Tubes.straight(starts, ends, np.full(len(starts), 1.3)))
    strokes: Map = np.minimum(path, 1.5) * np.float32(LEAD)
    return strokes


def _scene(chest: Chest, grid: Grid, heart: Heart) -> tuple[Scene, Map]:
    body = chest.body
    right, left = chest.lungs
    left_half = grid.x > np.float32(body.midline(left.dome))
    below = np.where(left_half, left.below_dome(grid.x, grid.y), right.below_dome(grid.x, grid.y))
    middle = mediastinal_path(grid, heart, chest.middle[2:], below)
    lung = {RIGHT: right, LEFT: left}
    air = {side: np.maximum(lung[side].path(grid.x, grid.y) - middle, 0) for side in SIDES}
    g = stream(body.seed, "texture")
    texture = (
        1 + 0.045 * random_field(g, grid, 5) + 0.035 * random_field(g, grid, 2.6) + 0.05 * random_field(g, grid, 30)
    )
    base = np.float32(body.lung_density) * np.clip(texture, 0.4, 1.8)
    density = {
        side: (base * (0.88 + 0.28 * smoothstep(grid.y, right.apex, right.dome))).astype(np.float32) for side in SIDES
    }
    gain = np.full((grid.rows, grid.columns), body.vessel_gain, np.float32)
    return Scene(grid, chest, lung, air, _belly(chest, grid), density, gain, grid.empty()), middle


def render(chest: Chest, rows: int, columns: int, field_mm: float | None = None) -> Radiograph:
    """Computes the radiograph of a phantom.

    Parameters
    ----------
    chest : Chest
    rows, columns : int
        Size of the image.
    field_mm : float, optional
        Length of the image's longer side on the detector; a chest cassette's 430 mm by default.

    Returns
    -------
    Radiograph
        The same for the same arguments. The anatomy does not depend on the size of the image, the noise does.
    """
    grid = Grid(rows, columns, (field_mm or DETECTOR_MM) / max(rows, columns))
    body = chest.body
    right, left = chest.lungs
    heart = chest.heart
    scene, _ = _scene(chest, grid, heart)
    lungs = {side: scene.air[side] > 0 for side in SIDES}
    for label, effect in EFFECTS.items():
        if finding := chest.find(label):
            effect(scene, finding)
    heart_mask = heart.path(grid) > 0
    if chest.find("Cardiomegaly"):
        scene.masks["Cardiomegaly"] = heart_mask
    air = scene.air[RIGHT] + scene.air[LEFT]
    aerated = sum((scene.density[side] * scene.air[side] for side in SIDES), start=grid.empty())
    vessels = np.minimum(tube_map(grid, lung_vessels(body, right, left)), np.minimum(0.6 * air, 14)) * scene.vessel_gain
    body_path = _body_path(body, grid)
    gas = np.minimum(scene.gas + airway_path(body, grid), 0.9 * np.maximum(body_path - air, 0))
    soft = body_path - air - gas + aerated + vessels + scene.tissue
    inside = body_path > 30
    attenuation = np.float32(MU_SOFT) * np.maximum(soft, 0) + bone_map(body, grid) * inside
    attenuation = attenuation + _wires(body, grid) + _marker(body, grid)
    exposure = draw_exposure(body)
    pixels = display(expose(attenuation, grid, exposure, body.seed), grid, exposure, inside)
    return Radiograph(pixels, attenuation, chest, _truth(chest, scene, heart, heart_mask, lungs))


def _truth(chest: Chest, scene: Scene, heart: Heart, heart_mask: Mask, lungs: dict[int, Mask]) -> Truth:
    grid = scene.grid
    places = {}
    for finding in chest.findings:
        row, column = grid.to_pixel(finding.x, finding.y)
        round_ones = {"Nodule": 0.5, "Mass": 0.5, "Consolidation": 1.0, "Hernia": 1.0}
        radius = round_ones.get(finding.label, 0.0) * finding.size_mm / grid.pixel_mm
        places[finding.label] = Place(finding, row, column, radius, scene.masks[finding.label])
    return Truth(
        labels=chest.labels,
        places=places,
        cardiothoracic_ratio=chest.cardiothoracic_ratio,
        heart_width_mm=heart.width,
        thorax_width_mm=inner_width(*chest.lungs),
        heart=heart_mask,
        right_lung=lungs[RIGHT],
        left_lung=lungs[LEFT],
        pixel_mm=grid.pixel_mm,
    )

"""What each finding does to the path lengths: the physics of the lesion, in place of a drawing of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from phantom.chest.body import HILUM_Y, stream
from phantom.chest.findings import Chest, Finding
from phantom.chest.geometry import Ellipsoid, Grid, Map, Mask, Tubes, chord_of, random_field, smoothstep, tube_map
from phantom.chest.lungs import LEFT, RIGHT, SIDES, Lung

# Attenuation added by less than this leaves no visible trace and does not count as the finding's place.
VISIBLE = 0.04
# Linear attenuation of soft tissue and water at 60 keV, 1/mm (NIST XCOM).
MU_SOFT = 0.0206


@dataclass
class Scene:
    """A chest being built: path lengths and densities that the findings change in turn.

    Attributes
    ----------
    grid : Grid
    chest : Chest
    lung : dict of side to Lung
    air : dict of side to map
        Path through aerated lung in mm.
    gas : map
        Path through free gas in mm (pneumothorax, gas in a hernia).
    density : dict of side to map
        Density of the aerated lung relative to soft tissue.
    vessel_gain : map
        Factor on the lung vessels.
    tissue : map
        Path of soft tissue that has been added outside the lungs in mm.
    masks : dict of label to boolean map
        Where each finding shows.
    """

    grid: Grid
    chest: Chest
    lung: dict[int, Lung]
    air: dict[int, Map]
    gas: Map
    density: dict[int, Map]
    vessel_gain: Map
    tissue: Map
    masks: dict[str, Mask] = field(default_factory=dict)

    def fill(self, side: int, path: Map) -> Map:
        """Turns up to `path` mm of a lung's air into soft tissue; returns the attenuation that this adds."""
        filled = np.minimum(path, self.air[side])
        self.air[side] = self.air[side] - filled
        added: Map = filled * np.float32(MU_SOFT) * (1 - self.density[side])
        return added

    def mark(self, label: str, strength: Map, visible: float = VISIBLE) -> None:
        """Records where a finding shows."""
        self.masks[label] = strength > visible


type Effect = Callable[[Scene, Finding], None]


def _both(scene: Scene, path: Map) -> Map:
    return scene.fill(RIGHT, path) + scene.fill(LEFT, path)


def _lump(scene: Scene, finding: Finding, roughness: float, grain: float, spikes: bool) -> None:
    """A nodule or a mass: a solid ball with an uneven outline, at times with spicules."""
    g = stream(scene.chest.body.seed, finding.label + " shape")
    grid, radius = scene.grid, finding.size_mm / 2
    stretch = float(g.uniform(0.9, 1.12))
    ball = Ellipsoid(finding.x, finding.y, radius * stretch, radius / stretch, radius, float(g.uniform(0, 3.1)))
    level = ball.level(grid.x, grid.y) + np.float32(roughness) * random_field(g, grid, grain * radius)
    density = g.uniform(0.95, 1.5)  # some are calcified
    path = chord_of(level, radius) * np.float32(density)
    path = np.where(ball.level(grid.x, grid.y) < 2, path, 0).astype(np.float32)
    if spikes and g.random() < 0.5:
        turn = g.uniform(0, 2 * np.pi, 16)
        near, far = radius * 0.8, radius * g.uniform(1.3, 1.9, 16)
        start = np.stack([finding.x + near * np.cos(turn), finding.y + near * np.sin(turn), turn * 0], axis=1)
        end = np.stack([finding.x + far * np.cos(turn), finding.y + far * np.sin(turn), turn * 0], axis=1)
        path = path + tube_map(grid, Tubes.straight(start, end, np.full(16, 0.07 * radius)))
    scene.mark(finding.label, _both(scene, path), VISIBLE / 2)


def nodule(scene: Scene, finding: Finding) -> None:
    """A ball of less than 30 mm."""
    _lump(scene, finding, 0.10, 0.6, spikes=True)


def mass(scene: Scene, finding: Finding) -> None:
    """A ball of more than 30 mm, lobulated."""
    _lump(scene, finding, 0.14, 0.55, spikes=True)


def consolidation(scene: Scene, finding: Finding) -> None:
    """Air spaces filled: fuzzy and patchy, cut off at a fissure at times, with air bronchograms."""
    g = stream(scene.chest.body.seed, "Consolidation shape")
    grid, radius = scene.grid, finding.size_mm
    stretch = float(g.uniform(0.75, 1.3))
    blob = Ellipsoid(finding.x, finding.y, radius * stretch, radius / stretch, radius * 0.9, float(g.uniform(0, 3.1)))
    level = blob.level(grid.x, grid.y)
    uneven = level + 0.2 * random_field(g, grid, 0.5 * radius) + 0.1 * random_field(g, grid, 7)
    path = chord_of(uneven.astype(np.float32), radius * 0.9)
    path = path * np.clip(0.8 + 0.22 * random_field(g, grid, 9), 0.2, 1.1) * np.float32(g.uniform(0.7, 1.0))
    path = path * (1 - smoothstep(level, 1.4, 2.2))
    if g.random() < 0.4:
        slope, sign = g.normal(0, 0.15), 1 if g.random() < 0.5 else -1
        fissure = sign * (grid.y - np.float32(finding.y) - np.float32(slope) * (grid.x - np.float32(finding.x)))
        path = path * smoothstep(fissure + np.float32(0.35 * radius), 0, 2.0)
    before = scene.air[finding.side]
    added = scene.fill(finding.side, path.astype(np.float32))
    # Bronchi that keep their air show dark where the vessels beside them have gone.
    share = np.minimum(path / np.maximum(before, 1), 1)
    scene.vessel_gain = scene.vessel_gain * (1 - 1.35 * share).astype(np.float32)
    scene.mark(finding.label, added)


def effusion(scene: Scene, finding: Finding) -> None:
    """Free fluid: it fills the costophrenic angle and climbs along the chest wall."""
    g = stream(scene.chest.body.seed, "Effusion shape")
    grid, lung = scene.grid, scene.lung[finding.side]
    bottom = finding.y + finding.size_mm / 2
    surface = bottom - finding.size_mm * 0.62
    climb = finding.size_mm * 0.38
    wall = lung.lateral(grid.y)
    distance = lung.side * (grid.x - np.float32(lung.body.shift_x) - np.float32(lung.body.lean) * grid.y)
    from_wall = np.maximum(wall - distance, 0)
    top = np.float32(surface) - np.float32(climb) * np.exp(-from_wall / np.float32(g.uniform(16, 34)))
    soft = min(28.0, 0.5 * finding.size_mm)
    share = smoothstep(grid.y - top, -soft * 0.2, soft * 0.8)
    scene.mark(finding.label, scene.fill(finding.side, scene.air[finding.side] * share))


def pneumothorax(scene: Scene, finding: Finding) -> None:
    """Free air between lung and chest wall, the visceral pleura as a fine line, no vessels beyond it."""
    grid, side = scene.grid, finding.side
    lung = scene.lung[side]
    shrunk = lung.with_gap(finding.size_mm)
    inside = shrunk.path(grid.x, grid.y)
    lost = np.maximum(lung.path(grid.x, grid.y) - inside, 0)
    gas = np.minimum(lost, scene.air[side])
    scene.air[side] = scene.air[side] - gas
    scene.gas = scene.gas + gas
    scene.density[side] = scene.density[side] * np.float32(1 + 0.25 * finding.grade)
    here = lung.side * (grid.x - np.float32(lung.body.midline(0))) > 0
    scene.vessel_gain = np.where(here & (inside <= 0), 0, scene.vessel_gain).astype(np.float32)
    y = np.linspace(lung.apex + 0.35 * finding.size_mm + 6, lung.dome + 10, 60)
    away = shrunk.lateral(y.astype(np.float32)[:, None])[:, 0]
    x = lung.body.shift_x + lung.body.lean * y + side * away
    line = Tubes.along(np.stack([x, y, np.zeros_like(x)], axis=1), 0.6)
    scene.tissue = scene.tissue + 7 * tube_map(grid, line)
    lateral = lung.side * (grid.x - np.float32(lung.body.midline(0))) > 25
    scene.masks[finding.label] = (gas > 12) & lateral


def pleural_thickening(scene: Scene, finding: Finding) -> None:
    """A rind of soft tissue along the chest wall."""
    g = stream(scene.chest.body.seed, "Pleural_Thickening shape")
    grid, lung = scene.grid, scene.lung[finding.side]
    reach = float(g.uniform(35, 80))
    thin = lung.with_gap(finding.size_mm / 0.7, finding.y - reach, finding.y + reach)
    lost = np.maximum(lung.path(grid.x, grid.y) - thin.path(grid.x, grid.y), 0)
    lost = lost * np.clip(1 + 0.15 * random_field(g, grid, 12), 0.5, 1.2)
    added = scene.fill(finding.side, lost.astype(np.float32) * np.float32(0.85))
    if g.random() < 0.3:
        plaque = np.clip(random_field(g, grid, 5) - 0.8, 0, 1) * np.minimum(lost / 40, 1)
        scene.tissue = scene.tissue + (12 * plaque).astype(np.float32)
    scene.mark(finding.label, added, 0.15)


def edema(scene: Scene, finding: Finding) -> None:
    """Fluid in the lung itself: haze about both hila, broad blurred vessels, Kerley's lines at the bases."""
    g = stream(scene.chest.body.seed, "Edema shape")
    grid, body = scene.grid, scene.chest.body
    strength = 0.25 + 0.75 * finding.grade
    patches = np.clip(0.75 + 0.4 * random_field(g, grid, 26) + 0.3 * random_field(g, grid, 8), 0.1, 2)
    added = grid.empty()
    hilum_y = body.shift_y + (HILUM_Y + 14) * body.scale
    for side in SIDES:
        wing = Ellipsoid(body.midline(hilum_y) + side * 58 * body.scale, hilum_y, 52, 82, 1, 0.0)
        haze = np.exp(-np.float32(0.8) * wing.level(grid.x, grid.y)) * patches
        added = added + scene.fill(side, (scene.air[side] * np.minimum(haze * 0.5 * strength, 0.9)).astype(np.float32))
    scene.vessel_gain = scene.vessel_gain * np.float32(1 + 0.25 * strength)
    count = int(14 + 30 * finding.grade)
    starts, ends = [], []
    for _ in range(count):
        lung = scene.lung[RIGHT if g.random() < 0.5 else LEFT]
        y = lung.dome - g.uniform(-15, 60)
        outer = float(lung.lateral(np.full((1, 1), y, np.float32))[0, 0])
        x = body.midline(y) + lung.side * (outer - 2)
        starts.append((x, y, 0.0))
        ends.append((x - lung.side * g.uniform(9, 20), y + g.normal(0, 1.5), 0.0))
    lines = tube_map(grid, Tubes.straight(np.array(starts), np.array(ends), np.full(count, 0.55)))
    scene.tissue = scene.tissue + 3.5 * lines * (scene.air[RIGHT] + scene.air[LEFT] > 0)
    scene.mark(finding.label, added, 0.12)


def emphysema(scene: Scene, finding: Finding) -> None:
    """Lung destroyed: too little tissue, pruned vessels, bullae. The flat diaphragm belongs to the lungs' shape."""
    g = stream(scene.chest.body.seed, "Emphysema shape")
    grid = scene.grid
    for side in SIDES:
        scene.density[side] = scene.density[side] * np.float32(1 - 0.5 * (0.3 + 0.7 * finding.grade))
    scene.vessel_gain = scene.vessel_gain * np.float32(0.75 - 0.4 * finding.grade)
    for _ in range(int(g.integers(0, 2 + int(4 * finding.grade)))):
        lung = scene.lung[RIGHT if g.random() < 0.5 else LEFT]
        radius = g.uniform(12, 30)
        y = lung.apex + g.uniform(20, 90)
        x = lung.body.midline(y) + lung.side * g.uniform(50, 95)
        bulla = Ellipsoid(float(x), float(y), float(radius), float(radius * 0.9), float(radius))
        level = bulla.level(grid.x, grid.y)
        gas = np.minimum(chord_of(level, radius), scene.air[lung.side])
        scene.air[lung.side] = scene.air[lung.side] - gas
        scene.gas = scene.gas + gas
        shell = chord_of(level, radius) - chord_of(level * np.float32((radius / (radius - 0.7)) ** 2), radius - 0.7)
        scene.tissue = scene.tissue + np.where(gas > 0, np.maximum(shell, 0), 0).astype(np.float32)
    scene.masks[finding.label] = scene.air[RIGHT] + scene.air[LEFT] > 60


def fibrosis(scene: Scene, finding: Finding) -> None:
    """A net of scars, densest at the bases and the periphery, with small rings (honeycombs)."""
    g = stream(scene.chest.body.seed, "Fibrosis shape")
    grid, body = scene.grid, scene.chest.body
    strength = 0.3 + 0.7 * finding.grade
    net = 1 - np.abs(random_field(g, grid, 6.5)) * 2.2
    net = np.clip(net, 0, 1) + 0.6 * np.clip(1 - np.abs(random_field(g, grid, 4)) * 2.2, 0, 1)
    patches = np.clip(0.7 + 0.5 * random_field(g, grid, 35), 0.0, 1.6)
    added = grid.empty()
    for side in SIDES:
        lung = scene.lung[side]
        basal = smoothstep(grid.y, lung.apex + 40, lung.dome + 10)
        distance = side * (grid.x - np.float32(body.shift_x) - np.float32(body.lean) * grid.y)
        outward = np.clip(distance / np.maximum(lung.lateral(grid.y), 1), 0, 1)
        where = (0.25 + 0.75 * basal) * (0.35 + 0.65 * outward**2) * patches
        added = added + scene.fill(
            side, (where * net * 36 * strength * np.minimum(scene.air[side] / 50, 1)).astype(np.float32)
        )
    scene.mark(finding.label, added, 0.08)


def atelectasis(scene: Scene, finding: Finding) -> None:
    """Plates of collapsed lung above a lifted diaphragm."""
    g = stream(scene.chest.body.seed, "Atelectasis shape")
    grid, side = scene.grid, finding.side
    added = grid.empty()
    for number in range(1 + int(g.integers(0, 3))):
        half = g.uniform(18, 32) + 14 * finding.grade
        thick = g.uniform(1.3, 2.6) + 2.2 * finding.grade
        angle = side * g.normal(0.1, 0.3)
        y = finding.y + (0 if number == 0 else g.uniform(-32, 22))
        x = finding.x + (0 if number == 0 else g.normal(0, 14))
        plate = Ellipsoid(float(x), float(y), float(half), float(thick), 1.0, float(angle))
        depth = g.uniform(24, 46) + 22 * finding.grade
        path = np.float32(depth) * smoothstep(1 - plate.level(grid.x, grid.y), 0.0, 0.5)
        added = added + scene.fill(side, path.astype(np.float32))
    scene.mark(finding.label, added)


def hernia(scene: Scene, finding: Finding) -> None:
    """Stomach above the diaphragm, behind the heart: a round shadow with gas above a fluid level."""
    g = stream(scene.chest.body.seed, "Hernia shape")
    grid, radius = scene.grid, finding.size_mm
    sac = Ellipsoid(finding.x, finding.y, radius * float(g.uniform(1.0, 1.35)), radius, radius * 0.9)
    chord = sac.chord(grid.x, grid.y)
    _both(scene, chord)
    inner = Ellipsoid(sac.x, sac.y, sac.a - 3, sac.b - 3, sac.depth - 3).chord(grid.x, grid.y)
    level = np.float32(finding.y + radius * g.uniform(-0.35, 0.25))
    gas = np.where(grid.y < level, inner, 0).astype(np.float32)
    scene.gas = scene.gas + gas
    scene.masks[finding.label] = chord > 0


def widened_mediastinum(scene: Scene, finding: Finding) -> None:
    """The widening is built by the mediastinum itself; here its place is recorded."""
    grid, body = scene.grid, scene.chest.body
    away = np.abs(grid.x - np.float32(body.midline(finding.y)))
    scene.masks[finding.label] = (away < finding.size_mm) & (np.abs(grid.y - np.float32(finding.y)) < 45)


EFFECTS: dict[str, Effect] = {
    "Emphysema": emphysema,
    "Fibrosis": fibrosis,
    "Edema": edema,
    "Consolidation": consolidation,
    "Mass": mass,
    "Nodule": nodule,
    "Atelectasis": atelectasis,
    "Pleural_Thickening": pleural_thickening,
    "Effusion": effusion,
    "Pneumothorax": pneumothorax,
    "Hernia": hernia,
    "Enlarged Cardiomediastinum": widened_mediastinum,
}

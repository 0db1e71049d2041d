"""Ribs, clavicles, scapulae and spine."""

import numpy as np

from phantom.chest.body import APEX_Y, VERTEBRA_PITCH, Body, stream
from phantom.chest.geometry import Grid, Map, Tubes, smoothstep, tube_map
from phantom.chest.lungs import SIDES, make_lung

# Linear attenuation beyond that of soft tissue at 60 keV, in 1/mm (NIST XCOM: soft tissue 0.0215; cortical bone,
# density 1.92, 0.0604; trabecular bone as a third of it in marrow, 0.0345). A rib is flatter than the round tube that
# stands for it, hence the share.
CORTICAL, TRABECULAR = 0.039, 0.013
RIB_SHARE = 0.95
CORTEX_MM = 0.9

RIB_COUNT = 11


def _rib(body: Body, side: int, number: int, g: np.random.Generator) -> Tubes:
    """Rib `number` (1 to 11) from its head to its cartilage, as one tube."""
    lung = make_lung(body, side)
    s = body.scale
    head = APEX_Y * s + body.shift_y + ((-3 if number == 1 else -10) + VERTEBRA_PITCH * (number - 1)) * s
    drop = (55 + 62 * min(number, 7) / 7 + g.normal(0, 3)) * s
    ends = {1: 2.35, 2: 2.4, 9: 2.0, 10: 1.8, 11: 1.25}
    theta = np.linspace(0.08, ends.get(number, 2.32), 48)
    share = (1 - np.cos(theta)) / 2
    slope = np.sin(np.minimum(theta, np.pi / 2))
    y = head + drop * (0.26 * slope + 0.74 * share**1.4)
    # The rib hugs the chest wall: at each height its reach is that of the lung, and a little more.
    side_y = head + drop * 0.4
    reach = float(lung.lateral(np.full((1, 1), max(side_y, lung.apex + 14), np.float32))[0, 0]) + 4 * s
    reach = max(reach, 46 * s)
    away = 14 * s + (reach - 14 * s) * np.sin(np.minimum(theta, np.pi)) ** 0.8
    away = np.where(theta > np.pi / 2, reach * (1 - 0.62 * (1 - np.sin(theta))), away)
    z = -np.cos(theta) * body.lung_half_depth
    x = body.shift_x + body.lean * y + side * away
    radius = (4.6 if number == 1 else 5.2) * s * (1 + 0.3 * share)
    return Tubes.along(np.stack([x, y, z], axis=1), radius, CORTEX_MM)


def ribs(body: Body) -> Tubes:
    """All ribs that a chest film shows."""
    g = stream(body.seed, "ribs")
    return Tubes.joined([_rib(body, side, number, g) for side in SIDES for number in range(1, RIB_COUNT + 1)])


def clavicles(body: Body) -> Tubes:
    """Both clavicles, S-shaped, higher at the bedside."""
    g = stream(body.seed, "clavicles")
    s, parts = body.scale, []
    rise = g.uniform(-4, 14) + (14 if body.view == "AP" else 0)
    for side in SIDES:
        t = np.linspace(0, 1, 30)
        away = (13 + 140 * t) * s
        y = APEX_Y * s + body.shift_y + (26 - rise * t - 10 * np.sin(2 * np.pi * t) - 12 * t) * s
        x = body.shift_x + body.lean * y + side * away
        radius = (7.5 - 2.2 * np.sin(np.pi * t)) * s
        parts.append(Tubes.along(np.stack([x, y, np.full_like(x, body.lung_half_depth)], axis=1), radius, 1.4))
    return Tubes.joined(parts)


def scapulae(body: Body) -> Tubes:
    """The inner and outer borders of the shoulder blades: turned out of the lungs in PA, over them in AP."""
    g = stream(body.seed, "scapulae")
    s, parts = body.scale, []
    inner = (118 if body.view == "PA" else 96) * s + g.normal(0, 6)
    for side in SIDES:
        top = APEX_Y * s + body.shift_y + 8 * s
        t = np.linspace(0, 1, 20)
        y = top + 135 * s * t
        for away, radius in ((inner + 22 * s * t, 2.2), (inner + 55 * s - 34 * s * t, 4.0)):
            x = body.shift_x + body.lean * y + side * (away + 5 * s * np.sin(3.4 * t))
            parts.append(Tubes.along(np.stack([x, y, np.full_like(x, -body.lung_half_depth)], axis=1), radius * s, 1.2))
    return Tubes.joined(parts)


def arms(body: Body) -> Tubes:
    """The heads of both upper arms with the beginning of their shafts."""
    s, parts = body.scale, []
    for side in SIDES:
        t = np.linspace(0, 1, 12)
        x = body.shift_x + side * (166 + 52 * t) * s
        y = body.shift_y + (-100 + 70 * t) * s
        radius = (12.5 + 10 * np.exp(-((t / 0.28) ** 2))) * s
        parts.append(Tubes.along(np.stack([x, y, np.zeros_like(x)], axis=1), radius, 2.2))
    return Tubes.joined(parts)


def spine(body: Body, grid: Grid) -> Map:
    """Attenuation of the vertebrae beyond soft tissue."""
    g = stream(body.seed, "spine")
    s = body.scale
    y = grid.y
    bend = g.normal(0, 3) * np.sin((y - body.shift_y) / (60 * s) + g.uniform(0, 6))
    x = grid.x - np.float32(body.shift_x) - np.float32(body.lean) * y - bend.astype(np.float32)
    half_width = np.float32(s) * (np.float32(15) + np.float32(0.016) * (y - np.float32(APEX_Y)))
    phase = ((y - np.float32(body.shift_y + APEX_Y * s)) / np.float32(VERTEBRA_PITCH * s) + 0.15) % 1.0
    body_of = smoothstep(phase, 0.04, 0.12) * (1 - smoothstep(phase, 0.82, 0.92))
    waist = 1 - np.float32(0.12) * np.sin(np.pi * phase)
    depth = 2 * np.float32(15 * s) * np.power(np.maximum(1 - (x / (half_width * waist)) ** 2, 0), 0.35)
    vertebrae = depth * (np.float32(0.5) + np.float32(0.5) * body_of) * np.float32(TRABECULAR * 0.7)
    # Pedicles and spinous process, seen end on.
    pitch = np.float32(VERTEBRA_PITCH * s)
    v = (phase - np.float32(0.42)) * pitch
    for offset, weight, a, b in ((-11 * s, 0.13, 3.4, 5.0), (11 * s, 0.13, 3.4, 5.0), (0.0, 0.15, 3.2, 7.0)):
        u = (x - np.float32(offset)) / np.float32(a * s)
        vertebrae = vertebrae + np.float32(weight) * np.maximum(1 - u * u - (v / np.float32(b * s)) ** 2, 0)
    out: Map = vertebrae.astype(np.float32)
    return out


def bone_map(body: Body, grid: Grid) -> Map:
    """Attenuation of all bones beyond that of soft tissue (dimensionless), shape (rows, columns)."""
    tubular = tube_map(grid, ribs(body), CORTICAL * RIB_SHARE, TRABECULAR * RIB_SHARE)
    tubular += tube_map(grid, clavicles(body), CORTICAL, TRABECULAR)
    tubular += tube_map(grid, scapulae(body), CORTICAL, TRABECULAR)
    tubular += tube_map(grid, arms(body), CORTICAL * 0.6, TRABECULAR * 0.6)
    return tubular + spine(body, grid)

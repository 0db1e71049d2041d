"""The healthy body and its exposure: what varies from one phantom to the next when nothing is wrong."""

import zlib
from dataclasses import dataclass

import numpy as np

# Levels in mm below the middle of the detector, for a body of scale 1 that is centred.
APEX_Y = -128.0
DOME_Y = 92.0
LUNG_WIDEST_Y = 95.0
HILUM_Y = -12.0
VERTEBRA_PITCH = 24.0


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random generator of its own for each purpose, so that adding a finding leaves the rest of the body alone."""
    return np.random.default_rng((seed, zlib.crc32(purpose.encode())))


@dataclass(frozen=True)
class Body:
    """A thorax and the way it was exposed. Lengths in mm, sides as the image shows them (right is image left).

    Attributes
    ----------
    seed : int
        Where all of it comes from.
    sex : str
        "F" or "M".
    view : str
        "PA" (standing, back to the tube) or "AP" (bedside).
    scale : float
        Size of the skeleton.
    shift_x, shift_y : float
        Where the body's middle lies on the detector.
    lean : float
        Sideways shift of the midline per mm of height (a body that stands aslant).
    chest_half_width : float
        Half of the widest inner width of the rib cage.
    lung_half_depth : float
        Half of the greatest front-to-back extent of the lungs.
    fat : float
        Thickness of the soft tissue outside the rib cage.
    breast : float
        Size of the breast shadows, 0 to 1.
    dome_right, dome_left : float
        Height of the top of the diaphragm, as y.
    ctr : float
        Cardiothoracic ratio of the healthy heart.
    mediastinum_half_width : float
        Half-width of the upper mediastinum.
    lung_density : float
        Density of the aerated lung relative to soft tissue.
    vessel_gain : float
        Prominence of the lung vessels.
    """

    seed: int
    sex: str
    view: str
    scale: float
    shift_x: float
    shift_y: float
    lean: float
    chest_half_width: float
    lung_half_depth: float
    fat: float
    breast: float
    dome_right: float
    dome_left: float
    ctr: float
    mediastinum_half_width: float
    lung_density: float
    vessel_gain: float

    def midline(self, y: float) -> float:
        """X of the body's midline at height y."""
        return self.shift_x + self.lean * y


def draw_body(seed: int) -> Body:
    """The healthy body of this seed."""
    g = stream(seed, "body")
    sex = "F" if g.random() < 0.5 else "M"
    view = "PA" if g.random() < 0.7 else "AP"
    scale = float(np.clip(g.normal(0.95 if sex == "F" else 1.03, 0.04), 0.86, 1.12))
    # A poor breath and a bedside exposure both lift the diaphragm.
    dome = DOME_Y * scale - g.uniform(0, 18) - (8 if view == "AP" else 0)
    return Body(
        seed=seed,
        sex=sex,
        view=view,
        scale=scale,
        shift_x=float(g.normal(0, 5)),
        shift_y=float(g.normal(-4, 7)),
        lean=float(g.normal(0, 0.022)),
        chest_half_width=float(np.clip(g.normal(137, 6), 122, 150) * scale),
        lung_half_depth=float(g.uniform(72, 92) * scale),
        fat=float(np.clip(g.gamma(4.0, 5.0), 6, 50)),
        breast=float(g.uniform(0.25, 1.0) if sex == "F" else 0.0),
        dome_right=float(dome),
        dome_left=float(dome + g.uniform(4, 16)),
        ctr=float(np.clip(g.normal(0.44, 0.028), 0.37, 0.485)),
        mediastinum_half_width=float(g.uniform(25, 33) * scale),
        lung_density=float(g.uniform(0.22, 0.32)),
        vessel_gain=float(g.uniform(0.75, 1.25)),
    )

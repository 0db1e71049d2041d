"""Which findings a phantom shows, how grave and where: drawn from a seed or asked for by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from phantom.chest.body import Body, draw_body, stream
from phantom.chest.geometry import Ellipsoid
from phantom.chest.lungs import LEFT, RIGHT, SIDES, Lung, inner_width, make_lung
from phantom.chest.mediastinum import Heart, great_vessels, make_heart

# TorchXRayVision's labels that the phantom builds, in that library's spelling and order, and how often each is drawn.
PREVALENCE: dict[str, float] = {
    "Atelectasis": 0.22,
    "Consolidation": 0.38,
    "Pneumothorax": 0.36,
    "Edema": 0.16,
    "Emphysema": 0.18,
    "Fibrosis": 0.18,
    "Effusion": 0.38,
    "Pleural_Thickening": 0.20,
    "Cardiomegaly": 0.42,
    "Nodule": 0.38,
    "Mass": 0.30,
    "Hernia": 0.14,
    "Enlarged Cardiomediastinum": 0.22,
}
# Labels that hold by definition when one of the others does.
DERIVED: dict[str, frozenset[str]] = {
    "Lung Lesion": frozenset({"Nodule", "Mass"}),
    "Lung Opacity": frozenset({"Atelectasis", "Consolidation", "Edema", "Nodule", "Mass"}),
}
# TorchXRayVision's labels that the phantom cannot show honestly, and why.
NOT_SHOWN: dict[str, str] = {
    "Infiltration": "a word of reports without a radiological definition of its own; nothing could be built for it",
    "Pneumonia": "a clinical diagnosis: on the film it is consolidation, which is built as such",
    "Fracture": "a break of a rib is finer than the model's pixels of nearly 2 mm",
}
LABELS: tuple[str, ...] = (
    "Atelectasis", "Consolidation", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion", "Pleural_Thickening",
    "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Lung Opacity", "Enlarged Cardiomediastinum",
)  # fmt: skip

# Shares of films with no finding and with exactly one; the others have each finding by its own prevalence.
NORMAL_SHARE, SINGLE_SHARE = 0.15, 0.30

# Grades run from 0 (subtle) to 1 (obvious), evenly; these are the measures that they stand for.
CTR_RANGE = (0.515, 0.68)
NODULE_DIAMETER_MM = (10.0, 29.0)
MASS_DIAMETER_MM = (31.0, 80.0)
CONSOLIDATION_RADIUS_MM = (20.0, 62.0)
EFFUSION_HEIGHT_MM = (16.0, 136.0)
PNEUMOTHORAX_GAP_MM = (8.0, 50.0)
THICKENING_MM = (4.0, 16.0)
HERNIA_RADIUS_MM = (20.0, 46.0)
MEDIASTINUM_HALF_WIDTH_MM = (43.0, 66.0)


@dataclass(frozen=True)
class Finding:
    """A finding to be built in.

    Attributes
    ----------
    label : str
        TorchXRayVision's name for it.
    grade : float
        0 (subtle) to 1 (obvious).
    side : int
        RIGHT, LEFT, or 0 for the middle or both.
    x, y : float
        Its middle on the detector in mm.
    size_mm : float
        The measure that its grade stands for: a diameter, radius, height, gap, thickness or width; 0 if it has none.
    """

    label: str
    grade: float
    side: int
    x: float
    y: float
    size_mm: float


@dataclass(frozen=True)
class Chest:
    """A body with its findings: all that a radiograph is computed from."""

    body: Body
    findings: tuple[Finding, ...]

    @property
    def labels(self) -> frozenset[str]:
        """Every label that holds, derived ones included."""
        own = {finding.label for finding in self.findings}
        return frozenset(own | {label for label, parts in DERIVED.items() if parts & own})

    def find(self, label: str) -> Finding | None:
        """The finding of this label, or None."""
        return next((finding for finding in self.findings if finding.label == label), None)

    @property
    def lungs(self) -> tuple[Lung, Lung]:
        """The right and the left lung, with the diaphragm where the findings have put it."""
        flatness, lifts = 1.0, {RIGHT: 0.0, LEFT: 0.0}
        if emphysema := self.find("Emphysema"):
            flatness = 1 - 0.62 * (0.3 + 0.7 * emphysema.grade)
            lifts = dict.fromkeys(SIDES, -(6 + 16 * emphysema.grade))
        if atelectasis := self.find("Atelectasis"):
            lifts[atelectasis.side] += 6 + 20 * atelectasis.grade
        if fibrosis := self.find("Fibrosis"):
            lifts = {side: lift + 4 + 8 * fibrosis.grade for side, lift in lifts.items()}
        right, left = (make_lung(self.body, side, lifts[side], flatness) for side in SIDES)
        return right, left

    @property
    def cardiothoracic_ratio(self) -> float:
        """Transverse diameter of the heart over the greatest inner width of the rib cage."""
        if finding := self.find("Cardiomegaly"):
            return between(CTR_RANGE, finding.grade)
        narrow = 0.02 if self.find("Emphysema") else 0.0
        return self.body.ctr - narrow

    @property
    def heart_width(self) -> float:
        """Transverse diameter of the heart in mm."""
        return self.cardiothoracic_ratio * inner_width(*self.lungs)

    @property
    def heart(self) -> Heart:
        """The heart's shadow."""
        return make_heart(self.body, self.lungs[1], self.heart_width)

    @property
    def middle(self) -> list[Ellipsoid]:
        """Heart, great vessels and mediastinum."""
        widened = self.find("Enlarged Cardiomediastinum")
        half_width = widened.size_mm * self.body.scale if widened else self.body.mediastinum_half_width
        heart = self.heart
        return [heart.left, heart.right, *great_vessels(self.body, heart, half_width)]


def between(limits: tuple[float, float], grade: float) -> float:
    """The measure that a grade stands for."""
    return limits[0] + (limits[1] - limits[0]) * grade


def _in_lung(
    chest: "Chest", lung: Lung, g: np.random.Generator, need: float, low: float, high: float
) -> tuple[float, float]:
    """A point between two shares of the lung's height that has at least `need` mm of aerated lung in the beam.

    What lay behind the heart in full, or in an effusion, would leave no trace on the film.
    """
    top, bottom = lung.apex + 18, lung.dome + 6
    effusion = chest.find("Effusion")
    if effusion and effusion.side == lung.side:
        bottom = min(bottom, effusion.y - effusion.size_mm * 0.3)
    middle = chest.middle
    best, most = (0.0, 0.0), -1.0
    for _ in range(60):
        y = top + (bottom - top) * g.uniform(low, high)
        x = lung.body.midline(y) + lung.side * g.uniform(0.2, 0.97) * lung.body.chest_half_width
        path = lung.path_at(x, y) - max(part.chord_at(x, y) for part in middle)
        if path >= need:
            return float(x), float(y)
        if path > most:
            best, most = (float(x), float(y)), path
    return best


def _costophrenic(lung: Lung) -> float:
    """Y of the lowest point of the lung near its outer border."""
    y = np.arange(lung.dome, lung.dome + 140, 2.0, dtype=np.float32)[:, None]
    mid = lung.body.shift_x + lung.body.lean * y
    x = mid + lung.side * 0.9 * lung.lateral(y)
    inside = lung.path(x, y)[:, 0] > 15
    return float(y[:, 0][inside].max()) if inside.any() else lung.dome + 40.0


type Placer = Callable[["Chest", float, np.random.Generator], Finding]


def _side(g: np.random.Generator) -> int:
    return RIGHT if g.random() < 0.5 else LEFT


def _lesion(label: str, limits: tuple[float, float], need: float, low: float, high: float) -> Placer:
    def place(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
        size = between(limits, grade)
        lung = chest.lungs[0 if _side(g) == RIGHT else 1]
        x, y = _in_lung(chest, lung, g, max(need, size), low, high)
        return Finding(label, grade, lung.side, x, y, size)

    return place


def _effusion(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
    lung = chest.lungs[0 if _side(g) == RIGHT else 1]
    height = between(EFFUSION_HEIGHT_MM, grade**1.2)
    y = _costophrenic(lung) - height / 2
    x = lung.body.midline(y) + lung.side * 0.82 * lung.body.chest_half_width
    return Finding("Effusion", grade, lung.side, float(x), y, height)


def _pneumothorax(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
    lung = chest.lungs[0 if _side(g) == RIGHT else 1]
    gap = between(PNEUMOTHORAX_GAP_MM, grade)
    y = lung.apex + 45.0
    outer = float(lung.lateral(np.full((1, 1), y, np.float32))[0, 0])
    x = lung.body.midline(y) + lung.side * (outer - gap * 0.45)
    return Finding("Pneumothorax", grade, lung.side, float(x), y, gap)


def _thickening(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
    lung = chest.lungs[0 if _side(g) == RIGHT else 1]
    thickness = between(THICKENING_MM, grade)
    y = float(lung.apex + g.uniform(0.25, 0.8) * (lung.dome - lung.apex))
    outer = float(lung.lateral(np.full((1, 1), y, np.float32))[0, 0])
    return Finding("Pleural_Thickening", grade, lung.side, lung.body.midline(y) + lung.side * outer, y, thickness)


def _hernia(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
    radius = between(HERNIA_RADIUS_MM, grade)
    y = chest.lungs[1].dome + 14 - radius * 0.7
    return Finding("Hernia", grade, 0, chest.body.midline(y) + float(g.normal(6, 9)), float(y), radius)


def _middle(label: str, y_offset: float, limits: tuple[float, float]) -> Placer:
    def place(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
        y = chest.body.shift_y + y_offset * chest.body.scale
        size = between(limits, grade)
        return Finding(label, grade, 0, chest.body.midline(y), y, size)

    return place


def _atelectasis(chest: Chest, grade: float, g: np.random.Generator) -> Finding:
    side = _side(g)
    lung = make_lung(chest.body, side, 6 + 20 * grade)
    y = lung.dome - float(g.uniform(8, 45))
    x = lung.body.midline(y) + side * float(g.uniform(0.4, 0.62)) * lung.body.chest_half_width
    return Finding("Atelectasis", grade, side, x, y, 0.0)


PLACERS: dict[str, Placer] = {
    "Emphysema": _middle("Emphysema", -10, (0.0, 0.0)),
    "Fibrosis": _middle("Fibrosis", 40, (0.0, 0.0)),
    "Atelectasis": _atelectasis,
    "Cardiomegaly": _middle("Cardiomegaly", 60, (0.0, 0.0)),
    "Enlarged Cardiomediastinum": _middle("Enlarged Cardiomediastinum", -62, MEDIASTINUM_HALF_WIDTH_MM),
    "Edema": _middle("Edema", -5, (0.0, 0.0)),
    "Effusion": _effusion,
    "Pneumothorax": _pneumothorax,
    "Pleural_Thickening": _thickening,
    "Hernia": _hernia,
    "Consolidation": _lesion("Consolidation", CONSOLIDATION_RADIUS_MM, 70.0, 0.1, 1.0),
    "Nodule": _lesion("Nodule", NODULE_DIAMETER_MM, 45.0, 0.0, 1.0),
    "Mass": _lesion("Mass", MASS_DIAMETER_MM, 60.0, 0.05, 1.0),
}


def _choose(seed: int) -> list[str]:
    g = stream(seed, "which")
    kind = g.random()
    if kind < NORMAL_SHARE:
        return []
    if kind < NORMAL_SHARE + SINGLE_SHARE:
        weights = np.array(list(PREVALENCE.values()))
        return [str(g.choice(list(PREVALENCE), p=weights / weights.sum()))]
    return [label for label, share in PREVALENCE.items() if g.random() < share]


def draw_chest(seed: int, findings: Iterable[str] | Mapping[str, float] | None = None) -> Chest:
    """The phantom of a seed.

    Parameters
    ----------
    seed : int
        Not negative. The same seed gives the same body, whatever findings are asked for.
    findings : iterable of labels, mapping of label to grade, or None
        What to build in; grades are drawn where they are not given. None draws the findings too; an empty
        collection gives a healthy chest.

    Raises
    ------
    ValueError
        A label that the phantom does not build, or a grade outside 0 to 1.
    """
    wanted = _choose(seed) if findings is None else list(findings)
    grades = dict(findings) if isinstance(findings, Mapping) else {}
    for label in wanted:
        if label not in PLACERS:
            raise ValueError(f"the phantom does not build {label!r}; it builds {', '.join(sorted(PLACERS))}")
    for label, grade in grades.items():
        if not 0 <= grade <= 1:
            raise ValueError(f"the grade of {label} is {grade}; grades run from 0 to 1")
    chest = Chest(draw_body(seed), ())
    # In the table's order: what moves the diaphragm comes before what is placed in the lungs.
    for label, place in PLACERS.items():
        if label in wanted:
            g = stream(seed, label)
            drawn = float(g.random())
            finding = place(chest, grades.get(label, drawn), g)
            chest = Chest(chest.body, (*chest.findings, finding))
    return chest

"""What is known about a heart phantom, as JSON types: centrelines, widths, lesions, calcium, Hounsfield units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phantom.heart.anatomy import AORTA, DESCENDING_AORTA, blood
from phantom.heart.heart import ELSEWHERE, ELSEWHERE_DENSITY, Heart
from phantom.heart.scan import Scan, Volume
from phantom.heart.solids import Ellipsoid
from phantom.heart.vessels import Lesion, Name, Vessel, calcium_hu, ostium

SCHEMA = 1
"""Of the JSON; a change of meaning is another number."""

SAMPLE_MM = 0.05
"""Calcium is measured on a grid this fine: within 0.5 % of the true volume."""


@dataclass(frozen=True, slots=True)
class Calcium:
    """A calcification.

    Attributes
    ----------
    place
        The vessel, or a name of `ELSEWHERE`.
    coronary
        Whether it belongs to a coronary artery, and hence to the score.
    centre
        Of the ellipsoid, LPS mm.
    density
        mg/cm3 hydroxyapatite.
    volume_mm3, mass_mg
        Without what the lumen takes away.
    """

    place: str
    coronary: bool
    centre: tuple[float, float, float]
    density: float
    volume_mm3: float

    @property
    def mass_mg(self) -> float:
        """Of hydroxyapatite."""
        return self.volume_mm3 * self.density / 1000

    @property
    def hu(self) -> float:
        """Hounsfield units without blur."""
        return calcium_hu(self.density)


def calcium_of(heart: Heart) -> list[Calcium]:
    """All calcifications of a heart, those of the coronary arteries first."""
    answer = [
        Calcium(
            vessel.name,
            True,
            lesion.calcification.centre,
            lesion.plan.density,
            _volume_mm3(lesion.calcification, heart.vessels),
        )
        for vessel in heart.vessels.values()
        for lesion in vessel.lesions
        if lesion.calcification
    ]
    return answer + [
        Calcium(name, False, ELSEWHERE[name].centre, ELSEWHERE_DENSITY, _volume_mm3(ELSEWHERE[name], heart.vessels))
        for name in heart.elsewhere
    ]


def truth_of(heart: Heart, scan: Scan, volume: Volume | None = None) -> dict[str, Any]:
    """The truth about an image of a heart.

    Parameters
    ----------
    heart, scan, volume
        What was imaged, how, and the image; without an image its grid is left out.

    Returns
    -------
    dict
        JSON types. Places are LPS mm as in DICOM, lengths mm, densities mg/cm3, masses mg.
    """
    calcium = calcium_of(heart)
    return {
        "schema": SCHEMA,
        "seed": heart.seed,
        "coordinates": "DICOM patient coordinate system (LPS), mm",
        "image": {
            "contrast": scan.aorta_hu is not None,
            "noiseHU": scan.noise_hu,
            "psfStandardDeviationMm": {"z": scan.psf_mm[0], "inPlane": scan.psf_mm[1]},
            "grid": None
            if volume is None
            else {
                "slicesRowsColumns": list(volume.grid.shape),
                "spacingMm": list(volume.grid.spacing),
                "firstVoxelMm": _rounded(volume.grid.origin),
            },
        },
        "aorta": {
            "ascending": {
                "hu": blood("aorta", scan.aorta_hu),
                "points": _rounded(AORTA.points),
                "radiiMm": _rounded(AORTA.radii),
            },
            "descending": {
                "hu": blood("descending aorta", scan.aorta_hu),
                "centreXY": list(DESCENDING_AORTA.centre),
                "radiusMm": DESCENDING_AORTA.semi_axes[0],
            },
        },
        "coronaryHU": blood("coronary", scan.aorta_hu),
        "vessels": [_vessel(vessel) for vessel in heart.vessels.values()],
        "calcium": [
            {
                "place": one.place,
                "coronary": one.coronary,
                "centreMm": _rounded(one.centre),
                "density": one.density,
                "hu": one.hu,
                "volumeMm3": round(one.volume_mm3, 3),
                "massMg": round(one.mass_mg, 4),
            }
            for one in calcium
        ],
        "coronaryCalcium": {
            "volumeMm3": round(sum(one.volume_mm3 for one in calcium if one.coronary), 3),
            "massMg": round(sum(one.mass_mg for one in calcium if one.coronary), 4),
        },
    }


def _vessel(vessel: Vessel) -> dict[str, Any]:
    return {
        "name": vessel.name,
        "parent": vessel.parent,
        "lengthMm": round(vessel.length_mm, 3),
        "ostiumMm": None if vessel.parent else _rounded(ostium(vessel)),
        "points": _rounded(vessel.points),
        "radiiMm": _rounded(vessel.radii),
        "healthyRadiiMm": _rounded(vessel.healthy_radii),
        "lesions": [_lesion(vessel, lesion) for lesion in vessel.lesions],
    }


def _lesion(vessel: Vessel, lesion: Lesion) -> dict[str, Any]:
    index, along = lesion.index, vessel.along
    return {
        "index": index,
        "atMm": round(float(along[index]), 3),
        "third": min(int(3 * along[index] / along[-1]), 2),
        "centreMm": _rounded(vessel.points[index]),
        "lengthMm": round(lesion.plan.length_mm, 3),
        "stenosisPercent": round(100 * lesion.plan.stenosis, 3),
        "minimumDiameterMm": round(2 * float(vessel.radii[index]), 4),
        "healthyDiameterMm": round(2 * float(vessel.healthy_radii[index]), 4),
        "density": lesion.plan.density,
    }


def _volume_mm3(solid: Ellipsoid, vessels: Mapping[Name, Vessel]) -> float:
    """Of the part of an ellipsoid that no lumen takes away."""
    least, largest = solid.bounds()
    z, y, x = np.meshgrid(
        *(np.arange(a, b, SAMPLE_MM) for a, b in zip(least[::-1], largest[::-1], strict=True)), indexing="ij"
    )
    inside = solid.at(x, y, z) < 0
    for vessel in vessels.values():
        lumen = vessel.lumen
        # Segments far away need not be asked.
        near = np.linalg.norm(vessel.points - np.array(solid.centre), axis=1) < max(solid.semi_axes) + 4
        for index in np.flatnonzero(near[:-1]):
            inside &= lumen.segment(int(index), x, y, z) > 0
    return float(np.count_nonzero(inside)) * SAMPLE_MM**3


def _rounded(values: Any) -> Any:
    """Micrometres will do, and keep the file small."""
    return np.round(np.asarray(values, dtype=float), 3).tolist()

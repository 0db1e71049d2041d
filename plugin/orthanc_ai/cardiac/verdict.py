"""Verdicts on the series of a study, as values and as JSON."""

from dataclasses import dataclass, field
from typing import Any

from ..codes import Code
from .contrast import Contrast
from .geometry import REFUSING, Geometry
from .phases import Phase
from .roles import Role
from .select import Evidence
from .stack import Stack

LISTED_GAPS = 20
"""Places of missing slices that the JSON names; it has the number of all."""


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """What became of one series.

    Attributes
    ----------
    number
        Series Number.
    instances
        Instances of the series that were judged, images or not.
    accepted
        A cardiac series whose images make a volume.
    role
        What it is good for; ``None`` if it is not accepted.
    score, evidence
        Points for a cardiac series, and where they come from; empty if the series was ruled out before.
    geometry
        ``None`` if the series was ruled out before.
    codes
        What is remarkable, the decisive one first: why the series was not accepted, unless it was.
    invalid
        Keywords of attributes with invalid values, which were taken as missing.
    contrast
        What the header says of contrast, and what the pixels show.
    kernel
        Convolution Kernel of the images to be measured; empty if not stated.
    phase_group
        Series Instance UIDs of series that hold one phase each of one scan, this one among them, in the order of the
        phases; empty if there is none.
    """

    series_instance_uid: str
    number: int | None
    description: str
    instances: int
    accepted: bool
    role: Role | None
    score: int
    evidence: tuple[Evidence, ...]
    geometry: Geometry | None
    codes: tuple[Code, ...]
    invalid: tuple[str, ...]
    contrast: Contrast = field(default_factory=Contrast)
    kernel: str = ""
    phase_group: tuple[str, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether Image Type says that the images are derived."""
        return Code.DERIVED in self.codes

    @property
    def decisive(self) -> Code | None:
        """Why the series was not accepted; ``None`` if it was."""
        return None if self.accepted else self.codes[0]

    @property
    def phases(self) -> tuple[tuple[Phase, int], ...]:
        """The known cardiac phases, each with its number of images."""
        return tuple((stack.phase, len(stack.headers)) for stack in self._stacks if stack.phase)

    @property
    def _stacks(self) -> tuple[Stack, ...]:
        return self.geometry.stacks if self.geometry else ()

    def to_json(self) -> dict[str, Any]:
        """The verdict in JSON types; what does not apply is left out or ``null``."""
        answer: dict[str, Any] = {
            "seriesInstanceUID": self.series_instance_uid,
            "number": self.number,
            "description": self.description,
            "instances": self.instances,
            "accepted": self.accepted,
            "role": None if self.role is None else str(self.role),
            "score": self.score,
            "evidence": [
                {"code": str(one.code), "points": one.points, "attribute": one.attribute, "value": one.value}
                for one in self.evidence
            ],
            "phases": [_phase_json(stack, stack.phase) for stack in self._stacks if stack.phase],
            "convolutionKernel": self.kernel,
            "derived": self.derived,
            "contrast": self.contrast.to_json(),
            "codes": [str(code) for code in self.codes],
        }
        if self.invalid:
            answer["invalidAttributes"] = list(self.invalid)
        if self.phase_group:
            answer["phaseGroup"] = list(self.phase_group)
        if self.geometry and self.geometry.best:
            answer["geometry"] = _stack_json(self.geometry.best, self.geometry)
        return answer


@dataclass(frozen=True, slots=True)
class StudyVerdict:
    """What became of the series of one study.

    Attributes
    ----------
    series
        The CT series, by their numbers.
    others
        How many series of other modalities there are: images of other kinds, reports, presentation states.
    """

    series: tuple[SeriesVerdict, ...]
    others: int

    @property
    def cardiac(self) -> bool:
        """Whether at least one series is accepted."""
        return any(series.accepted for series in self.series)

    @property
    def phase_groups(self) -> tuple[tuple[str, ...], ...]:
        """Series Instance UIDs of series that together hold the phases of one scan, one phase each."""
        return tuple(dict.fromkeys(series.phase_group for series in self.series if series.phase_group))

    def to_json(self) -> dict[str, Any]:
        """The verdict in JSON types."""
        return {
            "cardiac": self.cardiac,
            "series": [series.to_json() for series in self.series],
            "phaseGroups": [list(group) for group in self.phase_groups],
            "otherSeries": self.others,
        }


def _phase_json(stack: Stack, phase: Phase) -> dict[str, Any]:
    return {
        "label": phase.label,
        "source": str(phase.source),
        "value": phase.value,
        "unit": phase.unit,
        "images": len(stack.headers),
        "sound": REFUSING.isdisjoint(stack.codes),
    }


def _stack_json(stack: Stack, geometry: Geometry) -> dict[str, Any]:
    """The stack to be measured. Lengths in mm to a micrometre, angles in degrees to a hundredth."""
    return {
        "slices": len(stack.headers),
        "spacingMm": None if stack.spacing_mm is None else round(stack.spacing_mm, 3),
        "pixelSpacingMm": [round(spacing, 4) for spacing in stack.pixel_spacing_mm],
        "rows": stack.rows,
        "columns": stack.columns,
        "thicknessMm": stack.thickness_mm,
        "coverageMm": None if stack.coverage_mm is None else round(stack.coverage_mm, 2),
        "tiltDeg": round(stack.tilt_deg, 2),
        "gantryTiltTagDeg": geometry.gantry_tilt_deg,
        "missing": stack.missing,
        "gaps": [
            {"after": gap.after, "before": gap.before, "positionMm": round(gap.position_mm, 3), "slices": gap.slices}
            for gap in stack.gaps[:LISTED_GAPS]
        ],
        "leftOut": geometry.left_out,
    }

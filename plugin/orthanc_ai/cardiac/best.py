"""The best series for each role, of a study or of a patient, and why the others come after it.

Series are compared by one criterion after the other; the first in which two differ decides. What is compared stands in the
verdicts, so nothing has to be judged again.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from ..codes import Code
from .kernels import sharpness
from .roles import Role

DIASTOLE = (70.0, 78.0)
"""Percent of the R-R interval at which the heart rests longest, unless it beats fast."""

END_OF_SYSTOLE = 50.0
"""From this percentage on, the heart fills."""

CALCIUM_SCORING_MM = 3.0
"""Slice thickness for which the Agatston score is defined (Agatston 1990)."""

THICKNESS_STEP_MM = 0.05
"""Thicknesses are compared in such steps: 0.60 and 0.61 mm are the same, 0.6 and 0.75 mm are not."""

COVERAGE_STEP_MM = 5.0
"""Coverages are compared in such steps: a slice or two at the ends decide nothing."""

_BEST_DIASTOLE = re.compile(r"\bbest\W?dia", re.IGNORECASE)
_BEST_SYSTOLE = re.compile(r"\bbest\W?sys", re.IGNORECASE)


class _Stored(BaseModel):
    """A part of a verdict's JSON; what else stands there is of no interest here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class _Phase(_Stored):
    label: str
    value: FiniteFloat = 0.0
    unit: str = ""
    sound: bool = True


class _Contrast(_Stored):
    seen: Literal["YES", "NO", "UNCERTAIN"] | None = None


class _Geometry(_Stored):
    thickness_mm: FiniteFloat | None = None
    spacing_mm: FiniteFloat | None = None
    coverage_mm: FiniteFloat | None = None


class _Verdict(_Stored):
    number: int | None = None
    description: str = ""
    accepted: bool
    role: Role | None = None
    phases: tuple[_Phase, ...] = ()
    phase_group: tuple[str, ...] = ()
    convolution_kernel: str = ""
    derived: bool = False
    contrast: _Contrast = _Contrast()
    codes: tuple[str, ...] = ()
    geometry: _Geometry = _Geometry()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An accepted series.

    Attributes
    ----------
    study_instance_uid, series_instance_uid
        Which series.
    verdict
        What is compared, of the verdict on it.
    """

    study_instance_uid: str
    series_instance_uid: str
    verdict: _Verdict

    @classmethod
    def of(cls, study_instance_uid: str, series_instance_uid: str, verdict: Mapping[str, Any]) -> "Candidate | None":
        """A candidate by its verdict's JSON (`SeriesVerdict.to_json`); ``None`` if it is not accepted, or spoiled."""
        try:
            read = _Verdict.model_validate(verdict)
        except ValidationError:
            return None
        return cls(study_instance_uid, series_instance_uid, read) if read.accepted and read.role else None

    @property
    def phase(self) -> str:
        """Label of its phase that is to be read for the coronary arteries; empty if it has none."""
        return _best_phase(self.verdict)[2]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What series are compared by.

    Attributes
    ----------
    name
        For programs and people.
    rank
        The less, the better.
    value
        What stands there, for people.
    """

    name: str
    rank: Callable[[_Verdict], float | tuple[float, ...]]
    value: Callable[[_Verdict], str]


@dataclass(frozen=True, slots=True)
class Place:
    """A series' place among those of one role.

    Attributes
    ----------
    values
        By criterion.
    behind
        The criterion by which it comes after the best; ``None`` for the best, ``"SeriesInstanceUID"`` if they differ in
        nothing else.
    """

    candidate: Candidate
    values: Mapping[str, str]
    behind: str | None


def best_series(candidates: Iterable[Candidate]) -> dict[Role, list[Place]]:
    """The series of each role, the best first; roles without any are left out.

    The order of the candidates does not matter.
    """
    by_role: dict[Role, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.verdict.role:
            by_role.setdefault(candidate.verdict.role, []).append(candidate)
    return {role: _places(by_role[role], CRITERIA[role]) for role in Role if role in by_role}


def best_of_study(verdicts: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Series Instance UIDs of the best series of one study, one for each role.

    Parameters
    ----------
    verdicts
        Those on its series, as JSON, by Series Instance UID.
    """
    candidates = (Candidate.of("", series, verdict) for series, verdict in verdicts.items())
    return frozenset(
        places[0].candidate.series_instance_uid for places in best_series(filter(None, candidates)).values()
    )


def _places(candidates: list[Candidate], criteria: tuple[Criterion, ...]) -> list[Place]:
    def ranks(one: Candidate) -> tuple[tuple[float | tuple[float, ...], ...], str, str]:
        return (
            tuple(criterion.rank(one.verdict) for criterion in criteria),
            one.series_instance_uid,
            one.study_instance_uid,
        )

    ordered = sorted(candidates, key=ranks)
    first = ranks(ordered[0])[0]

    def behind(one: Candidate) -> str | None:
        if one is ordered[0]:
            return None
        differ = (
            criterion.name for criterion, own, best in zip(criteria, ranks(one)[0], first, strict=True) if own != best
        )
        return next(differ, "SeriesInstanceUID")

    return [
        Place(one, {criterion.name: criterion.value(one.verdict) for criterion in criteria}, behind(one))
        for one in ordered
    ]


# The criteria


def _is_lossy(verdict: _Verdict) -> bool:
    return Code.LOSSY_COMPRESSION in verdict.codes


def _best_phase(verdict: _Verdict) -> tuple[int, float, str]:
    """Class of the phase (diastole, systole at rest, another), its distance from mid-diastole in percent, and its label."""
    phases = [phase for phase in verdict.phases if phase.sound] or verdict.phases
    diastole, systole = _BEST_DIASTOLE.search(verdict.description), _BEST_SYSTOLE.search(verdict.description)
    found = []
    for phase in phases:
        percent = phase.unit == "%"
        distance = max(DIASTOLE[0] - phase.value, phase.value - DIASTOLE[1], 0.0) if percent else math.inf
        if diastole:
            # The scanner has looked for it.
            found.append((0, 0.0, phase.label))
        elif systole:
            found.append((1, 0.0, phase.label))
        else:
            found.append((0 if percent and phase.value >= END_OF_SYSTOLE else 2, distance, phase.label))
    if not found:
        return (0 if diastole else 1 if systole else 2), 0.0 if diastole or systole else math.inf, ""
    return min(found)


def _phase_value(verdict: _Verdict) -> str:
    kind, _, label = _best_phase(verdict)
    meaning = ("diastole", "best systole", "neither diastole nor best systole" if label else "not known")[kind]
    return f"{label} ({meaning})" if label else meaning


def _thickness(verdict: _Verdict) -> float:
    thickness = verdict.geometry.thickness_mm or verdict.geometry.spacing_mm
    return math.inf if thickness is None else thickness


def _steps(value: float, step: float) -> float:
    steps = value / step  # infinite also for what a hostile header calls a thickness
    return steps if math.isinf(steps) else float(round(steps))


def _phases(verdict: _Verdict) -> int:
    return max(len(verdict.phase_group), len(verdict.phases))


def _millimeters(value: float | None) -> str:
    return "not known" if value is None or math.isinf(value) else f"{value:g} mm"


_SEEN = {"YES": "seen in the pixels", "NO": "not seen in the pixels", "UNCERTAIN": "uncertain", None: "not looked for"}
_WITH = {"YES": 0, "UNCERTAIN": 1, None: 1, "NO": 2}
_WITHOUT = {"NO": 0, "UNCERTAIN": 1, None: 1, "YES": 2}

COMPRESSION = Criterion("compression", _is_lossy, lambda one: "with loss" if _is_lossy(one) else "without loss")
CONTRAST = Criterion("contrast", lambda one: _WITH[one.contrast.seen], lambda one: _SEEN[one.contrast.seen])
NO_CONTRAST = Criterion("contrast", lambda one: _WITHOUT[one.contrast.seen], lambda one: _SEEN[one.contrast.seen])
PHASE = Criterion("phase", lambda one: _best_phase(one)[:2], _phase_value)
PHASES = Criterion("phases", lambda one: -_phases(one), lambda one: str(_phases(one)))
KERNEL = Criterion(
    "kernel",
    lambda one: sharpness(one.convolution_kernel),
    lambda one: f"{one.convolution_kernel or 'not stated'} ({sharpness(one.convolution_kernel).word})",
)
THIN = Criterion(
    "thickness", lambda one: _steps(_thickness(one), THICKNESS_STEP_MM), lambda one: _millimeters(_thickness(one))
)
LIKE_AGATSTON = Criterion(
    "thickness",
    lambda one: _steps(abs(_thickness(one) - CALCIUM_SCORING_MM), THICKNESS_STEP_MM),
    lambda one: _millimeters(_thickness(one)),
)
COVERAGE = Criterion(
    "coverage",
    lambda one: -_steps(one.geometry.coverage_mm or 0.0, COVERAGE_STEP_MM),
    lambda one: _millimeters(one.geometry.coverage_mm),
)
ORIGINAL = Criterion("original", lambda one: one.derived, lambda one: "derived" if one.derived else "original")

_ANGIOGRAPHY = (COMPRESSION, CONTRAST, PHASE, KERNEL, THIN, COVERAGE, ORIGINAL)

CRITERIA: Mapping[Role, tuple[Criterion, ...]] = {
    Role.CAC: (COMPRESSION, NO_CONTRAST, KERNEL, LIKE_AGATSTON, COVERAGE, ORIGINAL),
    Role.CCTA: _ANGIOGRAPHY,
    Role.FUNCTIONAL_MULTIPHASE: (COMPRESSION, CONTRAST, PHASES, KERNEL, THIN, COVERAGE, ORIGINAL),
    Role.CARDIAC_THIN_UNSURE: _ANGIOGRAPHY,
    Role.CARDIAC_OTHER: _ANGIOGRAPHY,
}
"""In which order series of a role are compared. Phase, kernel, thickness, coverage and originality are those of the
coronary arteries; a score of calcium wants slices of 3 mm without contrast, function as many phases as there are."""

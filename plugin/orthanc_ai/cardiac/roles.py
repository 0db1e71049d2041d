"""What an accepted cardiac series is good for."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from ..codes import Code
from .contrast import Contrast, Seen
from .words import Words, says

CALCIUM_SCORING_MM = (2.4, 3.05)
"""Slice thickness of calcium scoring: 2.5 or 3 mm by all vendors, written with little error."""

CORONARY_LIMIT_MM = 1.0
"""Coronary arteries are 2 to 4 mm wide; thicker slices do not show their lumen."""

UNSURE_LIMIT_MM = 1.6

MULTIPHASE_PHASES = 4
"""From so many phases on, a series shows motion and not only the two phases of best rest."""

WHOLE_HEART_MM = 90.0
"""A heart with the roots of its vessels is seldom shorter."""


class Role(StrEnum):
    """The use of a cardiac series."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        """Make a member out of its name and what it means."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member

    CAC = "CAC", "Scan for calcium scoring: without contrast, in slices of about 3 mm."
    CCTA = "CCTA", "Thin slices of one or a few phases, fit for reading the coronary arteries."
    FUNCTIONAL_MULTIPHASE = "FUNCTIONAL_MULTIPHASE", "Several phases of the heart cycle, for cardiac function."
    CARDIAC_THIN_UNSURE = "CARDIAC_THIN_UNSURE", "Slices of 1.0 to 1.6 mm, rather thick for the coronary arteries."
    CARDIAC_OTHER = "CARDIAC_OTHER", "Another cardiac series: too thick for the coronary arteries, or without contrast."


def has_contrast(agent: str, words: Words) -> bool:
    """Whether Contrast/Bolus Agent (0018,0010) says that contrast was given. Its absence says nothing."""
    return bool(agent) and not says(words.no_contrast, agent)


_SEEN: Mapping[Seen | None, Code] = {
    # Contrast/Bolus Agent is missing in real coronary CT angiograms: only the pixels know.
    None: Code.CONFIRM_CONTRAST_BY_PIXELS,
    Seen.YES: Code.CONTRAST_BY_PIXELS,
    Seen.NO: Code.NO_CONTRAST_BY_PIXELS,
    Seen.UNCERTAIN: Code.CONTRAST_UNCERTAIN,
}


def role_of(
    description: str, thickness_mm: float | None, phases: int, contrast: Contrast, words: Words
) -> tuple[Role, tuple[Code, ...]]:
    """The role of a series whose geometry is sound, and what to keep in mind about it.

    Parameters
    ----------
    description
        Series Description. Protocol and study are named after the whole examination, so they tell nothing here.
    thickness_mm
        Slice thickness, or the step between slices if it is not stated.
    phases
        Number of phases in the series, at least 1.
    contrast
        What the header says of it, and what the pixels show: no calcium is scored in a scan with contrast, and no
        coronary artery read in one without.
    """
    codes = [Code.CONTRAST_TAG] if contrast.stated else []
    thickness = thickness_mm or 0.0
    calcium, angiography = says(words.calcium, description), says(words.angiography, description)
    without = contrast.seen is Seen.NO
    by_thickness = (
        CALCIUM_SCORING_MM[0] <= thickness <= CALCIUM_SCORING_MM[1]
        and not contrast.given
        and (without or not angiography)
    )
    if calcium and contrast.seen is not Seen.YES:
        role = Role.CAC
    elif phases >= MULTIPHASE_PHASES:
        role = Role.FUNCTIONAL_MULTIPHASE
    elif by_thickness:
        role = Role.CAC
    elif without:
        role = Role.CARDIAC_OTHER
    elif thickness <= CORONARY_LIMIT_MM:
        role = Role.CCTA
    elif thickness <= UNSURE_LIMIT_MM:
        role = Role.CARDIAC_THIN_UNSURE
        codes.append(Code.THICK_FOR_CCTA)
    else:
        role = Role.CARDIAC_OTHER
        codes.append(Code.TOO_THICK_FOR_CCTA)
    codes.append(_SEEN[contrast.seen])
    if contrast.fault:
        codes.append(contrast.fault)
    if (without and (contrast.stated or angiography)) or (contrast.seen is Seen.YES and calcium):
        codes.append(Code.CONTRAST_DISAGREES)
    return role, tuple(codes)

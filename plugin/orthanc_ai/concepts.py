"""Coded concepts and the findings that a model reports with them."""

from dataclasses import dataclass
from typing import NamedTuple


class Concept(NamedTuple):
    """A coded concept as DICOM writes it (PS3.3 section 8.8): code value, coding scheme designator, code meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One output of a model for one image.

    Attributes
    ----------
    label
        The model's own name of the output, e.g. ``"Pleural_Thickening"``.
    concept, site
        What was looked for, and where in the body.
    score
        The model's output, 0 to 1. Not a calibrated probability.
    threshold
        The score from which on the finding counts as present, 0 to 1.
    presence
        ``True``, ``False``, or ``None`` where the score decides nothing: within the undetermined band around the
        threshold, or always with a demonstration model.
    """

    label: str
    concept: Concept
    site: Concept
    score: float
    threshold: float
    presence: bool | None

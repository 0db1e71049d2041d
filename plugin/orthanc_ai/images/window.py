"""A window: which values are of interest (PS3.3 section C.11.2.1.2). Pure, since the server process checks requests with it."""

import math
from dataclasses import dataclass

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
"""Defined terms of VOI LUT Function (0028,1056)."""


@dataclass(frozen=True, slots=True)
class Window:
    """Window Center and Window Width.

    Attributes
    ----------
    center, width
        In values after the modality transformation, e.g. HU.
    function
        VOI LUT Function: ``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID``.
    explanation
        Window Center & Width Explanation (0028,1055); empty if there is none.

    Raises
    ------
    ValueError
        If the function is none of them, or not defined for this width.
    """

    center: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""

    def __post_init__(self) -> None:
        """Refuse what the standard does not define."""
        wide_enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        finite = math.isfinite(self.center) and math.isfinite(self.width)
        if self.function not in FUNCTIONS or not wide_enough or not finite:
            raise ValueError(f"VOI LUT Function {self.function} with Window Width {self.width} is not defined")

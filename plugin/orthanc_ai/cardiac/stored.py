"""A series' verdict read back from the JSON of its outcome, for those who tell people about it.

The JSON stands in Orthanc's metadata, where others may have edited it, and is written by other versions of the rules as
well: members that are not known are left alone, and what is of the wrong type is an error.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from ..codes import Code
from .roles import Role


class VerdictError(ValueError):
    """A text is not the verdict on a series."""


class _Stored(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class StoredEvidence(_Stored):
    """One thing that speaks for or against a cardiac series."""

    code: Code
    points: int
    attribute: str
    """Keyword of the DICOM attribute."""
    value: str


class StoredPhase(_Stored):
    """A cardiac phase."""

    label: str
    source: str
    """Keyword of the attribute that tells it; ``InstanceNumber`` if none does."""
    images: int
    sound: bool = True
    """Whether its slices make a volume."""


class StoredGap(_Stored):
    """Slices that are missing between two neighbours; see `stack.Gap`."""

    after: int | None = None
    before: int | None = None
    position_mm: FiniteFloat
    slices: int


class StoredGeometry(_Stored):
    """The stack to be measured; see `stack.Stack`."""

    slices: int
    spacing_mm: FiniteFloat | None = None
    pixel_spacing_mm: tuple[FiniteFloat, ...] = ()
    rows: int | None = None
    columns: int | None = None
    thickness_mm: FiniteFloat | None = None
    coverage_mm: FiniteFloat | None = None
    tilt_deg: FiniteFloat = 0.0
    gantry_tilt_tag_deg: FiniteFloat | None = None
    missing: int = 0
    gaps: tuple[StoredGap, ...] = ()
    """The first of them; `missing` counts all slices."""
    left_out: int = 0


class StoredContrast(_Stored):
    """What is known of contrast."""

    stated: bool = False
    """The header says that it was given."""
    seen: str | None = None
    """What the pixels show: ``YES``, ``NO``, ``UNCERTAIN``; ``None`` if they were not looked at."""
    blood_hu: FiniteFloat | None = None
    """Hounsfield units of the blood."""


class StoredVerdict(_Stored):
    """What became of one series; see `verdict.SeriesVerdict`."""

    number: int | None = None
    description: str = ""
    instances: int = 0
    accepted: bool
    role: Role | None = None
    score: int = 0
    evidence: tuple[StoredEvidence, ...] = ()
    phases: tuple[StoredPhase, ...] = ()
    phase_group: tuple[str, ...] = ()
    """Series Instance UIDs of the series that hold one phase each of one scan, if there are any."""
    convolution_kernel: str = ""
    codes: tuple[Code, ...] = ()
    contrast: StoredContrast = StoredContrast()
    geometry: StoredGeometry | None = None

    @property
    def decisive(self) -> Code | None:
        """Why the series was not accepted; ``None`` if it was."""
        return self.codes[0] if self.codes and not self.accepted else None


def read_verdict(data: Mapping[str, Any]) -> StoredVerdict:
    """Read a verdict.

    Raises
    ------
    VerdictError
        If it is none.
    """
    try:
        return StoredVerdict.model_validate(data)
    except ValidationError as error:
        # Not its message, which quotes what it found: descriptions may name a patient.
        raise VerdictError(f"{error.error_count()} members of the verdict are not what they should be") from None

"""Verdicts on CT series as the index has them, read with care: whoever may write to Orthanc may edit them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError
from pydantic.alias_generators import to_camel

from ..cardiac.patients import QUARANTINE
from ..cardiac.roles import Role
from ..codes import Code
from ..outcomes import Outcome
from .views import CodeView, View


class _Stored(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class StoredEvidence(_Stored):
    """One thing that speaks for or against the heart."""

    code: str
    points: int
    attribute: str = ""
    value: str = ""


class StoredPhase(_Stored):
    """One cardiac phase."""

    label: str


class StoredGeometry(_Stored):
    """The volume that the images make."""

    slices: int | None = None
    spacing_mm: FiniteFloat | None = None
    thickness_mm: FiniteFloat | None = None
    coverage_mm: FiniteFloat | None = None


class StoredVerdict(_Stored):
    """The parts of a verdict on a series that answers name one by one."""

    number: int | None = None
    description: str = ""
    instances: int = 0
    accepted: bool
    role: Role | None = None
    score: int = 0
    evidence: tuple[StoredEvidence, ...] = ()
    phases: tuple[StoredPhase, ...] = ()
    convolution_kernel: str = ""
    codes: tuple[str, ...] = ()
    geometry: StoredGeometry = StoredGeometry()

    @classmethod
    def of(cls, outcome: Outcome) -> "StoredVerdict | None":
        """The verdict in a series' outcome; ``None`` if there is none, or one that somebody has spoiled."""
        try:
            return cls.model_validate(outcome.data)
        except ValidationError:
            return None


class EvidenceView(View):
    """One thing that speaks for or against the heart."""

    code: Code
    sentence: str
    points: int
    attribute: str
    """DICOM keyword."""
    value: str
    """What stands there."""


class RoleView(View):
    """What an accepted series is for."""

    role: Role
    sentence: str

    @classmethod
    def of(cls, role: Role) -> "RoleView":
        """The role as an answer has it."""
        return cls(role=role, sentence=role.sentence)


def code_views(codes: tuple[str, ...]) -> list[CodeView]:
    """Codes with their sentences; those that this version does not know are left out."""
    return [CodeView.of(Code(code)) for code in codes if code in _KNOWN]


def evidence_views(evidence: tuple[StoredEvidence, ...]) -> list[EvidenceView]:
    """Evidence with its sentences."""
    return [
        EvidenceView(
            code=Code(one.code),
            sentence=Code(one.code).sentence,
            points=one.points,
            attribute=one.attribute,
            value=one.value,
        )
        for one in evidence
        if one.code in _KNOWN
    ]


def quarantine_of(outcome: Outcome | None) -> Code | None:
    """Why a study stands for no patient, by its outcome; ``None`` if it does, or has none."""
    return next((note for note in outcome.notes if note in QUARANTINE), None) if outcome else None


def raw(outcome: Outcome) -> dict[str, Any]:
    """The whole verdict as the rules gave it."""
    return dict(outcome.data)


_KNOWN = frozenset(map(str, Code))

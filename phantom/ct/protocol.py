"""`Protocol`: how a series is acquired and described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydicom import Dataset

Kind = Literal["ccta", "calcium_score", "multiphase", "chest", "head", "localizer"]

Picture = Literal["thorax", "calcified", "head", "projection", "page"]
"""What the images show; "calcified" is a thorax with calcium in a coronary artery, "page" is text."""

Plane = Literal["axial", "coronal", "sagittal"]

RR_MS = 968
"""R-R interval of the phantoms' heart: 62 beats a minute."""

Gate = Callable[[Dataset, float], None]
"""Writes a phase, in percent of the R-R interval, into an image."""


def gated(image: Dataset, phase: float) -> None:
    """All that a header may say about a phase; newer scanners write the percentage, Siemens the scan options."""
    image.NominalPercentageOfCardiacPhase = phase
    image.CardiacSynchronizationTechnique = "PROSPECTIVE"
    image.HeartRate = round(60_000 / RR_MS)
    image.ScanOptions = f"TP{phase:.0f}PC{RR_MS:04d}"


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a series is acquired and described. Lengths in mm, phases in percent of the R-R interval.

    Attributes
    ----------
    slices, step, thickness
        Positions of each phase, their distance, and what Slice Thickness says.
    contrast
        Blood is bright.
    gate
        How a phase is written.
    plane
        Of the images; all but axial ones are reformats.
    one_place
        All images lie at one position, as those that watch for the contrast.
    attributes
        Further attributes of each image by keyword; ``None`` removes one.
    """

    description: str
    study_description: str
    protocol: str
    body_part: str
    image_type: tuple[str, ...]
    kernel: str
    slices: int
    step: float
    thickness: float
    field_of_view: float
    phases: tuple[float, ...] = ()
    contrast: bool = False
    number: int = 1
    kvp: int = 120
    picture: Picture = "thorax"
    gate: Gate = gated
    plane: Plane = "axial"
    one_place: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI")
SEQUENTIAL = ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SEQ")
CARDIAC = "Cardiac^02_CoronaryCTARoutine (Adult)"

PROTOCOLS: Mapping[Kind, Protocol] = {
    "ccta": Protocol(
        "CorCTA  0.6  Bv40  3  BestDiast 75 %",
        CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        AXIAL,
        "Bv40d",
        slices=200,
        step=0.5,
        thickness=0.6,
        field_of_view=200,
        phases=(75,),
        contrast=True,
        number=5,
        kvp=100,
    ),
    "calcium_score": Protocol(
        "CaScSeq  3.0  Qr36  70 %",
        CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        SEQUENTIAL,
        "Qr36d",
        slices=40,
        step=3.0,
        thickness=3.0,
        field_of_view=200,
        phases=(70,),
        number=3,
        picture="calcified",
    ),
    "multiphase": Protocol(
        "DS_CorCTA  3.0  Bv40  3  0 - 80 %",
        CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        AXIAL,
        "Bv40d",
        slices=31,
        step=3.0,
        thickness=3.0,
        field_of_view=200,
        phases=(0, 20, 40, 60, 80),
        contrast=True,
        number=7,
        kvp=100,
    ),
    "chest": Protocol(
        "Thorax  5.0  Br40",
        "Thorax^Routine (Adult)",
        "ThoraxRoutine",
        "CHEST",
        AXIAL,
        "Br40d",
        slices=50,
        step=5.0,
        thickness=5.0,
        field_of_view=380,
        number=2,
    ),
    "head": Protocol(
        "Head  5.0  Hr40",
        "Head^HeadSeq (Adult)",
        "HeadSeq",
        "HEAD",
        SEQUENTIAL,
        "Hr40s",
        slices=28,
        step=5.0,
        thickness=5.0,
        field_of_view=250,
        number=2,
        picture="head",
    ),
    "localizer": Protocol(
        "Topogram  1.0  Tr20",
        CARDIAC,
        "02_CoronaryCTARoutine",
        "HEART",
        ("ORIGINAL", "PRIMARY", "LOCALIZER", "CT_SOM5 TOP"),
        "Tr20f",
        slices=1,
        step=1.0,
        thickness=0.6,
        field_of_view=512,
        number=1,
        picture="projection",
        plane="coronal",
    ),
}
"""Described as real scanners do; see docs/cardiac-ct.md for what the words mean."""

"""GE: Nominal Percentage of Cardiac Phase, one series for each phase, SmartScore and SnapShot."""

from collections.abc import Mapping
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from phantom.ct.protocol import RR_MS, Protocol


def gate(image: Dataset, phase: float) -> None:
    """The percentage as an attribute of its own, and the time after the R wave."""
    image.NominalPercentageOfCardiacPhase = phase
    image.TriggerTime = round(phase * RR_MS / 100)
    image.HeartRate = round(60_000 / RR_MS)


_SCANNER = {
    "Manufacturer": "GE MEDICAL SYSTEMS",
    "ManufacturerModelName": "Revolution CT",
    "AnatomicRegionSequence": None,
    "ScanOptions": "CINE MODE",
}

_ANGIOGRAM = Protocol(
    "SnapShot Segment 75%",
    "CTA CORONARY",
    "10.1 Cardiac SnapShot Pulse",
    "CHEST",
    ("ORIGINAL", "PRIMARY", "AXIAL"),
    "STANDARD",
    slices=160,
    step=0.625,
    thickness=0.625,
    field_of_view=220,
    phases=(75,),
    contrast=True,
    number=4,
    kvp=100,
    gate=gate,
    attributes={**_SCANNER, "ContrastBolusAgent": "OMNI 350"},
)

EXAMINATION: Mapping[str, Protocol] = {
    "scout": replace(
        _ANGIOGRAM,
        description="Scout",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        slices=2,
        step=1.0,
        field_of_view=500,
        phases=(),
        contrast=False,
        number=1,
        picture="projection",
        plane="coronal",
        attributes={**_SCANNER, "ScanOptions": "SCOUT MODE"},
    ),
    "smartscore": replace(
        _ANGIOGRAM,
        description="SMART SCORE FOV",
        slices=48,
        step=2.5,
        thickness=2.5,
        phases=(70,),
        contrast=False,
        number=2,
        kvp=120,
        picture="calcified",
        attributes=_SCANNER,
    ),
    "smartprep": replace(
        _ANGIOGRAM,
        description="SmartPrep Series",
        slices=14,
        step=5.0,
        thickness=5.0,
        phases=(),
        number=3,
        one_place=True,
        attributes={**_SCANNER, "ScanOptions": "AXIAL MODE"},
    ),
    "snapshot": _ANGIOGRAM,
    "asir": replace(_ANGIOGRAM, description="SnapShot Pulse ASiR-V 50%", phases=(76,), number=5),
    # Motion corrected, hence derived; still axial slices.
    "freeze": replace(
        _ANGIOGRAM,
        description="SnapShot Freeze 75%",
        image_type=("DERIVED", "PRIMARY", "AXIAL"),
        number=400,
    ),
    **{
        f"phase {phase}": replace(
            _ANGIOGRAM,
            description=f"CTA CORONARY {phase}%",
            slices=80,
            step=1.25,
            thickness=1.25,
            phases=(phase,),
            number=20 + phase // 10,
        )
        for phase in range(0, 100, 10)
    },
    "functional": replace(
        _ANGIOGRAM,
        description="CTA CORONARY 0-90%",
        slices=75,
        step=1.25,
        thickness=1.25,
        phases=tuple(range(0, 100, 10)),
        number=30,
    ),
    "dose report": replace(
        _ANGIOGRAM,
        description="Dose Report",
        image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"),
        slices=1,
        phases=(),
        number=999,
        picture="page",
        attributes={**_SCANNER, "SOPClassUID": SecondaryCaptureImageStorage, "ScanOptions": None},
    ),
    "reformat": replace(
        _ANGIOGRAM,
        description="Processed Images",
        image_type=("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"),
        slices=20,
        step=2.0,
        thickness=2.0,
        number=500,
        plane="coronal",
    ),
}

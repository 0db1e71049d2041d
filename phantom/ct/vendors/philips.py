"""Philips: Trigger Time, SURVIEW and locator, an exam summary with modality CT that is a secondary capture."""

from collections.abc import Mapping
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from phantom.ct.protocol import RR_MS, Protocol


def gate(image: Dataset, phase: float) -> None:
    """The time after the R wave; the percentage stands in the description if anywhere."""
    image.TriggerTime = round(phase * RR_MS / 100)


_SCANNER = {
    "Manufacturer": "Philips",
    "ManufacturerModelName": "Brilliance 64",
    "AnatomicRegionSequence": None,
    "ContrastBolusAgent": None,
    "ScanOptions": "HELIX",
}

_ANGIOGRAM = Protocol(
    "Coronary CTA 75%",
    "CT Heart",
    "Retrospective Coronary CTA",
    "HEART",
    ("ORIGINAL", "PRIMARY", "AXIAL", "HELIX"),
    "XCB",
    slices=220,
    step=0.45,
    thickness=0.9,
    field_of_view=220,
    phases=(75,),
    contrast=True,
    number=5,
    gate=gate,
    attributes=_SCANNER,
)

EXAMINATION: Mapping[str, Protocol] = {
    "surview": replace(
        _ANGIOGRAM,
        description="Surview",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        slices=1,
        step=1.0,
        field_of_view=500,
        phases=(),
        contrast=False,
        number=1,
        picture="projection",
        plane="sagittal",
        attributes={**_SCANNER, "ScanOptions": "SURVIEW"},
    ),
    "calcium": replace(
        _ANGIOGRAM,
        description="Cardiac 3.0",
        protocol="Calcium Scoring Prospective",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "AXIAL"),
        kernel="XCA",
        slices=44,
        step=2.5,
        thickness=2.5,
        contrast=False,
        number=2,
        picture="calcified",
        attributes={**_SCANNER, "ScanOptions": "AXIAL"},
    ),
    "locator": replace(
        _ANGIOGRAM,
        description="Locator",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "AXIAL"),
        slices=1,
        step=10.0,
        thickness=10.0,
        phases=(),
        contrast=False,
        number=3,
        one_place=True,
        attributes={**_SCANNER, "ScanOptions": "AXIAL"},
    ),
    "tracker": replace(
        _ANGIOGRAM,
        description="Tracker",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "AXIAL"),
        slices=15,
        step=10.0,
        thickness=10.0,
        phases=(),
        number=4,
        one_place=True,
        attributes={**_SCANNER, "ScanOptions": "AXIAL"},
    ),
    "angiogram": _ANGIOGRAM,
    # Ten phases in one series; nothing but the trigger time tells them apart.
    "functional": replace(
        _ANGIOGRAM,
        description="Multi Phase, iDose (4)",
        slices=75,
        step=1.25,
        thickness=2.5,
        phases=tuple(range(0, 100, 10)),
        number=6,
    ),
    "exam summary": replace(
        _ANGIOGRAM,
        description="Exam Summary",
        image_type=("DERIVED", "SECONDARY", "OTHER"),
        slices=1,
        phases=(),
        number=7,
        picture="page",
        attributes={**_SCANNER, "SOPClassUID": SecondaryCaptureImageStorage, "ScanOptions": None},
    ),
    "reformat": replace(
        _ANGIOGRAM,
        description="LAD curved",
        image_type=("DERIVED", "SECONDARY", "MPR"),
        slices=12,
        step=2.0,
        thickness=2.0,
        number=8,
        plane="coronal",
    ),
}

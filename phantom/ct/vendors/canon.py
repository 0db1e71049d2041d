"""Canon, formerly Toshiba: whole hearts in one rotation, phases in Image Comments, kernels named FC.

Its enhanced multi-frame objects are made of these series by `phantom.ct.multiframe`.
"""

from collections.abc import Mapping
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from phantom.ct.protocol import RR_MS, Protocol


def gate(image: Dataset, phase: float) -> None:
    """``86bpm, 250ms``: heart rate and time after the R wave as a comment; images number through phase by phase."""
    image.ImageComments = f"{60_000 / RR_MS:.0f}bpm, {phase * RR_MS / 100:.0f}ms"


_SCANNER = {
    "Manufacturer": "TOSHIBA",
    "ManufacturerModelName": "Aquilion ONE",
    "AnatomicRegionSequence": None,
    "ScanOptions": "VOLUME_CT",
}

_ANGIOGRAM = Protocol(
    "CTA 75% 0.5 CE FC03",
    "Cardiac CT",
    "Coronary CTA Prospective",
    "HEART",
    ("ORIGINAL", "PRIMARY", "AXIAL"),
    "FC03",
    slices=400,
    step=0.25,
    thickness=0.5,
    field_of_view=200,
    phases=(75,),
    contrast=True,
    number=5,
    gate=gate,
    attributes=_SCANNER,
)

EXAMINATION: Mapping[str, Protocol] = {
    "scano": replace(
        _ANGIOGRAM,
        description="Scano",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        slices=1,
        step=1.0,
        field_of_view=500,
        phases=(),
        contrast=False,
        number=1,
        picture="projection",
        plane="coronal",
        attributes={**_SCANNER, "ScanOptions": "SCANOSCOPE"},
    ),
    "calcium": replace(
        _ANGIOGRAM,
        description="CaScore 3.0",
        kernel="FC12",
        slices=40,
        step=3.0,
        thickness=3.0,
        contrast=False,
        number=2,
        picture="calcified",
    ),
    "surestart": replace(
        _ANGIOGRAM,
        description="SURE Start",
        slices=20,
        step=2.0,
        thickness=2.0,
        phases=(),
        number=3,
        one_place=True,
        attributes={**_SCANNER, "ScanOptions": "DYNAMIC"},
    ),
    "angiogram": _ANGIOGRAM,
    "functional": replace(
        _ANGIOGRAM,
        description="FUNC 1.0 FC03",
        slices=100,
        step=1.0,
        thickness=1.0,
        phases=tuple(range(0, 100, 10)),
        number=6,
    ),
    "dose": replace(
        _ANGIOGRAM,
        description="Dose Information",
        image_type=("DERIVED", "SECONDARY"),
        slices=1,
        phases=(),
        number=9000,
        picture="page",
        attributes={**_SCANNER, "SOPClassUID": SecondaryCaptureImageStorage, "ScanOptions": None},
    ),
    "rendering": replace(
        _ANGIOGRAM,
        description="3D VR Coronary",
        image_type=("DERIVED", "SECONDARY", "VRT"),
        slices=6,
        step=2.0,
        thickness=2.0,
        number=8,
        plane="coronal",
    ),
}

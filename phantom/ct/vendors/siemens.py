"""Siemens: phases in Scan Options, the kind of scan in the fourth value of Image Type, ten phases in one series."""

from collections.abc import Mapping
from dataclasses import replace

from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from phantom.ct.protocol import RR_MS, Protocol


def gate(image: Dataset, phase: float) -> None:
    """``TP70PC1165``: 70 percent of an R-R interval of 1165 ms. No other attribute says it."""
    image.ScanOptions = f"TP{phase:02.0f}PC{RR_MS:04d}"
    image.ImageComments = f"{60_000 / RR_MS:.0f} bpm, {phase:.0f} %, {phase * RR_MS / 100:.0f} ms"


_SCANNER = {"Manufacturer": "SIEMENS", "ManufacturerModelName": "SOMATOM Force", "AnatomicRegionSequence": None}

_ANGIOGRAM = Protocol(
    "DS_CorCTA  0.6  Bv40  3  BestDiast 77 %",
    "Cardiac^02_CoronaryCTARoutine (Adult)",
    "02_CoronaryCTARoutine",
    "HEART",
    ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 SPI"),
    "Bv40d",
    slices=250,
    step=0.4,
    thickness=0.6,
    field_of_view=200,
    phases=(77,),
    contrast=True,
    number=6,
    kvp=100,
    gate=gate,
    # Absent in the real angiograms that were looked at.
    attributes={**_SCANNER, "ContrastBolusAgent": None},
)

_OLDER = {"Manufacturer": "SIEMENS", "ManufacturerModelName": "Sensation 64", "AnatomicRegionSequence": None}

EXAMINATION: Mapping[str, Protocol] = {
    "topogram": replace(
        _ANGIOGRAM,
        description="Topogram  1.0  Tr20",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER", "CT_SOM7 TOP"),
        kernel="Tr20f",
        slices=1,
        step=1.0,
        field_of_view=512,
        phases=(),
        contrast=False,
        number=1,
        picture="projection",
        plane="coronal",
    ),
    "calcium": replace(
        _ANGIOGRAM,
        description="DS_CaScSeq  3.0  Qr36  3  70 %",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 SEQ"),
        kernel="Qr36d",
        slices=40,
        step=3.0,
        thickness=3.0,
        phases=(70,),
        contrast=False,
        number=2,
        kvp=120,
        picture="calcified",
    ),
    "premonitoring": replace(
        _ANGIOGRAM,
        description="PreMonitoring  10.0  Br36",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 PRE"),
        slices=1,
        step=10.0,
        thickness=10.0,
        phases=(),
        contrast=False,
        number=3,
        one_place=True,
    ),
    "monitoring": replace(
        _ANGIOGRAM,
        description="Monitoring  10.0  Br36",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 MON"),
        slices=12,
        step=10.0,
        thickness=10.0,
        phases=(),
        number=4,
        one_place=True,
    ),
    "best diastole": _ANGIOGRAM,
    "best systole": replace(_ANGIOGRAM, description="DS_CorCTA  0.6  Bv40  3  BestSyst 27 %", phases=(27,), number=7),
    "thick": replace(
        _ANGIOGRAM,
        description="DS_CorCTA  3.0  Bv36  3  BestDiast 77 %",
        kernel="Bv36d",
        slices=40,
        step=3.0,
        thickness=3.0,
        number=8,
    ),
    "sharp": replace(_ANGIOGRAM, description="DS_CorCTA  0.6  Br64  3  BestDiast 77 %", kernel="Br64d", number=9),
    "functional": replace(
        _ANGIOGRAM,
        description="DS_CorCTA  0.75  Bv40  3  10 - 100 %",
        slices=180,
        step=0.5,
        thickness=0.75,
        phases=tuple(range(10, 101, 10)),
        number=10,
    ),
    "snapshot": replace(
        _ANGIOGRAM,
        description="LAD",
        image_type=("DERIVED", "SECONDARY", "MPR"),
        slices=1,
        number=11,
        plane="coronal",
    ),
    "curved": replace(
        _ANGIOGRAM,
        description="cMPR RCA",
        image_type=("DERIVED", "SECONDARY", "AXIAL", "CT_SOM7 SPI"),
        slices=18,
        number=12,
        plane="coronal",
    ),
    "protocol": replace(
        _ANGIOGRAM,
        description="Patient Protocol",
        image_type=("ORIGINAL", "SECONDARY", "OTHER", "CT_SOM7 PROT"),
        slices=1,
        phases=(),
        number=501,
        picture="page",
        attributes={**_SCANNER, "SOPClassUID": SecondaryCaptureImageStorage},
    ),
    "function findings": replace(
        _ANGIOGRAM,
        description="Cardiac_Function_Global_Findings",
        image_type=("DERIVED", "SECONDARY"),
        slices=1,
        phases=(),
        number=502,
        picture="page",
        attributes={**_SCANNER, "SOPClassUID": SecondaryCaptureImageStorage},
    ),
    # An older scanner, whose descriptions have no cardiac word.
    "older angiogram": replace(
        _ANGIOGRAM,
        description="70 %  1.0  B30f",
        study_description="Kardio^1_CORONARY_CTA_COMBI_SMH (Adult)",
        protocol="1_CORONARY_CTA_COMBI_SMH",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"),
        kernel="B30f",
        slices=130,
        step=0.8,
        thickness=1.0,
        phases=(70,),
        number=20,
        attributes={**_OLDER, "ContrastBolusAgent": None},
    ),
    # No contrast, although the protocol is named after the angiogram that follows.
    "older native": replace(
        _ANGIOGRAM,
        description="Heart w/o  1.5  B25f  55%",
        study_description="Thorax^1CTA_CORONARY_ARTERIES_TESTBOLUS (Adult)",
        protocol="1CTA_CORONARY_ARTERIES_TESTBOLUS",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"),
        kernel="B25f",
        slices=80,
        step=1.5,
        thickness=1.5,
        phases=(55,),
        contrast=False,
        number=21,
        attributes=_OLDER,
    ),
}

"""Series as scanners of four vendors, and the people who use them, describe them; and what each is.

`seen` marks descriptions that were found in real examinations, public inventories, issues or software; the headers with
them are the real ones as far as they are known. The other rows are written in the same manner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orthanc_ai.cardiac.contrast import Contrast, Seen
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.roles import Role
from orthanc_ai.cardiac.verdict import SeriesVerdict
from orthanc_ai.codes import Code

from .examples import stack

Vendor = Literal["Siemens", "GE", "Philips", "Canon"]

DEFAULTS: Mapping[Vendor, Mapping[str, Any]] = {
    "Siemens": {
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 SPI"),
        "protocol_name": "02_CoronaryCTARoutine",
        "study_description": "Cardiac^02_CoronaryCTARoutine (Adult)",
        "body_part_examined": "HEART",
        "convolution_kernel": "Bv40d",
        "reconstruction_diameter": 200.0,
    },
    "GE": {
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "protocol_name": "5.1 CORONARY CTA",
        "body_part_examined": "CHEST",
        "convolution_kernel": "STANDARD",
        "reconstruction_diameter": 250.0,
    },
    "Philips": {
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "protocol_name": "CCTA Step & Shoot /Cardiac",
        "scan_options": "HELIX",
        "body_part_examined": "HEART",
        "convolution_kernel": "XCB",
        "reconstruction_diameter": 220.0,
    },
    "Canon": {
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "protocol_name": "Cardiac CTA",
        "body_part_examined": "HEART",
        "convolution_kernel": "FC43",
        "reconstruction_diameter": 200.0,
    },
}
"""What the series of a cardiac examination have in common."""

ONE = 1
"""Images of a localizer or a page."""

CHEST: dict[str, Any] = {
    "protocol_name": "Thorax",
    "study_description": "Thorax",
    "body_part_examined": "CHEST",
    "reconstruction_diameter": 380.0,
}
LOCALIZER = ("ORIGINAL", "PRIMARY", "LOCALIZER")
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
YES, NO = Seen.YES, Seen.NO


@dataclass(frozen=True, slots=True)
class Row:
    """One series.

    Attributes
    ----------
    mm
        Slice thickness, and step between slices.
    what
        Its role, or why it is none.
    facts
        Attributes of `Header` that differ from the vendor's defaults.
    pixels
        What a look at the pixels shows; ``None`` if nobody looks.
    phases
        Attribute of `Header` that tells the phases, and its value for each.
    """

    vendor: Vendor
    description: str
    mm: float
    what: Role | Code
    facts: Mapping[str, Any] = field(default_factory=dict)
    pixels: Seen | None = None
    phases: tuple[str, tuple[Any, ...]] = ("", (None,))
    count: int = 0
    seen: bool = False

    def judged(self) -> SeriesVerdict:
        """The verdict on it."""
        slices = self.count or round(120 / self.mm)
        attribute, values = self.phases
        headers: list[Header] = []
        for value in values:
            phase = {attribute: value} if attribute else {}
            facts = {
                **DEFAULTS[self.vendor],
                "series_description": self.description,
                "slice_thickness": self.mm,
                **self.facts,
            }
            headers += stack(slices, self.mm, len(headers) + 1, **(facts | phase))
        pixels = self.pixels
        return judge_series(headers, look=(lambda _: Contrast(seen=pixels)) if pixels else None)


def _scan_options(*percent: int) -> tuple[str, tuple[Any, ...]]:
    return "scan_options", tuple(f"TP{one}PC0900" for one in percent)


TENS = tuple(range(0, 100, 10))
PERCENT = ("nominal_percentage_of_cardiac_phase", tuple(map(float, TENS)))
TIMES = ("trigger_time", tuple(float(90 * number) for number in range(10)))
PLACES = ("temporal_position_identifier", tuple(range(1, 11)))

TABLE: tuple[Row, ...] = (
    # Siemens: the description has thickness, kernel and phase; Scan Options the phase
    Row(
        "Siemens",
        "70 % 1.0  B30f",
        1.0,
        Role.CCTA,
        {
            "image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"),
            "scan_options": "TP70PC1165",
            "protocol_name": "1_CORONARY_CTA_COMBI_SMH",
            "study_description": "",
        },
        YES,
        seen=True,
    ),
    Row(
        "Siemens",
        "Heart w/o  1.5  B25f  55%",
        1.5,
        Role.CAC,
        {
            "scan_options": "TP55PC0842",
            "protocol_name": "1CTA_CORONARY_ARTERIES_TESTBOLUS",
            "image_comments": "72 bpm, 55 %, 153 ms",
            "study_description": "",
            "lossy": True,
        },
        NO,
        seen=True,
    ),
    Row("Siemens", "DS_CorCTA  0.6  Bv40  3  BestDiast 77 %", 0.6, Role.CCTA, {}, YES, seen=True),
    Row("Siemens", "DS_CorCTA  0.6  Bv40  3  BestSyst 27 %", 0.6, Role.CCTA, {}, YES, seen=True),
    Row("Siemens", "DS_CorCTA  3.0  Bv36  3  BestDiast 77 %", 3.0, Role.CARDIAC_OTHER, {}, YES, seen=True),
    Row("Siemens", "DS_CorCTA  3.0  Br64  3  BestDiast 77 %", 3.0, Role.CARDIAC_OTHER, {}, YES, seen=True),
    Row(
        "Siemens",
        "DS_CorCTA  0.75  Bv40  3  10 - 100 %",
        0.75,
        Role.FUNCTIONAL_MULTIPHASE,
        phases=_scan_options(*range(10, 110, 10)),
        seen=True,
    ),
    Row(
        "Siemens",
        "Topograma 1.0 Tr20",
        1.0,
        Code.LOCALIZER,
        {"image_type": (*LOCALIZER, "CT_SOM7 TOP")},
        count=ONE,
        seen=True,
    ),
    Row(
        "Siemens",
        "LAD",
        1.0,
        Code.REFORMAT_DERIVED,
        {"image_type": ("DERIVED", "SECONDARY", "MPR")},
        count=17,
        seen=True,
    ),
    Row(
        "Siemens",
        "Cardiac_Function_Global_Findings",
        1.0,
        Code.NOT_CT_IMAGE_STORAGE,
        {"sop_class_uid": CAPTURE, "image_type": ("DERIVED", "SECONDARY")},
        count=ONE,
        seen=True,
    ),
    Row(
        "Siemens",
        "Protocolo de paciente",
        1.0,
        Code.DOSE_OR_REPORT,
        {"image_type": ("DERIVED", "SECONDARY", "OTHER", "CT_SOM7 PROT")},
        count=ONE,
        seen=True,
    ),
    Row("Siemens", "CorCTA  0.6  B26f  BestDiast 71 %", 0.6, Role.CCTA, {}, YES, seen=True),
    Row("Siemens", "CaScSeq  3.0  B35f  70%", 3.0, Role.CAC, {}, NO, seen=True),
    Row("Siemens", "DS_CaSc  3.0  B35f  40%", 3.0, Role.CAC, {}, NO, seen=True),
    Row("Siemens", "DS_CaScSeq  3.0  Qr36  70 %", 3.0, Role.CAC, {}, NO, seen=True),
    Row(
        "Siemens",
        "Cor 0.6 Bv40 0 - 95 % Matrix 256",
        0.6,
        Role.FUNCTIONAL_MULTIPHASE,
        {"protocol_name": "", "study_description": "", "body_part_examined": "CHEST"},
        phases=_scan_options(*range(0, 100, 5)),
        seen=True,
    ),
    Row(
        "Siemens",
        "PreMonitoring  10.0  Br36",
        10.0,
        Code.BOLUS_TRACKING,
        {"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM7 MON")},
        count=ONE,
    ),
    Row("Siemens", "TestBolus  10.0  B30f", 10.0, Code.BOLUS_TRACKING, count=ONE),
    Row("Siemens", "TAVI_Herz  0.75  Bv40  3  35 %", 0.75, Role.CCTA, {"protocol_name": "TAVI"}, YES),
    Row(
        "Siemens",
        "CorCTA  0.4  Bv48  QIR 3  77 %",
        0.4,
        Role.CCTA,
        {"image_type": ("ORIGINAL", "PRIMARY", "AXIAL")},
        YES,
    ),
    Row(
        "Siemens",
        "Monoenergetic 55 keV CorCTA  0.6  75 %",
        0.6,
        Role.CCTA,
        {"image_type": ("DERIVED", "PRIMARY", "AXIAL", "CT_SOM7 SPI DUAL")},
        YES,
    ),
    Row("Siemens", "Perfusion  Stress  3.0", 3.0, Code.PERFUSION_OR_LATE),
    Row("Siemens", "Late Enhancement  5.0  Bv36", 5.0, Code.PERFUSION_OR_LATE),
    Row("Siemens", "Thorax  1.0  Br36  3", 1.0, Code.NOT_CARDIAC, CHEST),
    Row(
        "Siemens",
        "Abdomen  3.0  Br40",
        3.0,
        Code.NOT_CARDIAC,
        {"body_part_examined": "ABDOMEN", "reconstruction_diameter": 380.0},
    ),
    Row("Siemens", "CaScSeq  3.0  Qr36  70 %", 3.0, Role.CARDIAC_OTHER, {"contrast_bolus_agent": "CE"}, YES),
    # GE: phases in (0020,9241) or in the description; strengths of iterative reconstruction are percentages too
    Row("GE", "SMART SCORE FOV", 2.5, Role.CAC, {}, NO, seen=True),
    Row("GE", "SmartScore Gated 0.5 sec", 2.5, Role.CAC, {}, NO, seen=True),
    Row("GE", "Calcium scoring", 2.5, Role.CAC, {}, NO, seen=True),
    Row(
        "GE",
        "CTA 0.625 75% ASIR-V 50%",
        0.625,
        Role.CCTA,
        {"nominal_percentage_of_cardiac_phase": 75.0, "heart_rate": 58.0, "contrast_bolus_agent": "OMNIPAQUE 350"},
        YES,
    ),
    Row("GE", "SNAPSHOT PULSE 75%", 0.625, Role.CCTA, {"scan_options": "CINE MODE"}, YES),
    Row("GE", "SnapShot Freeze 45%", 0.625, Role.CCTA, {"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, YES),
    Row("GE", "Multiphase 0-90%", 0.625, Role.FUNCTIONAL_MULTIPHASE, phases=PERCENT),
    Row("GE", "Gated 70-80%", 0.625, Role.CCTA, {}, YES, ("nominal_percentage_of_cardiac_phase", (70.0, 75.0, 80.0))),
    Row("GE", "CORONARY CTA 1.25 STND", 1.25, Role.CARDIAC_THIN_UNSURE, {}, YES),
    Row("GE", "CARDIAC AXIAL 2.5", 2.5, Role.CARDIAC_OTHER, {"contrast_bolus_agent": "ISOVUE"}, YES),
    Row("GE", "AXIAL 2.5 NON CON HEART", 2.5, Role.CAC, {}, NO),
    Row("GE", "TAVR GATED 0.625 30%", 0.625, Role.CCTA, {"protocol_name": "6.2 TAVR"}, YES),
    Row("GE", "Scout", 1.0, Code.LOCALIZER, {"image_type": LOCALIZER}, count=2),
    Row("GE", "SmartPrep Series", 5.0, Code.BOLUS_TRACKING, count=12),
    Row("GE", "Dose Report", 1.0, Code.NOT_CT_IMAGE_STORAGE, {"sop_class_uid": CAPTURE}, count=ONE),
    Row(
        "GE",
        "Screen Save",
        1.0,
        Code.SECONDARY_CAPTURE,
        {"image_type": ("DERIVED", "SECONDARY", "SCREEN SAVE")},
        count=ONE,
    ),
    Row(
        "GE",
        "Processed Images",
        2.5,
        Code.REFORMAT_DERIVED,
        {"image_type": ("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE")},
    ),
    Row("GE", "RCA CURVED", 0.625, Code.REFORMAT_DERIVED, count=20),
    Row("GE", "CHEST 1.25 MM", 1.25, Code.NOT_CARDIAC, CHEST),
    Row("GE", "NECK CTA 0.625 RCA", 0.625, Code.NOT_CARDIAC, CHEST | {"body_part_examined": "NECK"}),
    # Philips: Scan Options are the kind of scan; percentages with a decimal
    Row("Philips", "CORONARY CTA, iDose (4), 75.0%", 0.9, Role.CCTA, {}, YES),
    Row("Philips", "CCTA 40.0%", 0.8, Role.CCTA, {"heart_rate": 61.0}, YES),
    Row("Philips", "Step & Shoot Complete 78%", 0.8, Role.CCTA, {"scan_options": "AXIAL"}, YES),
    Row("Philips", "Retro CTA 0.9", 0.9, Role.FUNCTIONAL_MULTIPHASE, phases=TIMES),
    Row("Philips", "Function 2.0mm", 2.0, Role.FUNCTIONAL_MULTIPHASE, phases=PLACES),
    Row("Philips", "Ca Score 3.0mm", 3.0, Role.CAC, {"scan_options": "AXIAL"}, NO),
    Row("Philips", "CALCIUM SCORING, iDose (2)", 2.5, Role.CAC, {"scan_options": "AXIAL"}, NO),
    Row("Philips", "Cardiac 2.0 mm STD", 2.0, Role.CARDIAC_OTHER, {}, YES),
    Row(
        "Philips", "MonoE 70keV, Coronary CTA 75%", 0.9, Role.CCTA, {"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, YES
    ),
    Row(
        "Philips",
        "Surview",
        1.0,
        Code.LOCALIZER,
        {"image_type": LOCALIZER, "scan_options": "SURVIEW"},
        count=2,
        seen=True,
    ),
    Row("Philips", "Locator", 10.0, Code.BOLUS_TRACKING, count=ONE),
    Row("Philips", "Tracker", 10.0, Code.BOLUS_TRACKING, count=15),
    Row(
        "Philips",
        "Exam Summary",
        1.0,
        Code.NOT_CT_IMAGE_STORAGE,
        {"sop_class_uid": CAPTURE, "image_type": ("ORIGINAL", "PRIMARY")},
        count=6,
        seen=True,
    ),
    Row("Philips", "LCX Curved MPR", 0.9, Code.REFORMAT_DERIVED, count=18),
    Row("Philips", "HELIX THORAX 1.0", 1.0, Code.NOT_CARDIAC, CHEST),
    Row("Philips", "CT HERSENEN 5mm", 5.0, Code.NOT_CARDIAC, CHEST | {"body_part_examined": "HEAD"}),
    # Canon, Toshiba: kernels FC..; times after the R wave; a whole heart in one rotation
    Row("Canon", "FC12 ORG Axial", 3.0, Role.CAC, {"convolution_kernel": "FC12"}, NO, seen=True),
    Row("Canon", "CaScore", 3.0, Role.CAC, {}, NO, seen=True),
    Row("Canon", "Cardiac 3.0", 3.0, Role.CAC, {}, NO, seen=True),
    Row("Canon", "CTA 0.5 CE 75% FC43", 0.5, Role.CCTA, {"contrast_bolus_agent": "CE"}, YES),
    Row("Canon", "Best Diastole 75% 0.5 CE", 0.5, Role.CCTA, {}, YES),
    Row(
        "Canon",
        "Cardiac 0.25 710ms",
        0.25,
        Role.CCTA,
        {"trigger_time": 710.0, "image_type": ("ORIGINAL", "PRIMARY", "VOLUME")},
        YES,
    ),
    Row("Canon", "Volume 1.0 0-90% Function", 1.0, Role.FUNCTIONAL_MULTIPHASE, phases=TIMES),
    Row(
        "Canon",
        "CFA 0.5",
        0.5,
        Role.FUNCTIONAL_MULTIPHASE,
        phases=("image_comments", tuple(f"86bpm, {t}ms" for t in range(50, 650, 60))),
    ),
    Row("Canon", "Scano", 1.0, Code.LOCALIZER, {"image_type": LOCALIZER, "scan_options": "SCANOSCOPE"}, count=2),
    Row("Canon", "SURE START", 5.0, Code.BOLUS_TRACKING, count=10),
    Row("Canon", "Dose Summary", 1.0, Code.DOSE_OR_REPORT, count=ONE),
    Row("Canon", "SAX 8mm", 8.0, Code.REFORMAT_DERIVED),
    Row("Canon", "CTP rest", 1.0, Code.PERFUSION_OR_LATE),
    Row("Canon", "Thorax HELICAL 1.0", 1.0, Code.NOT_CARDIAC, CHEST | {"scan_options": "HELICAL_CT"}),
    # in the words of the people who work with them
    Row(
        "Siemens",
        "Koronarangiographie  0.6  75 %",
        0.6,
        Role.CCTA,
        {"body_part_examined": "", "protocol_name": ""},
        YES,
    ),
    Row("Siemens", "Herz nativ  3.0", 3.0, Role.CAC, {"protocol_name": "Herz"}, NO),
    Row("Siemens", "Kalkscore  3.0", 3.0, Role.CAC, {}, NO),
    Row("GE", "COEUR CORONAIRES 0.625 75%", 0.625, Role.CCTA, {"protocol_name": ""}, YES),
    Row("GE", "SCORE CALCIQUE", 2.5, Role.CAC, {"protocol_name": ""}, NO),
    Row("GE", "ANGIO CORONARIAS 0.625", 0.625, Role.CCTA, {"protocol_name": "CORAZON"}, YES),
    Row("Philips", "HARTCT 0.9 75.0%", 0.9, Role.CCTA, {"protocol_name": "Hart"}, YES),
    Row("Philips", "Punteggio calcio 3.0", 3.0, Role.CAC, {}, NO),
    Row("Canon", "心臓 0.5 CE 75%", 0.5, Role.CCTA, {"protocol_name": "冠動脈CT"}, YES),
    Row("Canon", "石灰化スコア 3.0", 3.0, Role.CAC, {}, NO),
    Row("GE", "冠脉CTA 0.625 75%", 0.625, Role.CCTA, {"protocol_name": ""}, YES),
    Row("Philips", "관상동맥 CTA 0.9", 0.9, Role.CCTA, {}, YES),
    Row(
        "Siemens",
        "Сердце  0.6  75 %",
        0.6,
        Role.CCTA,
        {"protocol_name": "Коронарография", "study_description": ""},
        YES,
    ),
)

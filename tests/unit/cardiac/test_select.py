from dataclasses import replace
from typing import Any

import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.select import Rules, cardiac_evidence, description_refusal, image_refusal
from orthanc_ai.codes import Code

from .examples import CCTA

RULES = Rules()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"modality": ""}, None),
        ({"sop_class_uid": ""}, None),
        ({"image_type": ()}, None),
        ({"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, None),
        ({"image_type": ("DERIVED", "PRIMARY", "VOLUME")}, None),
        ({"modality": "MR"}, Code.NOT_CT),
        ({"modality": "SR"}, Code.NOT_CT),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, Code.NOT_CT_IMAGE_STORAGE),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, Code.LOCALIZER),
        ({"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 TOP")}, Code.LOCALIZER),
        ({"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 MON")}, Code.BOLUS_TRACKING),
        ({"image_type": ("DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT")}, Code.DOSE_OR_REPORT),
        ({"image_type": ("DERIVED", "SECONDARY", "MPR")}, Code.REFORMAT_DERIVED),
        ({"image_type": ("DERIVED", "SECONDARY", "SCREEN SAVE")}, Code.SECONDARY_CAPTURE),
        ({"image_type": ("ORIGINAL", "SECONDARY", "AXIAL")}, Code.SECONDARY_CAPTURE),
        ({"image_type": ("DERIVED", "PRIMARY", "PERFUSION", "RCBF")}, Code.PERFUSION_OR_LATE),
        ({"image_type": ("DERIVED", "PRIMARY", "SUBTRACTION")}, Code.REFORMAT_DERIVED),
    ],
)
def test_image_refusal(changes: dict[str, Any], code: Code | None) -> None:
    assert image_refusal(replace(CCTA, **changes)) is code


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("Topograma 1.0 Tr20", Code.LOCALIZER),
        ("SCOUT", Code.LOCALIZER),
        ("PreMonitoring", Code.BOLUS_TRACKING),
        ("TestBolus  10.0", Code.BOLUS_TRACKING),
        ("SmartPrep Series", Code.BOLUS_TRACKING),
        ("Patient Protocol", Code.DOSE_OR_REPORT),
        ("Protocolo de paciente", Code.DOSE_OR_REPORT),
        ("Dose Report", Code.DOSE_OR_REPORT),
        ("LAD cMPR", Code.REFORMAT_DERIVED),
        ("MIP 10mm", Code.REFORMAT_DERIVED),
        ("short axis 8mm", Code.REFORMAT_DERIVED),
        ("1 25 MM SAGITAL", Code.REFORMAT_DERIVED),
        ("Stress perfusion", Code.PERFUSION_OR_LATE),
        ("Late enhancement", Code.PERFUSION_OR_LATE),
        # these are image series
        ("CorCTA 0.6 BestDiast 75 %", None),
        ("ECG gated CTA 75%", None),
        ("TAVI AV 0.6", None),
        ("CaScSeq 3.0 70 %", None),
        ("70 % 1.0  B30f", None),
        ("Cardiac 3.0", None),
        ("", None),
    ],
)
def test_description_refusal(description: str, code: Code | None) -> None:
    assert description_refusal(description, RULES.words) is code


def score(**attributes: Any) -> int:
    return sum(one.points for one in cardiac_evidence([Header(modality="CT", **attributes)], RULES))


@pytest.mark.parametrize(
    ("attributes", "cardiac"),
    [
        # a Siemens coronary CTA without a cardiac word, and a non-contrast heart of the same hospital
        ({"body_part_examined": "HEART", "scan_options": "TP70PC1165", "series_description": "70 % 1.0  B30f"}, True),
        ({"body_part_examined": "HEART", "series_description": "Heart w/o  1.5  B25f  55%"}, True),
        # body part misses or misleads
        ({"series_description": "CorCTA 0.6", "protocol_name": "02_CoronaryCTARoutine"}, True),
        ({"body_part_examined": "CHEST", "series_description": "DS_CaSc"}, True),
        (
            {
                "body_part_examined": "ABDOMEN",
                "series_description": "CorCTA 0.6",
                "cardiac_synchronization_technique": "RETROSPECTIVE",
            },
            True,
        ),
        ({"body_part_examined": "CHEST", "cardiac_synchronization_technique": "PROSPECTIVE"}, True),
        ({"scan_options": "CARDIAC HELICAL", "reconstruction_diameter": 200.0}, True),
        ({"anatomic_regions": (("SRT", "T-43000"),)}, True),
        # "Cor" alone is not cardiac by words; gating is
        ({"body_part_examined": "CHEST", "series_description": "Cor 0.6 Bv40 0 - 95 % Matrix 256"}, False),
        ({"series_description": "Cor 0.6 Bv40", "body_part_examined": "CHEST", "heart_rate": 62.0}, True),
        # others
        ({"body_part_examined": "CHEST", "series_description": "CHEST 1.25 MM"}, False),
        ({"body_part_examined": "HEAD", "reconstruction_diameter": 230.0}, False),
        ({"body_part_examined": "NECK", "series_description": "RCA", "reconstruction_diameter": 250.0}, False),
        ({"cardiac_synchronization_technique": "NONE", "body_part_examined": "CHEST"}, False),
        ({}, False),
    ],
)
def test_score(attributes: dict[str, Any], cardiac: bool) -> None:
    assert (score(**attributes) >= RULES.threshold) is cardiac


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("HEART", Code.BODYPART_CARDIAC),
        ("coronary_artery", Code.BODYPART_CARDIAC),
        ("CHEST", Code.BODYPART_THORAX),
        ("CHEST_TO_PELVIS", Code.BODYPART_THORAX),
        ("CHESTABDPELVIS", Code.BODYPART_THORAX),
        ("THORACICAORTA", Code.BODYPART_THORAX),
        ("", Code.BODYPART_MISSING),
        ("ABDOMEN", Code.BODYPART_OTHER),
        ("PARTIALBODY", Code.BODYPART_OTHER),
    ],
)
def test_body_part(part: str, code: Code) -> None:
    [evidence] = cardiac_evidence([Header(body_part_examined=part)], RULES)
    assert evidence.code is code


def test_evidence_says_where_it_stands() -> None:
    header = Header(body_part_examined="HEART", scan_options="TP70PC1165", study_description="Herz")
    found = {one.code: (one.attribute, one.value, one.points) for one in cardiac_evidence([header], RULES)}
    assert found == {
        Code.BODYPART_CARDIAC: ("BodyPartExamined", "HEART", 2),
        Code.GATING_HINT: ("ScanOptions", "TP70PC1165", 2),
        Code.PROTOCOL_CARDIAC: ("StudyDescription", "Herz", 1),
    }

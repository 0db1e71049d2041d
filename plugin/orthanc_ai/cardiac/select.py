"""Is a series an image series of the heart? First what rules it out, then the evidence for it."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ..codes import Code
from .header import Header
from .words import Words, says

# SOP classes, PS3.4 table B.5-1.
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2.2"
MULTI_FRAME_CT = frozenset({ENHANCED_CT_IMAGE_STORAGE, LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE})

CARDIAC_REGIONS = frozenset(
    {
        ("SCT", "80891009"),  # heart structure
        ("SRT", "T-32000"),
        ("SNM3", "T-32000"),
        ("SCT", "41801008"),  # coronary artery structure
        ("SRT", "T-43000"),
        ("SNM3", "T-43000"),
    }
)
"""Anatomic regions, PS3.16 CID 4, in its present and its retired codes."""

CARDIAC_BODY_PARTS = frozenset(
    {"HEART", "CARDIAC", "CORONARY", "CORONARY ARTERY", "CORONARYARTERY", "CORONARIES", "CTCOR", "HERZ", "AORTIC VALVE"}
)
THORACIC_BODY_PARTS = re.compile(r"CHEST|THORA[XC]|TORAX|\bLUNG\b|MEDIASTINUM|\bAORTA\b")
"""Also as a part of a name: PS3.16 annex L has CHESTABDPELVIS, Canon writes CHEST_TO_PELVIS."""

REFORMAT_IMAGE_TYPES = frozenset(
    {
        "MPR",
        "CMPR",
        "CPR",
        "CURVED",
        "REFORMATTED",
        "MIP",
        "MINIP",
        "MIN_IP",
        "AVERAGE",
        "PROJECTION IMAGE",
        "VRT",
        "3D",
    }
)
"""Third values of Image Type that name a reformat, whatever the second says."""

SLICE_IMAGE_TYPES = frozenset({"AXIAL", "VOLUME"})
"""Third values of Image Type under which a derived image may be a reconstruction of its own, e.g. monoenergetic."""

# Siemens writes the kind of scan into the fourth value: "CT_SOM5 SPI", "CT_SOM5 MON", "CT_SOM7 TOP", "CT_SOM5 PROT".
_SIEMENS_KINDS: Mapping[str, Code] = {"TOP": Code.LOCALIZER, "MON": Code.BOLUS_TRACKING, "PROT": Code.DOSE_OR_REPORT}
_SIEMENS = re.compile(r"CT_SOM\d+ ([A-Z]+)")

_GATED_SCAN_OPTIONS = re.compile(r"TP\d{1,3}PC|CARD|ECG|EKG|SEGMENT", re.IGNORECASE)
_BEATS = re.compile(r"\d\s*bpm\b", re.IGNORECASE)

_WEIGHTS: Mapping[Code, int] = MappingProxyType(
    {
        Code.BODYPART_CARDIAC: 2,
        Code.ANATOMIC_REGION_CARDIAC: 3,
        Code.ECG_GATED_TAG: 3,
        Code.GATING_HINT: 2,
        Code.SERIES_DESC_CARDIAC: 2,
        Code.PROTOCOL_CARDIAC: 1,
        Code.BODYPART_THORAX: 1,
        Code.SMALL_FOV: 1,
        Code.BODYPART_MISSING: 0,
        Code.BODYPART_OTHER: -2,
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site may set.

    Attributes
    ----------
    words
        Patterns for descriptions.
    weights
        Points of each kind of evidence. Body Part Examined weighs, but decides nothing alone: heart, chest, another
        part and nothing at all occur in cardiac series.
    threshold
        Points from which on a series is cardiac.
    small_field_of_view_mm
        Reconstruction diameters up to this are those of a heart (or of a head, hence only one point).
    """

    words: Words = field(default_factory=Words)
    weights: Mapping[Code, int] = field(default_factory=lambda: _WEIGHTS)
    threshold: int = 3
    small_field_of_view_mm: float = 280.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for or against a cardiac series: what, how many points, and where it stands."""

    code: Code
    points: int
    attribute: str
    value: str


def is_ct(header: Header) -> bool:
    """Whether an instance is CT by its modality or, where that is missing, by its class."""
    return header.modality == "CT" or (not header.modality and header.sop_class_uid == CT_IMAGE_STORAGE)


HOUNSFIELD_TYPES = frozenset({"", "HU", "US"})
"""Values of Rescale Type (0028,1054), PS3.3 section C.11.1.1.2, under which pixel values of CT images are taken for Hounsfield
units: absent, said so, or "unspecified". Others are e.g. effective atomic numbers or electron densities."""


def image_refusal(header: Header) -> Code | None:
    """Why one instance is no image that could be part of a CT volume, by its class and image type."""
    if not is_ct(header):
        return Code.NOT_CT
    if header.sop_class_uid and header.sop_class_uid not in {CT_IMAGE_STORAGE, *MULTI_FRAME_CT}:
        return Code.NOT_CT_IMAGE_STORAGE
    kinds = header.image_type
    value_2, value_3 = (*kinds, "", "", "")[1:3]
    for kind in kinds[3:]:
        siemens = _SIEMENS.match(kind)
        if siemens and siemens[1] in _SIEMENS_KINDS:
            return _SIEMENS_KINDS[siemens[1]]
    if "LOCALIZER" in kinds:
        return Code.LOCALIZER
    if value_3 in REFORMAT_IMAGE_TYPES:
        return Code.REFORMAT_DERIVED
    if value_3 == "PERFUSION":
        return Code.PERFUSION_OR_LATE
    if value_2 == "SECONDARY":
        return Code.SECONDARY_CAPTURE
    if kinds[:1] == ("DERIVED",) and value_3 and value_3 not in SLICE_IMAGE_TYPES:
        return Code.REFORMAT_DERIVED
    if header.rescale_type not in HOUNSFIELD_TYPES:
        return Code.NOT_HOUNSFIELD
    return None


def description_refusal(description: str, words: Words) -> Code | None:
    """Why a series is none of axial images, by its own description.

    The descriptions of protocol and study are those of the whole examination and rule nothing out.
    """
    refusals = (
        (words.localizer, Code.LOCALIZER),
        (words.bolus_tracking, Code.BOLUS_TRACKING),
        (words.dose_or_report, Code.DOSE_OR_REPORT),
        (words.reformat, Code.REFORMAT_DERIVED),
        (words.perfusion_or_late, Code.PERFUSION_OR_LATE),
    )
    return next((code for patterns, code in refusals if says(patterns, description)), None)


def remarks(headers: Sequence[Header]) -> list[Code]:
    """What is remarkable about a series' headers without ruling it out."""
    codes = []
    if any(header.image_type[:1] == ("DERIVED",) for header in headers):
        codes.append(Code.DERIVED)
    if any(not header.image_type for header in headers):
        codes.append(Code.IMAGE_TYPE_MISSING)
    if any(not header.sop_class_uid for header in headers):
        codes.append(Code.SOP_CLASS_MISSING)
    if any(header.invalid for header in headers):
        codes.append(Code.ATTRIBUTE_INVALID)
    return codes


def cardiac_evidence(headers: Sequence[Header], rules: Rules) -> tuple[Evidence, ...]:
    """What speaks for and against the images of one series showing the heart; the points add up to its score."""
    found: list[Evidence] = []

    def add(code: Code, attribute: str, value: str) -> None:
        found.append(Evidence(code, rules.weights[code], attribute, value))

    part = usual(headers, lambda header: header.body_part_examined)
    add(_body_part(part), "BodyPartExamined", part)
    for regions in sorted({header.anatomic_regions for header in headers}):
        cardiac = next((region for region in regions if region in CARDIAC_REGIONS), None)
        if cardiac:
            add(Code.ANATOMIC_REGION_CARDIAC, "AnatomicRegionSequence", " ".join(cardiac))
            break
    technique = usual(headers, lambda header: header.cardiac_synchronization_technique)
    if technique and technique != "NONE":
        add(Code.ECG_GATED_TAG, "CardiacSynchronizationTechnique", technique)
    gating = _gating(headers)
    if gating:
        add(Code.GATING_HINT, *gating)
    description = usual(headers, lambda header: header.series_description)
    if says(rules.words.cardiac, description):
        add(Code.SERIES_DESC_CARDIAC, "SeriesDescription", description)
    examination: tuple[tuple[str, Callable[[Header], str]], ...] = (
        ("ProtocolName", lambda header: header.protocol_name),
        ("StudyDescription", lambda header: header.study_description),
        ("RequestedProcedureDescription", lambda header: header.requested_procedure_description),
        ("PerformedProcedureStepDescription", lambda header: header.performed_procedure_step_description),
    )
    for attribute, read in examination:
        text = usual(headers, read)
        if says(rules.words.cardiac, text):
            add(Code.PROTOCOL_CARDIAC, attribute, text)
            break
    diameter = min((d for header in headers if (d := header.reconstruction_diameter) and d > 0), default=None)
    if diameter is not None and diameter <= rules.small_field_of_view_mm:
        add(Code.SMALL_FOV, "ReconstructionDiameter", f"{diameter:g} mm")
    return tuple(found)


def usual(headers: Sequence[Header], read: Callable[[Header], str]) -> str:
    """The most frequent text of an attribute, ``""`` if no image has one."""
    counts = Counter(text for header in headers if (text := read(header)))
    return min(counts, key=lambda text: (-counts[text], text), default="")


def _body_part(part: str) -> Code:
    name = part.upper().replace("_", " ").strip()
    if not name:
        return Code.BODYPART_MISSING
    if name in CARDIAC_BODY_PARTS:
        return Code.BODYPART_CARDIAC
    return Code.BODYPART_THORAX if THORACIC_BODY_PARTS.search(name) else Code.BODYPART_OTHER


def _gating(headers: Sequence[Header]) -> tuple[str, str] | None:
    """The first attribute that betrays acquisition or reconstruction by the ECG, and what it says."""
    percentages = [p for header in headers if (p := header.nominal_percentage_of_cardiac_phase) is not None]
    if percentages:
        return "NominalPercentageOfCardiacPhase", f"{min(percentages):g}"
    options = sorted({header.scan_options for header in headers if _GATED_SCAN_OPTIONS.search(header.scan_options)})
    if options:
        return "ScanOptions", options[0]
    rates = [rate for header in headers if (rate := header.heart_rate) and rate > 0]
    if rates:
        return "HeartRate", f"{min(rates):g}"
    comments = sorted({header.image_comments for header in headers if _BEATS.search(header.image_comments)})
    return ("ImageComments", comments[0]) if comments else None

"""Every code has a phantom that provokes it, alone."""

from collections.abc import Iterable

import pytest

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.codes import Code
from phantom.ct import DAMAGES, PROTOCOLS, Kind, ct_series

MATRIX = 4

OF_MULTIPHASE = frozenset({"unlabelled", "incomplete_phase"})

PROVOKED: dict[str, frozenset[Code]] = {
    "other_modality": frozenset({Code.NOT_CT}),
    "secondary_capture_class": frozenset({Code.NOT_CT_IMAGE_STORAGE}),
    "localizer_type": frozenset({Code.LOCALIZER}),
    "secondary_type": frozenset({Code.SECONDARY_CAPTURE}),
    "monitoring_type": frozenset({Code.BOLUS_TRACKING}),
    "protocol_type": frozenset({Code.DOSE_OR_REPORT}),
    "reformat_description": frozenset({Code.REFORMAT_DERIVED}),
    "perfusion_description": frozenset({Code.PERFUSION_OR_LATE}),
    "body_part_missing": frozenset({Code.BODYPART_MISSING}),
    "body_part_chest": frozenset({Code.BODYPART_THORAX}),
    "body_part_other": frozenset({Code.BODYPART_OTHER}),
    "missing_slice": frozenset({Code.MISSING_SLICES}),
    "duplicate_instance": frozenset({Code.DUPLICATE_INSTANCE}),
    "duplicate_position": frozenset({Code.DUPLICATE_POSITIONS}),
    "variable_spacing": frozenset({Code.NONUNIFORM_SPACING}),
    "shear": frozenset({Code.SHEARED_TILT}),
    # the same shear, and the header says why
    "gantry_tilt": frozenset({Code.SHEARED_TILT, Code.GANTRY_TILT_TAG}),
    "gantry_tilt_tag": frozenset({Code.GANTRY_TILT_TAG}),
    "lateral_shift": frozenset({Code.LATERAL_SHIFT}),
    "every_third": frozenset({Code.SLICE_GAP}),
    "one_slice": frozenset({Code.TOO_FEW_SLICES}),
    "short_coverage": frozenset({Code.COVERAGE_SHORT}),
    "limited_coverage": frozenset({Code.COVERAGE_LIMITED}),
    "coronal": frozenset({Code.NOT_AXIAL}),
    "without_positions": frozenset({Code.GEOMETRY_TAGS_MISSING}),
    "invalid_orientation": frozenset({Code.ORIENTATION_INVALID}),
    "mixed_orientation": frozenset({Code.MIXED_ORIENTATION}),
    "mixed_grid": frozenset({Code.MIXED_PIXEL_GRID}),
    "mixed_kernel": frozenset({Code.MIXED_KERNEL}),
    "mixed_frame_of_reference": frozenset({Code.MIXED_FRAME_OF_REFERENCE}),
    "own_frames_of_reference": frozenset({Code.MIXED_FRAME_OF_REFERENCE}),
    "mixed_rescale": frozenset({Code.MIXED_RESCALE}),
    "without_rescale": frozenset({Code.RESCALE_MISSING}),
    "mixed_thickness": frozenset({Code.MIXED_SLICE_THICKNESS}),
    "localizer_inside": frozenset({Code.IMAGES_LEFT_OUT}),
    "unlabelled": frozenset({Code.MULTIPHASE_UNLABELLED}),
    "incomplete_phase": frozenset({Code.PHASE_INCOMPLETE}),
    "lossy": frozenset({Code.LOSSY_COMPRESSION}),
    "derived": frozenset({Code.DERIVED}),
    "without_image_type": frozenset({Code.IMAGE_TYPE_MISSING}),
    "without_sop_class": frozenset({Code.SOP_CLASS_MISSING}),
    "invalid_number": frozenset({Code.ATTRIBUTE_INVALID}),
    "thick": frozenset({Code.THICK_FOR_CCTA}),
    "too_thick": frozenset({Code.TOO_THICK_FOR_CCTA}),
    # seen in pixels, in other studies, or when the volume is read
    "faint_contrast": frozenset(),
    "without_contrast": frozenset(),
    "not_hounsfield": frozenset(),
    "without_patient_id": frozenset(),
    "other_birth_date": frozenset(),
}

ELSEWHERE = frozenset({"ENHANCED_MULTIFRAME"})
"""Codes that need another object than a series of single frames."""


def said(kind: Kind, damage: str | None = None) -> frozenset[Code]:
    """All codes of the verdict, those of the evidence among them."""
    verdict = judge_series([Header.from_dataset(image) for image in ct_series(kind, damage=damage, matrix=MATRIX)])
    return frozenset(verdict.codes) | {one.code for one in verdict.evidence}


@pytest.fixture(scope="module")
def healthy() -> dict[Kind, frozenset[Code]]:
    return {kind: said(kind) for kind in PROTOCOLS}


def test_every_damage_is_listed() -> None:
    assert set(PROVOKED) == set(DAMAGES)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_provokes_its_code_alone(damage: str, healthy: dict[Kind, frozenset[Code]]) -> None:
    kind: Kind = "multiphase" if damage in OF_MULTIPHASE else "ccta"
    assert said(kind, damage) - healthy[kind] == PROVOKED[damage]


def test_every_code_of_cardiac_ct_has_a_phantom(healthy: dict[Kind, frozenset[Code]]) -> None:
    codes = list(Code)
    cardiac = codes[codes.index(Code.NOT_CT) : codes.index(Code.TOO_THICK_FOR_CCTA) + 1]
    provoked: Iterable[Code] = frozenset[Code]().union(*PROVOKED.values(), *healthy.values())
    assert {str(code) for code in cardiac} - set(map(str, provoked)) == ELSEWHERE

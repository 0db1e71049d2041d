"""Every code has a phantom that provokes it, alone."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from pydicom import Dataset

from orthanc_ai.cardiac.contrast import Contrast, blood_in, judge_blood, slices_to_look_at
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import Look, judge_series, judge_study
from orthanc_ai.cardiac.patients import IDENTITY_TAGS, QUARANTINE, Identity, quarantine
from orthanc_ai.cardiac.stack import Stack
from orthanc_ai.codes import Code
from phantom.ct import DAMAGES, PROTOCOLS, Kind, ct_series, vendor_series

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
    "not_hounsfield": frozenset({Code.NOT_HOUNSFIELD}),
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
    "without_patient_id": frozenset(),
    "other_birth_date": frozenset(),
}

SEEN: dict[str, frozenset[Code]] = {
    "faint_contrast": frozenset({Code.CONTRAST_UNCERTAIN}),
    "without_contrast": frozenset({Code.NO_CONTRAST_BY_PIXELS, Code.CONTRAST_DISAGREES}),
}
"""What a look at the pixels says that it does not say of the whole series."""

ELSEWHERE = frozenset({"ENHANCED_MULTIFRAME", "INDEX_INCOMPLETE"})
"""Codes that need another object than a series of single frames, or another index."""


def said(kind: Kind, damage: str | None = None, *, look: bool = False) -> frozenset[Code]:
    """All codes of the verdict, those of the evidence among them."""
    # Where nobody looks at the pixels, few will do.
    images = ct_series(kind, damage=damage, matrix=64 if look else MATRIX)
    verdict = judge_series([Header.from_dataset(image) for image in images], look=looking_at(images) if look else None)
    return frozenset(verdict.codes) | {one.code for one in verdict.evidence}


def looking_at(images: Sequence[Dataset]) -> Look:
    """As a worker looks at the files."""
    by_uid = {image.SOPInstanceUID: image for image in images}

    def blood(header: Header) -> float | None:
        image = by_uid[header.sop_instance_uid]
        stored = np.frombuffer(image.PixelData, dtype="<u2").reshape(image.Rows, image.Columns)
        return blood_in(stored.astype(np.float32) + np.float32(image.RescaleIntercept), header)

    def look(stack: Stack) -> Contrast:
        return Contrast(seen=judge_blood([blood(header) for header in slices_to_look_at(stack)])[0])

    return look


@pytest.fixture(scope="module")
def healthy() -> dict[Kind, frozenset[Code]]:
    return {kind: said(kind) for kind in PROTOCOLS}


def test_every_damage_is_listed() -> None:
    assert set(PROVOKED) == set(DAMAGES)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_provokes_its_code_alone(damage: str, healthy: dict[Kind, frozenset[Code]]) -> None:
    kind: Kind = "multiphase" if damage in OF_MULTIPHASE else "ccta"
    assert said(kind, damage) - healthy[kind] == PROVOKED[damage]


@pytest.mark.parametrize("damage", SEEN)
def test_a_damage_of_the_pixels_is_seen(damage: str) -> None:
    assert said("ccta", damage, look=True) - said("ccta", look=True) == SEEN[damage]


def test_contrast_is_seen_where_it_is() -> None:
    assert Code.CONTRAST_BY_PIXELS in said("ccta", look=True)
    assert Code.NO_CONTRAST_BY_PIXELS in said("calcium_score", look=True)


def test_series_of_one_phase_each_are_one_scan() -> None:
    names = [f"phase {phase}" for phase in range(0, 100, 10)]
    study = judge_study(
        Header.from_dataset(image) for name in names for image in vendor_series("ge", name, matrix=MATRIX)
    )
    assert [Code.PHASE_GROUP in series.codes for series in study.series] == [True] * 10
    assert {len(series.phase_group) for series in study.series} == {10}


def test_whose_a_study_is() -> None:
    def whose(damage: str | None) -> Identity:
        tags = ct_series("ccta", damage=damage, matrix=MATRIX)[0]
        # Studies of their own, as two examinations of one patient are.
        return Identity.from_tags(
            {key: str(tags.get(key, "")) for key in IDENTITY_TAGS} | {"StudyInstanceUID": str(damage)}
        )

    first, nobodys, other = whose(None), whose("without_patient_id"), whose("other_birth_date")
    assert quarantine(first, [nobodys]) is None
    assert quarantine(nobodys, [first]) is Code.PATIENT_ID_MISSING
    assert quarantine(first, [other]) is quarantine(other, [first]) is Code.PATIENT_ID_CONFLICT


def test_every_code_of_cardiac_ct_has_a_phantom(healthy: dict[Kind, frozenset[Code]]) -> None:
    codes = list(Code)
    cardiac = codes[codes.index(Code.NOT_CT) : codes.index(Code.TOO_THICK_FOR_CCTA) + 1]
    seen = frozenset({Code.CONTRAST_BY_PIXELS, Code.PHASE_GROUP, *QUARANTINE}).union(
        *SEEN.values()
    )  # see the tests above
    provoked: Iterable[Code] = seen.union(*PROVOKED.values(), *healthy.values())
    assert {str(code) for code in cardiac} - set(map(str, provoked)) == ELSEWHERE

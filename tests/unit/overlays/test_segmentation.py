"""Outlines as a DICOM Segmentation: where they are, what they are called, and that readers understand it."""

import dataclasses
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from highdicom.seg import segread
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_ai.cardiothoracic.ratio import Outlines
from orthanc_ai.overlays.segmentation import enlarged, segmentation
from orthanc_ai.report import provenance
from orthanc_ai.report.uids import tracking_uid
from tests.unit.report.sources import IDENTITY, NOW, errors_of_dciodvfy, radiograph
from tests.unit.report.test_findings_report import INHERITED_ERRORS, SYNTHETIC, wild

MAKER = provenance.of_rules("outlines", "Outlines of lungs and heart", "1", "0.1.0", (provenance.RESEARCH,))


def ellipse(shape: tuple[int, int], row: float, column: float, tall: float, wide: float) -> npt.NDArray[np.bool_]:
    """A filled ellipse, the first pixel's middle being (0.5, 0.5)."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    found: npt.NDArray[np.bool_] = ((rows + 0.5 - row) / tall) ** 2 + ((columns + 0.5 - column) / wide) ** 2 < 1
    return found


def outlines(rows: int = 61, columns: int = 51, step: int = 3) -> Outlines:
    """Two lungs and a heart that fill their places of an image."""
    shape = tall, wide = rows // step, columns // step
    return Outlines(
        ellipse(shape, tall / 2, wide / 4, tall / 3, wide / 5),
        ellipse(shape, tall / 2, 3 * wide / 4, tall / 3, wide / 6),
        ellipse(shape, 3 * tall / 4, wide / 2, tall / 6, wide / 10),
        step,
    )


def made(source: Dataset, of: Outlines | None = None) -> bytes:
    rows, columns = int(source.Rows), int(source.Columns)
    return segmentation(source, of or outlines(rows, columns), MAKER, IDENTITY, NOW).dicom


def small(**attributes: Any) -> Dataset:
    return radiograph(Rows=61, Columns=51, **attributes)


# ---- Where ---------------------------------------------------------------------------------------------------


@given(
    st.integers(2, 16),
    st.tuples(st.integers(0, 15), st.integers(0, 15)),
    st.floats(8, 12),
    st.floats(8, 12),
    st.floats(4, 7.5),
)
def test_enlarged_outlines_lie_where_the_coarse_ones_do(
    step: int, rest: tuple[int, int], row: float, column: float, radius: float
) -> None:
    rows, columns = 20 * step + rest[0] % step, 20 * step + rest[1] % step
    coarse = ellipse((20, 20), row, column, radius, radius)
    found = enlarged(coarse, step, rows, columns)
    assert found.shape == (rows, columns)
    blocks = np.kron(coarse, np.ones((step, step), np.bool_))
    assert not found[20 * step :].any()
    assert not found[:, 20 * step :].any()
    assert found.sum() == pytest.approx(blocks.sum(), rel=0.05)
    # The smooth edge keeps within the cells that touch the disc's edge.
    rim = 1.5 * step
    inside = ellipse((rows, columns), step * row, step * column, step * radius - rim, step * radius - rim)
    outside = ~ellipse((rows, columns), step * row, step * column, step * radius + rim, step * radius + rim)
    assert found[inside].all()
    assert not found[outside].any()


def test_a_straight_edge_stays_where_it_is_and_so_does_what_touches_the_border() -> None:
    coarse = np.zeros((8, 10), np.bool_)
    coarse[:, 4:] = True
    found = enlarged(coarse, 5, 43, 54)
    assert np.array_equal(found[:40, :50].astype(bool), np.kron(coarse, np.ones((5, 5), np.bool_)))


@pytest.mark.parametrize("radius", [6, 8.3, 10.9, 12.3, 14])
def test_edges_are_nearer_the_truth_than_the_cells_corners(radius: float) -> None:
    coarse = ellipse((40, 40), 20.2, 19.7, radius, radius)
    true = ellipse((320, 320), 8 * 20.2, 8 * 19.7, 8 * radius, 8 * radius)
    steps = np.kron(coarse, np.ones((8, 8), np.bool_))
    assert (enlarged(coarse, 8, 320, 320) != true).sum() < 0.75 * (steps != true).sum()


def test_outlines_of_the_images_own_pixels_are_not_changed() -> None:
    one = np.random.default_rng(1).random((9, 7)) > 0.5
    assert np.array_equal(enlarged(one, 1, 9, 7).astype(bool), one)


def test_outlines_of_another_image_are_refused() -> None:
    with pytest.raises(ValueError, match="61 x 54"):
        segmentation(radiograph(Rows=61, Columns=54), outlines(), MAKER, IDENTITY, NOW)
    with pytest.raises(ValueError, match="no size"):
        segmentation(radiograph(Rows=None), outlines(), MAKER, IDENTITY, NOW)


# ---- What ----------------------------------------------------------------------------------------------------


def test_other_programs_read_the_segments() -> None:
    # Neither a row nor a frame of 61 x 51 pixels ends with a whole byte.
    source = small()
    found = segread(BytesIO(made(source)))
    expected = outlines()
    for number, (label, laterality, mask) in enumerate(
        (
            ("Right lung", "Right", expected.right_lung),
            ("Left lung", "Left", expected.left_lung),
            ("Heart", None, expected.heart),
        ),
        start=1,
    ):
        segment = found.get_segment_description(number)
        assert (segment.segment_label, segment.tracking_id) == (label, label)
        assert segment.tracking_uid == tracking_uid(source.SOPInstanceUID, label)
        [kind] = segment.SegmentedPropertyTypeCodeSequence
        assert kind.CodeMeaning == label.split()[-1].capitalize()
        sides = [side.CodeMeaning for side in kind.get("SegmentedPropertyTypeModifierCodeSequence", ())]
        assert sides == ([laterality] if laterality else [])
        assert len(segment.RecommendedDisplayCIELabValue) == 3
        frame = found.pixel_array[number - 1]
        assert np.array_equal(frame, enlarged(mask, 3, 61, 51))
        [derivation] = found.PerFrameFunctionalGroupsSequence[number - 1].DerivationImageSequence
        [reference] = derivation.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.SpatialLocationsPreserved == "YES"
    assert found.segmentation_type.value == "BINARY"
    assert found.SegmentsOverlap == "NO"


def test_patient_study_and_identifiers() -> None:
    source = small()
    answer = segmentation(source, outlines(), MAKER, IDENTITY, NOW)
    found = pydicom.dcmread(BytesIO(answer.dicom))
    for keyword in (
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "StudyInstanceUID",
        "AccessionNumber",
        "StudyDate",
    ):
        assert found[keyword].value == source[keyword].value
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID == IDENTITY.sop_instance_uid
    assert found.SOPClassUID == found.file_meta.MediaStorageSOPClassUID == answer.result.sop_class_uid
    assert found.SeriesInstanceUID == answer.result.series_instance_uid == IDENTITY.series_instance_uid
    assert answer.result.study_instance_uid == source.StudyInstanceUID
    assert (found.Modality, found.SeriesNumber) == ("SEG", 9003)
    assert found.SeriesDescription == "AI segmentation outlines not for diagnosis"
    [series] = found.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


def test_a_demonstration_says_so() -> None:
    maker = dataclasses.replace(MAKER, statements=(provenance.DEMONSTRATION,), algorithm_name="long" * 16)
    answer = segmentation(small(), outlines(), maker, IDENTITY, NOW)
    found = pydicom.dcmread(BytesIO(answer.dicom))
    assert found.SeriesDescription == "AI segmentation longlonglonglong DEMONSTRATION not for diagnosis"
    assert len(found.SeriesDescription) == 64
    assert answer.result.demonstration


def test_what_ohif_needs() -> None:
    found = pydicom.dcmread(BytesIO(made(small())))
    [shared] = found.SharedFunctionalGroupsSequence
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.14, 0.143]
    assert found.PatientOrientation == ["L", "F"]
    assert "FrameOfReferenceUID" not in found, "a place in the patient is not claimed"


def test_without_a_spacing_there_are_measures_of_nothing() -> None:
    found = pydicom.dcmread(BytesIO(made(small(ImagerPixelSpacing=None))))
    assert list(map(len, found.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence)) == [0]


def test_overlapping_segments_are_said_to_overlap() -> None:
    of = outlines()
    found = pydicom.dcmread(BytesIO(made(small(), Outlines(of.right_lung, of.left_lung, of.right_lung, 3))))
    assert found.SegmentsOverlap == "YES"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, ("00", None, None)),
        ({"LossyImageCompression": b"00"}, ("00", None, None)),
        (
            {
                "LossyImageCompression": b"01",
                "LossyImageCompressionRatio": b"12.5\\3 ",
                "LossyImageCompressionMethod": b"ISO_10918_1\\ISO_15444_1",
            },
            ("01", [12.5, 3], ["ISO_10918_1", "ISO_15444_1"]),
        ),
        ({"LossyImageCompression": b"01", "LossyImageCompressionRatio": b"12:1"}, ("01", None, None)),
    ],
)
def test_what_was_made_from_a_lossy_image_says_so(stated: dict[str, bytes], expected: tuple[Any, ...]) -> None:
    found = pydicom.dcmread(BytesIO(made(wild(**stated, Rows=b"\x3d\0", Columns=b"\x33\0"))))
    names = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
    assert tuple(found.get(name) for name in names) == expected


def test_same_inputs_same_bytes() -> None:
    assert made(small()) == made(small())


# ---- Validity ------------------------------------------------------------------------------------------------

ODD: dict[str, dict[str, Any]] = {
    "no orientation": {"PatientOrientation": None},
    "empty orientation": {"PatientOrientation": []},
    "no spacing": {"ImagerPixelSpacing": None},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1"},
    "tall pixels": {"ImagerPixelSpacing": [0.2, 0.1], "PixelAspectRatio": [2, 1]},
    "with a side": {"Laterality": "L", "BodyPartExamined": "CHEST"},
    "with image laterality": {"ImageLaterality": "U"},
}


@pytest.mark.parametrize("name", ODD)
def test_valid_for_any_radiograph(name: str, tmp_path: Path) -> None:
    assert errors_of_dciodvfy(made(small(**ODD[name])), tmp_path, "Segmentation") == set()


@pytest.mark.parametrize("name", sorted(SYNTHETIC.keys() - {"nothing but UIDs"}))
def test_valid_whatever_the_source(name: str, tmp_path: Path) -> None:
    document = made(SYNTHETIC[name])
    assert errors_of_dciodvfy(document, tmp_path, "Segmentation") == INHERITED_ERRORS.get(name, set())
    assert pydicom.dcmread(BytesIO(document)).pixel_array.any()

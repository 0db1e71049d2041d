"""Heat maps as Secondary Captures: what lies where, what is written, whose they are, and that validators agree."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset

from orthanc_ai.analyses import Made
from orthanc_ai.overlays.capture import heat_map_identities, heat_maps, shown
from orthanc_ai.overlays.picture import LONGEST_SIDE, Words, draw, step_of
from orthanc_ai.report import provenance
from orthanc_ai.xray.activation import Activation, Box, crop_box, peak
from tests.unit.report.sources import NOW, WEIGHTS, demonstration, findings, model_of_record, radiograph
from tests.unit.report.sources import errors_of_dciodvfy as errors
from tests.unit.report.test_findings_report import INHERITED_ERRORS, SYNTHETIC

ROWS, COLUMNS = 450, 400
WORDS = Words("Nodule", "score 61.0 %, threshold 50 %", ("How to read it.",), "Not for diagnosis.")
MARGIN = 10
"""Of a picture of radiographs as narrow as these."""

type Picture = npt.NDArray[np.uint8]


def film(rows: int = ROWS, columns: int = COLUMNS) -> Picture:
    return np.random.default_rng(0).integers(0, 256, (rows, columns), np.uint8)


def one_cell(row: int, column: int, box: Box) -> Activation:
    grid = np.full((7, 7), -1, np.float32)
    grid[row, column] = 3
    return Activation(grid, box)


def panels(picture: Picture, shown: Picture) -> tuple[Picture, Picture]:
    """The two radiographs in a picture; the left one is found by its pixels."""
    rows, columns = shown.shape
    wanted = np.repeat(shown[:, :, None], 3, axis=2)
    for top in range(len(picture) - rows + 1):
        left = picture[top : top + rows, MARGIN : MARGIN + columns]
        if np.array_equal(left, wanted):
            start = 2 * MARGIN + columns
            return left, picture[top : top + rows, start : start + columns]
    raise AssertionError("the original is not in the picture as it was")


# ---- Where ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0, 0), (3, 3), (6, 2), (2, 6)])
def test_the_colour_lies_where_the_activation_does_and_the_original_is_untouched(place: tuple[int, int]) -> None:
    gray, activation = film(), one_cell(*place, crop_box(ROWS, COLUMNS))
    left, right = panels(draw(gray, activation, WORDS), gray)
    colour = (right.max(2) - right.min(2)).astype(int)
    box, (column, row) = activation.box, peak(activation)
    cell = box.width / 7
    y, x = np.mgrid[:ROWS, :COLUMNS] + 0.5
    far = np.maximum(abs(x - column), abs(y - row)) >= cell
    assert np.array_equal(right[far], left[far]), "where nothing speaks for the finding, it is the original"
    near = np.maximum(abs(x - column), abs(y - row)) < 2
    assert colour[near].min() > 50
    outside = (y < box.top) | (y > box.top + box.height)
    assert np.array_equal(right[outside], left[outside]), "where the model saw nothing, it is the original"


def test_the_radiograph_shines_through() -> None:
    """Of two pixels under the same colour the brighter one stays the brighter, by two fifths of the difference and more."""
    gray = film()
    _, right = panels(draw(gray, Activation(np.ones((7, 7), np.float32), crop_box(ROWS, COLUMNS)), WORDS), gray)
    inside = slice(30, 420)
    slope = np.polyfit(gray[inside].ravel(), right[inside].mean(2).ravel(), 1)[0]
    assert 0.4 < slope < 0.5


def test_large_radiographs_are_reduced_by_means() -> None:
    rows, columns = 2 * LONGEST_SIDE - 1, 801
    gray = film(rows, columns)
    assert step_of(rows, columns) == 2
    means = gray[: rows // 2 * 2, :800].reshape(rows // 2, 2, 400, 2).mean((1, 3))
    picture = draw(gray, Activation(np.zeros((7, 7), np.float32), crop_box(rows, columns)), WORDS)
    left, right = panels(picture, np.floor(means + 0.5).astype(np.uint8))
    assert np.array_equal(left, right)
    assert step_of(LONGEST_SIDE, 10) == 1


def test_small_radiographs_are_magnified_for_the_words() -> None:
    gray = film(90, 100)
    left, right = panels(draw(gray, one_cell(3, 3, crop_box(90, 100)), WORDS), gray.repeat(4, 0).repeat(4, 1))
    touched = np.argwhere((right != left).any(2)) + 0.5
    assert touched.mean(0) == pytest.approx((180, 200), abs=4)


@pytest.mark.parametrize("size", [(64, 64), (64, 20000), (20000, 64), (110000, 64), (3000, 90), (400, 64)])
def test_a_picture_of_any_shape_has_bounds(size: tuple[int, int]) -> None:
    picture = draw(film(*size), one_cell(1, 5, crop_box(*size)), WORDS)
    assert max(picture.shape) <= 4096
    assert picture.nbytes < 15e6


# ---- What ----------------------------------------------------------------------------------------------------


def made(source: Dataset, card: Any = None, scores: list[float] | None = None) -> list[Made]:
    card = card or model_of_record()
    maker = provenance.of_model(card, WEIGHTS, "0.1.0", 0.0, ())
    every = findings(card, scores or [0.7, 0.2, 0.5])
    activation = one_cell(2, 3, crop_box(ROWS, COLUMNS))
    uids = heat_map_identities("1.2.3", "pixels", "recipe", [finding.label for finding in every])
    return heat_maps(source, film(), {f.label: activation for f in every}, every, card, maker, uids, NOW)


def read(objects: list[Made]) -> list[Dataset]:
    return [pydicom.dcmread(BytesIO(each.dicom)) for each in objects]


def test_one_for_each_finding_at_or_above_its_threshold() -> None:
    source = radiograph()
    objects = made(source)
    found = read(objects)
    labels = [finding.label for finding in shown(findings(model_of_record(), [0.7, 0.2, 0.5]))]
    assert labels == ["Atelectasis", "Infiltration"]
    assert [each.InstanceNumber for each in found] == [1, 2]
    assert len({each.SeriesInstanceUID for each in found}) == 1
    assert len({each.SOPInstanceUID for each in found}) == 2
    for each, answer, label in zip(found, objects, labels, strict=True):
        assert label in each.DerivationDescription
        assert (each.Modality, each.SeriesNumber, each.SOPClassUID) == ("OT", 9004, answer.result.sop_class_uid)
        assert each.SOPInstanceUID == each.file_meta.MediaStorageSOPInstanceUID == answer.result.sop_instance_uid
        assert each.SeriesInstanceUID == answer.result.series_instance_uid
        assert each.StudyInstanceUID == answer.result.study_instance_uid == source.StudyInstanceUID
        assert (each.PatientName, each.PatientID) == (source.PatientName, source.PatientID)
        assert each.PatientOrientation == source.PatientOrientation
        [reference] = each.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert each.SeriesDescription == "AI heat maps densenet121-res224-all not for diagnosis"
        assert each.pixel_array.shape[2] == 3
        panels(each.pixel_array, film())
    # The words differ, the radiographs do not.
    assert not np.array_equal(found[0].pixel_array[:20], found[1].pixel_array[:20])


def test_nothing_above_its_threshold_nothing_made() -> None:
    assert made(radiograph(), scores=[0.1, 0.2]) == []


def test_a_demonstration_says_so() -> None:
    card = demonstration()
    objects = made(radiograph(), card)
    [first, _] = read(objects)
    assert objects[0].result.demonstration
    assert first.SeriesDescription == "AI heat maps phantom DEMONSTRATION not for diagnosis"
    assert provenance.DEMONSTRATION in first.ImageComments
    # And in the picture: all that differs there are the words beside the radiographs.
    [other, _] = read(made(radiograph()))
    assert not np.array_equal(first.pixel_array[-12:], other.pixel_array[-12:])


@pytest.mark.parametrize("said", ["YES", "NO", None])
def test_what_is_burned_into_the_radiograph_is_so_in_the_picture_of_it(said: str | None) -> None:
    source = radiograph(BurnedInAnnotation=said) if said else radiograph()
    assert read(made(source))[0].get("BurnedInAnnotation") == said


def test_same_inputs_same_bytes() -> None:
    assert made(radiograph()) == made(radiograph())


@pytest.mark.parametrize("name", sorted(SYNTHETIC.keys() - {"nothing but UIDs"}))
def test_valid_whatever_the_source(name: str, tmp_path: Path) -> None:
    inherited = INHERITED_ERRORS.get(name, set()) - {"Series Instance UID"}  # a reference without the series
    assert errors(made(SYNTHETIC[name])[0].dicom, tmp_path, "SCImage") == inherited


@pytest.mark.parametrize(
    "odd", [{"PatientOrientation": None}, {"PatientOrientation": []}, {"Laterality": "L"}, {"ImageLaterality": "U"}]
)
def test_valid_for_any_radiograph(odd: dict[str, Any], tmp_path: Path) -> None:
    assert errors(made(radiograph(**odd))[0].dicom, tmp_path, "SCImage") == set()

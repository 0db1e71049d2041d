"""The ratio of films that are not stored as they are read."""

from functools import cache

import numpy as np
import pytest

from bench.cardiothoracic import HELD_OUT, film
from orthanc_ai.cardiothoracic.classical import measure
from orthanc_ai.cardiothoracic.grid import Gray
from orthanc_ai.cardiothoracic.ratio import Ratio, RatioError
from orthanc_ai.codes import Code
from orthanc_ai.report.images import Spacing
from orthanc_ai.xray.ratio import tell

STEP = 2


@cache
def image() -> Gray:
    return film(HELD_OUT, ())[0]


@cache
def upright() -> Ratio:
    return measure(image(), STEP)


@pytest.mark.parametrize("orientation", [("R", "F"), ("RA", "FL")])
def test_a_film_stored_mirrored_is_measured_and_its_lungs_keep_their_sides(orientation: tuple[str, str]) -> None:
    told = tell(measure, image()[:, ::-1], STEP, orientation)
    assert isinstance(told, Ratio)
    assert (told.value, told.uncertainty) == (upright().value, upright().uncertainty)
    assert np.array_equal(told.outlines.right_lung, upright().outlines.right_lung[:, ::-1])
    assert np.array_equal(told.outlines.left_lung, upright().outlines.left_lung[:, ::-1])
    assert np.array_equal(told.outlines.heart, upright().outlines.heart[:, ::-1])
    # Lines go from the left of the image to its right, through what they measure.
    for line, true in ((told.heart, upright().heart), (told.thorax, upright().thorax)):
        width = image().shape[1] * STEP
        assert line.start == (width - true.end[0], true.end[1])
        assert line.end == (width - true.start[0], true.start[1])
        assert line.pixels == true.pixels


@pytest.mark.parametrize("orientation", [None, ("L", "F"), ("LP", "F")])
def test_a_film_stored_as_it_is_read_or_without_a_word_is_measured_as_it_is(
    orientation: tuple[str, str] | None,
) -> None:
    told = tell(measure, image(), STEP, orientation)
    assert isinstance(told, Ratio)
    assert (told.heart, told.thorax) == (upright().heart, upright().thorax)


def test_a_header_that_mirrors_a_film_that_is_not_gives_no_ratio() -> None:
    told = tell(measure, image(), STEP, ("R", "F"))
    assert isinstance(told, RatioError)
    assert told.code is Code.RATIO_HEART_BORDER_UNCLEAR


@pytest.mark.parametrize("orientation", [("F", "L"), ("R", "H"), ("A", "F"), ("L", "H")])
def test_a_film_that_is_stored_turned_is_refused(orientation: tuple[str, str]) -> None:
    told = tell(measure, image(), STEP, orientation)
    assert isinstance(told, RatioError)
    assert told.code is Code.RATIO_NOT_FRONTAL
    assert told.detail == f"Patient Orientation is {'\\'.join(orientation)}, not L\\F or R\\F"


@pytest.mark.parametrize(("rows", "columns"), [(0.1, 0.2), (0.4, 0.1), (1e-3, 99.0)])
def test_pixels_that_are_far_from_square_are_refused(rows: float, columns: float) -> None:
    told = tell(measure, image(), STEP, None, Spacing(rows, columns, "detector"))
    assert isinstance(told, RatioError)
    assert told.code is Code.RATIO_NOT_FRONTAL
    assert "times as high as wide" in told.detail


def test_pixels_that_are_nearly_square_are_not() -> None:
    told = tell(measure, image(), STEP, None, Spacing(0.14, 0.143, "detector"))
    assert isinstance(told, Ratio)
    assert told.value == upright().value

"""The classical method on phantoms whose truth is known; `python3 -m bench.cardiothoracic` does many more."""

from contextlib import suppress
from functools import cache

import numpy as np
import pytest

from bench.cardiothoracic import HELD_OUT, film
from orthanc_ai.cardiothoracic.classical import _WORKING_SIDE, measure, step_for
from orthanc_ai.cardiothoracic.grid import Gray, halved
from orthanc_ai.cardiothoracic.ratio import Ratio, RatioError
from orthanc_ai.codes import Code
from orthanc_ai.xray.reduce import block_means
from phantom.chest import draw_chest, render
from phantom.chest.radiograph import Truth

# Cells of the phantoms are 2 of their pixels wide.
STEP = 2
CODES = {Code.RATIO_NOT_FRONTAL, Code.RATIO_LUNGS_NOT_FOUND, Code.RATIO_HEART_BORDER_UNCLEAR}


@cache
def healthy(seed: int) -> tuple[Gray, Truth]:
    image, truth, _ = film(HELD_OUT + seed, ())
    return image, truth


@cache
def ratio(seed: int) -> Ratio:
    return measure(healthy(seed)[0], STEP)


def refusal(image: Gray) -> Code:
    with pytest.raises(RatioError) as caught:
        measure(np.ascontiguousarray(image, np.float32), STEP)
    assert caught.value.code in CODES
    assert str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_chest_is_measured_within_two_hundredths(seed: int) -> None:
    assert ratio(seed).value == pytest.approx(healthy(seed)[1].cardiothoracic_ratio, abs=0.02)
    assert 0.003 < ratio(seed).uncertainty < 0.02


def test_most_chests_with_findings_are_measured_well_and_few_are_refused() -> None:
    errors = []
    for seed in range(12):
        image, truth, _ = film(HELD_OUT + seed)
        with suppress(RatioError):
            errors.append(measure(image, STEP).value - truth.cardiothoracic_ratio)
    assert len(errors) >= 8
    assert np.mean(np.abs(errors) <= 0.02) >= 0.75
    assert np.max(np.abs(errors)) < 0.06


@pytest.mark.parametrize("grade", [0.0, 0.5, 1.0])
def test_a_large_heart_is_seen_to_be_large(grade: float) -> None:
    image, truth, _ = film(HELD_OUT + 1, {"Cardiomegaly": grade})
    assert measure(image, STEP).value == pytest.approx(truth.cardiothoracic_ratio, abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_the_lines_lie_where_heart_and_lungs_end(seed: int) -> None:
    truth, measured = healthy(seed)[1], ratio(seed)
    thorax = truth.thorax_width_mm / truth.pixel_mm
    columns = np.flatnonzero(truth.heart.any(axis=0))
    assert measured.heart.start[0] == pytest.approx(columns[0], abs=0.02 * thorax)
    assert measured.heart.end[0] == pytest.approx(columns[-1] + 1, abs=0.02 * thorax)
    assert measured.thorax.pixels == pytest.approx(thorax, rel=0.03)
    # Both lines are drawn through what they measure.
    row = int(measured.heart.start[1])
    assert truth.heart[row].any()
    assert measured.heart.start[1] == measured.heart.end[1]
    assert measured.thorax.start[1] == measured.thorax.end[1]


@pytest.mark.parametrize("seed", range(4))
def test_the_outlines_are_those_of_lungs_and_heart(seed: int) -> None:
    truth, outlines = healthy(seed)[1], ratio(seed).outlines
    for found, true in (
        (outlines.right_lung, truth.right_lung),
        (outlines.left_lung, truth.left_lung),
        (outlines.heart, truth.heart),
    ):
        cells = true[STEP // 2 :: STEP, STEP // 2 :: STEP]
        # The phantom's lungs reach behind diaphragm and heart, its heart below the diaphragm, where no outline shows.
        assert (found & cells).sum() > 0.8 * found.sum()
        assert (found & cells).sum() > 0.5 * cells.sum()


def test_brightness_and_contrast_of_the_display_do_not_matter() -> None:
    image = healthy(0)[0]
    assert measure((0.4 + 0.2 * image).astype(np.float32), STEP).value == pytest.approx(ratio(0).value, abs=0.005)
    assert measure((image**2).astype(np.float32), STEP).value == pytest.approx(ratio(0).value, abs=0.015)


def test_the_step_scales_the_lines_and_nothing_else() -> None:
    large = measure(healthy(0)[0], 8)
    assert large.value == ratio(0).value
    assert large.thorax.pixels == 4 * ratio(0).thorax.pixels
    assert large.outlines.step == 8


@pytest.mark.parametrize("seed", range(2))
def test_what_is_no_upright_frontal_chest_is_refused(seed: int) -> None:
    image = healthy(seed)[0]
    rows, columns = image.shape
    refusal(np.rot90(image))
    refusal(np.rot90(image, -1))
    refusal(image[::-1])
    refusal(1 - image)
    refusal(image[:, : columns // 2])
    refusal(image[: rows // 2])
    # Mirrored, the heart lies on the right.
    assert refusal(image[:, ::-1]) == Code.RATIO_HEART_BORDER_UNCLEAR


def test_what_is_no_picture_of_anything_is_refused() -> None:
    assert refusal(np.full((256, 256), 0.5, np.float32)) == Code.RATIO_NOT_FRONTAL
    assert refusal(np.zeros((20, 200), np.float32)) == Code.RATIO_NOT_FRONTAL
    assert refusal(np.random.default_rng(0).random((300, 256)).astype(np.float32)) == Code.RATIO_NOT_FRONTAL


@pytest.mark.parametrize("shape", [(100, 60_000), (60_000, 100)])
def test_a_strip_is_refused_at_once(shape: tuple[int, int]) -> None:
    """It took 70 s and 9 GB to find no chest in one."""
    with pytest.raises(RatioError, match="too narrow or too low") as caught:
        measure(np.resize(healthy(0)[0], shape), STEP)
    assert caught.value.code == Code.RATIO_NOT_FRONTAL


@pytest.mark.parametrize("side", [*range(193, 2100, 7), 3000, 4001, 6000])
def test_films_of_all_sizes_are_worked_on_in_grids_that_it_measures_alike_in(side: int) -> None:
    image = np.zeros((side, side + 50), np.float32)
    step = step_for(*image.shape)
    cells, _ = halved(image[: side // step, : side // step], _WORKING_SIDE)
    assert 96 <= min(cells.shape) <= 192


@pytest.mark.parametrize("columns", [440, 520, 600, 770])
def test_the_size_of_a_film_does_not_matter(columns: int) -> None:
    rows = columns * 39 // 32
    step = step_for(rows, columns)
    errors = []
    for seed in range(HELD_OUT, HELD_OUT + 4):
        radiograph = render(draw_chest(seed, ()), rows, columns)
        whole = radiograph.pixels[: rows // step * step, : columns // step * step]
        small = block_means(whole, step) / np.float32(4095)
        errors.append(measure(small, step).value - radiograph.truth.cardiothoracic_ratio)
    assert np.abs(errors).max() <= 0.02, errors

import math

import numpy as np
import pytest

from orthanc_ai.cardiothoracic.ratio import Mask, Outlines, RatioError
from orthanc_ai.cardiothoracic.widths import ratio_of
from orthanc_ai.codes import Code


def box(rows: slice, columns: slice) -> Mask:
    mask = np.zeros((40, 60), bool)
    mask[rows, columns] = True
    return mask


def outlines(step: int = 8) -> Outlines:
    """Lungs from column 5 to 55 of row 20 (elsewhere narrower), a heart from 22 to 42 whose two halves lie apart."""
    right = box(slice(5, 30), slice(10, 20)) | box(slice(20, 21), slice(5, 20))
    left = box(slice(5, 30), slice(44, 55))
    heart = box(slice(12, 16), slice(22, 30)) | box(slice(18, 28), slice(30, 42))
    return Outlines(right, left, heart, step)


def test_widths_and_lines_are_in_pixels_of_the_image() -> None:
    ratio = ratio_of(outlines(), heart_error=0, thorax_error=0, method="drawn")
    assert ratio.value == pytest.approx(20 / 50)
    assert (ratio.thorax.start, ratio.thorax.end) == ((5 * 8, 20.5 * 8), (55 * 8, 20.5 * 8))
    # The heart's outermost points lie at different heights; the line is drawn halfway between them.
    assert (ratio.heart.start[0], ratio.heart.end[0]) == (22 * 8, 42 * 8)
    assert ratio.heart.start[1] == ratio.heart.end[1] == (14 + 23) / 2 * 8


def test_the_grid_alone_makes_a_ratio_uncertain() -> None:
    ratio = ratio_of(outlines(), heart_error=0, thorax_error=0, method="drawn")
    # Four borders, each anywhere within its cell.
    expected = ratio.value * math.sqrt(2 / 12) * math.hypot(1 / 20, 1 / 50)
    assert ratio.uncertainty == pytest.approx(expected)


def test_the_method_s_errors_add_up_as_independent_ones() -> None:
    ratio = ratio_of(outlines(1), heart_error=3, thorax_error=4, method="drawn")
    grid = math.sqrt(2 / 12)
    expected = ratio.value * math.hypot(math.hypot(3, grid) / 20, math.hypot(4, grid) / 50)
    assert ratio.uncertainty == pytest.approx(expected)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("right_lung", Code.RATIO_LUNGS_NOT_FOUND),
        ("left_lung", Code.RATIO_LUNGS_NOT_FOUND),
        ("heart", Code.RATIO_HEART_BORDER_UNCLEAR),
    ],
)
def test_an_empty_outline_is_refused(missing: str, code: Code) -> None:
    drawn = outlines()
    masks = {name: getattr(drawn, name) for name in ("right_lung", "left_lung", "heart")}
    masks[missing] = np.zeros_like(masks[missing])
    with pytest.raises(RatioError) as caught:
        ratio_of(Outlines(**masks, step=8), heart_error=0, thorax_error=0, method="drawn")
    assert caught.value.code == code

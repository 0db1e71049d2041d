"""Frequency scaling against fastai's description, worked out here from the sorted pixels themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.images.frequency import by_frequency, cut_points, quantiles
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling

from .frames import frame


def described(pixels: list[int], bins: int) -> list[int]:
    """Values at the quantiles 0.001, (i + 0.5) / n and 0.999 of the sorted pixels, each once."""
    ordered = sorted(pixels)
    shares = [0.001, *((place + 0.5) / bins for place in range(bins)), 0.999]
    return sorted({ordered[int(len(ordered) * share)] for share in shares})


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=300), st.integers(1, 120))
def test_cut_points_are_those_of_the_sorted_pixels(pixels: list[int], bins: int) -> None:
    values, counts = np.unique(pixels, return_counts=True)
    assert cut_points(values.astype(float), counts, bins).tolist() == described(pixels, bins)
    # Values that no pixel has do not count, whatever the order.
    every = np.arange(50, -51, -1, dtype=float)
    assert cut_points(every, np.array([pixels.count(int(value)) for value in every]), bins).tolist() == described(
        pixels, bins
    )


def test_a_known_image() -> None:
    # 1,000 pixels: 0 to 999. With 4 bins the cut points lie at 1, 125, 375, 625, 875 and 999.
    image = frame(range(1000))
    picture, done = levels(image, Scaling.of({"kind": "frequency", "bins": 4}))
    assert done["cutPoints"] == [1, 125, 375, 625, 875, 999]
    # Each of the five stretches takes a fifth of the gray levels.
    assert [int(picture[0, value]) for value in (0, 1, 63, 125, 375, 625, 875, 999)] == [
        0, 0, 26, 51, 102, 153, 204, 255,
    ]  # fmt: skip


def test_values_are_held_at_the_ends_before_they_are_counted() -> None:
    image = frame(range(1000))
    done = levels(image, Scaling.of({"kind": "frequency", "bins": 4, "minimum": 400, "maximum": 700}))[1]
    assert done["cutPoints"] == [400, 625, 700]
    assert (done["minimum"], done["maximum"]) == (400, 700)


def test_cut_points_of_another_image() -> None:
    image = frame([0, 5, 10, 50, 100])
    picture, done = levels(image, Scaling.of({"kind": "frequency", "cutPoints": [0, 10, 100]}))
    assert picture.tolist() == [[0, 64, 128, 184, 255]]
    assert "bins" not in done


def test_gray_levels_are_used_equally_often() -> None:
    # Nine tenths of the pixels in a tenth of the values.
    generator = np.random.default_rng(7)
    pixels = np.concatenate([generator.integers(1000, 1100, 90_000), generator.integers(0, 4000, 10_000)])
    picture, _ = levels(frame(pixels.astype(np.uint16).reshape(250, 400)), Scaling.of({"kind": "frequency"}))
    assert 0.45 < (picture < 128).mean() < 0.55
    linear, _ = levels(frame(pixels.astype(np.uint16).reshape(250, 400)), Scaling.of({"kind": "range"}))
    assert (linear < 128).mean() > 0.9


def test_quantiles_never_lie_beyond_the_last_pixel() -> None:
    assert quantiles(np.array([1.0, 2.0]), np.array([1, 1]), np.array([0.0, 0.5, 1.0])).tolist() == [1, 2, 2]


def test_between_cut_points_brightness_is_linear() -> None:
    assert by_frequency(np.array([-5.0, 0, 5, 10, 55, 100, 200]), np.array([0.0, 10, 100])).tolist() == [
        0, 0, 0.25, 0.5, 0.75, 1, 1,
    ]  # fmt: skip

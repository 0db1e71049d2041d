import numpy as np
import pytest

from orthanc_ai.images.statistics import statistics
from orthanc_ai.images.window import Window

from .frames import frame


def test_statistics_are_those_of_the_values() -> None:
    generator = np.random.default_rng(3)
    stored = generator.integers(0, 4096, (50, 70)).astype(np.uint16)
    found = statistics(frame(stored, RescaleSlope=1, RescaleIntercept=-1024), ["lung", "brain"])
    hu = stored.astype(float) - 1024
    assert (found["pixels"], found["padding"]) == (3500, 0)
    assert (found["min"], found["max"]) == (hu.min(), hu.max())
    assert found["mean"] == pytest.approx(hu.mean())
    assert found["std"] == pytest.approx(hu.std())
    assert found["windows"]["lung"] == pytest.approx(((hu > -1350) & (hu < 150)).mean())
    assert found["windows"]["brain"] == pytest.approx(((hu > 0) & (hu < 80)).mean())


def test_the_ends_of_a_window_do_not_lie_inside() -> None:
    found = statistics(frame([0, 1, 2, 3, 4]), {"own": Window(2, 4), "odd": Window(2, 3)})
    assert found["windows"] == {"own": 0.6, "odd": 0.6}


def test_padding_does_not_count() -> None:
    found = statistics(frame([4095, 10, 20, 30, 4095], PixelPaddingValue=4095), {"own": Window(20, 10)})
    assert found == {
        "pixels": 3, "padding": 2, "min": 10, "max": 30, "mean": 20, "std": pytest.approx(8.16496580927726),
        "windows": {"own": 1 / 3},
    }  # fmt: skip


def test_an_image_that_is_nothing_but_padding_has_none() -> None:
    found = statistics(frame([7, 7], PixelPaddingValue=7), ["bone"])
    assert found == {
        "pixels": 0, "padding": 2, "min": None, "max": None, "mean": None, "std": None, "windows": {"bone": None},
    }  # fmt: skip


@pytest.mark.parametrize("slope", ["1e-300", "1", "1e300"])
def test_an_odd_rescale_overflows_nothing(slope: str) -> None:
    found = statistics(frame([0, 1, 2, 3], RescaleSlope=slope, RescaleIntercept="0"))
    assert found["mean"] == pytest.approx(1.5 * float(slope))
    assert found["std"] == pytest.approx(1.25**0.5 * float(slope))

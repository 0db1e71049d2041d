from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.pixels.processing import apply_voi_lut

from orthanc_ai.images.grayscale import brightness

from .builder import lut


def film(**attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.PixelRepresentation = 0
    dataset.BitsStored = 12
    dataset.PhotometricInterpretation = "MONOCHROME2"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def of(dataset: Dataset, *stored: float, bits: int = 12, voi_lut: bool = True) -> list[float]:
    return [round(float(value), 6) for value in brightness(dataset, np.array(stored, float), bits, voi_lut)]


def test_without_window_the_whole_range_of_the_header_counts() -> None:
    assert of(film(), 0, 1023.75, 4095) == [0, 0.25, 1]
    assert of(film(), 0, 255, bits=8) == [0, 1]
    assert of(film(PixelRepresentation=1), -2048, 2047) == [0, 1]


def test_monochrome1_is_a_negative() -> None:
    assert of(film(PhotometricInterpretation="MONOCHROME1"), 0, 1023.75, 4095) == [1, 0.75, 0]


def test_values_out_of_range_are_held_at_its_ends() -> None:
    assert of(film(), -5, 5000) == [0, 1]
    assert of(film(PixelRepresentation=1), -3000, 3000) == [0, 1]


@given(st.floats(0.01, 100), st.floats(-5000, 5000))
def test_a_rescale_changes_numbers_not_brightness(slope: float, intercept: float) -> None:
    rescaled = film(RescaleSlope=round(slope, 4), RescaleIntercept=round(intercept, 4))
    assert of(rescaled, 0, 1000, 4095) == pytest.approx(of(film(), 0, 1000, 4095), abs=1e-5)


def test_a_falling_rescale_is_a_negative() -> None:
    assert of(film(RescaleSlope=-1, RescaleIntercept=4095), 0, 4095) == [1, 0]


def test_a_window_counts_in_rescaled_values() -> None:
    # Stored 1000 to 3000 are 0 to 1000 after the rescale.
    dataset = film(RescaleSlope=0.5, RescaleIntercept=-500, WindowCenter=500.5, WindowWidth=1001)
    assert of(dataset, 500, 1000, 2000, 3000, 4000) == [0, 0, 0.5, 1, 1]


def test_the_first_of_several_windows_counts() -> None:
    several = film(WindowCenter=[1000, 3000], WindowWidth=[500, 100])
    assert of(several, 900, 1000, 1100) == of(film(WindowCenter=1000, WindowWidth=500), 900, 1000, 1100)


def test_the_setting_turns_windows_off() -> None:
    assert of(film(WindowCenter=100, WindowWidth=10), 0, 4095, voi_lut=False) == [0, 1]


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # pydicom's
@given(
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", None]),
    st.floats(-5000, 9000),
    st.floats(1.5, 9000),
    st.integers(8, 16),
    st.booleans(),
)
def test_windows_are_pydicoms(function: str | None, center: float, width: float, bits: int, signed: bool) -> None:
    dataset = film(WindowCenter=round(center, 3), WindowWidth=round(width, 3), BitsStored=bits)
    dataset.PixelRepresentation = int(signed)
    if function:
        dataset.VOILUTFunction = function
    low = -(2 ** (bits - 1)) if signed else 0
    stored = np.linspace(low, low + 2**bits - 1, 50).round()
    wanted = (apply_voi_lut(stored.astype(np.int64), dataset) - low) / (2**bits - 1)
    assert np.abs(brightness(dataset, stored, bits, True) - wanted).max() < 1e-6


@given(st.lists(st.integers(0, 1023), min_size=2, max_size=50), st.integers(0, 4000))
def test_a_voi_lut_is_pydicoms_and_comes_before_a_window(entries: list[int], first: int) -> None:
    dataset = film(VOILUTSequence=[lut(entries, first, 10)], WindowCenter=1, WindowWidth=1)
    stored = np.arange(4096)
    wanted = apply_voi_lut(stored, dataset) / 1023
    assert np.abs(brightness(dataset, stored.astype(float), 12, True) - wanted).max() < 1e-9


def test_a_modality_lut_and_a_window_after_it() -> None:
    modality = lut([0, 10, 20, 30], 100, 8)
    assert of(film(ModalityLUTSequence=[modality]), 0, 100, 101, 103, 999) == [0, 0, 0.039216, 0.117647, 0.117647]
    windowed = film(ModalityLUTSequence=[modality], WindowCenter=15.5, WindowWidth=31, VOILUTFunction="LINEAR")
    assert of(windowed, 0, 101, 103) == [0, 0.333333, 1]


def test_padding_is_black_in_every_photometric_interpretation() -> None:
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        dataset = film(PhotometricInterpretation=photometric, PixelPaddingValue=0)
        assert of(dataset, 0) == [0]
        dataset.PixelPaddingRangeLimit = 20
        assert of(dataset, 0, 20) == [0, 0]
        assert of(dataset, 21) != [0]


def test_padding_beyond_the_range_is_padding_still() -> None:
    assert of(film(PixelPaddingValue=65535, PhotometricInterpretation="MONOCHROME2"), 65535, 4095) == [0, 1]


@pytest.mark.parametrize(
    "attributes",
    [
        {"WindowCenter": 1, "WindowWidth": 0.5},
        {"WindowCenter": 1, "WindowWidth": 0, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 1, "WindowWidth": -4, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 1, "WindowWidth": 10, "VOILUTFunction": "CUBIC"},
        {"RescaleSlope": 0, "RescaleIntercept": 1},
        {"VOILUTSequence": [lut([1, 2], 0, 20)]},
        {"VOILUTSequence": [lut([], 0, 12)]},
    ],
)
def test_what_is_not_defined_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"LUT|Window|Rescale"):
        of(film(**attributes), 0, 1)

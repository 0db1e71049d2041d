"""Gray levels by PS3.3 section C.11.2, worked out here value by value from the standard's own pseudo code."""

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import XRayAngiographicImageStorage

from orthanc_ai.images.frame import Frame, read_frame
from orthanc_ai.images.levels import channels, levels
from orthanc_ai.images.scaling import Scaling

from .builder import lut, radiograph, with_malformed_window
from .frames import frame

HEADER = Scaling()
EXPLAINED: dict[str, Any] = {
    "WindowCenter": [40, -600, 400],
    "WindowWidth": [400, 1500, 1800],
    "WindowCenterWidthExplanation": ["SOFT TISSUE", "LUNG", "BONE"],
    "RescaleSlope": 1,
    "RescaleIntercept": -1024,
}


def shown(image: Frame, bits: Literal[8, 16] = 8, **scaling: Any) -> list[int]:
    return [int(level) for level in levels(image, Scaling.of({"kind": "header"} | scaling), bits)[0].ravel()]


def applied(image: Frame, **scaling: Any) -> dict[str, Any]:
    return levels(image, Scaling.of({"kind": "header"} | scaling))[1]


def standard(value: float, center: float, width: float, function: str, white: int) -> float:
    """PS3.3 section C.11.2.1.2.1 and C.11.2.1.3, as they are written there, for y from 0 to `white`."""
    if function == "SIGMOID":
        exponent = -4 * (value - center) / width
        return white / (1 + math.exp(exponent)) if exponent < 700 else 0
    offset, less = (0.5, 1) if function == "LINEAR" else (0, 0)
    if value <= center - offset - (width - less) / 2:
        return 0
    if value > center - offset + (width - less) / 2:
        return white
    return ((value - (center - offset)) / (width - less) + 0.5) * white


@given(
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.integers(-1200, 1200).map(lambda half: half / 2),
    st.integers(2, 4000).map(lambda half: half / 2),
    st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    st.sampled_from([8, 16]),
)
def test_windows_are_the_standards(
    function: str, center: float, width: float, photometric: str, bits: Literal[8, 16]
) -> None:
    stored = np.arange(-700, 701, 7, dtype=np.int16)[None]
    image = frame(
        stored,
        16,
        WindowCenter=center,
        WindowWidth=width,
        VOILUTFunction=function,
        PhotometricInterpretation=photometric,
    )
    white = 2**bits - 1
    wanted = np.array([standard(int(value), center, width, function, white) for value in stored[0]])
    if photometric == "MONOCHROME1":
        wanted = white - wanted
    assert np.abs(shown(image, bits) - wanted).max() <= 0.5 + 1e-6


def test_halves_are_rounded_to_even_and_a_negative_is_turned_over_before() -> None:
    # The middle of the window is a half: 127.5 becomes 128 in the picture as in its negative.
    attributes: dict[str, Any] = {"WindowCenter": 256.5, "WindowWidth": 513}
    assert shown(frame([0, 256, 512], **attributes)) == [0, 128, 255]
    assert shown(frame([0, 256, 512], PhotometricInterpretation="MONOCHROME1", **attributes)) == [255, 128, 0]


@given(st.integers(-40, 40), st.integers(2, 700))
def test_levels_are_those_of_double_precision_in_the_viewers_order_of_operations(center: int, width: int) -> None:
    image = frame(np.arange(-300, 300, dtype=np.int16)[None], 16, WindowCenter=center, WindowWidth=width)
    wanted = [((value - (center - 0.5)) / (width - 1) + 0.5) * 255.0 for value in range(-300, 300)]
    # Python rounds halves to even, as JavaScript's Uint8ClampedArray does.
    assert shown(image) == [round(min(max(level, 0.0), 255.0)) for level in wanted]


def test_a_window_of_width_1_is_a_step_above_its_center() -> None:
    step: dict[str, Any] = {"WindowCenter": 100.5, "WindowWidth": 1}
    assert shown(frame([99, 100, 101], **step)) == [0, 0, 255]
    assert shown(frame([99, 100, 101], PhotometricInterpretation="MONOCHROME1", **step)) == [255, 255, 0]


def test_without_a_window_an_image_is_shown_from_its_lowest_to_its_highest_value() -> None:
    image = frame([100, 150, 300], RescaleSlope=2, RescaleIntercept=-50)
    assert shown(image) == [0, round(50 / 200 * 255), 255]
    done = applied(image)
    assert (done["kind"], done["minimum"], done["maximum"]) == ("viewer", 150, 550)
    assert done["notes"] == ["WINDOW_NOT_THERE"]
    assert done["asked"] == {"kind": "header"}
    assert "notes" not in applied(image, kind="viewer")
    assert shown(image, kind="viewer") == shown(image)


def test_as_the_viewer_the_window_comes_before_the_voi_lut() -> None:
    image = frame([100, 150, 300], WindowCenter=150.5, WindowWidth=101, VOILUTSequence=[lut([255], 0, 8)])
    assert applied(image)["use"] == "lut"
    done = applied(image, kind="viewer")
    assert (done["use"], done["number"], "notes" in done) == ("window", 1, False)
    assert shown(image, kind="viewer") == [0, 128, 255]


def test_an_image_of_one_value_is_black() -> None:
    assert shown(frame([7, 7])) == [0, 0]
    for kind in ("range", "frequency"):
        assert shown(frame([7, 7]), kind=kind) == [0, 0]


def test_a_falling_rescale_keeps_the_viewers_range() -> None:
    assert shown(frame([0, 100, 200], RescaleSlope=-1, RescaleIntercept=200)) == [255, 128, 0]


def test_signed_values_are_signed() -> None:
    image = frame(np.array([[-1000, -600, 200]], np.int16), 16, WindowCenter=-600, WindowWidth=1501)
    assert shown(image) == [round((-400 + 0.5) / 1500 * 255 + 127.5), 128, 255]


@pytest.mark.parametrize(("chosen", "window"), [(1, (40, 400)), (2, (-600, 1500)), (3, (400, 1800))])
def test_one_of_several_windows_by_number(chosen: int, window: tuple[float, float]) -> None:
    image = frame(range(0, 3000, 10), **EXPLAINED)
    assert shown(image, number=chosen) == shown(image, kind="window", center=window[0], width=window[1])
    assert applied(image, number=chosen)["number"] == chosen


def test_one_of_several_windows_by_its_explanation_whatever_the_case() -> None:
    image = frame(range(0, 3000, 10), **EXPLAINED)
    assert shown(image, explanation=" lung") == shown(image, number=2)
    assert applied(image, explanation="soft  Tissue")["explanation"] == "SOFT TISSUE"


@pytest.mark.parametrize("asked", [{"number": 4}, {"explanation": "BRAIN"}, {"use": "lut"}])
def test_a_window_that_is_not_there_is_replaced_by_the_first_and_that_is_said(asked: dict[str, Any]) -> None:
    image = frame(range(0, 3000, 10), **EXPLAINED)
    assert shown(image, **asked) == shown(image)
    done = applied(image, **asked)
    assert done["notes"] == ["WINDOW_NOT_THERE"]
    assert done["asked"] == {"kind": "header"} | asked
    assert (done["center"], done["width"]) == (40, 400)


@pytest.mark.parametrize(("center", "width"), [(100, 0), (100, -5), (100, 0.5)])
def test_a_window_that_the_standard_does_not_define_is_as_none(center: float, width: float) -> None:
    image = frame([0, 50, 100], WindowCenter=center, WindowWidth=width)
    assert shown(image) == [0, 128, 255]
    assert "ATTRIBUTE_INVALID" in applied(image)["notes"]
    second = frame([0, 50, 100], WindowCenter=[center, 50.5], WindowWidth=[width, 101])
    assert applied(second)["number"] == 2
    assert applied(second)["notes"] == ["ATTRIBUTE_INVALID"]
    assert "WINDOW_NOT_THERE" in applied(second, number=1)["notes"]


def test_a_window_that_is_no_number_is_as_none() -> None:
    image = read_frame(with_malformed_window(radiograph(np.array([[0, 50, 100]], np.uint16), bits=12)))
    assert shown(image) == [0, 128, 255]
    assert "ATTRIBUTE_INVALID" in applied(image)["notes"]


def test_a_voi_lut_comes_before_windows_and_gives_its_upper_8_bits() -> None:
    entries = [0, 15, 16, 2048, 4095]
    image = frame(range(98, 106), VOILUTSequence=[lut(entries, 100, 12)], WindowCenter=100, WindowWidth=3)
    wanted = [0, 0, *(entry >> 4 for entry in entries), 255]
    assert shown(image) == wanted
    assert applied(image) | {"inverted": None} == {
        "kind": "header", "use": "lut", "number": 1, "depth": 12, "inverted": None, "bits": 8,
    }  # fmt: skip
    assert shown(image, 16)[2:7] == [round(entry * 65535 / 4095) for entry in entries]
    assert shown(image, use="window") == shown(image, kind="window", center=100, width=3)
    negative = frame(range(98, 106), VOILUTSequence=[lut(entries, 100, 12)], PhotometricInterpretation="MONOCHROME1")
    assert shown(negative) == [255 - level for level in wanted]


def test_a_voi_lut_is_chosen_by_number_or_explanation() -> None:
    hard, soft = lut([0, 255], 0, 8), lut([100, 200], 0, 8)
    hard.LUTExplanation, soft.LUTExplanation = "HARDER", "SOFTER"
    image = frame([0, 1], VOILUTSequence=[hard, soft], WindowCenter=1, WindowWidth=2)
    assert shown(image, number=2) == shown(image, explanation="softer") == [100, 200]
    # Windows are counted behind the VOI LUTs, or on their own.
    assert applied(image, number=3)["use"] == applied(image, number=1, use="window")["use"] == "window"


def test_a_voi_lut_that_is_malformed_is_as_none() -> None:
    image = frame([0, 50, 100], VOILUTSequence=[lut([1, 2], 0, 20)])
    assert shown(image) == [0, 128, 255]
    assert applied(image)["notes"] == ["ATTRIBUTE_INVALID", "WINDOW_NOT_THERE"]


def test_a_modality_lut_comes_before_the_window_but_not_in_angiography() -> None:
    attributes: dict[str, Any] = {
        "ModalityLUTSequence": [lut([0, 10, 40, 90], 0, 8)],
        "WindowCenter": 45.5,
        "WindowWidth": 91,
    }
    assert shown(frame([0, 1, 2, 3], **attributes)) == [0, 28, 113, 255]
    angiography = frame([0, 1, 2, 3], SOPClassUID=XRayAngiographicImageStorage, **attributes)
    assert shown(angiography) == [0, 3, 6, 8]


def test_named_windows_and_ones_own() -> None:
    hu = frame(range(0, 3000, 10), RescaleSlope=1, RescaleIntercept=-1024)
    assert shown(hu, kind="named", name="lung") == shown(hu, kind="window", center=-600, width=1500)
    assert applied(hu, kind="named", name="lung")["name"] == "lung"
    # fastai's windowed(w, l) goes from l - w / 2 to l + w / 2: that is LINEAR_EXACT.
    stored = np.arange(0, 3000, 10)
    fastai = np.clip((stored - 1024 - (40 - 40)) / 80, 0, 1) * 255
    ours = shown(hu, kind="named", name="brain", function="LINEAR_EXACT")
    assert np.abs(ours - fastai).max() <= 0.5 + 1e-9


def test_a_range_is_given_or_the_images_or_by_percentiles() -> None:
    image = frame([0, 100, 200, 1000], RescaleSlope=1, RescaleIntercept=-100)
    assert shown(image, kind="range", minimum=-100, maximum=155) == [0, 100, 200, 255]
    assert shown(image, kind="range") == [0, 26, 51, 255]
    assert shown(image, kind="range", maximum=155)[1] == 100
    many = frame(range(1000))
    done = applied(many, kind="range", percentiles=[1, 99])
    assert (done["minimum"], done["maximum"]) == (10, 990)


def test_padding_is_shown_as_the_viewer_shows_it_or_black() -> None:
    attributes: dict[str, Any] = {"PixelPaddingValue": 4095, "PhotometricInterpretation": "MONOCHROME2"}
    image = frame([4095, 0, 500, 1000], **attributes)
    assert shown(image) == [255, 0, 31, 62]
    assert shown(image, padding="black") == [0, 0, 31, 62]
    # What scales by the image's own values leaves padding out.
    assert shown(image, kind="range") == [255, 0, 128, 255]
    assert applied(image, kind="range")["maximum"] == 1000
    assert applied(image, kind="frequency")["cutPoints"][-1] == 1000
    assert applied(image, padding="black")["padding"] == "black"
    assert applied(frame([4095, 4095], **attributes), kind="range")["maximum"] == 4095


def test_values_beyond_the_stated_bits_are_kept_and_noted() -> None:
    image = frame([*range(1000), 5000])
    assert applied(image, kind="range")["maximum"] == 5000
    assert applied(image, kind="range")["notes"] == ["PIXEL_RANGE_EXCEEDED"]


def test_16_bits_lose_nothing_of_12() -> None:
    assert len(set(shown(frame(range(4096)), 16))) == 4096


def test_several_scalings_make_channels() -> None:
    image = frame(range(0, 3000, 10), RescaleSlope=1, RescaleIntercept=-1024)
    scalings = [Scaling.of({"kind": "named", "name": name}) for name in ("brain", "subdural", "bone")]
    picture, done = channels(image, scalings)
    assert picture.shape == (1, 300, 3)
    assert [one["name"] for one in done] == ["brain", "subdural", "bone"]
    assert (picture[..., 2] == levels(image, scalings[2])[0]).all()

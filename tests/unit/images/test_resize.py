from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2.functional import resize as torchvision_resize

from orthanc_ai.images.content import content_box
from orthanc_ai.images.levels import levels
from orthanc_ai.images.resize import place, resized
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.images.size import Size

from .frames import frame

type Floats = npt.NDArray[np.float32]


def noise(rows: int, columns: int) -> Floats:
    return np.random.default_rng(rows * 1000 + columns).random((rows, columns), dtype=np.float32) * 255


def made(picture: Floats, **size: Any) -> Floats:
    return resized(picture, place(picture, Size(**size)))


@pytest.mark.parametrize(("rows", "columns"), [(40, 40), (64, 20), (200, 150)])
def test_values_are_torchvisions(rows: int, columns: int) -> None:
    picture = noise(128, 96)
    wanted = torchvision_resize(torch.from_numpy(picture)[None], [rows, columns], antialias=True)[0].numpy()
    assert np.abs(made(picture, rows=rows, columns=columns, how="stretch") - wanted).max() < 1e-2


def test_a_fitted_image_is_whole_and_has_black_around_it() -> None:
    picture = np.full((100, 50), 200, np.float32)
    fitted = made(picture, rows=40, columns=40)
    assert fitted.shape == (40, 40)
    assert (fitted[:, :10] == 0).all()
    assert (fitted[:, 30:] == 0).all()
    assert (fitted[:, 10:30] == 200).all()


def test_a_cropped_image_is_the_middle_and_fills_the_picture() -> None:
    picture = noise(100, 50)
    cropped = made(picture, rows=40, columns=40, how="crop")
    middle = made(picture[25:75].copy(), rows=40, columns=40, how="stretch")
    # The filter looks over the edge of the part.
    assert np.abs(cropped - middle)[1:-1].max() < 1e-2


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from(["fit", "crop", "stretch"]),
    st.booleans(),
    st.sampled_from([None, 0.3, 1.0, 2.5]),
)
def test_every_image_fits_into_every_size(
    shape: tuple[int, int], size: tuple[int, int], how: Any, content: bool, aspect: float | None
) -> None:
    picture = noise(*shape)
    placement = place(picture, Size(*size, how=how, square=True, content=content), aspect)
    result = resized(picture, placement)
    assert result.shape == size
    assert result.min() >= 0
    assert result.max() <= picture.max()


def test_at_its_own_size_an_image_stays_as_it_is() -> None:
    picture = noise(60, 80)
    for how in ("fit", "crop", "stretch"):
        assert (made(picture, rows=60, columns=80, how=how) == picture).all()


def test_pixels_are_made_square_if_asked_for() -> None:
    # Pixels twice as high as wide: a square is 30 rows by 60 columns.
    image = np.zeros((100, 100), np.uint16)
    image[35:65, 20:80] = 4095
    high = frame(image, PixelSpacing=[2, 1])
    square = levels(high, Scaling(), 8, Size(100, 100, square=True))[0] > 127
    assert square.any(1).sum() == pytest.approx(square.any(0).sum(), abs=1)
    as_it_is = levels(high, Scaling(), 8, Size(100, 100))[0] > 127
    assert (as_it_is.any(1).sum(), as_it_is.any(0).sum()) == (30, 60)
    unknown = levels(frame(image), Scaling.of({"kind": "viewer"}), 8, Size(50, 50, square=True))[1]
    assert unknown["notes"] == ["PIXEL_SPACING_MISSING"]
    assert unknown["size"]["pixelAspect"] is None


@pytest.mark.parametrize("how", ["fit", "crop", "stretch"])
def test_a_place_in_the_picture_is_found_again_in_the_image(how: Any) -> None:
    image = np.zeros((300, 200), np.uint16)
    image[140:151, 90:101] = 4095  # its middle is row 145, column 95
    picture, done = levels(frame(image), Scaling(), 16, Size(120, 96, how=how))
    weights = picture / picture.sum()
    middle = [float((weights.sum(1 - axis) * np.arange(picture.shape[axis])).sum()) for axis in (0, 1)]
    size = done["size"]
    back = [size["origin"][axis] + middle[axis] * size["step"][axis] for axis in (0, 1)]
    assert back == pytest.approx([145, 95], abs=0.05)


def test_levels_are_rounded_once() -> None:
    image = frame(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    small, done = levels(image, Scaling(), 8, Size(16, 16))
    exact = levels(image, Scaling(), 16, Size(16, 16))[0] / 257
    assert np.abs(small - exact).max() <= 0.5 + 1 / 257
    assert done["size"] | {"origin": 0} == {
        "rows": 16, "columns": 16, "how": "fit", "step": [4, 4], "origin": 0, "pixelAspect": None,
    }  # fmt: skip


def test_content_is_what_lies_between_dark_margins() -> None:
    picture = np.zeros((512, 400), np.float32)
    picture[100:300, 120:360] = 180
    picture[20:24, 20:24] = 255  # a marker
    assert content_box(picture) == (100, 120, 300, 360)
    cropped = made(picture, rows=200, columns=240, content=True)
    assert (cropped == 180).all()


def test_a_dark_picture_is_all_content() -> None:
    assert content_box(np.zeros((30, 20), np.float32)) == (0, 0, 30, 20)


@pytest.mark.parametrize(
    ("json", "size"),
    [
        (256, Size(256, 256)),
        ([128, 64], Size(128, 64)),
        ({"rows": 8, "columns": 9, "how": "crop", "square": True}, Size(8, 9, "crop", True)),
    ],
)
def test_sizes_in_json(json: Any, size: Size) -> None:
    assert Size.of(json) == size
    assert Size.of(size.to_json()) == size


@pytest.mark.parametrize(
    "json", [0, 10**6, [1, 2, 3], {"rows": 5}, {"rows": 5, "columns": 5, "how": "zoom"}, [1.5, 2], True,
             {"rows": 5, "columns": 5, "square": 1}, {"rows": 5, "columns": 5, "side": 1}]
)  # fmt: skip
def test_what_is_no_size_is_refused(json: Any) -> None:
    with pytest.raises(ValueError, match=r"rows|gets its size|true or false"):
        Size.of(json)

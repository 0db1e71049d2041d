import numpy as np
import pytest
from scipy.ndimage import label  # type: ignore[import-untyped]

from phantom.heart import blocks, cylinders
from phantom.heart.calcium import BACKGROUND_HU, Insert
from phantom.heart.scan import Volume
from phantom.heart.vessels import HU_PER_DENSITY


def agatston(volume: Volume) -> float:
    """The score as its authors define it, slice by slice, in plain words."""
    step, row, column = volume.grid.spacing
    score = 0.0
    for picture in volume.hu:
        lesions, count = label(picture >= 130, np.ones((3, 3)))
        for number in range(1, count + 1):
            lesion = picture[lesions == number]
            area = len(lesion) * row * column
            if area >= 1:
                peak = lesion.max()
                score += area * (1 if peak < 200 else 2 if peak < 300 else 3 if peak < 400 else 4)
    return score * step / 3


@pytest.mark.parametrize("step", [3.0, 2.5, 1.5])
def test_blocks_have_their_score(step: float) -> None:
    phantom = blocks(step)
    assert agatston(phantom.volume) == pytest.approx(phantom.agatston)
    assert phantom.agatston == pytest.approx(blocks(3.0).agatston * step / 3)


def test_scores_of_single_blocks() -> None:
    scores = {insert.name: insert.agatston for insert in blocks().inserts}
    assert scores["129 HU"] == 0
    assert scores["130 HU"] == 12.5  # 2 slices of 6.25 mm2
    assert scores["400 HU"] == 50
    assert scores["smaller than 1 mm2"] == 0
    assert scores["just 1 mm2"] == 4
    assert scores["pixels that touch at a corner"] == 4
    assert scores["one bright pixel"] == 25


def excess(volume: Volume, insert: Insert, reach_mm: float) -> float:
    """What a piece adds to its surroundings, in mg: Hounsfield units above tissue, summed over a box."""
    place = [
        np.abs(axis - middle) <= reach
        for axis, middle, reach in zip(volume.grid.axes(), insert.centre[::-1], (18.0, reach_mm, reach_mm), strict=True)
    ]
    hu = volume.hu[np.ix_(*place)].astype(float) - BACKGROUND_HU
    return float(hu.sum() * np.prod(volume.grid.spacing) / HU_PER_DENSITY / 1000)


def test_blocks_have_their_mass_and_volume() -> None:
    phantom = blocks()
    for insert in phantom.inserts:
        assert excess(phantom.volume, insert, 2.5) == pytest.approx(insert.mass_mg)
    by_name = {insert.name: insert for insert in phantom.inserts}
    assert by_name["1000 HU"].volume_mm3 == 2 * 25 * 0.75
    assert by_name["1000 HU"].mass_mg == pytest.approx(37.5 * 960 / 1.25 / 1000)


@pytest.mark.parametrize("step", [3.0, 1.5, 0.6])
@pytest.mark.parametrize("shift", [(0, 0, 0), (0.17, -0.31, 1.1)])
def test_blur_and_thick_slices_keep_the_mass_of_cylinders(step: float, shift: tuple[float, float, float]) -> None:
    phantom = cylinders((step, 0.4, 0.4), noise_hu=0, shift_mm=shift)
    assert phantom.mass_mg == pytest.approx(168.2, abs=0.1)  # of 360.5 mm3
    for insert in phantom.inserts:
        # Whole numbers of Hounsfield units cost faint blurs their edges.
        tolerance = 0.01 if insert.volume_mm3 > 20 else 0.06
        assert excess(phantom.volume, insert, 7) == pytest.approx(insert.mass_mg, rel=tolerance), insert.name


def test_noise_is_known_and_seeded() -> None:
    first, again, other = (cylinders(seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.volume.hu, again.volume.hu)
    assert not np.array_equal(first.volume.hu, other.volume.hu)
    assert first.volume.hu[0].std() == pytest.approx(20, rel=0.05)

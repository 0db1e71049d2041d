"""Known truth comes out of the picture."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates  # type: ignore[import-untyped]

from phantom.heart import (
    SMALL_ANGIOGRAM,
    SMALL_CALCIUM_SCAN,
    WITHOUT_CONTRAST,
    Grid,
    Heart,
    Plan,
    Scan,
    Volume,
    calcium_of,
    draw_heart,
    render,
)
from phantom.heart.anatomy import AORTA, DESCENDING_AORTA, FAT, WALL
from phantom.heart.solids import distances, frame_along
from phantom.heart.vessels import WALL_MM, Name

SHARP = Scan(psf_mm=(0, 0), noise_hu=0)


@pytest.fixture(scope="module")
def heart() -> Heart:
    return draw_heart(5)


@pytest.fixture(scope="module")
def angiogram(heart: Heart) -> Volume:
    return render(heart, SMALL_ANGIOGRAM)


@pytest.fixture(scope="module")
def native(heart: Heart) -> Volume:
    return render(heart, SMALL_CALCIUM_SCAN, WITHOUT_CONTRAST)


def well_inside(volume: Volume, by_mm: float = 4.0) -> NDArray[np.int16]:
    """Hounsfield units of the ascending aorta, away from its wall."""
    axes = volume.grid.axes()
    inside = distances(AORTA, axes, 1.0) < -by_mm
    return volume.hu[inside & (axes[0] > 20)[:, None, None]]


def test_contrast_is_known(angiogram: Volume, native: Volume) -> None:
    assert np.median(well_inside(angiogram)) == pytest.approx(400, abs=2)
    assert np.median(well_inside(native)) == pytest.approx(45, abs=2)
    assert well_inside(angiogram).std() == pytest.approx(25, rel=0.1)
    x, y = DESCENDING_AORTA.centre
    _, row, column = np.rint(angiogram.grid.index((x, y, 0.0))).astype(int)
    assert np.median(angiogram.hu[:, row, column]) == pytest.approx(390, abs=5)


def test_other_contrast(heart: Heart) -> None:
    box = Grid.about((-2, -3, 40), (12, 12, 12), (1, 1, 1))
    for hu in (250.0, 520.0):
        picture = render(heart, box, Scan(aorta_hu=hu, noise_hu=0))
        assert np.median(well_inside(picture)) == pytest.approx(hu, abs=1)


def diameter(volume: Volume, heart: Heart, name: Name, index: int) -> float:
    """Of the lumen across its centreline, mm, from the contrast in the plane: half-filled voxels count half."""
    vessel = heart.vessels[name]
    direction = vessel.points[index + 1] - vessel.points[index - 1]
    _, right, up = frame_along(direction)
    step = 0.05
    # As far as the healthy wall reaches: there is nothing but lumen, plaque and wall.
    reach = vessel.healthy_radii[index] + WALL_MM - 0.2
    u, v = np.meshgrid(*[np.arange(-reach, reach + step, step)] * 2)
    inside = u**2 + v**2 < reach**2
    places = vessel.points[index] + u[inside][:, None] * right + v[inside][:, None] * up
    hu = map_coordinates(volume.hu.astype(float), volume.grid.index(places).T, order=1)
    area = np.sum((hu - WALL) / (0.97 * 400 - WALL)) * step**2
    return float(2 * np.sqrt(area / np.pi))


@pytest.mark.parametrize("stenosis", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("name", ["LAD", "RCA"])
def test_the_stenosis_in_the_picture_is_the_true_one(name: Name, stenosis: float) -> None:
    heart = draw_heart(2, [Plan(name, 0.5, stenosis, length_mm=10)])
    vessel = heart.vessels[name]
    index = vessel.lesions[0].index
    picture = render(heart, Grid.about(vessel.points[index], (72, 72, 72), (0.25, 0.25, 0.25)), SHARP)
    for place in (index - 12, index, index + 12):
        assert diameter(picture, heart, name, place) == pytest.approx(2 * vessel.radii[place], abs=0.05)
    # the reference is the mean of two healthy places beside the lesion, as a reader takes it
    reference = (diameter(picture, heart, name, index - 12) + diameter(picture, heart, name, index + 12)) / 2
    measured = 1 - diameter(picture, heart, name, index) / reference
    assert measured == pytest.approx(stenosis, abs=0.03)


def test_slabs_meet_without_a_seam(heart: Heart) -> None:
    grid = Grid.about((20, -10, 0), (30, 40, 40), (0.8, 0.8, 0.8))
    whole = render(heart, grid, Scan(noise_hu=0)).hu
    part = render(heart, grid.slab(10, 20), Scan(noise_hu=0)).hu
    assert np.abs(whole[10:20].astype(int) - part).max() <= 1  # of rounding


def test_slabs_do_not_change_the_picture(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid.about((20, -10, 0), (30, 40, 40), (0.8, 0.8, 0.8))
    whole = render(heart, grid)
    monkeypatch.setattr("phantom.heart.scan.SLAB_VOXELS", 7 * 40 * 40)
    np.testing.assert_allclose(render(heart, grid).hu, whole.hu, atol=1)


@pytest.mark.parametrize("spacing", [(0.5, 0.4, 0.4), (3.0, 0.5, 0.5)])
def test_the_mass_of_coronary_calcium_is_kept(spacing: tuple[float, float, float]) -> None:
    plan = Plan("LAD", 0.5, 0.4, density=800, angle=2.0)  # away from branches
    calcified, soft = draw_heart(2, [plan]), draw_heart(2, [Plan("LAD", 0.5, 0.4)])
    (calcium,) = calcium_of(calcified)
    shape = (round(27 / spacing[0]), 50, 50)
    grid = Grid.about(calcium.centre, shape, spacing)
    scan = Scan(aorta_hu=None, noise_hu=0)
    excess = render(calcified, grid, scan).hu.astype(float) - render(soft, grid, scan).hu
    # What it replaces: the wall, and fat where it bulges out of it. Nothing inside the lumen.
    vessel = calcified.vessels["LAD"]
    (lesion,) = vessel.lesions
    assert lesion.calcification
    axes = Grid.about(calcium.centre, (80, 80, 80), (0.1, 0.1, 0.1)).axes()
    inside = (distances(lesion.calcification, axes, 1) < 0) & (distances(vessel.lumen, axes, 1) > 0)
    before = np.where(distances(vessel.wall, axes, 1)[inside] < 0, WALL, FAT)
    assert np.count_nonzero(inside) * 0.001 == pytest.approx(calcium.volume_mm3, rel=0.01)
    assert excess.sum() * np.prod(spacing) == pytest.approx(np.sum(calcium.hu - before) * 0.001, rel=0.02)


def test_calcium_elsewhere_is_not_coronary() -> None:
    heart = draw_heart(2, [Plan("LAD", 0.3, 0.4, density=800)], elsewhere=["aortic wall", "mitral annulus"])
    calcium = calcium_of(heart)
    assert [(one.place, one.coronary) for one in calcium] == [
        ("LAD", True),
        ("aortic wall", False),
        ("mitral annulus", False),
    ]
    for one in calcium[1:]:
        box = render(heart, Grid.about(one.centre, (5, 5, 5), (0.5, 0.5, 0.5)), SHARP)
        assert box.hu[2, 2, 2] == one.hu
        # an ellipsoid that no lumen touches
        semi = {"aortic wall": (0.9, 4.0, 6.0), "mitral annulus": (5.0, 1.6, 2.2)}[one.place]
        assert one.volume_mm3 == pytest.approx(4 / 3 * np.pi * np.prod(semi), rel=0.005)

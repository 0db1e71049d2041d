import numpy as np
import pytest

from phantom.heart.anatomy import AORTA, OUTER, PARTS
from phantom.heart.heart import draw_heart
from phantom.heart.vessels import Plan, ostium

# Lengths of adults' arteries, as a program that tracks them would call plausible, mm.
PLAUSIBLE = {"LM": (5, 25), "LAD": (90, 140), "LCX": (40, 110), "RCA": (100, 180), "D1": (30, 90), "OM1": (30, 90)}

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_arteries_run_in_the_fat_above_the_heart(seed: int) -> None:
    for name, vessel in draw_heart(seed).vessels.items():
        least, most = PLAUSIBLE[name]
        assert least < vessel.length_mm < most
        x, y, z = vessel.points[20 if name != "LM" else -4 :].T
        depth = np.minimum.reduce([solid.at(x, y, z) for part in OUTER for solid in PARTS[part]])
        assert np.all(depth > vessel.healthy_radii[-len(x) :] + 0.7), name  # its wall is free
        if name != "LM":
            assert np.median(depth - vessel.healthy_radii[-len(x) :]) < 3  # and the heart is near


@pytest.mark.parametrize("seed", SEEDS)
def test_arteries_are_smooth_and_joined(seed: int) -> None:
    vessels = draw_heart(seed).vessels
    for vessel in vessels.values():
        steps = np.diff(vessel.points, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        np.testing.assert_allclose(lengths, 0.5, atol=0.02)
        turns = (steps[1:] * steps[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1])
        assert np.degrees(np.arccos(np.clip(turns, -1, 1))).max() < 15
        if vessel.parent:
            gaps = np.linalg.norm(vessels[vessel.parent].points - vessel.points[0], axis=1)
            assert gaps.min() < 0.01
        else:
            assert AORTA.at(*vessel.points[:1].T)[0] < 0
            assert AORTA.at(*ostium(vessel)[:, None])[0] == pytest.approx(0, abs=0.6)


def test_the_same_seed_gives_the_same_heart_and_lesions_do_not_move_it() -> None:
    first, again, healthy, other = draw_heart(3), draw_heart(3), draw_heart(3, 0), draw_heart(4)
    for name, vessel in first.vessels.items():
        np.testing.assert_array_equal(vessel.radii, again.vessels[name].radii)
        np.testing.assert_array_equal(vessel.points, healthy.vessels[name].points)
        assert [lesion.plan for lesion in vessel.lesions] == [lesion.plan for lesion in again.vessels[name].lesions]
    assert not np.array_equal(first.vessels["LAD"].points[:100], other.vessels["LAD"].points[:100])
    assert sum(len(vessel.lesions) for vessel in first.vessels.values()) == 4
    assert not any(vessel.lesions for vessel in healthy.vessels.values())


@pytest.mark.parametrize("stenosis", [0.0, 0.3, 0.8])
def test_a_lesion_narrows_by_its_share(stenosis: float) -> None:
    vessel = draw_heart(1, [Plan("LAD", 0.4, stenosis, length_mm=10)]).vessels["LAD"]
    (lesion,) = vessel.lesions
    share = vessel.radii / vessel.healthy_radii
    assert share[lesion.index] == pytest.approx(1 - stenosis)
    assert vessel.along[lesion.index] == pytest.approx(0.4 * vessel.length_mm, abs=0.3)
    np.testing.assert_allclose(share[np.abs(vessel.along - vessel.along[lesion.index]) > 5.01], 1)


def test_a_calcification_touches_the_lumen_from_outside() -> None:
    vessel = draw_heart(1, [Plan("RCA", 0.5, 0.5, density=600, angle=1.0)]).vessels["RCA"]
    (lesion,) = vessel.lesions
    assert lesion.calcification
    away = np.array(lesion.calcification.centre) - vessel.points[lesion.index]
    assert np.linalg.norm(away) == pytest.approx(vessel.radii[lesion.index] + lesion.calcification.semi_axes[1])


@pytest.mark.parametrize(
    ("plan", "message"),
    [(Plan("LAD", 0.01, 0.5), "does not fit"), (Plan("LAD", 0.5, 1.0), "from 0 to below 1")],
)
def test_impossible_lesions(plan: Plan, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_heart(1, [plan])


def test_an_unknown_place_of_calcium() -> None:
    with pytest.raises(KeyError):
        draw_heart(1, elsewhere=["left atrium"])

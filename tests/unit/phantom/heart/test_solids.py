import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom.heart.grid import Grid
from phantom.heart.solids import Column, Ellipsoid, Solid, Tube, distances, frame_along, over

TURNED = Ellipsoid((3, -4, 5), (12, 6, 4), frame_along((1, 2, -1)))
TUBE = Tube(np.array([[0, 0, -20], [0, 0, 0], [10, 0, 15.0]]), np.array([4, 4, 3.0]))

coordinate = st.floats(-1, 1).filter(lambda value: abs(value) > 1e-3)


@given(coordinate, coordinate, coordinate)
def test_an_ellipsoid_is_at_zero_on_its_surface(x: float, y: float, z: float) -> None:
    direction = np.array([x, y, z])
    unit = direction / np.linalg.norm(direction)
    assert TURNED.frame is not None
    surface = np.array(TURNED.centre) + (unit * np.array(TURNED.semi_axes)) @ TURNED.frame
    (distance,) = TURNED.at(*(np.array([value]) for value in surface))
    assert distance == pytest.approx(0, abs=1e-3)


def test_a_sphere_is_exact_everywhere() -> None:
    ball = Ellipsoid((0, 0, 0), (5, 5, 5))
    places = np.array([0.0, 1, 4.9, 5, 6, 50])
    zero = np.zeros(6)
    np.testing.assert_allclose(ball.at(places, zero, zero), places - 5, atol=1e-4)


def test_a_tube_is_exact_beside_its_cones() -> None:
    x = np.array([0.0, 4, 9])
    np.testing.assert_allclose(TUBE.at(x, np.zeros(3), np.full(3, -10.0)), x - 4, atol=1e-5)
    beyond = TUBE.at(np.zeros(1), np.zeros(1), np.array([-27.0]))
    assert beyond[0] == pytest.approx(3, abs=1e-5)


@pytest.mark.parametrize("solid", [TURNED, TUBE, Column((1, 2), (5, 3)), Column((1, 2), (5, 3), outside=True)])
def test_distances_on_a_grid_are_those_of_its_voxels(solid: Solid) -> None:
    axes = Grid.about((1, 1, 1), (30, 40, 50), (1.3, 0.9, 0.8)).axes()
    reach = 3.0
    z, y, x = np.meshgrid(*axes, indexing="ij")
    exact = solid.at(x, y, z)
    near = exact < reach
    on_grid = np.broadcast_to(distances(solid, axes, reach), exact.shape)
    np.testing.assert_allclose(on_grid[near], exact[near], atol=1e-3)
    assert np.all(on_grid[~near] >= reach - 1e-3)
    part, some = over(solid, axes, reach)
    everywhere = np.full(exact.shape, np.inf)
    everywhere[part] = some
    surface = exact < 0.5  # further away the distance of an ellipsoid is an estimate
    np.testing.assert_allclose(everywhere[surface], exact[surface], atol=1e-3)


def test_a_frame_is_perpendicular() -> None:
    for direction in ((0, 0, 1), (0, 0, -3), (1, 0, 0), (0.1, -2, 5)):
        frame = frame_along(direction)
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert frame[0] @ direction == pytest.approx(np.linalg.norm(direction))

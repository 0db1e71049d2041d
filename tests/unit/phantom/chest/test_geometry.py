"""Line integrals: volumes must come out whatever the shape, place and angle."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom.chest.geometry import Ellipsoid, Grid, Tubes, random_field, smoothstep, tube_map

GRID = Grid(160, 200, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(8, 40), st.floats(8, 40), st.floats(5, 60), st.floats(0, np.pi), st.floats(-20, 20), st.floats(-20, 20)
)
def test_ellipsoid_chords_add_up_to_its_volume(
    a: float, b: float, depth: float, angle: float, x: float, y: float
) -> None:
    volume = Ellipsoid(x, y, a, b, depth, angle).chord(GRID.x, GRID.y).sum() * GRID.pixel_mm**2
    assert volume == pytest.approx(4 / 3 * np.pi * a * b * depth, rel=0.02)


def test_ellipsoid_half_width_is_its_shadows() -> None:
    ellipsoid = Ellipsoid(3, -2, 50, 20, 10, 0.6)
    columns = np.flatnonzero((ellipsoid.chord(GRID.x, GRID.y) > 0).any(axis=0))
    assert (columns[-1] - columns[0] + 1) / 2 == pytest.approx(ellipsoid.half_width, abs=1)


@settings(max_examples=25, deadline=None)
@given(st.floats(-45, 45), st.floats(-45, 45), st.floats(-80, 80), st.floats(0.4, 9))
def test_straight_tube_keeps_its_volume_at_every_angle_to_the_beam(x: float, y: float, z: float, radius: float) -> None:
    end = np.array([[x, y, z]])
    volume = tube_map(GRID, Tubes.straight(end * 0, end, np.array([radius]))).sum() * GRID.pixel_mm**2
    assert volume == pytest.approx(np.pi * radius**2 * np.linalg.norm(end), rel=0.02, abs=0.5)


def test_bent_tube_has_even_thickness_across_its_joints() -> None:
    angle = np.linspace(0, np.pi, 9)
    path = np.stack([40 * np.cos(angle), 40 * np.sin(angle) - 20, 0 * angle], axis=1)
    fine = Grid(500, 500, 0.25)
    chord = tube_map(fine, Tubes.along(path, 6.0, ends=False))
    on_axis = []
    for first, last in itertools.pairwise(path):
        for share in (0.05, 0.5, 0.95):
            row, column = fine.to_pixel(*(first + share * (last - first))[:2])
            on_axis.append(chord[round(row), round(column)])
    assert np.allclose(on_axis, 12.0, atol=0.9)


def test_wall_and_core_have_weights_of_their_own() -> None:
    path = np.array([[-40.0, 0, 0], [40.0, 0, 0]])
    tube = Tubes.along(path, 8.0, wall=2.0, ends=False)
    wall = tube_map(GRID, tube, 1.0, 0.0).sum()
    core = tube_map(GRID, tube, 0.0, 1.0).sum()
    assert core / (wall + core) == pytest.approx(6**2 / 8**2, rel=0.03)


def test_no_tubes_no_path() -> None:
    nothing = np.zeros((0, 3))
    assert not tube_map(GRID, Tubes.straight(nothing, nothing, np.zeros(0))).any()


def test_tube_outside_the_image_leaves_no_trace() -> None:
    far = np.array([[500.0, 500.0, 0.0]])
    assert not tube_map(GRID, Tubes.straight(far, far + 20, np.array([5.0]))).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.floats(3, 40))
def test_random_field_is_the_same_at_every_resolution(seed: int, step: float) -> None:
    coarse = random_field(np.random.default_rng(seed), Grid(51, 41, 4.0), step)
    fine = random_field(np.random.default_rng(seed), Grid(101, 81, 2.0), step)
    assert np.allclose(coarse, fine[::2, ::2], atol=1e-4)


def test_random_field_has_unit_variance() -> None:
    field = random_field(np.random.default_rng(1), Grid(400, 400, 1.0), 4.0)
    assert field.std() == pytest.approx(1.0, abs=0.05)


def test_middle_of_the_detector_is_the_origin() -> None:
    assert GRID.to_pixel(0, 0) == (79.5, 99.5)
    assert GRID.x[0, 100] == pytest.approx(0.5)


def test_smoothstep_ends() -> None:
    assert smoothstep(np.array([-1, 0, 0.5, 1, 2], np.float32), 0, 1).tolist() == [0, 0, 0.5, 1, 1]

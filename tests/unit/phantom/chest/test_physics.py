"""Exposure and display: known answers of simple scenes."""

import numpy as np
import pytest

from phantom.chest.geometry import Grid
from phantom.chest.physics import Exposure, display, expose

GRID = Grid(200, 200, 0.2)
EVEN = np.full((200, 200), 3.0, np.float32)
PLAIN = Exposure(dose=1.0, scatter=0.0, contrast=1.0, compression=0.0)


def test_signal_is_the_attenuation_where_nothing_scatters() -> None:
    assert expose(EVEN, GRID, PLAIN, 0).mean() == pytest.approx(3.0, abs=0.002)


def test_scatter_adds_its_share() -> None:
    signal = expose(EVEN, GRID, Exposure(1.0, 0.5, 1.0, 0.0), 0)
    assert signal.mean() == pytest.approx(3.0 - np.log(1.5), abs=0.002)


def test_scatter_lowers_contrast() -> None:
    edge = EVEN.copy()
    edge[:, 100:] = 4.0
    clean = expose(edge, GRID, PLAIN, 0)
    foggy = expose(edge, GRID, Exposure(1.0, 1.0, 1.0, 0.0), 0)
    assert np.ptp(foggy.mean(axis=0)) < 0.8 * np.ptp(clean.mean(axis=0))


def test_noise_falls_with_the_root_of_the_dose() -> None:
    weak, strong = (expose(EVEN, GRID, Exposure(dose, 0.0, 1.0, 0.0), 3).std() for dose in (0.25, 1.0))
    assert weak / strong == pytest.approx(2.0, rel=0.05)


def test_quanta_follow_poisson() -> None:
    quanta = np.exp(-3.0) * 30_000 * 350 * 0.6 * 0.2**2
    assert expose(EVEN, GRID, PLAIN, 3).std() == pytest.approx(1 / np.sqrt(quanta), rel=0.05)


def test_display_is_bright_where_the_body_is_dense() -> None:
    ramp = np.linspace(2, 5, 200, dtype=np.float32)[None].repeat(200, axis=0)
    pixels = display(ramp, GRID, PLAIN, np.ones((200, 200), np.bool_))
    assert (np.diff(pixels[0].astype(int)) >= 0).all()
    assert pixels[0, 0] < 800
    assert pixels[0, -1] > 3300

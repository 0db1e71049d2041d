"""Senders come first in a rush, and no rush brings the work to a stand."""

import pytest

from orthanc_ai.courtesy import TRICKLE_S, Courtesy


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def arrivals(courtesy: Courtesy, clock: Clock, per_second: int, seconds: float = 1.0) -> None:
    for _ in range(int(per_second * seconds)):
        clock.now += 1 / per_second
        courtesy.arrived()


@pytest.mark.parametrize(("per_second", "rush"), [(5, False), (9, False), (12, True), (300, True)])
def test_more_images_in_a_second_than_there_may_are_a_rush(per_second: int, rush: bool) -> None:
    clock = Clock()
    courtesy = Courtesy(10, clock)
    arrivals(courtesy, clock, per_second, 3)
    assert courtesy.rush is rush


def test_a_rush_is_over_a_second_after_its_images() -> None:
    clock = Clock()
    courtesy = Courtesy(10, clock)
    arrivals(courtesy, clock, 100)
    during = courtesy.rush
    clock.now += 1.0
    assert (during, courtesy.rush, courtesy.wait_s()) == (True, False, 0.0)


def test_in_a_rush_ordinary_jobs_begin_one_by_one() -> None:
    clock = Clock()
    courtesy = Courtesy(10, clock)
    begun = 0
    for _ in range(100):
        arrivals(courtesy, clock, 100, 0.1)
        if courtesy.wait_s() == 0.0:
            courtesy.begun()
            begun += 1
    assert begun == pytest.approx(10 / TRICKLE_S, abs=1)


def test_there_may_never_be_a_rush() -> None:
    clock = Clock()
    courtesy = Courtesy(0, clock)
    arrivals(courtesy, clock, 1000)
    assert not courtesy.rush

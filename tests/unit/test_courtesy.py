"""Senders come first in a rush, and no rush brings the work to a stand."""

from pathlib import Path

import pytest

from orthanc_ai.courtesy import TRICKLE_S, Courtesy, Processors


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """A courtesy with a limit of ten images per second, and what happens around it."""

    def __init__(self, limit: int = 10, busy: float = 1.0) -> None:
        self.clock = Clock()
        self.courtesy = Courtesy(limit, lambda: busy, self.clock)

    def store(self, per_second: int, seconds: float = 1.0, ours: bool = False) -> None:
        for _ in range(int(per_second * seconds)):
            self.clock.now += 1 / per_second
            if ours:
                self.courtesy.reported()
            self.courtesy.stored()


@pytest.mark.parametrize(("per_second", "rush"), [(5, False), (9, False), (12, True), (300, True)])
def test_more_images_in_a_second_than_there_may_are_a_rush(per_second: int, rush: bool) -> None:
    machine = Machine()
    machine.store(per_second, 3)
    assert machine.courtesy.rush is rush


def test_our_own_reports_are_no_rush() -> None:
    machine = Machine()
    machine.store(60, 3, ours=True)
    assert not machine.courtesy.rush


def test_images_among_many_reports_are_one() -> None:
    machine = Machine()
    machine.store(20, ours=True)
    machine.store(200)
    assert machine.courtesy.rush


def test_a_machine_that_has_processors_to_spare_knows_no_rush() -> None:
    machine = Machine(busy=0.3)
    machine.store(300, 3)
    assert not machine.courtesy.rush


def test_a_rush_is_over_a_second_after_its_images() -> None:
    machine = Machine()
    machine.store(100)
    during = machine.courtesy.rush
    machine.clock.now += 1.0
    assert (during, machine.courtesy.rush, machine.courtesy.wait_s()) == (True, False, 0.0)


def test_in_a_rush_ordinary_jobs_begin_one_by_one() -> None:
    machine = Machine()
    begun = 0
    for _ in range(200):
        machine.store(100, 0.1)
        if machine.courtesy.rush and machine.courtesy.wait_s() == 0.0:
            machine.courtesy.begun()
            begun += 1
    assert begun == pytest.approx(20 / TRICKLE_S, abs=1)


def test_there_may_never_be_a_rush() -> None:
    machine = Machine(limit=0)
    machine.store(1000)
    assert not machine.courtesy.rush


def test_workers_of_low_priority_do_not_make_the_machine_busy(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 100 100 1000 0 0 0 0 0 0\n")
    processors = Processors(stat)
    stat.write_text("cpu  130 170 110 1060 20 5 5 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    assert processors.share() == pytest.approx(50 / 200)
    assert processors.share() == pytest.approx(50 / 200), "no time has passed"

"""Real worker processes at the items of a batch: what befalls one costs the item that is to blame, and no other."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orthanc_ai import workers as module
from orthanc_ai.batches.batch import InterruptedBatch
from orthanc_ai.batches.crew import Crew, Done
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.settings import AI

from . import chores

type Item = tuple[int, str, str]

SETTINGS = AI.model_validate(
    {"Python": sys.executable, "Workers": 2, "JobTimeout": 1, "MaxAttempts": 2, "RetryPause": 0.1}
)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_start", chores.start)
    monkeypatch.setattr(module, "STOP_CHECK_S", 0.05)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run({}, tmp_path, {}, settle=lambda _: None, ended=threading.Event(), paused=lambda: False)


def items(count: int, chores: Mapping[int, str] | None = None) -> Iterator[Item]:
    return ((number, (chores or {}).get(number, ""), "") for number in range(count))


def done(run: Run, wanted: Iterator[Item], *, in_order: bool = True) -> list[Done[Item]]:
    with Crew(SETTINGS, run, chores.CHORES) as crew:
        return [one for chunk in crew.do(wanted, 4, in_order=in_order) for one in chunk]


def test_results_come_in_the_order_of_the_items_from_several_processes(run: Run) -> None:
    found = done(run, items(30, {0: "later"}))
    assert [one.result["number"] for one in found if one.result] == list(range(30))
    assert len({one.result["process"] for one in found if one.result}) == 2


def test_or_as_they_come(run: Run) -> None:
    found = done(run, items(30, {0: "later"}), in_order=False)
    numbers = [one.item[0] for one in found]
    assert sorted(numbers) == list(range(30))
    assert numbers[0] != 0


@pytest.mark.parametrize(
    ("chore", "code"),
    [("die", Code.WORKER_DIED), ("raise", Code.INTERNAL_ERROR), ("sleep", Code.DEADLINE_EXCEEDED)],
)
def test_a_worker_that_breaks_costs_the_item_alone(run: Run, chore: str, code: Code) -> None:
    found = done(run, items(2, {1: chore}))
    assert [one.item[0] for one in found] == list(range(2))
    assert {one.item[0]: one.code for one in found if one.result is None} == {1: code}
    assert not any("Doe" in one.detail for one in found)


def test_what_fails_once_is_tried_again(run: Run, tmp_path: Path) -> None:
    found = done(run, items(1, {0: f"once {tmp_path / 'mark'}"}))
    assert [one.result is not None for one in found] == [True]


def test_a_full_disk_is_no_fault_of_an_item(run: Run) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        done(run, items(6, {2: "full"}))


def test_items_are_taken_as_they_are_needed(run: Run) -> None:
    """They come from the index of an archive of any size."""
    taken = 0

    def counted() -> Iterator[Item]:
        nonlocal taken
        for item in items(200):
            taken += 1
            yield item

    with Crew(SETTINGS, run, chores.CHORES) as crew:
        next(crew.do(counted(), 4))
    assert taken <= 40


def test_a_stop_does_not_wait_for_busy_workers(tmp_path: Path) -> None:
    ended = threading.Event()
    run = Run({}, tmp_path, {}, settle=lambda _: None, ended=ended, paused=lambda: False)
    threading.Timer(0.5, ended.set).start()
    begun = time.monotonic()
    with pytest.raises(InterruptedBatch):
        done(run, items(8, {0: "sleep", 4: "sleep"}))
    assert time.monotonic() - begun < 10


def test_items_are_settled_together(tmp_path: Path) -> None:
    written: list[Mapping[str, object]] = []
    run = Run({}, tmp_path, {}, settle=written.append, ended=threading.Event(), paused=lambda: False)
    run.settle_all({"a": 1, "b": 2})
    run.settle("c", 3)
    assert written == [{"a": 1, "b": 2}, {"c": 3}]
    assert (run.done, dict(run.settled)) == (3, {"a": 1, "b": 2, "c": 3})

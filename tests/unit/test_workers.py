"""Real worker processes with cheap tasks: whatever befalls one of them costs one job, and is said with a code."""

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from orthanc_ai import workers as module
from orthanc_ai.analyses import Task
from orthanc_ai.codes import Code
from orthanc_ai.handover import KEPT_BYTES
from orthanc_ai.settings import AI
from orthanc_ai.workers import WorkerError, Workers

from . import worker_tasks

WAIT_S = 20.0
"""Bound on what takes a second on an idle machine."""

DEADLINE_S = 3
"""Enough for a cheap task on a busy machine."""


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_start", worker_tasks.start)
        patch.setattr(module, "STOP_CHECK_S", 0.05)
        yield


class Team:
    """One worker process, and how often it was replaced."""

    def __init__(self) -> None:
        self.replaced = 0
        bounds = {"Workers": 1, "JobTimeout": DEADLINE_S, "WorkerMemoryMiB": 1024}
        settings = AI.model_validate({"Python": sys.executable, **bounds})
        self.workers = Workers(settings, self._count)

    def _count(self) -> None:
        self.replaced += 1

    def do(self, what: str) -> int:
        """Do something; the process that did it."""
        return int(self.workers.run(Task(worker_tasks.CHEAP, what, "r")).outcome.detail)

    def fault(self, what: str) -> tuple[Code, str]:
        with pytest.raises(WorkerError) as caught:
            self.do(what)
        return caught.value.code, caught.value.detail


@pytest.fixture(scope="module")
def team(_cheap: None) -> Iterator[Team]:
    made = Team()
    yield made
    made.workers.stop()


@pytest.fixture
def own() -> Iterator[Team]:
    made = Team()
    yield made
    made.workers.stop()


def test_a_task_is_done_in_another_process_at_the_lowest_priority(team: Team) -> None:
    answer = team.workers.run(Task(worker_tasks.CHEAP, "", "r"))
    assert answer.outcome.recipe == "r"
    assert answer.outcome.data == {"nice": 19}
    assert answer.outcome.detail != str(os.getpid())


@pytest.mark.parametrize(
    ("what", "code", "detail"),
    [
        ("die", Code.WORKER_DIED, "exit code -9"),
        ("abort", Code.WORKER_DIED, "exit code -6"),
        ("eat", Code.WORKER_DIED, "out of the memory that AI.WorkerMemoryMiB allows"),
        ("sleep", Code.DEADLINE_EXCEEDED, f"no answer within {DEADLINE_S} s"),
    ],
)
def test_a_broken_worker_is_named_and_replaced(team: Team, what: str, code: Code, detail: str) -> None:
    before, replaced = team.do(""), team.replaced
    assert team.fault(what) == (code, detail)
    assert team.replaced == replaced + 1
    assert team.do("") != before


def test_files_arrive_whole_one_after_the_other(team: Team) -> None:
    (slot,) = team.workers._free.queue
    for size in (10_000_000, 7, KEPT_BYTES + 5_000_001, 0, 100_000):
        file = os.urandom(size)
        answer = team.workers.run(Task(worker_tasks.CHEAP, file, "r"))
        assert answer.outcome.detail == hashlib.sha256(file).hexdigest()
    assert slot.handover.size <= KEPT_BYTES, "a large file's memory is given back with the next one"


def test_a_file_arrives_at_the_worker_that_takes_the_place_of_a_dead_one(team: Team) -> None:
    file = os.urandom(1_000_000)
    os.kill(team.do(""), signal.SIGKILL)
    answer = team.workers.run(Task(worker_tasks.CHEAP, file, "r"))
    assert answer.outcome.detail == hashlib.sha256(file).hexdigest()
    assert team.fault("die")[0] is Code.WORKER_DIED
    assert team.workers.run(Task(worker_tasks.CHEAP, file, "r")).outcome.detail == hashlib.sha256(file).hexdigest()


def test_an_error_is_told_without_its_message_and_the_worker_stays(team: Team) -> None:
    before = team.do("")
    code, detail = team.fault("raise")
    assert code is Code.INTERNAL_ERROR
    assert detail.startswith("ValueError in worker_tasks.py")
    assert "Doe" not in detail
    assert team.do("") == before


def test_a_device_that_is_lost_has_a_code_and_the_worker_stays(team: Team) -> None:
    before = team.do("")
    assert team.fault("lose") == (Code.DEVICE_LOST, "EOFError")
    assert team.do("") == before


def test_a_worker_that_dies_without_work_costs_no_job(team: Team) -> None:
    os.kill(team.do(""), signal.SIGKILL)
    assert team.do("") > 0


def test_a_stop_ends_a_running_task_and_those_that_wait(own: Team) -> None:
    worker = own.do("")
    codes: list[Code] = []
    threads = [_thread(lambda: codes.append(own.fault("sleep")[0])) for _ in range(2)]
    _wait(own.workers._free.empty)
    own.workers.stop()
    for thread in threads:
        thread.join(WAIT_S)
    assert codes == [Code.STOPPING, Code.STOPPING]
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert own.fault("") == (Code.STOPPING, "")


def test_a_stop_before_the_first_task_ends(own: Team) -> None:
    own.workers.stop()
    assert own.fault("") == (Code.STOPPING, "")


def test_workers_that_cannot_start_are_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_start", worker_tasks.start_badly)
    team = Team()
    assert team.fault("") == (Code.WORKER_DIED, "workers die as soon as they are started")
    monkeypatch.setattr(module, "_start", worker_tasks.start)
    assert team.do("") > 0
    team.workers.stop()


def _thread(run: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _wait(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(int(WAIT_S / 0.02)):
        if condition():
            return
        tick.wait(0.02)
    raise AssertionError("it did not come about")

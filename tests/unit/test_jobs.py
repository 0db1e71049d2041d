"""The jobs in hand: each once, in their order, none lost, and no error that ends a thread."""

import random
import threading
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.analyses import XRAY, Analysis
from orthanc_ai.codes import Code
from orthanc_ai.faults import StoppingError
from orthanc_ai.job import Ended, Job, Knocks
from orthanc_ai.jobs import Jobs
from orthanc_ai.server import Server, ServerError

from .stand_in import Archive, Reading, has_next

WAIT_S = 10.0
"""Bound on what takes milliseconds."""


class Script:
    """A job that does as it is told, and writes down what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, bool]] = []
        self.act: Callable[[str], Ended] = lambda _: Ended(Code.REPORTED)

    def do(self, _analysis: Analysis, identifier: str, *, asked: bool) -> Ended:
        self.done.append((identifier, asked))
        return self.act(identifier)


def make(script: Script, *, parallel: int = 0, knocks: Knocks | None = None, pause: float = 0.0) -> Jobs:
    archive = Archive()
    analyses = {XRAY: Reading()}
    return Jobs(
        cast(Server, archive),
        analyses,
        cast(Job, script),
        knocks or Knocks(),
        parallel=parallel,
        capacity=10,
        first_pause_s=pause,
    )


def work(jobs: Jobs, count: int) -> None:
    """Do so many jobs, in this thread."""
    for _ in range(count):
        assert has_next(jobs)
        entry = jobs._next()
        assert entry
        jobs._work(entry)


def order(script: Script) -> list[str]:
    return [identifier for identifier, _ in script.done]


def test_urgent_before_asked_before_ordinary_and_each_in_its_order() -> None:
    script = Script()
    jobs = make(script)
    for number in range(2):
        jobs.submit(XRAY, f"ordinary {number}")
        jobs.submit(XRAY, f"asked {number}", asked=True)
        jobs.submit(XRAY, f"urgent {number}", urgent=True)
    assert [job.identifier for job in jobs.in_hand()] == [
        f"{rank} {number}" for rank in ("urgent", "asked", "ordinary") for number in range(2)
    ]
    work(jobs, 6)
    assert order(script) == [f"{rank} {number}" for rank in ("urgent", "asked", "ordinary") for number in range(2)]


def test_the_same_job_twice_is_done_once_at_the_better_rank_and_both_are_told() -> None:
    script, told = Script(), list[str]()
    jobs = make(script)
    jobs.submit(XRAY, "other")
    jobs.submit(XRAY, "i", lambda: told.append("first"))
    jobs.submit(XRAY, "i", lambda: told.append("second"), urgent=True, asked=True)
    assert jobs.room() == 8
    work(jobs, 2)
    assert script.done == [("i", True), ("other", False)]
    assert told == ["first", "second"]
    assert jobs.room() == 10


def test_submitted_while_it_runs_it_is_done_once_more_before_anybody_is_told() -> None:
    script, told = Script(), list[str]()
    jobs = make(script)

    def grows(_: str) -> Ended:
        assert not told
        if len(script.done) == 1:
            jobs.submit(XRAY, "i", lambda: told.append("second"), asked=True)
        return Ended(Code.REPORTED)

    script.act = grows
    jobs.submit(XRAY, "i", lambda: told.append("first"))
    work(jobs, 2)
    assert script.done == [("i", False), ("i", True)]
    assert told == ["first", "second"]
    assert jobs.count() == (0, 0)


def test_submitted_again_by_those_who_are_told_it_is_a_new_job() -> None:
    """The window between a job's end and its last callback: what comes then must not be lost with the old entry."""
    script, told = Script(), list[str]()
    jobs = make(script)
    jobs.submit(XRAY, "i", lambda: jobs.submit(XRAY, "i", lambda: told.append("second")))
    work(jobs, 1)
    assert jobs.count() == (1, 0)
    work(jobs, 1)
    assert told == ["second"]


def test_what_came_meanwhile_is_done_again_at_once() -> None:
    script, told = Script(), list[str]()
    jobs = make(script)
    script.act = lambda _: Ended(Code.HELD, again=len(script.done) == 1)
    jobs.submit(XRAY, "i", lambda: told.append("i"))
    work(jobs, 2)
    assert told == ["i"]
    assert jobs.ended == {Code.HELD: 2}


@pytest.mark.parametrize(
    ("error", "code"), [(ServerError("busy"), Code.DATABASE_BUSY), (KeyError("name"), Code.INTERNAL_ERROR)]
)
def test_an_error_settles_nothing_and_leaves_the_thread_to_others(error: Exception, code: Code) -> None:
    script, told, rooms = Script(), list[str](), list[int]()
    jobs = make(script, knocks=Knocks(room=lambda: rooms.append(1)))

    def fails(identifier: str) -> Ended:
        if identifier == "bad" and order(script).count("bad") < 3:
            raise error
        return Ended(Code.REPORTED)

    script.act = fails
    jobs.submit(XRAY, "bad", lambda: told.append("bad"))
    jobs.submit(XRAY, "good", lambda: told.append("good"))
    work(jobs, 2)
    assert (told, len(rooms)) == (["good"], 1)
    assert jobs.last_error
    assert jobs.last_error.code is code
    assert [job.attempts for job in jobs.in_hand()] == [1]
    work(jobs, 2)
    assert told == ["good", "bad"]


def test_what_waits_for_the_index_is_done_at_once_if_somebody_asks() -> None:
    script = Script()
    jobs = make(script, pause=100.0)
    script.act = _fail_once(script)
    jobs.submit(XRAY, "i")
    work(jobs, 1)
    assert not jobs._ready
    jobs.submit(XRAY, "i", asked=True)
    work(jobs, 1)
    assert script.done == [("i", False), ("i", True)]
    # Its old row of the timetable is no job any more.
    assert jobs.count() == (0, 0)


def _fail_once(script: Script) -> Callable[[str], Ended]:
    def act(_: str) -> Ended:
        if len(script.done) == 1:
            raise ServerError("busy")
        return Ended(Code.REPORTED)

    return act


def test_a_stopping_server_tells_nobody_that_a_job_is_done() -> None:
    script, told = Script(), list[str]()

    def stops(_: str) -> Ended:
        raise StoppingError

    script.act = stops
    jobs = make(script, parallel=2)
    jobs.submit(XRAY, "i", lambda: told.append("i"))
    _wait(lambda: len(script.done) == 1)
    jobs.give_up()
    jobs.join()
    assert not told
    assert not any(thread.is_alive() for thread in jobs._threads)


def test_a_stop_ends_threads_that_wait_and_begins_nothing_more() -> None:
    script, gate = Script(), threading.Event()

    def waits(_: str) -> Ended:
        gate.wait(WAIT_S)
        return Ended(Code.REPORTED)

    script.act = waits
    jobs = make(script, parallel=3)
    jobs.submit(XRAY, "running")
    _wait(lambda: jobs.count() == (0, 1))
    jobs.give_up()
    jobs.submit(XRAY, "too late")
    gate.set()
    jobs.join()
    assert order(script) == ["running"]
    assert not any(thread.is_alive() for thread in jobs._threads)


def test_many_threads_do_each_job_once_at_a_time_and_tell_everybody_once() -> None:
    script, chance = Script(), random.Random(1)
    running, overlaps, told = set[str](), list[str](), list[int]()
    lock = threading.Lock()

    def act(identifier: str) -> Ended:
        with lock:
            overlaps.extend(running & {identifier})
            running.add(identifier)
            roll = chance.random()
        with lock:
            running.remove(identifier)
        if roll < 0.1:
            raise ServerError("busy")
        return Ended(Code.REPORTED, again=roll > 0.95)

    script.act = act
    jobs = make(script, parallel=8)
    for number in range(2000):
        asked, urgent = number % 7 == 0, number % 11 == 0
        jobs.submit(XRAY, str(number % 5), lambda number=number: told.append(number), asked=asked, urgent=urgent)  # type: ignore[misc]
    _wait(lambda: len(told) == 2000)
    assert sorted(told) == list(range(2000))
    assert not overlaps
    assert jobs.count() == (0, 0)
    jobs.give_up()
    jobs.join()


commands = st.lists(
    st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30
)


@settings(deadline=None)
@given(commands)
def test_nobody_waits_behind_what_is_less_urgent(rows: list[tuple[str, bool, bool, int]]) -> None:
    """Whatever is submitted in whatever order, next comes one of the best rank, and everybody is told once."""
    script, told = Script(), list[int]()
    jobs = make(script)
    waiting: dict[str, int] = {}
    for number, (name, asked, urgent, turns) in enumerate(rows):
        jobs.submit(XRAY, name, lambda number=number: told.append(number), asked=asked, urgent=urgent)  # type: ignore[misc]
        waiting[name] = min(waiting.get(name, 2), 0 if urgent else 1 if asked else 2)
        for _ in range(min(turns, len(waiting))):
            best = min(waiting.values())
            work(jobs, 1)
            assert waiting.pop(order(script)[-1]) == best
    work(jobs, len(waiting))
    assert sorted(told) == list(range(len(rows)))
    assert jobs.room() == 10


def _wait(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(int(WAIT_S / 0.005)):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("it did not come about")

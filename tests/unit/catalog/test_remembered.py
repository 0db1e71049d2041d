"""What takes long is not made again at once, and what does not, always."""

import threading

import pytest

from orthanc_ai.catalog.remembered import LONG_S, MOST, SHARE, Remembered


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Question:
    """What takes so many seconds to answer; each answer is another number."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds, self.made = clock, seconds, 0

    def __call__(self) -> int:
        self.clock.now += self.seconds
        self.made += 1
        return self.made


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_takes_long_is_made_again_only_after_many_times_as_long(clock: Clock) -> None:
    remembered, question = Remembered(clock, clock), Question(clock, 2.0)
    assert [remembered.answer("a", question) for _ in range(3)] == [1, 1, 1]
    clock.now += 2.0 / SHARE
    assert remembered.answer("a", question) == 2


def test_what_is_quick_is_always_made_anew(clock: Clock) -> None:
    remembered, question = Remembered(clock, clock), Question(clock, LONG_S)
    assert [remembered.answer("a", question) for _ in range(3)] == [1, 2, 3]


def test_questions_are_told_apart_and_the_oldest_is_forgotten(clock: Clock) -> None:
    remembered, question = Remembered(clock, clock), Question(clock, 1.0)
    assert [remembered.answer(number, question) for number in range(MOST + 1)] == list(range(1, MOST + 2))
    assert remembered.answer(MOST, question) == MOST + 1
    assert remembered.answer(0, question) == MOST + 2


def test_an_error_is_no_answer(clock: Clock) -> None:
    remembered = Remembered(clock, clock)
    with pytest.raises(ZeroDivisionError):
        remembered.answer("a", lambda: 1 // 0)
    assert remembered.answer("a", lambda: 5) == 5


def test_many_who_ask_at_once_cost_one_answer() -> None:
    cost = Clock()
    remembered, question = Remembered(cost=cost), Question(cost, 1.0)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(remembered.answer("a", question))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [1] * 8

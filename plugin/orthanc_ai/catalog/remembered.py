"""Answers that take long are given again for a while, so that who asks often does not keep the server busy."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

LONG_S = 0.1
"""An answer that takes longer is remembered."""

SHARE = 0.02
"""Share of its time that the server may spend on an answer: one that takes 2 s is made again after 100 s."""

MOST = 16
"""Answers that are remembered: those to the questions of a page, with some filters."""


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any
    until: float


class Remembered:
    """Makes answers, one at a time, and remembers those that take long. Any thread may call it.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    cost
        Seconds of processor time of the thread that asks: a busy machine makes no question long.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cost: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._cost = cost
        self._lock = threading.Lock()
        self._answers: dict[Hashable, _Answer] = {}

    def answer[Value](self, question: Hashable, make: Callable[[], Value]) -> Value:
        """The answer to a question: made now, or the one that is remembered."""
        with self._lock:
            known = self._answers.get(question)
            if known and self._clock() < known.until:
                value: Value = known.value
                return value
            begun = self._cost()
            value = make()
            taken = self._cost() - begun
            self._answers.pop(question, None)
            if taken > LONG_S:
                self._answers[question] = _Answer(value, self._clock() + taken / SHARE)
            while len(self._answers) > MOST:
                del self._answers[next(iter(self._answers))]
            return value

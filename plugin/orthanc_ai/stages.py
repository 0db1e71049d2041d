"""How long the stages of a job take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stages:
    """Wall time by stage.

    Attributes
    ----------
    seconds
        Seconds by name of the stage, in the order of their beginning.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what runs inside the ``with`` statement."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

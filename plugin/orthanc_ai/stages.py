"""How long the stages of a job take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stages:
    """Wall time and processor time by stage.

    Attributes
    ----------
    seconds
        Wall time by name of the stage, in the order of their beginning, s.
    cpu_seconds
        Processor time of the whole process by name of the stage, so that the engine's threads are in it, s.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what runs inside the ``with`` statement."""
        started, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
            self.cpu_seconds[stage] = self.cpu_seconds.get(stage, 0.0) + time.process_time() - used

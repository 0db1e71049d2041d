"""Images of several askers at once, computed together."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np

from .engine import Floats


class Batcher:
    """Gathers images for a short time and computes their answers together, on a thread of its own.

    Parameters
    ----------
    compute
        Answers for a batch of shape (n, 1, size, size), one behind the other; called on the batcher's thread only.
    window_s
        How long the first image of a batch waits for others.
    maximum
        Images of a batch at most.
    askers
        How many may ask at the moment, each for one image at a time: when all of them have, nobody is waited for.
    on_error
        Called when `compute` fails, after those who asked have been told.
    """

    def __init__(
        self,
        compute: Callable[[Floats], Floats],
        *,
        window_s: float,
        maximum: int,
        askers: Callable[[], int],
        on_error: Callable[[], None] = lambda: None,
    ) -> None:
        self._answers = compute
        self._window_s = window_s
        self._maximum = maximum
        self._askers = askers
        self._on_error = on_error
        self._asked: queue.SimpleQueue[tuple[Floats, Future[Floats]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    def submit(self, image: Floats) -> Future[Floats]:
        """Ask for an image's answer.

        Parameters
        ----------
        image
            Shape (1, size, size), float32.

        Returns
        -------
        What `compute` says of it.
        """
        answer: Future[Floats] = Future()
        self._asked.put((image, answer))
        return answer

    def stop(self) -> None:
        """Compute what was asked for before, and no more."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._asked.get()) is not None:
            batch, last = self._gather(first)
            self._compute(batch)
            if last:
                return

    def _gather(self, first: tuple[Floats, Future[Floats]]) -> tuple[list[tuple[Floats, Future[Floats]]], bool]:
        """A batch, and whether it is the last one."""
        batch, until = [first], time.monotonic() + self._window_s
        while len(batch) < min(self._maximum, self._askers()):
            try:
                another = self._asked.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if another is None:
                return batch, True
            batch.append(another)
        return batch, False

    def _compute(self, batch: list[tuple[Floats, Future[Floats]]]) -> None:
        try:
            answers = self._answers(np.stack([image for image, _ in batch]))
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers for {len(batch)} images")
        except Exception as error:  # noqa: BLE001 - who asked must be told
            for _, answer in batch:
                answer.set_exception(error)
            self._on_error()
            return
        for (_, answer), found in zip(batch, answers, strict=True):
            answer.set_result(found)

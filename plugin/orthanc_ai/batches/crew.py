"""`Crew`: several worker processes at the items of one batch."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from types import TracebackType
from typing import Any, Self

from ..analyses import Answer, Task
from ..codes import Code
from ..outcomes import Outcome
from ..settings import AI
from ..workers import WorkerError, Workers
from .run import Run

ITEMS = "items"
"""Where the outcome of a chunk has what became of its items, in their order."""

_LOOK_S = 0.2
"""Between two looks whether the work is to end, while the workers are busy."""

_AHEAD = 2
"""Chunks for each worker that are prepared: one in its hands, and one for when it is through."""


@dataclass(frozen=True, slots=True)
class Done[Item]:
    """What became of an item.

    Attributes
    ----------
    result
        What the worker says of it, in JSON types; ``None`` if no worker could be brought to an answer.
    code, detail
        Why there is none.
    """

    item: Item
    result: Mapping[str, Any] | None
    code: Code | None = None
    detail: str = ""


def answer_to(results: Sequence[Mapping[str, Any]]) -> Answer:
    """A worker's answer to a chunk: one result for each of its items, in JSON types."""
    return Answer(Outcome(Code.EXPORTED, "", data={ITEMS: list(results)}))


def answer_of_disk(error: OSError) -> Answer:
    """A worker's answer if it cannot write, e.g. for a full disk: no fault of any item, so the whole batch waits."""
    return Answer(Outcome(Code.STORE_FAILED, "", str(error.errno or errno.EIO)))


class Crew:
    """Worker processes of a batch's own, so that no image that has just come waits for it. Use it in a ``with``.

    A chunk whose worker dies, is too slow or fails is halved until the item is found that is to blame; that one is tried as
    often as any job. The deadline is that of a job, for a chunk as for a single item.

    Parameters
    ----------
    settings
        Of the product; the crew has as many processes as it has workers.
    analysis
        Name of the reader in the workers (`workers._start`). Its tasks have a tuple of items as payload, and it answers with
        `answer_to`.
    workers
        Makes the worker processes. Those that need not know all analyses begin sooner: see `workers.Workers`.
    """

    def __init__(self, settings: AI, run: Run, analysis: str, workers: Callable[[AI], Workers] = Workers) -> None:
        self._settings = settings
        self._run = run
        self._analysis = analysis
        self._workers = workers(settings)
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix=f"ai-{analysis}")

    def __enter__(self) -> Self:
        """Begin: the workers load their libraries while their items are still being looked for."""
        for _ in range(self._settings.workers):
            self._threads.submit(self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all workers, and what they do."""
        # In this order: the threads end only with the workers that they wait for.
        self._workers.stop()
        self._threads.shutdown(cancel_futures=True)

    def do[Item](self, items: Iterable[Item], size: int, *, in_order: bool = True) -> Iterator[list[Done[Item]]]:
        """Let the workers do items.

        The items are taken as they are needed, on the thread that asks for the results: they may come from Orthanc's index.

        Parameters
        ----------
        items
            They can be pickled.
        size
            Items in a chunk.
        in_order
            Whether the chunks come in the order of their items, or as they are done.

        Yields
        ------
        What became of the items of one chunk, in their order.

        Raises
        ------
        InterruptedBatch
            If the work is to end.
        OSError
            If a worker could not write, or not be started at all.
        """
        chunks = batched(items, size, strict=False)
        waiting: list[Future[list[Done[Item]]]] = []
        more = True
        while True:
            while more and len(waiting) < _AHEAD * self._settings.workers:
                self._run.check()
                chunk = next(chunks, None)
                if chunk is None:
                    more = False
                else:
                    waiting.append(self._threads.submit(self._chunk, chunk))
            if not waiting:
                return
            self._run.check()
            ready, _ = wait([waiting[0]] if in_order else waiting, _LOOK_S, FIRST_COMPLETED)
            for one in ready:
                waiting.remove(one)
                yield one.result()

    # ---- On the threads ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        # What is wrong with a worker is told by its first items.
        with suppress(WorkerError):
            self._workers.run(Task(self._analysis, (), ""))

    def _chunk[Item](self, items: tuple[Item, ...]) -> list[Done[Item]]:
        try:
            return self._ask(items)
        except WorkerError as error:
            if error.code is Code.STOPPING:
                raise
            if len(items) > 1:
                middle = len(items) // 2
                return self._chunk(items[:middle]) + self._chunk(items[middle:])
            return [self._again(items, error)]

    def _again[Item](self, items: tuple[Item, ...], error: WorkerError) -> Done[Item]:
        """Try a single item until it has had all its attempts."""
        for _ in range(self._settings.max_attempts - 1):
            self._run.wait(self._settings.retry_pause)
            try:
                return self._ask(items)[0]
            except WorkerError as again:
                if again.code is Code.STOPPING:
                    raise
                error = again
        return Done(items[0], None, error.code, error.detail)

    def _ask[Item](self, items: tuple[Item, ...]) -> list[Done[Item]]:
        outcome = self._workers.run(Task(self._analysis, items, "")).outcome
        if outcome.code is Code.STORE_FAILED:
            number = int(outcome.detail)
            raise OSError(number, os.strerror(number))
        results = outcome.data[ITEMS]
        return [Done(item, result) for item, result in zip(items, results, strict=True)]

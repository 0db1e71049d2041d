"""What does the work of a batch, and what it is given for that."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .batch import InterruptedBatch

_LOOK_S = 0.2
"""Between two looks whether the work may go on."""


class Run:
    """One batch at work. Used on one thread; `done`, `total` and `summary` may be read on any.

    Parameters
    ----------
    settled
        Items that an earlier run has settled.
    settle
        Writes down that items are settled: their records, by their keys.
    ended
        Whether the server stops or the batch was cancelled.
    paused
        Whether an operator has paused the work.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        output: Path,
        settled: dict[str, Any],
        *,
        settle: Callable[[Mapping[str, Any]], None],
        ended: threading.Event,
        paused: Callable[[], bool],
    ) -> None:
        self.request = request
        self.output = output
        self._settled = settled
        self._settle = settle
        self._ended = ended
        self._paused = paused
        self.total: int | None = None
        self.summary: dict[str, Any] = {}

    @property
    def settled(self) -> Mapping[str, Any]:
        """Records of the items that are settled, by their keys: in this run or before a restart."""
        return self._settled

    @property
    def done(self) -> int:
        """How many items are settled."""
        return len(self._settled)

    def settle(self, key: str, record: Any) -> None:
        """Settle an item. When this returns, it is written down, and no later run does it again.

        Parameters
        ----------
        record
            What became of it, in JSON types.

        Raises
        ------
        OSError
        """
        self.settle_all({key: record})

    def settle_all(self, records: Mapping[str, Any]) -> None:
        """Settle several items in one step, for the price of one.

        Parameters
        ----------
        records
            What became of each, in JSON types, by the items' keys.

        Raises
        ------
        OSError
        """
        self._settle(records)
        self._settled.update(records)

    def part(self, request: Mapping[str, Any], output: Path) -> "Run":
        """A piece of this work that ends and pauses with it, and whose items nobody writes down.

        Parameters
        ----------
        request, output
            Of the piece; the folder is there.
        """
        return Run(request, output, {}, settle=lambda _: None, ended=self._ended, paused=self._paused)

    def expect(self, total: int) -> None:
        """Say how many items there are, those included that are settled already."""
        self.total = total

    def summarise(self, **values: Any) -> None:
        """Add to what came of it, in JSON types."""
        self.summary = {**self.summary, **values}

    def check(self) -> None:
        """Stay here while the work is paused; to be called between two items.

        Raises
        ------
        InterruptedBatch
            If the work is to end. Leave everything as it is: a later run goes on, or the folder is removed.
        """
        while not self._ended.is_set() and self._paused():
            self._ended.wait(_LOOK_S)
        self.check_end()

    def check_end(self) -> None:
        """Go on, also while the work is paused; to be called within an item that takes long.

        Raises
        ------
        InterruptedBatch
            If the work is to end.
        """
        if self._ended.is_set():
            raise InterruptedBatch

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises
        ------
        InterruptedBatch
            As soon as the work is to end.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._ended.wait(left):
                break
        self.check()


class Kind(Protocol):
    """What a kind of batch must provide."""

    name: str

    def run(self, run: Run) -> None:
        """Do the work, or what an earlier run has left of it.

        Raises
        ------
        InterruptedBatch
            From `Run.check` or `Run.wait`.
        BatchError
            If it cannot go on: the batch has failed.
        OSError, ServerError
            If it cannot go on now, e.g. for a full disk: it is run again after a pause.
        """
        ...

"""The saved place in the change log: how far everything is settled."""


class Ledger:
    """Which rows of the change log are read but not yet settled.

    The saved place may only move past a row once its outcome can be found in the index. Rows are settled in any
    order; the place is the last row before the first unsettled one. A row may carry several pieces of work.
    """

    def __init__(self, place: int) -> None:
        self._read = place
        self._open: dict[int, int] = {}

    def read(self, sequence: int) -> None:
        """Everything up to this row has been read, and what it asks for has been begun."""
        self._read = max(self._read, sequence)

    def begin(self, sequence: int) -> None:
        """One more piece of work for this row."""
        self._open[sequence] = self._open.get(sequence, 0) + 1

    def settle(self, sequence: int) -> None:
        """One piece of work for this row is done."""
        remaining = self._open[sequence] - 1
        if remaining:
            self._open[sequence] = remaining
        else:
            del self._open[sequence]

    @property
    def position(self) -> int:
        """Last row that was read."""
        return self._read

    @property
    def place(self) -> int:
        """Last row up to which everything is settled: where to read on after a restart."""
        # Asked on other threads too: what was read last is looked up first, so that the answer is never too late a row.
        return min(self._open, default=self._read + 1) - 1

    def __len__(self) -> int:
        return len(self._open)

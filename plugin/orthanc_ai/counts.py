"""How much in the archive is not settled, or not sent on."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .codes import Code
from .outcomes import CARDIAC_METADATA, REPORT_METADATA, XRAY_METADATA, search_pattern
from .sending.delivery import FAILED_PATTERN, OPEN_PATTERN, SENT_PATTERN
from .server import Level, Server

LARGE_S = 0.1
"""An archive in which counting takes longer is large, from some 5,000 images on: Orthanc's index reads each outcome and each
mark for it, three times, and does nothing else meanwhile."""

SHARE = 0.05
"""Share of its time that the server may spend on counting in an archive that is not large: 16 ms on 6,000 images, so that it
is counted anew at every question."""

LARGE_SHARE = 0.02
"""The same in a large one, if we have changed something that is counted: 1.4 s among 50,000 images, each 70 s."""

QUIET_SHARE = 0.005
"""The same if we have not: somebody else may have deleted or edited something."""

_WHERE: tuple[tuple[Level, str], ...] = (("instance", XRAY_METADATA), ("study", CARDIAC_METADATA))


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers in the whole archive.

    Attributes
    ----------
    held, retrying, failed
        X-rays and CT studies with these outcomes.
    to_send, not_taken, sent
        Reports that are still to be sent on to some destination, that some destination has not taken, that some
        destination has.
    """

    held: int
    retrying: int
    failed: int
    to_send: int
    not_taken: int
    sent: int


class Counter:
    """Counts for those who ask, and remembers the numbers for a while. Any thread may call any method.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    cost
        Seconds of processor time of the thread that asks: Orthanc answers on it. A busy machine makes no archive large.
    """

    def __init__(
        self,
        server: Server,
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        self._server = server
        self._clock = clock
        self._cost = cost
        self._lock = threading.Lock()
        self._counts: Counts | None = None
        self._ended = 0.0
        self._taken = 0.0
        self._changed = False

    def changed(self) -> None:
        """Something that is counted is no longer what it was. Returns at once."""
        self._changed = True

    def read(self) -> Counts:
        """The numbers, at once: of a large archive those that `refresh` counted last.

        Raises
        ------
        ServerError
            If the index cannot be read.
        """
        counts = self._counts
        return counts if counts and self._taken > LARGE_S else self.refresh()

    def refresh(self) -> Counts:
        """The numbers, counted anew if it is time to.

        Raises
        ------
        ServerError
            If the index cannot be read.
        """
        with self._lock:
            if self._counts is None or self._clock() >= self._ended + self._taken / self._share():
                # Before it is counted: what changes meanwhile may be missing.
                changed, self._changed = self._changed, False
                before = self._cost()
                try:
                    self._counts = self._count()
                except BaseException:
                    self._changed = self._changed or changed
                    raise
                self._ended = self._clock()
                self._taken = self._cost() - before
            return self._counts

    def known(self) -> Counts | None:
        """The numbers if they spare a look: the archive is large, and we have changed nothing since they were counted."""
        return self._counts if self._taken > LARGE_S and not self._changed else None

    def _share(self) -> float:
        if self._taken <= LARGE_S:
            return SHARE
        return LARGE_SHARE if self._changed else QUIET_SHARE

    def _count(self) -> Counts:
        return Counts(
            held=self._outcomes(Code.HELD),
            retrying=self._outcomes(Code.RETRYING),
            failed=self._outcomes(Code.FAILED),
            to_send=self._reports(OPEN_PATTERN),
            not_taken=self._reports(FAILED_PATTERN),
            sent=self._reports(SENT_PATTERN),
        )

    def _outcomes(self, code: Code) -> int:
        return sum(self._server.count(level, metadata={name: search_pattern(code)}) for level, name in _WHERE)

    def _reports(self, pattern: str) -> int:
        return self._server.count("instance", metadata={REPORT_METADATA: pattern})

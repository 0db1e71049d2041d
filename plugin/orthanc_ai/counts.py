"""How much in the archive is not settled, or not sent on."""

import threading
import time
from dataclasses import dataclass

from .codes import Code
from .outcomes import CARDIAC_METADATA, REPORT_METADATA, XRAY_METADATA, search_pattern
from .sending.delivery import FAILED_PATTERN, OPEN_PATTERN, SENT_PATTERN
from .server import Level, Server

SHARE = 0.05
"""Share of its time that the server may spend on counting: 16 ms on 6,000 images, so that a small archive is counted anew
at every question, and a large one now and then."""

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
    """Counts for those who ask, and remembers the numbers for a while. Any thread may ask."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._counts: Counts | None = None
        self._valid_until = 0.0

    def read(self) -> Counts:
        """The numbers, not much older than it took to count them.

        Raises
        ------
        ServerError
            If the index cannot be read.
        """
        with self._lock:
            started = time.monotonic()
            if self._counts is None or started >= self._valid_until:
                self._counts = Counts(
                    held=self._outcomes(Code.HELD),
                    retrying=self._outcomes(Code.RETRYING),
                    failed=self._outcomes(Code.FAILED),
                    to_send=self._reports(OPEN_PATTERN),
                    not_taken=self._reports(FAILED_PATTERN),
                    sent=self._reports(SENT_PATTERN),
                )
                ended = time.monotonic()
                self._valid_until = ended + (ended - started) / SHARE
            return self._counts

    def _outcomes(self, code: Code) -> int:
        return sum(self._server.count(level, metadata={name: search_pattern(code)}) for level, name in _WHERE)

    def _reports(self, pattern: str) -> int:
        return self._server.count("instance", metadata={REPORT_METADATA: pattern})

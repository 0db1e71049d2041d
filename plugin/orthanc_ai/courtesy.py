"""Senders first: while images come fast and keep the machine busy, the analysis steps back.

Each report costs the server about as much as storing an image or two, so on a machine that is busy with storing it would be
the senders who wait. What is held back waits in Orthanc's change log, and is done as soon as the rush is over.
"""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

TRICKLE_S = 4.0
"""Seconds between the beginnings of two ordinary jobs in a rush: a job takes about 0.2 s of two processors, so this is a
fortieth of them, and no rush, however long, brings the work to a stand."""

STEP_S = 2.0
"""Seconds between two rounds of the inbox in a rush."""

PAGE = 20
"""Rows of the change log read in such a round, each about 1 ms: enough to see what is urgent."""

SLICE_S = 0.02
"""How long sweeps and the look ahead may take in such a round."""

WINDOW_S = 1.0
"""What a rush is, is seen over so long."""

BUSY = 0.5
"""Share of the processors beyond which the machine has none to spare. Workers do not count: they run at the lowest
priority, and give way by themselves."""

_STAT = Path("/proc/stat")


class Processors:
    """How busy the machine is with all that does not run at low priority."""

    def __init__(self, stat: Path = _STAT) -> None:
        self._stat = stat
        self._before = self._read()
        self._share = 0.0

    def share(self) -> float:
        """Share of all processors' time since the last question, 0 to 1 (proc(5), `/proc/stat`)."""
        busy, total = self._read()
        if total > self._before[1]:
            self._share = (busy - self._before[0]) / (total - self._before[1])
            self._before = busy, total
        return self._share

    def _read(self) -> tuple[int, int]:
        with self._stat.open("rb") as file:
            user, nice, system, idle, iowait, irq, softirq, *_ = map(int, file.readline().split()[1:])
        busy = user + system + irq + softirq
        return busy, busy + nice + idle + iowait


class Courtesy:
    """Whether there is a rush, and whether an ordinary job may begin.

    Parameters
    ----------
    images_per_second
        Images that may arrive in a second before it is a rush, if the machine is busy; 0 if there never is one.
    busy
        Share of the processors that are in use, 0 to 1.
    clock
        Seconds, monotonic.
    """

    def __init__(
        self,
        images_per_second: int,
        busy: Callable[[], float] = lambda: 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = images_per_second
        self._busy = busy
        self._clock = clock
        # Bounded, and alike, so that a server that stores nothing but many reports of its own does not seem to be in a rush.
        self._stored: deque[float] = deque(maxlen=10 * images_per_second + 1)
        self._ours: deque[float] = deque(maxlen=10 * images_per_second + 1)
        self._seen_at = clock() - WINDOW_S
        self._rush = False
        self._begun = clock() - TRICKLE_S

    def stored(self) -> None:
        """An object was stored. Called on Orthanc's threads, one at a time; returns at once."""
        self._stored.append(self._clock())

    def reported(self) -> None:
        """One of those was a report of ours."""
        self._ours.append(self._clock())

    @property
    def rush(self) -> bool:
        """Whether more images have come within the last second than there may, and the machine is busy."""
        if not self._limit:
            return False
        now = self._clock()
        if now - self._seen_at >= WINDOW_S / 4:
            images = self._since(self._stored, now) - self._since(self._ours, now)
            self._rush = images > self._limit and self._busy() > BUSY
            self._seen_at = now
        return self._rush

    def wait_s(self) -> float:
        """Seconds until an ordinary job may begin; 0 if it may now."""
        if not self.rush:
            return 0.0
        # A rush may be over before: look again soon.
        return min(WINDOW_S / 2, max(0.0, self._begun + TRICKLE_S - self._clock()))

    def begun(self) -> None:
        """An ordinary job has begun."""
        self._begun = self._clock()

    @staticmethod
    def _since(times: deque[float], now: float) -> int:
        return sum(moment > now - WINDOW_S for moment in tuple(times))

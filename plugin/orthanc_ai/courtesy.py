"""Senders first: while images arrive faster than they can be analysed anyway, the analysis steps back.

Each report costs the server about as much as storing an image or two, so on a machine that is busy with storing it would be
the senders who wait. What is held back waits in Orthanc's change log, and is done as soon as the rush is over.
"""

import time
from collections import deque
from collections.abc import Callable

TRICKLE_S = 4.0
"""Seconds between the beginnings of two ordinary jobs in a rush: a job takes about 0.2 s of two processors, so this is a
fortieth of them, and no rush, however long, brings the work to a stand."""

STEP_S = 2.0
"""Seconds between two rounds of the inbox in a rush."""

PAGE = 20
"""Rows of the change log read in such a round, each about 1 ms: enough to see what is urgent."""

SLICE_S = 0.02
"""How long sweeps and the look ahead may take in such a round."""


class Courtesy:
    """Whether there is a rush, and whether an ordinary job may begin.

    Parameters
    ----------
    images_per_second
        Images that may arrive in a second before it is a rush; 0 if there never is one.
    clock
        Seconds, monotonic.
    """

    def __init__(self, images_per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._arrivals: deque[float] = deque(maxlen=images_per_second + 1)
        self._never = not images_per_second
        self._clock = clock
        self._begun = clock() - TRICKLE_S

    def arrived(self) -> None:
        """An image was stored. Called on Orthanc's threads, one at a time; returns at once."""
        self._arrivals.append(self._clock())

    @property
    def rush(self) -> bool:
        """Whether more images have come within the last second than there may."""
        arrivals = self._arrivals
        if self._never or len(arrivals) < (arrivals.maxlen or 0):
            return False
        return self._clock() - arrivals[0] < 1.0

    def wait_s(self) -> float:
        """Seconds until an ordinary job may begin; 0 if it may now."""
        return max(0.0, self._begun + TRICKLE_S - self._clock()) if self.rush else 0.0

    def begun(self) -> None:
        """An ordinary job has begun."""
        self._begun = self._clock()

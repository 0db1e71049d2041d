"""The saboteur: kills the server and its workers, and starts the server again."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.live.orthanc import Orthanc

SHARES = {
    "server killed": 15,
    "server stopped": 7,
    "worker killed": 40,
    "worker crashed": 23,
    "worker frozen": 15,
}
"""What is done, how often out of a hundred."""

PAUSE_S = (1.0, 5.0)
"""Between two deeds."""

DOWN_S = (0.0, 2.0)
"""How long the server stays away."""

GRACE_S = 5.0
"""What a frozen worker gets beyond the deadline of a job; one that still lives then had no job, and is woken."""

_SIGNALS = {"worker killed": signal.SIGKILL, "worker crashed": signal.SIGSEGV, "worker frozen": signal.SIGSTOP}


class Saboteur:
    """Breaks something every few seconds.

    Attributes
    ----------
    deeds
        What was done, and when (monotonic seconds).
    accidents
        What nobody did: the server ended by itself, or did not stop when asked to.
    """

    def __init__(self, orthanc: Orthanc, seed: int, *, job_timeout: float) -> None:
        self._orthanc = orthanc
        self._chance = Random(f"{seed} saboteur")
        self._job_timeout = job_timeout
        self._frozen: dict[int, float] = {}
        self._stopping = threading.Event()
        self.deeds: list[tuple[float, str]] = []
        self.accidents: list[str] = []

    def run(self) -> None:
        """Break things until told to stop; the server runs afterwards."""
        while not self._stopping.wait(self._chance.uniform(*PAUSE_S)):
            self._wake(time.monotonic() - self._job_timeout - GRACE_S)
            if not self._orthanc.running:
                self.accidents.append("the server ended by itself")
                self._orthanc.start()
                continue
            [what] = self._chance.choices(list(SHARES), list(SHARES.values()))
            if what.startswith("server"):
                self._end_server(what)
            else:
                self._hurt_worker(what)
        self._wake(time.monotonic())
        if not self._orthanc.running:
            self.accidents.append("the server ended by itself")
            self._orthanc.start()

    def stop(self) -> None:
        """Let the server live from now on."""
        self._stopping.set()

    def counts(self) -> Counter[str]:
        """What was done, how often."""
        return Counter(what for _, what in self.deeds)

    def _end_server(self, what: str) -> None:
        self.deeds.append((time.monotonic(), what))
        if what == "server killed":
            self._orthanc.kill()
        else:
            code = self._orthanc.stop()
            if code:
                self.accidents.append(f"the server was asked to stop and ended with {code}")
        # A frozen worker cannot notice that its server has gone.
        self._wake(time.monotonic())
        self._stopping.wait(self._chance.uniform(*DOWN_S))
        self._orthanc.start()

    def _hurt_worker(self, what: str) -> None:
        workers = [worker for worker in self._orthanc.workers() if worker not in self._frozen]
        if not workers:
            return
        worker = self._chance.choice(workers)
        try:
            os.kill(worker, _SIGNALS[what])
        except ProcessLookupError:
            return
        self.deeds.append((time.monotonic(), what))
        if what == "worker frozen":
            self._frozen[worker] = time.monotonic()

    def _wake(self, frozen_before: float) -> None:
        for worker in [one for one, since in self._frozen.items() if since <= frozen_before]:
            del self._frozen[worker]
            # The deadline has taken it, and the number may be somebody else's by now.
            if _is_worker(worker):
                os.kill(worker, signal.SIGCONT)


def _is_worker(process: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False

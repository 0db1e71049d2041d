"""Run the soak: send, break things, wait until the server is quiet, and count.

The exit status is 0 only if everything that was acknowledged has its outcome, and no report was made twice.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from tests.live.orthanc import ROOT, Orthanc

from .archive import count_reports, open_requests, read_archive
from .operator import Operator
from .record import Sample, draw, write_json
from .saboteur import Saboteur
from .sender import Acknowledged, Sender
from .tally import Tally, tally

ARTIFACTS = ROOT / "artifacts" / "soak"

STABLE_AGE_S = 3
JOB_TIMEOUT_S = 15
"""A busy machine loads a worker in 5 s."""

MAX_ATTEMPTS = 3
RETRY_PAUSE_S = 0.5

LINE_S = 5.0
"""A line of progress comes so often."""

QUIET_S = 900.0
"""The server must be quiet by then, counted from the last image: a busy machine reads three films a second."""


@dataclass
class Soak:
    """One run."""

    orthanc: Orthanc
    seed: int
    seconds: float
    rate: float
    acknowledged: Acknowledged = field(default_factory=Acknowledged)
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sender = Sender(self.orthanc, self.seed, self.acknowledged, rate=self.rate)
        self.orthanc.start()
        self.began = time.monotonic()
        self.saboteur = Saboteur(self.orthanc, self.seed, job_timeout=JOB_TIMEOUT_S)
        self.operator = Operator(self.orthanc, self.seed, self.acknowledged, seconds=self.seconds)

    def run(self) -> None:
        """Send and break things for as long as was said, then let the server come to rest."""
        with ThreadPoolExecutor(16) as threads:
            senders = self.sender.start(threads)
            others = [threads.submit(self.saboteur.run), threads.submit(self.operator.run)]
            try:
                self._watch(self.seconds, lambda: self._check(*senders, *others))
            finally:
                for one in (self.sender, self.operator, self.saboteur):
                    one.stop()
            # The last of these leaves a running server to those who still insist on an answer.
            for future in (*senders, *others):
                future.result()
        print("nothing more is sent or broken; waiting until the server is quiet", flush=True)
        if not self._watch(QUIET_S, self._quiet):
            raise TimeoutError(f"not quiet after {QUIET_S:.0f} s: {self.orthanc.get('/ai/status')['queue']}")

    def _watch(self, seconds: float, ended: Callable[[], bool]) -> bool:
        """Print a line of progress now and then, until it has ended or the time is over; whether it has ended."""
        deadline, line = time.monotonic() + seconds, 0.0
        while time.monotonic() < deadline:
            if time.monotonic() >= line:
                line = time.monotonic() + LINE_S
                self._sample()
            if ended():
                self._sample()
                return True
            time.sleep(0.5)
        return False

    def _check(self, *futures: Future[None]) -> bool:
        for future in futures:
            if future.done():
                # An error of ours, which must not look like a server that has nothing to do.
                future.result()
        return False

    def _quiet(self) -> bool:
        queue = self.orthanc.get("/ai/status")["queue"]
        rows = self.orthanc.get(f"/changes?since={queue['place']}&limit=1&type=NewInstance;StableStudy")["Changes"]
        waiting = rows or queue["retrying"] or queue["held"] or queue["studiesToCome"]
        return queue["idle"] and not waiting and not open_requests(self.orthanc)

    def _sample(self) -> None:
        try:
            reports: int | None = count_reports(self.orthanc)
        except requests.RequestException:
            reports = None
        seconds = time.monotonic() - self.began
        sample = Sample(seconds, self.acknowledged.tried, self.acknowledged.count(), reports)
        self.samples.append(sample)
        counts = self.saboteur.counts()
        servers = sum(count for what, count in counts.items() if what.startswith("server"))
        print(
            f"{seconds:5.0f} s  tried {sample.tried:5d}  acknowledged {sample.acknowledged:5d}  "
            f"reports {'away' if reports is None else reports:>5}  restarts {servers:3d}  "
            f"workers {sum(counts.values()) - servers:3d}",
            flush=True,
        )

    def count(self) -> Tally:
        """What the quiet server holds, compared with what it has acknowledged."""
        print("reading every report", flush=True)
        works, reports = read_archive(self.orthanc)
        return tally(self.acknowledged.instances(), works, reports, max_attempts=MAX_ATTEMPTS)


def _table(soak: Soak, counted: Tally) -> dict[str, int]:
    """What is printed, by name."""
    log = soak.orthanc.log_text()
    return {
        "images tried to send": soak.acknowledged.tried,
        "images acknowledged": counted.acknowledged,
        "images stored": counted.stored,
        "reports": counted.reports,
        "reports of studies that grew": counted.grown,
        **{f"outcome {code}": count for code, count in sorted(counted.outcomes.items())},
        "jobs done": log.count(": REPORTED in "),
        **dict(sorted(soak.saboteur.counts().items())),
        **{what: soak.operator.answered[what] for what in ("analyses asked for", "paused", "change log cleared")},
        "reports deleted before": soak.operator.deleted,
        "tracebacks in the log": log.count("Traceback"),
        "accidents": len(soak.saboteur.accidents),
        "failed, worker killed": len(counted.failed),
        "failed otherwise": len(counted.failed_otherwise),
        "reports not marked": len(counted.unmarked),
        "stray": len(counted.stray),
        "lost": len(counted.lost),
        "twice": len(counted.twice),
    }


def main() -> int:
    """Run the soak and print its table; the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long images are sent (600)")
    parser.add_argument("--seed", type=int, default=1, help="what is sent and what is broken, not when exactly (1)")
    parser.add_argument("--rate", type=float, default=3, help="films per second (3)")
    wanted = parser.parse_args()
    folder = ARTIFACTS / f"seed-{wanted.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    orthanc = Orthanc(
        folder,
        {"JobTimeout": JOB_TIMEOUT_S, "MaxAttempts": MAX_ATTEMPTS, "RetryPause": RETRY_PAUSE_S},
        {"StableAge": STABLE_AGE_S},
    )
    try:
        soak = Soak(orthanc, wanted.seed, wanted.seconds, wanted.rate)
        soak.run()
        counted = soak.count()
    finally:
        code = orthanc.stop()
    if code:
        soak.saboteur.accidents.append(f"the server was asked to stop at the end and ended with {code}")
    table = _table(soak, counted)
    deeds = [(at - soak.began, what) for at, what in soak.saboteur.deeds]
    numbers = {"seed": wanted.seed, "seconds": wanted.seconds, **table}
    write_json(folder.with_suffix(".json"), numbers, counted, soak.samples, deeds)
    title = f"Soak, seed {wanted.seed}: lost {table['lost']}, twice {table['twice']}"
    draw(folder.with_suffix(".svg"), soak.samples, deeds, title)
    print(f"\nsoak of {wanted.seconds:.0f} s, seed {wanted.seed}")
    for name, count in table.items():
        print(f"  {name:<32}{count:>7}")
    complaints = [
        *(("lost", line) for line in counted.lost),
        *(("twice", line) for line in counted.twice),
        *(("stray", line) for line in counted.stray),
        *(("not marked", line) for line in counted.unmarked),
        *(("failed", line) for line in (*counted.failed, *counted.failed_otherwise)),
        *(("accident", line) for line in soak.saboteur.accidents),
    ]
    for what, line in complaints:
        print(f"{what}: {line}")
    sound = counted.sound and not soak.saboteur.accidents and not table["tracebacks in the log"]
    if sound:
        shutil.rmtree(folder)
    else:
        print(f"the server's log and database: {folder.relative_to(ROOT)}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

"""Whether the memory of server and workers grows with the number of films.

Small films are stored and analysed one after the other, some hundred in hand at a time; memory is looked at every few
seconds. The answer is the slope after the warm-up.
"""

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import requests

from bench import picture
from bench.answers import FOLDER, machine, table, write_json
from bench.films import Films
from bench.processes import memory
from bench.servers import fresh_server
from tests.live.orthanc import Orthanc

QUESTION = "Memory of server and workers over the number of films"

ROWS, COLUMNS = 256, 256
"""Enough for the model, and cheap: it is about objects and records, not about pixels."""

IN_HAND = 100
"""Films stored and not yet analysed, at most; more than the server takes up at once."""

SAMPLE_S = 2.0

WARM_UP = 0.2
"""Share of the films, 1,000 of 5,000, after which caches are full: the engine's buffers, Python's arenas, and above all
Orthanc's `MaximumStorageCacheSize`, 128 MiB by default, which takes some 700 of these films with their reports."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory at one moment, MiB; the workers' together."""

    seconds: float
    analysed: int
    server_rss: float
    server_pss: float
    workers: int
    workers_rss: float
    workers_pss: float


def take_sample(orthanc: Orthanc, analysed: int, seconds: float) -> Sample:
    """Look at the memory now."""
    server = memory(orthanc.pid)
    if server is None:
        raise RuntimeError(f"the server has ended:\n{orthanc.log_text()[-2000:]}")
    workers = [found for pid in orthanc.workers() if (found := memory(pid))]
    rss, pss = sum(one.rss for one in workers), sum(one.pss for one in workers)
    return Sample(seconds, analysed, server.rss, server.pss, len(workers), rss, pss)


def run(orthanc: Orthanc, films: Films, number: int) -> list[Sample]:
    """Store and analyse films, and look at the memory all the while."""
    samples: list[Sample] = []
    started = shown = time.monotonic()
    sent = analysed = 0
    with requests.Session() as session:
        while analysed < number:
            while sent < min(number, analysed + IN_HAND):
                session.post(orthanc.url + "/instances", data=films.film(sent), timeout=60).raise_for_status()
                sent += 1
            time.sleep(SAMPLE_S)
            queue = session.get(orthanc.url + "/ai/status", timeout=60).json()["queue"]
            analysed = queue["ended"].get("REPORTED", 0)
            if sum(queue["ended"].values()) != analysed:
                raise RuntimeError(f"not every film was read: {queue['ended']}")
            now = time.monotonic()
            samples.append(take_sample(orthanc, analysed, now - started))
            if now - shown > 10 or analysed == number:
                shown = now
                left = (now - started) / max(analysed, 1) * (number - analysed)
                latest = samples[-1]
                print(
                    f"{analysed}/{number} films, server {latest.server_rss:.0f} MiB, "
                    f"workers {latest.workers_pss:.0f} MiB, {left:.0f} s left",
                    file=sys.stderr,
                )
    return samples


def slope(samples: Sequence[Sample], name: str) -> float:
    """Growth after the warm-up, MiB per 1,000 films: least squares."""
    settled = [one for one in samples if one.analysed >= WARM_UP * samples[-1].analysed]
    line = statistics.linear_regression(
        [one.analysed / 1000 for one in settled], [getattr(one, name) for one in settled]
    )
    return line.slope


def main(arguments: list[str]) -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="bench memory", description=__doc__)
    parser.add_argument("--films", type=int, default=5000)
    parser.add_argument(
        "--folder", type=Path, default=FOLDER / "memory.tmp", help="for the archive, in a folder of its own"
    )
    parser.add_argument("--name", default="memory", help="of the files that are written")
    options = parser.parse_args(arguments)
    about = machine()
    with fresh_server(options.folder / "server", plugin=True) as orthanc:
        orthanc.wait_idle()
        samples = run(orthanc, Films(ROWS, COLUMNS), options.films)
    names = [field.name for field in fields(Sample) if field.name.endswith(("rss", "pss"))]
    slopes = {name: slope(samples, name) for name in names}
    settled = next(one for one in samples if one.analysed >= WARM_UP * samples[-1].analysed)
    rows = [
        (name, f"{getattr(settled, name):.0f}", f"{getattr(samples[-1], name):.0f}", f"{slopes[name]:+.2f}")
        for name in names
    ]
    print(table(("MiB", "after warm-up", "at the end", "per 1,000 films"), rows))
    print(f"{options.films} films in {samples[-1].seconds:.0f} s")
    answer = {
        "question": QUESTION,
        "machine": about,
        "films": options.films,
        "warm_up": WARM_UP,
        "mib_per_1000_films": slopes,
        "samples": [asdict(one) for one in samples],
    }
    print(write_json(options.name, answer))
    sheet = FOLDER / f"{options.name}.csv"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Sample)])
        writer.writeheader()
        writer.writerows(asdict(one) for one in samples)
    print(sheet)
    lines = {
        "server, resident": [one.server_rss for one in samples],
        "workers together, proportional": [one.workers_pss for one in samples],
    }
    counts = [one.analysed for one in samples]
    print(picture.growth(FOLDER / f"{options.name}.svg", counts, lines, WARM_UP * samples[-1].analysed))
    return 0

"""Processor time that heat maps and the cardiothoracic ratio add to each image.

The same films by C-STORE into three servers: findings alone; as shipped, where activation grids and ratio are worked out for
each image and written into outcome and report, and DICOM objects made of them only when somebody asks; and with these objects
made for each image. In alternating order, in one run.
"""

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.answers import FOLDER, machine, spread, write_json
from bench.mixture import RAW, Film, Mixture
from bench.processes import cpu_seconds
from bench.senders import by_c_store_timed
from bench.servers import ended, processes_of, settle, timed_server
from bench.subjects import stages_so_far
from bench.watch import Watch
from phantom.progress import progress
from tools.serve import NO_DELAY

QUESTION = "Processor time that heat maps and ratio add to each image"

MOST_S = 0.040
"""What they may add to an image where nobody asks for anything, s."""

SUBJECTS: Mapping[str, Mapping[str, Any]] = {
    "findings alone": {"XRay": {"CardiothoracicRatio": "off", "CompareWithPrior": False}},
    "as shipped": {},
    "objects for each image": {"XRay": {"Overlays": "always"}},
}
"""Fields of the ``AI`` section that differ from the product's."""

WARM_UP = 8
"""Films before each measurement: enough for every worker to have loaded what it needs."""


PARTS = ("reduce", "ratio")
"""Stages of a worker that only the ratio has; the activation grids are part of `infer` in every subject."""


def measure(folder: Path, ai: Mapping[str, Any], films: Sequence[Film]) -> tuple[float, float]:
    """Processor seconds for an image: of server and workers, from its C-STORE until nothing more comes of it; of `PARTS`."""
    with (
        timed_server(folder, plugin=True, options={"StableAge": 2}, ai=ai) as (orthanc, _),
        Watch(orthanc) as watch,
    ):

        def send(part: Sequence[Film]) -> None:
            done = ended(orthanc) + len(part)
            by_c_store_timed(orthanc, [film.path for film in part])
            orthanc.wait_until(lambda: ended(orthanc) >= done, "the films are not read", 300)
            settle(orthanc, watch)

        send(films[:WARM_UP])
        before = cpu_seconds(processes_of(orthanc))
        send(films[WARM_UP:])
        whole = (cpu_seconds(processes_of(orthanc)) - before) / (len(films) - WARM_UP)
        stages = stages_so_far(orthanc, len(films))
        return whole, sum(stages[name] for name in PARTS) / len(films)


def main(arguments: list[str]) -> int:
    """Run it; 0 if no more is added than may be."""
    parser = argparse.ArgumentParser(prog="bench overlays", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--films", type=int, default=30, help="of a round")
    parser.add_argument("--folder", type=Path, default=FOLDER / "overlays.tmp", help="for films and archives")
    options = parser.parse_args(arguments)

    os.environ.update(NO_DELAY)
    about = machine()
    shutil.rmtree(options.folder, ignore_errors=True)
    films = Mixture([RAW], seed=2).write(options.folder / "films", range(WARM_UP + options.films))
    taken: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    parts: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    todo = []
    for k in range(options.rounds):
        names = list(SUBJECTS)
        todo += names[::-1] if k % 2 else names
    for name in progress(todo, len(todo), "servers"):
        whole, part = measure(options.folder / "server", SUBJECTS[name], films)
        taken[name].append(whole)
        parts[name].append(part)
        print(f"  {name}: {1000 * whole:.0f} CPU ms, of these {1000 * part:.1f} for the ratio", file=sys.stderr)
    shutil.rmtree(options.folder)

    base = taken["findings alone"]
    added = {
        name: [one - other for one, other in zip(each, base, strict=True)]
        for name, each in taken.items()
        if each is not base
    }
    for name, each in taken.items():
        print(f"{name}: {1000 * statistics.median(each):.0f} ms of processor time for an image")
    for name, each in added.items():
        low, high = 1000 * min(each), 1000 * max(each)
        print(f"{name}: {1000 * statistics.median(each):+.1f} ms ({low:+.1f} to {high:+.1f})")
    ratio = 1000 * statistics.median(parts["as shipped"])
    print(f"of that in the worker, for the ratio: {ratio:.1f} ms")
    reached = statistics.median(added["as shipped"]) <= MOST_S
    print(f"as shipped, at most {1000 * MOST_S:.0f} ms more: {'reached' if reached else 'missed'}")
    answer = {
        "question": QUESTION,
        "machine": about,
        "films": options.films,
        "cpu_seconds": {name: spread(each) for name, each in taken.items()},
        "added": {name: spread(each) for name, each in added.items()},
        "runs": taken,
        "ratio": parts,
    }
    print(write_json("overlays", answer))
    return 0 if reached else 1

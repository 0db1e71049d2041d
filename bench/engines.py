"""What one image's scores cost with each engine, and how far they lie from the product's.

Every way of `engine_kinds` has processes of its own, pinned to as many processors as they have threads. They take turns
in alternating order: in each round each of them computes a few images one by one, as a worker does. What counts is
processor time per image. Images are phantoms of the demonstration model's test set.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bench import engine_kinds
from bench.answers import machine, spread, table, write_json
from bench.engine_kinds import Floats, difference, write_forms
from bench.processes import memory
from orthanc_ai.models.card import load_card
from orthanc_ai.models.prepared import Prepared, load_prepared
from phantom.chest.findings import draw_chest
from phantom.chest.radiograph import render
from phantom.dataset import SEEDS, field_of
from phantom.progress import progress
from tests.live.orthanc import MODELS_CACHE

QUESTION = "Processor time for the scores of one image, by engine"

MODELS = Path(__file__).resolve().parents[1] / "models"

CALIBRATION = 40
"""Phantoms of the validation set from which 8-bit ranges are taken."""

WHITE = 4095.0
"""Largest value of a rendered pixel, 12 bits."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One way's turn in one round, for one image: processor time and time in seconds, a process's threads together."""

    cpu: float
    wall: float


def phantoms(first: int, count: int, size: int) -> Floats:
    """Phantoms as the network sees them: (count, 1, size, size), -1024 to 1024."""
    seeds = progress(range(first, first + count), count, "phantoms")
    pixels = np.stack([render(draw_chest(seed), size, size, field_of(seed)).pixels for seed in seeds])
    return (pixels[:, None].astype(np.float32) / WHITE * 2048 - 1024).astype(np.float32)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def serve(pipe: Connection, name: str, prepared: Prepared, folder: Path, processors: Sequence[int]) -> None:
    """One process of a way: answers each array of images with their scores, processor time and time."""
    os.sched_setaffinity(0, processors)
    kind = engine_kinds.kinds()[name]
    before, started = _used(), time.perf_counter()
    scores = kind.load(prepared, folder, kind.threads)
    pipe.send((_used() - before, time.perf_counter() - started))
    while (images := pipe.recv()) is not None:
        before, started = _used(), time.perf_counter()
        found = [scores(image[None]) for image in images]
        used, took = _used() - before, time.perf_counter() - started
        pipe.send((np.concatenate(found), used, took, memory(os.getpid())))


class Way:
    """The processes of one way."""

    def __init__(self, name: str, prepared: Prepared, folder: Path) -> None:
        self.name = name
        kind = engine_kinds.kinds()[name]
        everything = sorted(os.sched_getaffinity(0))
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        for k in range(kind.processes):
            ours, theirs = context.Pipe()
            processors = [everything[(k * kind.threads + t) % len(everything)] for t in range(kind.threads)]
            context.Process(target=serve, args=(theirs, name, prepared, folder, processors), daemon=True).start()
            theirs.close()
            self._pipes.append(ours)
        self.load_cpu, self.load_wall = (max(values) for values in zip(*(p.recv() for p in self._pipes), strict=True))
        self.rss = 0.0

    def turn(self, images: Floats) -> tuple[Floats, Turn]:
        """Scores of images, and what one image cost; each process computes them all."""
        for pipe in self._pipes:
            pipe.send(images)
        answers = [pipe.recv() for pipe in self._pipes]
        self.rss = max(answer[3].rss for answer in answers)
        cpu = statistics.mean(answer[1] for answer in answers) / len(images)
        wall = max(answer[2] for answer in answers) / len(images) / len(answers)
        return answers[0][0], Turn(cpu, wall)

    def stop(self) -> None:
        """End the processes."""
        for pipe in self._pipes:
            pipe.send(None)


def main(arguments: list[str]) -> int:
    """Run it; 0 if the product's engines agree as far as the configuration's page promises."""
    parser = argparse.ArgumentParser(prog="bench engines", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--images", type=int, default=4, help="of each way in each round")
    parser.add_argument("--compared", type=int, default=100, help="phantoms whose scores are compared")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=engine_kinds.kinds(), help="of all the ways")
    parser.add_argument("--model", default="phantom")
    parser.add_argument("--name", default="engines", help="of the file that is written")
    options = parser.parse_args(arguments)

    about = machine()
    prepared = load_prepared(load_card(MODELS, options.model), MODELS_CACHE)
    size = prepared.card.input_size
    images = phantoms(SEEDS["test"], max(options.compared, options.images), size)
    names = list(engine_kinds.kinds())
    names = [name for name in names if not options.only or name in options.only or name == names[0]]
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_forms(prepared, folder, phantoms(SEEDS["validation"], CALIBRATION, size))
        ways = [Way(name, prepared, folder) for name in progress(names, len(names), "ways loaded")]
        apart: dict[str, dict[str, float]] = {}
        wanted = ways[0].turn(images)[0]
        for way in progress(ways, len(ways), "ways compared"):
            apart[way.name] = difference(way.turn(images)[0], wanted)
        for k in progress(range(options.rounds), options.rounds, "rounds"):
            # In alternating order, so that what changes slowly on the machine favours none.
            for way in ways[:: -1 if k % 2 else 1]:
                turns[way.name].append(way.turn(images[: options.images])[1])
        for way in ways:
            way.stop()
    answer = {
        "question": QUESTION,
        "machine": about,
        "model": options.model,
        "phantoms": {"first_seed": SEEDS["test"], "compared": len(images)},
        "summary": [_summary(way, turns[way.name], apart[way.name]) for way in ways],
    }
    print(show(answer["summary"]))
    print(write_json(options.name, answer))
    return 0


def _summary(way: Way, turns: Sequence[Turn], apart: dict[str, float]) -> dict[str, Any]:
    return {
        "way": way.name,
        "cpu_ms_per_image": spread([1000 * turn.cpu for turn in turns]),
        "ms_per_image": spread([1000 * turn.wall for turn in turns]),
        "load_cpu_ms": 1000 * way.load_cpu,
        "load_ms": 1000 * way.load_wall,
        "rss_mib": way.rss,
        "difference": apart,
    }


def show(summaries: Sequence[dict[str, Any]]) -> str:
    """The answer as a table."""
    header = ("", "CPU ms", "quartiles", "ms", "load CPU ms", "RSS MiB", "largest difference", "images beyond 0.01")
    rows = []
    for one in summaries:
        cpu, wall, apart = one["cpu_ms_per_image"], one["ms_per_image"], one["difference"]
        rows.append(
            (
                one["way"],
                f"{cpu['median']:.1f}",
                f"{cpu['q1']:.1f}-{cpu['q3']:.1f}",
                f"{wall['median']:.1f}",
                f"{one['load_cpu_ms']:.0f}",
                f"{one['rss_mib']:.0f}",
                f"{apart['largest']:.1e}",
                f"{apart['images_beyond_0.01']:.0%}",
            )
        )
    return table(header, rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

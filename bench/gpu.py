"""What a GPU computes: images per second by size of the batch, what many workers get, and how far scores lie from the CPU's.

Needs no Orthanc: the plugin's package, its models and a cache are enough. ``--device cpu`` tries the measurement itself.
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np

from bench.answers import machine, table, write_json
from orthanc_ai.accelerator import Accelerator
from orthanc_ai.models.address import Address
from orthanc_ai.models.card import load_card
from orthanc_ai.models.engine import EngineName, Floats, load_engine
from orthanc_ai.models.prepare import prepare
from orthanc_ai.models.prepared import Prepared
from orthanc_ai.models.remote import RemoteScorer
from orthanc_ai.settings import AI
from phantom.progress import progress

QUESTION = "Scores on the GPU: images per second, processor time per image, difference from the CPU's"

MODELS = Path(__file__).resolve().parents[1] / "models"

BATCHES = (1, 4, 16, 64)
CLIENTS = (1, 2, 4, 8, 16, 32)


class Quiet:
    """A server that has a log only."""

    def warn(self, message: str) -> None:
        """Show it."""
        print(message, file=sys.stderr)

    error = warn


def cpu_seconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def images_of(count: int, size: int) -> Floats:
    """Something to compute: smooth noise between -1024 and 1024."""
    coarse = np.random.default_rng(0).uniform(-1024, 1024, (count, 1, size // 8 + 1, size // 8 + 1))
    return coarse.repeat(8, axis=2).repeat(8, axis=3)[..., :size, :size].astype(np.float32)


def by_batch(prepared: Prepared, engine: EngineName, device: Any, seconds: float) -> list[dict[str, Any]]:
    """The engine alone, in this process."""
    found = load_engine(prepared, engine, device=device)
    size, rows = prepared.card.input_size, []
    every = images_of(max(BATCHES), size)
    wanted = load_engine(prepared, "onnx").scores(every)
    for batch in progress(BATCHES, len(BATCHES), f"sizes of batches with {engine}"):
        images = every[:batch]
        first = time.perf_counter()
        scores = found.scores(images)
        first = time.perf_counter() - first
        took, cpu, started = [], cpu_seconds(), time.perf_counter()
        while time.perf_counter() - started < seconds:
            before = time.perf_counter()
            found.scores(images)
            took.append(time.perf_counter() - before)
        rows.append(
            {
                "engine": engine,
                "batch": batch,
                "first_ms": 1000 * first,
                "ms": 1000 * statistics.median(took),
                "images_per_second": batch * len(took) / sum(took),
                "cpu_ms_per_image": 1000 * (cpu_seconds() - cpu) / (batch * len(took)),
                "difference": float(np.abs(scores - wanted[:batch]).max()),
            }
        )
    return rows


def ask(address: Address, prepared: Prepared, seconds: float, gate: Any, answers: Any) -> None:
    """One client: asks for image after image."""
    image = images_of(1, prepared.card.input_size)
    scorer = RemoteScorer(address, prepared)
    scorer.scores(image)
    gate.wait()
    took, cpu, started = [], cpu_seconds(), time.perf_counter()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        scorer.scores(image)
        took.append(time.perf_counter() - before)
    answers.put((len(took), statistics.median(took), cpu_seconds() - cpu, time.perf_counter() - started))


def by_clients(prepared: Prepared, settings: AI, seconds: float, *, processors: bool) -> list[dict[str, Any]]:
    """The process for all workers, asked by many at once that have nothing else to do."""
    accelerator = Accelerator(Quiet(), settings, lambda: None, processors=processors)  # type: ignore[arg-type]  # a log is enough
    accelerator.take(prepared)
    address = accelerator.address(prepared)
    assert address is not None
    context, rows = multiprocessing.get_context("spawn"), []
    for clients in progress(CLIENTS, len(CLIENTS), f"numbers of clients with {settings.engine}"):
        gate, answers = context.Barrier(clients), context.Queue()
        asking = [context.Process(target=ask, args=(address, prepared, seconds, gate, answers)) for _ in range(clients)]
        for process in asking:
            process.start()
        got = [answers.get() for _ in asking]
        for process in asking:
            process.join()
        images = sum(one[0] for one in got)
        rows.append(
            {
                "engine": settings.engine,
                "clients": clients,
                "images_per_second": sum(one[0] / one[3] for one in got),
                "ms": 1000 * statistics.median(one[1] for one in got),
                "client_cpu_ms_per_image": 1000 * sum(one[2] for one in got) / images,
            }
        )
    accelerator.stop()
    return rows


def main(arguments: list[str]) -> int:
    """Run it; 0 if the scores lie within what is promised."""
    parser = argparse.ArgumentParser(prog="bench gpu", description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=get_args(EngineName), default=["onnx"])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    parser.add_argument("--model", default="phantom")
    parser.add_argument("--cache", type=Path, help="where the model was prepared; else it is prepared now")
    parser.add_argument("--name", default="gpu", help="of the file that is written")
    options = parser.parse_args(arguments)

    about, card = machine(), load_card(MODELS, options.model)
    with tempfile.TemporaryDirectory() as scratch:
        cache = options.cache or Path(scratch)
        prepared = prepare(card, MODELS, cache)
        batches: list[dict[str, Any]] = []
        clients: list[dict[str, Any]] = []
        for engine in options.engines:
            batches += by_batch(prepared, engine, options.device, options.seconds)
            fields = {
                "Model": options.model,
                "ModelsDirectory": MODELS,
                "CacheDirectory": cache,
                "Python": sys.executable,
            }
            settings = AI.model_validate({**fields, "Engine": engine, "Device": "cuda"})
            clients += by_clients(prepared, settings, options.seconds, processors=options.device == "cpu")
    for rows in (batches, clients):
        print(table(tuple(rows[0]), [[_shown(value) for value in row.values()] for row in rows]) + "\n")
    answer = {"question": QUESTION, "machine": about, "device": options.device, "batches": batches, "clients": clients}
    print(write_json(options.name, answer))
    return 0 if all(row["difference"] <= 0.002 for row in batches) else 1


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)

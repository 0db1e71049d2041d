"""The bare model: the exported network in a loop over tensors that are ready, with nothing around it.

``python3 bare_model.py ONNX SECONDS`` prints JSON. Two loops: one image at a time on all processors, which is the least
time for an image, and one single-threaded session on each processor, which is the least processor time for many.
"""

import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

SIDE = 224
WARM_UP = 3
TENSORS = 16


def session(onnx: Path, threads: int) -> Callable[[int], object]:
    """Runs the network on one of the tensors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(0)
    tensors = draw.uniform(-1024, 1024, (TENSORS, 1, 1, SIDE, SIDE)).astype(np.float32)

    def run(number: int) -> object:
        return model.run(["scores"], {"image": tensors[number % TENSORS]})

    for number in range(WARM_UP):
        run(number)
    return run


def one_at_a_time(run: Callable[[int], object], seconds: float) -> dict[str, float]:
    """Median wall time and mean processor time for an image."""
    taken: list[float] = []
    until, used = time.perf_counter() + seconds, time.process_time()
    while time.perf_counter() < until:
        started = time.perf_counter()
        run(len(taken))
        taken.append(time.perf_counter() - started)
    return {"seconds": statistics.median(taken), "cpu_seconds": (time.process_time() - used) / len(taken)}


def one_on_each(runs: list[Callable[[int], object]], seconds: float) -> dict[str, float]:
    """Images per second, and processor time for an image."""
    counts = [0] * len(runs)
    until = time.perf_counter() + seconds

    def loop(k: int) -> None:
        while time.perf_counter() < until:
            runs[k](counts[k])
            counts[k] += 1

    threads = [threading.Thread(target=loop, args=(k,)) for k in range(len(runs))]
    started, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    images = sum(counts)
    return {
        "per_second": images / (time.perf_counter() - started),
        "cpu_seconds": (time.process_time() - used) / images,
    }


def main(onnx: Path, seconds: float) -> None:
    """Measure, and print."""
    processors = len(os.sched_getaffinity(0))
    alone = [one_at_a_time(session(onnx, threads), seconds / 4) for threads in {1, processors}]
    many = one_on_each([session(onnx, 1) for _ in range(processors)], seconds / 2)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fastest = min(alone, key=lambda one: one["seconds"])
    print(json.dumps({"one_at_a_time": fastest, "one_on_each": many, "peak_mib": peak_mib}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))

"""Run benchmarks, in the box: ``python3 -m bench QUESTION [OPTION ...]``; without a question, what ``make bench`` runs."""

import sys
from collections.abc import Callable

from bench import (
    catalog,
    codecs,
    datasets,
    engines,
    gpu,
    growth,
    ingestion,
    memory,
    overlays,
    responses,
    studies,
    tables,
    throughput,
)

QUESTIONS: dict[str, Callable[[list[str]], int]] = {
    "throughput": throughput.main,
    "ingestion": ingestion.main,
    "responses": responses.main,
    "memory": memory.main,
    "growth": growth.main,
    "studies": studies.main,
    "datasets": datasets.main,
    "engines": engines.main,
    "codecs": codecs.main,
    "catalog": catalog.main,
    "gpu": gpu.main,
    "tables": tables.main,
    "overlays": overlays.main,
}

MAIN = ("throughput", "overlays", "catalog", "datasets")
"""What `make bench` runs."""


def main(arguments: list[str]) -> int:
    """Answer one question; the exit status is 0 if the answer is as it must be."""
    if not arguments:
        # All of them, whatever the first ones say.
        return max([QUESTIONS[question]([]) for question in MAIN])
    if arguments[0] not in QUESTIONS:
        print(f"usage: python3 -m bench {{{','.join(QUESTIONS)}}} [--help]", file=sys.stderr)
        return 2
    return QUESTIONS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

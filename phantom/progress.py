"""Says on stderr how far a long piece of work is and when it will end."""

import sys
import time
from collections.abc import Iterable, Iterator

SECONDS_BETWEEN_LINES = 5.0


def progress[T](items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Passes items on; prints how many of `total` are done and how long the rest will take, every few seconds."""
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_LINES or done == total:
            last = now
            left = (now - start) / done * (total - done)
            print(f"{what}: {done}/{total}, {left:.0f} s left", file=sys.stderr, flush=True)

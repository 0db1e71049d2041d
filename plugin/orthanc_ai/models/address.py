"""Where the process is that computes scores for all workers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket, and the key that both ends prove to know (`multiprocessing.connection`)."""

    path: str
    key: bytes = field(repr=False)

"""Large bytes on their way into a worker process, in memory that both processes see.

A pipe takes them in pieces of 64 KB, with a change of process at each, and pickle copies them whole at both ends. So only
the place goes through the pipe. The memory is an anonymous file (memfd_create(2)): it needs no room in `/dev/shm`, of which
a container has 64 MB, no name that a crash leaves behind, and ends with the server.
"""

import os
from dataclasses import dataclass
from pathlib import Path

KEPT_BYTES = 32 * 2**20
"""Memory that stays for the next file, three times a chest film: taking it anew each time costs twice as much as
filling it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Where bytes lie that are not in the message itself.

    Attributes
    ----------
    path
        A file for as long as the task lasts.
    """

    path: str

    def read(self) -> bytes:
        """The bytes, in the process that got the message.

        Raises
        ------
        OSError
            If this process may not look into the one that sent it.
        """
        return Path(self.path).read_bytes()


class Handover:
    """Memory for what one worker is to get, one thing after the other.

    It lasts as long as this object: nobody closes it while a thread may still be writing.

    Raises
    ------
    OSError
        If there is no memory.
    """

    def __init__(self) -> None:
        self._file = os.fdopen(os.memfd_create("orthanc-ai-task"), "wb", buffering=0)

    def put(self, content: bytes) -> Shared:
        """Put something in; what was there before is gone.

        Raises
        ------
        OSError
            If there is no memory for it.
        """
        number = self._file.fileno()
        if os.fstat(number).st_size > KEPT_BYTES:
            os.ftruncate(number, 0)
        rest, at = memoryview(content), 0
        while rest:
            count = os.pwrite(number, rest, at)
            rest, at = rest[count:], at + count
        os.ftruncate(number, at)
        return Shared(f"/proc/{os.getpid()}/fd/{number}")

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return os.fstat(self._file.fileno()).st_blocks * 512  # stat(2)

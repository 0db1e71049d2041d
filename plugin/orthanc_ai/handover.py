"""Large bytes on their way into a worker process, in memory that both processes see.

A pipe takes them in pieces of 64 KB, with a change of process at each, and pickle copies them whole at both ends. So only
the place goes through the pipe. The memory is an anonymous file (memfd_create(2)): it needs no room in `/dev/shm`, of which
a container has 64 MB, no name that a crash leaves behind, and ends with the server.
"""

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

KEPT_BYTES = 32 * 2**20
"""Memory that stays for the next file, three times a chest film: taking it anew each time costs twice as much as
filling it."""


class FileGoneError(Exception):
    """A file could not be read where it had just been."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Where bytes lie that are not in the message itself.

    Attributes
    ----------
    path
        A file for as long as the task lasts.
    start, length
        Which of its bytes; all of them if there is no length.
    """

    path: str
    start: int = 0
    length: int | None = None

    def read(self) -> bytes:
        """The bytes, in the process that got the message.

        Raises
        ------
        OSError
            If this process may not look into the one that sent it.
        """
        with self.open() as file:
            return file.read()

    def open(self) -> BinaryIO:
        """The bytes as a file, of which not all need to be read.

        Raises
        ------
        OSError
            If there is no such file, or this process may not look into the one that sent it.
        """
        if self.length is None:
            return Path(self.path).open("rb")
        with Path(self.path).open("rb") as file:
            file.seek(self.start)
            return BytesIO(file.read(self.length))


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
        self._write(content, 0)
        os.ftruncate(number, len(content))
        return Shared(self._path)

    def add(self, content: bytes) -> Shared:
        """Put something in behind what is there.

        Raises
        ------
        OSError
            If there is no memory for it.
        """
        start = os.fstat(self._file.fileno()).st_size
        self._write(content, start)
        return Shared(self._path, start, len(content))

    def close(self) -> None:
        """Give the memory back, as soon as nobody reads it any more."""
        self._file.close()

    def _write(self, content: bytes, at: int) -> None:
        rest = memoryview(content)
        while rest:
            count = os.pwrite(self._file.fileno(), rest, at)
            rest, at = rest[count:], at + count

    @property
    def _path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self._file.fileno()}"

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return os.fstat(self._file.fileno()).st_blocks * 512  # stat(2)

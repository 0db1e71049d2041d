"""A small disk that can be full: a file system in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK = 64 * 1024


class Disk:
    """A mounted file system of a certain size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        # A full disk has no room for the file itself.
        self._ballast.touch()

    def fill(self) -> None:
        """Leave no room for another file."""
        with self._ballast.open("ab", buffering=0) as file:
            size = BLOCK
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def clear(self) -> None:
        """Give the room back."""
        self._ballast.write_bytes(b"")


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Disk]:
    """A disk of so many MiB at a folder, taken away afterwards."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder)
    finally:
        # The server may still be ending.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

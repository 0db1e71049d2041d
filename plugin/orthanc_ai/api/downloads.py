"""Files on their way to a client, piece by piece: none is in memory as a whole."""

import os
from collections.abc import Iterator, Mapping
from io import RawIOBase
from pathlib import Path, PurePath
from typing import BinaryIO, cast
from zipfile import ZIP_STORED, ZipFile, ZipInfo

CHUNK_BYTES = 1 << 20

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",  # as registered with IANA
    ".png": "image/png",
    ".sqlite": "application/vnd.sqlite3",  # as registered with IANA
}


def media_type(file: Path) -> str:
    """Media type of a file, by its ending."""
    return _MEDIA_TYPES.get(file.suffix, "application/octet-stream")


def is_finished(name: PurePath) -> bool:
    """Whether nothing of a relative path says that it is still being written: a point before it, or `.partial` behind."""
    return not any(part.startswith(".") or part.endswith(".partial") for part in name.parts)


def chunks_of(file: Path) -> tuple[int, Iterator[bytes]]:
    """Size and content of a file.

    Raises
    ------
    OSError
        If it cannot be opened; at once, not when it is read.
    """
    stream = file.open("rb")
    return os.fstat(stream.fileno()).st_size, _chunks(stream)


def zipped(folder: Path, name: str, further: Mapping[str, bytes]) -> Iterator[bytes]:
    """All files of a folder that are finished as a ZIP archive, not compressed: they are already.

    Parameters
    ----------
    name
        Of the folder within the archive.
    further
        Files by name that are not, or not as they are to be, in the folder.
    """
    sink = _Sink()
    with ZipFile(cast(BinaryIO, sink), "w", ZIP_STORED) as packed:
        for path, content in further.items():
            packed.writestr(ZipInfo(f"{name}/{path}"), content)
        for file in _files(folder):
            relative = file.relative_to(folder).as_posix()
            if relative in further:
                continue
            with file.open("rb") as source, packed.open(ZipInfo.from_file(file, f"{name}/{relative}"), "w") as entry:
                while chunk := source.read(CHUNK_BYTES):
                    entry.write(chunk)
                    yield sink.take()
    yield sink.take()


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if is_finished(PurePath(entry.name)):
            if entry.is_dir():
                yield from _files(entry)
            else:
                yield entry


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


class _Sink(RawIOBase):
    """Takes what is written until somebody comes for it. It has no places to go back to."""

    def __init__(self) -> None:
        super().__init__()
        self._content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = memoryview(content)  # type: ignore[arg-type]  # a buffer, says RawIOBase
        self._content += piece
        return piece.nbytes

    def take(self) -> bytes:
        """What has been written since the last time."""
        content = bytes(self._content)
        self._content.clear()
        return content

"""Files on their way to a client: piece by piece, whole, and only those that are finished."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import cast

import pytest

from orthanc_ai.api.dispatch import Dispatcher
from orthanc_ai.api.downloads import CHUNK_BYTES, chunks_of, is_finished, media_type, zipped
from orthanc_ai.api.http import Response
from orthanc_ai.server import Server

from .examples import Archive
from .test_dispatch import Output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/large", "b/small", "a/small", ".files/1.dcm", "c.partial/half", "b/.manifest.x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() * (CHUNK_BYTES // 4 if name == "b/large" else 1))
    (tmp_path / "manifest.json").write_text("old")
    return tmp_path


def test_an_archive_of_what_is_finished(folder: Path) -> None:
    chunks = list(zipped(folder, "export", {"manifest.json": b"new"}))
    assert len(chunks) > 2
    assert max(map(len, chunks)) < CHUNK_BYTES + 10_000
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"export/{name}" for name in ("manifest.json", "a/small", "b/large", "b/small")]
        assert archive.read("export/manifest.json") == b"new"
        assert archive.read("export/b/large") == (folder / "b/large").read_bytes()


def test_a_file_in_pieces(folder: Path) -> None:
    size, pieces = chunks_of(folder / "b" / "large")
    chunks = list(pieces)
    assert b"".join(chunks) == (folder / "b/large").read_bytes()
    assert size == sum(map(len, chunks))
    assert max(map(len, chunks)) <= CHUNK_BYTES < sum(map(len, chunks))
    with pytest.raises(FileNotFoundError):
        chunks_of(folder / "nothing")


@pytest.mark.parametrize(("name", "finished"), [("a/b.nii.gz", True), ("a.partial/b", False), ("a/.b", False)])
def test_what_is_being_written_is_not_finished(name: str, finished: bool) -> None:
    assert is_finished(PurePath(name)) is finished


def test_media_types() -> None:
    found = {name: media_type(Path(name)) for name in ("volume.nii.gz", "0001.png", "volume.json", "volume.nrrd")}
    assert found == {
        "volume.nii.gz": "application/gzip",
        "0001.png": "image/png",
        "volume.json": "application/json",
        "volume.nrrd": "application/octet-stream",
    }


class Chunks:
    """An answer in pieces to every request, which notes whether it was closed."""

    allowed_origins: tuple[str, ...] = ()

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.closed = False

    def answer(self, _: object) -> Response:
        return Response(b"", "application/zip", headers={"Content-Disposition": "attachment"}, chunks=self.run())

    def run(self) -> Iterator[bytes]:
        try:
            yield from self.pieces
            if self.error:
                raise self.error
        finally:
            self.closed = True


def ask(chunks: Chunks, archive: Archive, output: Output | None = None) -> Output:
    dispatcher, output = Dispatcher(cast(Server, archive)), output or Output()
    dispatcher.open(chunks)  # type: ignore[arg-type]
    dispatcher.callback(output, "/ai/x", method="GET", groups=())
    dispatcher._threads.shutdown()
    return output


def test_pieces_are_sent_one_by_one() -> None:
    output = ask(Chunks(b"one", b"two"), Archive())
    assert (output.status, output.body) == (200, b"onetwo")
    assert dict(output.headers) == {
        "Content-Type": "application/zip",
        "Content-Disposition": "attachment",
        "Cache-Control": "no-store",
    }


def test_an_error_on_the_way_ends_the_answer_and_says_so() -> None:
    archive = Archive()
    output = ask(Chunks(b"one", error=OSError("/folder/of/DOE^JANE")), archive)
    assert (output.status, output.body) == (200, b"one")
    [line] = archive.warnings
    assert "OSError" in line
    assert "DOE" not in line


def test_a_client_that_leaves_leaves_no_open_file() -> None:
    chunks = Chunks(b"one", b"two")

    class Leaving(Output):
        def SendStreamChunk(self, chunk: bytes) -> None:  # noqa: N802
            raise ConnectionError

    archive = Archive()
    ask(chunks, archive, Leaving())
    assert chunks.closed
    assert "ConnectionError" in archive.warnings[0]

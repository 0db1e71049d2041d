"""A folder is stored file by file; nothing in it stops that."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pydicom
import pytest

from phantom.ct import ct_series
from tools import import_folder
from tools.client import Client, ServerError
from tools.import_folder import HEAD, State, files, import_files, is_dicom, printable

BAD = b"\0" * 128 + b"DICM" + b"bad"
FILTERED = b"\0" * 128 + b"DICM" + b"filtered"
TOO_MUCH = b"\0" * 128 + b"DICM" + b"too much"
"""At this the server breaks off."""


class Orthanc:
    """Takes what is posted, as Orthanc does; each content is stored once."""

    def __init__(self) -> None:
        self.kept: set[bytes] = set()
        self.failures = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if server.failures > 0:
                    self.close_connection = True
                else:
                    self._answer(200, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if server.failures > 0:
                    server.failures -= 1
                    self.close_connection = True
                elif body == TOO_MUCH:
                    self.close_connection = True
                elif body == BAD:
                    self._answer(400, {"Message": "Bad file format", "HttpError": "Bad Request", "Details": ""})
                elif body == FILTERED:
                    self._answer(200, {"Status": "FilteredOut"})
                else:
                    known = body in server.kept
                    # First: who has its answer may look at once.
                    server.kept.add(body)
                    self._answer(200, {"Status": "AlreadyStored" if known else "Success"})

            def _answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.client = Client(f"http://127.0.0.1:{self._server.server_port}")
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def orthanc() -> Iterator[Orthanc]:
    made = Orthanc()
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six images in folders, and what else lies about on discs."""
    for number, image in enumerate(ct_series("head", matrix=8, slices=6)):
        path = tmp_path / f"P{number % 2}" / "S 1" / f"IM{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save_as(path, enforce_file_format=True)
    directory = pydicom.Dataset()
    directory.file_meta = pydicom.dataset.FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.840.10008.1.3.10")
    directory.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    directory.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    directory.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)
    (tmp_path / "README.TXT").write_text("Insert the disc")
    (tmp_path / "empty").touch()
    (tmp_path / "P0" / "bad.dcm").write_bytes(BAD)
    (tmp_path / "P1" / "filtered.dcm").write_bytes(FILTERED)
    (tmp_path / "broken link").symlink_to(tmp_path / "nowhere")
    return tmp_path


def test_everything_is_stored_and_the_bad_is_named(orthanc: Orthanc, folder: Path) -> None:
    tally = import_files(orthanc.client, folder, files(folder))
    assert tally.counts == {State.STORED: 6, State.SKIPPED: 3, State.BAD: 3}
    assert sorted(tally.bad) == [
        (str(Path("P0", "bad.dcm")), "Bad file format"),
        (str(Path("P1", "filtered.dcm")), "Orthanc: FilteredOut"),
        ("broken link", "No such file or directory"),
    ]
    assert len(orthanc.kept) == 6


def test_again_nothing_is_stored_twice(orthanc: Orthanc, folder: Path) -> None:
    import_files(orthanc.client, folder, files(folder))
    assert import_files(orthanc.client, folder, files(folder)).counts[State.ALREADY] == 6


def test_a_server_that_restarts_is_waited_for(orthanc: Orthanc, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_folder, "PAUSE_S", 0.01)
    orthanc.failures = 5
    assert import_files(orthanc.client, folder, files(folder)).counts[State.STORED] == 6
    monkeypatch.setattr(import_folder, "PATIENCE_S", 0.05)
    orthanc.failures = 10_000
    with pytest.raises(ServerError):
        import_files(orthanc.client, folder, files(folder))


def test_a_file_at_which_the_server_breaks_off_stops_nothing(
    orthanc: Orthanc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_folder, "PAUSE_S", 0.01)
    (folder / "A").write_bytes(TOO_MUCH)
    tally = import_files(orthanc.client, folder, files(folder))
    assert tally.counts[State.STORED] == 6
    assert "A" in [name for name, _ in tally.bad]


def test_what_is_no_file_is_not_waited_for(orthanc: Orthanc, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    tally = import_files(orthanc.client, folder, files(folder))
    assert (tally.counts[State.STORED], tally.counts[State.SKIPPED]) == (6, 4)


def test_a_folder_that_is_not_there_is_said(orthanc: Orthanc, folder: Path) -> None:
    missing = folder / "nowhere"
    assert import_files(orthanc.client, missing, files(missing)).bad == [(".", "No such file or directory")]


def test_a_folder_that_cannot_be_read_is_said(orthanc: Orthanc, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    # Tests may run as root, who may read everything.
    def refusing(path: Path) -> Any:
        if Path(path).name == "P1":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    tally = import_files(orthanc.client, folder, files(folder))
    assert tally.counts[State.STORED] == 3
    assert ("P1", "a folder that cannot be read") in tally.bad


def test_names_of_any_character_set_can_be_printed() -> None:
    name = os.fsdecode("Müller\n".encode("latin-1"))
    assert printable(name) == "M\\udcfcller\\n"
    assert printable("Müller 1.dcm") == "Müller 1.dcm"


def test_what_a_file_is_can_be_seen_from_its_beginning(folder: Path) -> None:
    image = (folder / "P0" / "S 1" / "IM0").read_bytes()
    assert is_dicom(image[:HEAD])
    without_preamble = image[image.index(b"\x08\x00\x05\x00CS") :]
    assert is_dicom(without_preamble[:HEAD])
    implicit = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100" + bytes(200)
    assert is_dicom(implicit)
    for other in (
        b"",
        b"\x08\x00",
        b"\x08\x00" * 200,
        b"PK\x03\x04" + bytes(200),
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"{}",
        bytes(200),
    ):
        assert not is_dicom(other)


def test_links_do_not_lead_astray(orthanc: Orthanc, folder: Path) -> None:
    (folder / "P0" / "up").symlink_to(folder, target_is_directory=True)
    names = [str(path.relative_to(folder)) for path in files(folder)]
    assert len(names) == len(set(names))
    assert sum(name.endswith("IM0") for name in names) == 1

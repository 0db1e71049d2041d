"""Where a worker is sent for a file: never to a place that is not Orthanc's own, ordinary and uncompressed."""

from pathlib import Path
from typing import Any, cast

import pytest

from orthanc_ai.handover import Shared
from orthanc_ai.server import Server
from orthanc_ai.storage import Storage, storage_folder

UUID = "5646b40e-d053-4c47-985d-1cc0c4646d71"
INFO = {"CompressedSize": 4, "UncompressedSize": 4, "Uuid": UUID}


class Answers:
    """A server that answers these paths, and has the file by its own way."""

    def __init__(self, system: dict[str, Any], info: dict[str, Any] | None = None) -> None:
        self._answers = {"/system": system, "/instances/i/attachments/dicom/info": info}

    def get(self, path: str) -> Any:
        return self._answers[path]

    def file(self, _instance: str) -> bytes:
        return b"by Orthanc"


def payload(folder: Path, system: dict[str, Any], info: dict[str, Any] | None = None) -> Shared | bytes | None:
    return Storage(folder).payload(cast(Server, Answers(system, info)), "i")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "56" / "46" / UUID
    file.parent.mkdir(parents=True)
    file.write_bytes(b"file")
    return tmp_path


def test_an_ordinary_folder_is_read_by_the_worker(folder: Path) -> None:
    found = payload(folder, {"StorageAreaPlugin": None}, INFO)
    assert isinstance(found, Shared)
    assert found.read() == b"file"


@pytest.mark.parametrize(
    ("system", "info"),
    [
        ({"StorageAreaPlugin": "/plugins/libAwsS3Storage.so"}, INFO),
        ({}, INFO),
        ({"StorageAreaPlugin": None}, None),
        ({"StorageAreaPlugin": None}, {**INFO, "CompressedSize": 3}),
        ({"StorageAreaPlugin": None}, {**INFO, "Uuid": UUID.replace("56", "57")}),
    ],
    ids=["storage of a plugin", "not said", "gone", "compressed", "not there"],
)
def test_everything_else_is_orthancs_matter(folder: Path, system: dict[str, Any], info: dict[str, Any] | None) -> None:
    assert payload(folder, system, info) == b"by Orthanc"


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({}, "/etc/orthanc/OrthancStorage"),
        ({"StorageDirectory": "s"}, "/etc/orthanc/s"),
        ({"StorageDirectory": "/s"}, "/s"),
    ],
)
def test_where_it_is(configuration: dict[str, Any], expected: str) -> None:
    assert storage_folder(configuration, Path("/etc/orthanc")) == Path(expected)

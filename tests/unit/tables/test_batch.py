"""A table, part by part: what is settled stays, what breaks is a row, and the server holds next to nothing."""

import json
import multiprocessing
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from orthanc_ai.analyses import Answer, Task
from orthanc_ai.batches.batch import BatchError, InterruptedBatch
from orthanc_ai.batches.crew import answer_to
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.deidentify.pseudonyms import Pseudonyms
from orthanc_ai.files import sha256_of
from orthanc_ai.server import Server
from orthanc_ai.settings import AI
from orthanc_ai.storage import Storage
from orthanc_ai.tables import batch
from orthanc_ai.tables.batch import Tables, private_of_dataset
from orthanc_ai.tables.formats import TABLE
from orthanc_ai.tables.orders import ImageOrder
from orthanc_ai.tables.parts import piece
from orthanc_ai.tables.worker import TableMaker
from orthanc_ai.workers import WorkerError, Workers
from tests.unit.stand_in import Archive

from .images import file_of, image, request


class Storeroom:
    """Orthanc's storage, of which nothing can be read in place."""

    def payload(self, server: Server, instance: str) -> bytes | None:
        return server.file(instance)


class Worker:
    """Does the work of a worker process in this one.

    Attributes
    ----------
    trouble
        Called with each task before it is carried out.
    """

    def __init__(self, trouble: Callable[[Task], None] = lambda _: None) -> None:
        self.trouble = trouble
        self.lock = threading.Lock()
        self.images: list[str] = []

    def __call__(self, settings: AI) -> Workers:
        return cast(Workers, self)

    def run(self, task: Task) -> Answer:
        with self.lock:
            self.trouble(task)
            self.images += [order.identifier for order in task.payload if isinstance(order, ImageOrder)]
            return TableMaker().read(task)

    def stop(self) -> None:
        pass


def archive_of(count: int) -> Archive:
    archive = Archive()
    for number in range(1, count + 1):
        dataset = image(number, SeriesInstanceUID=f"1.2.{number % 3 + 3}")
        archive.put(
            f"1.2.3.{number}", modality="CT", study="1.2", series=dataset.SeriesInstanceUID, file=file_of(dataset)
        )
    return archive


def run_of(folder: Path, settled: dict[str, Any] | None = None, **more: Any) -> Run:
    (folder / "output").mkdir(parents=True, exist_ok=True)
    wanted = request("InstanceNumber", "PixelSpacing", statistics=True, **more)
    return Run(
        wanted,
        folder / "output",
        settled if settled is not None else {},
        settle=lambda records: None,
        ended=threading.Event(),
        paused=lambda: False,
    )


def tables(archive: Archive, worker: Worker, folder: Path | None = None) -> Tables:
    settings = AI(retry_pause=0.1, workers=2, batches_directory=folder or AI().batches_directory)
    return Tables(archive.server, settings, cast(Storage, Storeroom()), worker)


def numbers(run: Run, column: str = "InstanceNumber") -> list[Any]:
    connection = sqlite3.connect(run.output / "table.sqlite")
    found = [row[0] for row in connection.execute(f"SELECT {column} FROM {TABLE}")]
    connection.close()
    return found


def digests(run: Run) -> dict[str, str]:
    return {file.name: sha256_of(file) for file in run.output.iterdir()}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "IMAGES", 4)
    monkeypatch.setattr(batch, "TOGETHER", 2)


def test_each_image_has_a_row_in_the_order_of_the_selection(tmp_path: Path) -> None:
    run, worker = run_of(tmp_path), Worker()
    tables(archive_of(11), worker).run(run)
    # By UID, which is text.
    assert numbers(run) == sorted(range(1, 12), key=str)
    assert (run.done, run.total) == (4, 4)
    assert {name: run.summary[name] for name in ("images", "of", "rows", "codes")} == {
        "images": 11,
        "of": 11,
        "rows": 11,
        "codes": {},
    }
    # What is left is what can be downloaded.
    assert sorted(digests(run)) == ["table.csv", "table.json", "table.parquet", "table.sqlite"]


def test_nothing_selected_makes_an_empty_table(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    tables(Archive(), Worker()).run(run)
    assert (numbers(run), run.summary["rows"]) == ([], 0)


@pytest.mark.parametrize("tasks", [0, 1, 3, 5, 6])
def test_a_table_that_was_interrupted_is_the_same_as_one_that_ran_through(tmp_path: Path, tasks: int) -> None:
    archive, left = archive_of(11), tasks
    whole = run_of(tmp_path / "whole", several="numbered")
    tables(archive, Worker()).run(whole)

    def kill(task: Task) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise InterruptedBatch

    settled: dict[str, Any] = {}
    with pytest.raises(InterruptedBatch):
        tables(archive, Worker(kill)).run(run_of(tmp_path / "killed", settled, several="numbered"))
    kept = min(11, 4 * len(settled))
    # What arrives meanwhile is not in it: the images were written down.
    archive.put("1.2.3.99", modality="CT", study="1.2", series="1.2.3", file=file_of(image(99)))
    again, worker = run_of(tmp_path / "killed", settled, several="numbered"), Worker()
    tables(archive, worker).run(again)
    assert len(worker.images) == 11 - kept
    assert digests(again) == digests(whole)
    assert again.summary == whole.summary


def test_what_cannot_be_read_is_a_row_with_its_code(tmp_path: Path) -> None:
    archive = archive_of(9)
    instances = [one for one in archive.items.values() if one.level == "instance"]
    instances[1].file = b"no DICOM"
    instances[4].file = b""
    deadly = instances[6].identifier

    def die(task: Task) -> None:
        if any(order.identifier == deadly for order in task.payload if isinstance(order, ImageOrder)):
            raise WorkerError(Code.WORKER_DIED, "")

    run = run_of(tmp_path)
    # The stand-in gives the name of an image for a file that it has none of.
    archive.server.file = lambda instance: archive.items[instance].file or None  # type: ignore[method-assign]
    tables(archive, Worker(die)).run(run)
    assert numbers(run) == [1, None, 3, 4, None, 6, None, 8, 9]
    codes = [None, "HEADER_UNREADABLE", None, None, "FILE_UNREADABLE", None, "WORKER_DIED", None, None]
    assert numbers(run, "code") == codes
    assert numbers(run, "SOPInstanceUID") == [f"1.2.3.{number}" for number in range(1, 10)]
    assert run.summary["codes"] == {"HEADER_UNREADABLE": 1, "FILE_UNREADABLE": 1, "WORKER_DIED": 1}


def test_workers_that_cannot_put_it_together_end_the_batch(tmp_path: Path) -> None:
    def die(task: Task) -> None:
        if not isinstance(task.payload[0], ImageOrder):
            raise WorkerError(Code.DEADLINE_EXCEEDED, "")

    with pytest.raises(BatchError) as failed:
        tables(archive_of(3), Worker(die)).run(run_of(tmp_path))
    assert failed.value.code is Code.DEADLINE_EXCEEDED


OPTIONS: Mapping[str, Any] = {"enabled": True, "retain": [], "clean": [], "burnedIn": "leaveOut", "keepKey": False}


def test_a_table_has_pseudonyms_for_keys_and_forgets_how_they_were_made(tmp_path: Path) -> None:
    archive = archive_of(5)
    next(one for one in archive.items.values() if one.level == "instance").file = b"no DICOM"
    run = run_of(tmp_path, deidentify=OPTIONS)
    tables(archive, Worker()).run(run)
    assert len(set(numbers(run, "PatientID"))) == 1
    assert len(set(numbers(run, "SOPInstanceUID"))) == 5
    everything = b"".join(file.read_bytes() for file in run.output.iterdir())
    assert b"1.2.3." not in everything
    assert not any(one.identifier.encode() in everything for one in archive.items.values())
    assert not (tmp_path / "private").exists()


def test_the_pseudonyms_of_a_dataset_join_both(tmp_path: Path) -> None:
    archive = archive_of(3)
    of_dataset = private_of_dataset(AI(batches_directory=tmp_path), "0123456789abcdef")
    key = of_dataset.key()
    run = run_of(tmp_path / "tables" / "x", deidentify=OPTIONS, dataset="0123456789abcdef")
    tables(archive, Worker(), tmp_path).run(run)
    assert numbers(run, "SOPInstanceUID") == [Pseudonyms(key).uid(f"1.2.3.{number}") for number in (1, 2, 3)]
    assert of_dataset.exists
    of_dataset.destroy()
    with pytest.raises(BatchError):
        tables(archive, Worker(), tmp_path).run(run_of(tmp_path / "y", deidentify=OPTIONS, dataset="0123456789abcdef"))


class Quick(Worker):
    """Makes rows of nothing."""

    def run(self, task: Task) -> Answer:
        first = task.payload[0]
        if not isinstance(first, ImageOrder):
            return answer_to([{"rows": 0, "codes": {}, "files": {}}])
        file = piece(first.folder, first.number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{json.dumps([order.identifier])}\n" for order in task.payload))
        return answer_to([{"file": str(file), "rows": 1, "codes": {}, "widths": {}}] * len(task.payload))


def peak(folder: Path, count: int) -> int:
    """Bytes that a table of so many images takes at most."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(batch, "IMAGES", 200)
        monkeypatch.setattr(batch, "TOGETHER", 8)
        archive = Archive()
        for number in range(count):
            archive.put(f"1.2.3.{number}", modality="CT", study="1.2", series="1.2.3")
        run = run_of(folder / str(count))
        tracemalloc.start()
        tables(archive, Quick()).run(run)
        return tracemalloc.get_traced_memory()[1]


def test_the_server_holds_next_to_nothing(tmp_path: Path) -> None:
    # In a process of its own: threads that other tests have left behind take memory too.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as alone:
        small, large = (alone.submit(peak, tmp_path, count).result() for count in (2000, 6000))
    # A page of the index is what takes most: all images take one, so that only what grows with them is left.
    assert large - small < 300_000

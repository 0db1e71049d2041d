"""Tables, the half that runs in the server: who is asked for which rows, and how far that is."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..batches.batch import BatchError
from ..batches.crew import Crew, Done
from ..batches.instance_files import InstanceFiles
from ..batches.run import Run
from ..catalog.selection import Selection, images
from ..codes import Code
from ..deidentify.private import Private
from ..server import Server
from ..settings import AI
from ..storage import Storage
from ..workers import Workers
from .keys import row_without_file
from .listing import LISTING, Listed, count, is_listed, listed, read_listing, write_listing
from .orders import TABLES, ImageOrder, TableOrder
from .parts import IMAGES, PARTS, PIECES, TOGETHER, join, part, piece
from .wanted import Wanted

SPOOL = ".files"
"""Folder, within that of a table, of the DICOM files that a worker cannot read where Orthanc keeps them."""

TABLE = "table"
"""Key of the last item of the journal: the parts put together. The others are the numbers of the parts."""

FEW_ROWS = 20_000
"""Rows that are put together within the deadline of an ordinary job: they take some seconds. More get a worker of their own."""

DATASETS = "datasets"
"""Name of the batches that make datasets."""

PRIVATE = "private"
"""Folder beside that of a table, with the key of its pseudonyms."""


def private_of_dataset(settings: AI, dataset: str) -> Private:
    """Where the key of a dataset is, if it was kept."""
    return Private(settings.batches_directory / DATASETS / dataset / PRIVATE)


class Tables:
    """Makes tables: a kind of batch.

    Its items are parts of `parts.IMAGES` images, one after the other, and at last the table itself. The records of the parts say
    how many rows they have, and which codes.

    Parameters
    ----------
    workers
        Makes the worker processes of a table.
    """

    name = TABLES

    def __init__(
        self, server: Server, settings: AI, storage: Storage, workers: Callable[[AI], Workers] = Workers
    ) -> None:
        self._server = server
        self._settings = settings
        self._storage = storage
        self._workers = workers

    def run(self, run: Run) -> None:
        """Make what the request says.

        Raises
        ------
        BatchError, InterruptedBatch, OSError, ServerError
        """
        private = Private(run.output.parent / PRIVATE)
        if TABLE not in run.settled:
            self._make(run, self._key(run, private))
        for folder in (PARTS, PIECES, SPOOL):
            shutil.rmtree(run.output / folder, ignore_errors=True)
        (run.output / LISTING).unlink(missing_ok=True)
        if not (run.request["deidentify"] or {}).get("keepKey"):
            private.destroy()

    def _key(self, run: Run, private: Private) -> bytes | None:
        """The key of the pseudonyms: the table's own, or that of the dataset that it goes with."""
        if run.request["deidentify"] is None:
            return None
        dataset = run.request["dataset"]
        if dataset and not private.exists:
            of_dataset = private_of_dataset(self._settings, dataset)
            if not of_dataset.exists:
                raise BatchError(Code.NOT_FOUND, f"the key of dataset {dataset} is not there any more")
            private.copy_from(of_dataset)
        return private.key()

    def _make(self, run: Run, key: bytes | None) -> None:
        if not is_listed(run.output):
            write_listing(run.output, self._listed(run))
        total = count(run.output)
        parts = -(-total // IMAGES)
        run.expect(parts + 1)
        _summarise(run, total)
        done: Done[TableOrder] | None = None
        if len(run.settled) < parts:
            files = InstanceFiles(self._server, self._storage, run.output / SPOOL)
            with Crew(self._settings, run, TABLES, self._workers) as crew:
                _Rows(run, files, crew, key).make(total)
                if run.summary["rows"] <= FEW_ROWS:
                    [[done]] = crew.do([_table(run, parts, total)], 1)
        if done is None:
            once = self._settings.model_copy(update={"workers": 1, "job_timeout": self._settings.volume_timeout})
            with Crew(once, run, TABLES, self._workers) as crew:
                [[done]] = crew.do([_table(run, parts, total)], 1)
        if done.result is None:
            raise BatchError(done.code or Code.INTERNAL_ERROR, done.detail)
        said = {name: done.result[name] for name in ("rows", "codes", "files")}
        run.settle(TABLE, said)
        run.summarise(**said)

    def _listed(self, run: Run) -> Iterator[Listed]:
        for number, image in enumerate(
            listed(self._server, images(self._server, Selection.of(run.request["selection"])))
        ):
            if number % IMAGES == 0:
                run.check()
            yield image


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a table at work."""

    run: Run
    files: InstanceFiles
    crew: Crew
    key: bytes | None

    def make(self, total: int) -> None:
        """Settle all parts that are not settled yet."""
        number = len(self.run.settled)
        wanted = Wanted.of(self.run.request)
        made: list[Mapping[str, Any]] = []
        orders = self._orders(number * IMAGES)
        for chunk in self.crew.do(orders, TOGETHER):
            made += [one.result if one.result is not None else _fault(one, wanted) for one in chunk]
            self.files.release(one.item.identifier for one in chunk)
            if len(made) == IMAGES or number * IMAGES + len(made) == total:
                self._settle(number, made)
                _summarise(self.run, total)
                number, made = number + 1, []

    def _orders(self, start: int) -> Iterator[ImageOrder]:
        run = self.run
        for number, image in enumerate(read_listing(run.output, start), start):
            run.check()
            file = self.files.place(image.identifier)
            yield ImageOrder(run.request, number, run.output, image.identifier, image.keys, file, self.key)

    def _settle(self, number: int, made: Sequence[Mapping[str, Any]]) -> None:
        join(map(Path, dict.fromkeys(one["file"] for one in made)), part(self.run.output, number))
        record = {
            "images": len(made),
            "rows": sum(one["rows"] for one in made),
            "codes": dict(sum((Counter(one["codes"]) for one in made), Counter[str]())),
            "widths": _widest(one["widths"] for one in made),
        }
        self.run.settle(str(number), record)


def _fault(done: Done[ImageOrder], wanted: Wanted) -> Mapping[str, Any]:
    """The row of an image at which workers break."""
    order, code = done.item, done.code or Code.INTERNAL_ERROR
    file = piece(order.folder, order.number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row_without_file(order, wanted, code)) + "\n", encoding="utf-8")
    return {"file": str(file), "rows": 1, "codes": {code: 1}, "widths": {}}


def _table(run: Run, parts: int, images: int) -> TableOrder:
    records = [run.settled[str(number)] for number in range(parts)]
    about = {
        "generator": f"orthanc-ai {__version__}",
        "request": {name: value for name, value in run.request.items() if name not in ("selection", "tags")},
        "images": images,
    }
    return TableOrder(
        request=run.request,
        parts=tuple(part(run.output, number) for number in range(parts)),
        widths=_widest(one["widths"] for one in records),
        folder=run.output,
        about=about,
    )


def _summarise(run: Run, total: int) -> None:
    """Say how far it is, by what is settled: a kill takes along what was said before."""
    records = [record for key, record in run.settled.items() if key != TABLE]
    codes = sum((Counter(one["codes"]) for one in records), Counter[str]())
    run.summarise(
        images=sum(one["images"] for one in records),
        of=total,
        rows=sum(one["rows"] for one in records),
        codes=dict(codes),
    )


def _widest(widths: Iterator[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in widths:
        for path, width in one.items():
            found[path] = max(found.get(path, 1), width)
    return found

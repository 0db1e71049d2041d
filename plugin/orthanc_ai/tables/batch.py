"""Tables, the half that runs in the server: who is asked for which rows, and how far that is."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..batches.batch import BatchError
from ..batches.crew import Crew, Done
from ..batches.instance_files import InstanceFiles
from ..batches.run import Run
from ..catalog.selection import Selection, images
from ..codes import Code
from ..datasets.orders import DATASETS, PRIVATE
from ..deidentify.private import Private
from ..deidentify.pseudonyms import Pseudonyms
from ..deidentify.said import said_selection
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
            private.use(of_dataset.key())
        return private.key()

    def _make(self, run: Run, key: bytes | None) -> None:
        if not is_listed(run.output):
            write_listing(run.output, self._listed(run))
        total = count(run.output)
        parts = -(-total // IMAGES)
        run.expect(parts + 1)
        tally = _Tally(total)
        for record in run.settled.values():
            tally.add(record)
        run.summarise(**tally.to_json())
        done: Done[TableOrder] | None = None
        if len(run.settled) < parts:
            files = InstanceFiles(self._server, self._storage, run.output / SPOOL)
            with Crew(self._settings, run, TABLES, self._workers) as crew:
                _Rows(run, files, crew, key, tally).make()
                if tally.rows <= FEW_ROWS:
                    [[done]] = crew.do([_table(run, parts, tally, key)], 1)
        if done is None:
            once = self._settings.model_copy(update={"workers": 1, "job_timeout": self._settings.volume_timeout})
            with Crew(once, run, TABLES, self._workers) as crew:
                [[done]] = crew.do([_table(run, parts, tally, key)], 1)
        if done.result is None:
            raise BatchError(done.code or Code.INTERNAL_ERROR, done.detail)
        said = {name: done.result[name] for name in ("rows", "codes", "files")}
        run.settle(TABLE, said)
        run.summarise(**said)

    def _listed(self, run: Run) -> Iterator[Listed]:
        found = images(self._server, Selection.of(run.request["selection"]))
        issuers = run.request["deidentify"] is not None
        for number, image in enumerate(listed(self._server, found, issuers=issuers)):
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
    tally: "_Tally"

    def make(self) -> None:
        """Settle all parts that are not settled yet."""
        number = len(self.run.settled)
        wanted = Wanted.of(self.run.request)
        made: list[Mapping[str, Any]] = []
        orders = self._orders(number * IMAGES)
        for chunk in self.crew.do(orders, TOGETHER):
            made += [one.result if one.result is not None else _fault(one, wanted) for one in chunk]
            self.files.release(one.item.identifier for one in chunk)
            if len(made) == IMAGES or number * IMAGES + len(made) == self.tally.of:
                self._settle(number, made)
                number, made = number + 1, []

    def _orders(self, start: int) -> Iterator[ImageOrder]:
        run = self.run
        for number, image in enumerate(read_listing(run.output, start), start):
            run.check()
            file = self.files.place(image.identifier)
            yield ImageOrder(run.request, number, run.output, image.identifier, image.keys, file, self.key)

    def _settle(self, number: int, made: Sequence[Mapping[str, Any]]) -> None:
        join(map(Path, dict.fromkeys(one["file"] for one in made)), part(self.run.output, number))
        here = _Tally(len(made))
        for one in made:
            here.add({"images": 1, **one})
        record = here.to_json() | {"widths": here.widths}
        self.run.settle(str(number), record)
        self.tally.add(record)
        self.run.summarise(**self.tally.to_json())


def _fault(done: Done[ImageOrder], wanted: Wanted) -> Mapping[str, Any]:
    """The row of an image at which workers break."""
    order, code = done.item, done.code or Code.INTERNAL_ERROR
    file = piece(order.folder, order.number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row_without_file(order, wanted, code)) + "\n", encoding="utf-8")
    return {"file": str(file), "rows": 1, "codes": {code: 1}, "widths": {}}


@dataclass(slots=True)
class _Tally:
    """What parts have, taken together.

    Attributes
    ----------
    of
        How many images there are in all.
    codes
        How many rows have which code.
    widths
        How many values the longest cell of each split tag has, by path.
    """

    of: int
    images: int = 0
    rows: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    widths: dict[str, int] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in the record of a part, or of an image."""
        self.images += record["images"]
        self.rows += record["rows"]
        self.codes.update(record["codes"])
        for path, width in record["widths"].items():
            self.widths[path] = max(self.widths.get(path, 1), width)

    def to_json(self) -> dict[str, Any]:
        """What is said of it while it goes on."""
        return {"images": self.images, "of": self.of, "rows": self.rows, "codes": dict(self.codes)}


def _table(run: Run, parts: int, tally: _Tally, key: bytes | None) -> TableOrder:
    request = run.request
    selection = request["selection"] if key is None else said_selection(request["selection"], Pseudonyms(key))
    asked = {name: request[name] for name in ("several", "statistics", "windows", "frames", "deidentify", "dataset")}
    return TableOrder(
        request=request,
        parts=tuple(part(run.output, number) for number in range(parts)),
        widths=tally.widths,
        folder=run.output,
        about={
            "generator": f"orthanc-ai {__version__}",
            "request": {"selection": selection, "tags": [tag["path"] for tag in request["tags"]], **asked},
            "images": tally.images,
        },
    )

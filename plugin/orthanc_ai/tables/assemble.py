"""The parts of a table as the files that were asked for, in one pass; the half that runs in a worker."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import batched
from pathlib import Path
from typing import Any

from ..deidentify.options import Options
from ..files import sha256_of, sync, write_atomically
from .columns import CODE, Column, Layout
from .formats import CELLS, WRITERS, Row
from .orders import DESCRIPTION, NAME, TableOrder
from .parts import read_parts
from .treatment import treatments
from .wanted import Wanted

FORMAT = 1
"""Version of the form of `DESCRIPTION`."""

_PARTIAL = ".partial"


def assemble(order: TableOrder) -> dict[str, Any]:
    """Write the files of a table.

    Returns
    -------
    What `DESCRIPTION` says.

    Raises
    ------
    OSError
        If they cannot be written, or the parts not be read.
    """
    layout = Wanted.of(order.request).layout
    columns = layout.columns(order.widths)
    names = {one: NAME + WRITERS[one][0] for one in order.request["formats"]}
    partial = [order.folder / (name + _PARTIAL) for name in names.values()]
    for file in partial:
        file.unlink(missing_ok=True)
    rows, codes = _write(order, layout, columns, partial)
    for file in partial:
        sync(file)
        file.rename(file.with_suffix(""))
    sync(order.folder)
    description = {
        "format": FORMAT,
        **order.about,
        "rows": rows,
        "codes": dict(sorted(codes.items())),
        "columns": list(_described(order, layout, columns)),
        "files": {one: _said(order.folder / name) for one, name in names.items()},
    }
    write_atomically(order.folder / DESCRIPTION, json.dumps(description, indent=1).encode())
    return description


def _write(
    order: TableOrder, layout: Layout, columns: Sequence[Column], files: Iterable[Path]
) -> tuple[int, Counter[str]]:
    """Write all rows; how many they are, and how many have which code."""
    place = [column.name for column in columns].index(CODE)
    count, codes = 0, Counter[str]()
    with ExitStack() as open_files:
        writers = [
            open_files.enter_context(closing(WRITERS[name][1](file, columns)))
            for name, file in zip(order.request["formats"], files, strict=True)
        ]
        at_once = max(1, CELLS // len(columns))
        for rows in batched(flat(read_parts(order.parts), layout, order.widths), at_once, strict=False):
            for writer in writers:
                writer.write(rows)
            count += len(rows)
            codes.update(row[place] for row in rows if row[place])
    return count, codes


def _described(order: TableOrder, layout: Layout, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """What each column is, and what the de-identification has done to it."""
    options = order.request["deidentify"]
    done = {} if options is None else treatments(layout.tags, Options.of(options))
    for column in columns:
        said = {"name": column.name, "type": column.kind, "about": column.about}
        yield said if column.tag not in done else {**said, "deidentified": done[column.tag]}


def flat(rows: Iterable[Row], layout: Layout, widths: Mapping[str, int]) -> Iterator[Row]:
    """Rows with a cell for each column: the lists of split tags spread out."""
    first = len(layout.before)
    split = [(first + place, widths.get(tag.path, 1)) for place, tag in enumerate(layout.tags) if layout.is_split(tag)]
    for row in rows:
        cells = list(row)
        # From behind, so that the places before stay the same.
        for place, width in reversed(split):
            values = cells[place] or []
            cells[place : place + 1] = [*values, *[None] * (width - len(values))]
        yield cells


def _said(file: Path) -> dict[str, Any]:
    return {"name": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file)}

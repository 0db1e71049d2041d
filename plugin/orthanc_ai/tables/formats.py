"""A table as CSV, Parquet and SQLite: row by row, so that its length takes no memory."""

import csv
import errno
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import parquet

from ..formulas import with_apostrophe
from .columns import Column, Kind
from .orders import Format

CELLS = 500_000
"""Cells that are written at once, a row group of Parquet: some 50 MB in memory."""

TABLE = "images"
"""Name of the table in SQLite."""

type Row = Sequence[Any]
"""Cells as JSON has them: a date is a text of ISO 8601, what is missing ``None``."""


class Writer(Protocol):
    """A file that grows."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows.

        Raises
        ------
        OSError
        """
        ...

    def close(self) -> None:
        """End the file.

        Raises
        ------
        OSError
        """
        ...


class CsvWriter:
    """CSV (RFC 4180) in UTF-8. What is missing is empty; a text that spreadsheets take for a formula has an apostrophe."""

    def __init__(self, file: Path, columns: Sequence[Column]) -> None:
        self._stream = file.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        self._writer.writerow([with_apostrophe(column.name) for column in columns])
        self._texts = [place for place, column in enumerate(columns) if column.kind is Kind.TEXT]

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        for row in rows:
            cells = list(row)
            for place in self._texts:
                if cells[place] is not None:
                    cells[place] = with_apostrophe(cells[place])
            self._writer.writerow(cells)

    def close(self) -> None:
        """End the file."""
        self._stream.close()


_ARROW: Mapping[Kind, pa.DataType] = {
    Kind.INTEGER: pa.int64(),
    Kind.REAL: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.TEXT: pa.string(),
}


class ParquetWriter:
    """Parquet, compressed with Zstandard."""

    def __init__(self, file: Path, columns: Sequence[Column]) -> None:
        fields = [pa.field(column.name, _ARROW[column.kind], metadata={"about": column.about}) for column in columns]
        self._schema = pa.schema(fields)
        self._dates = [place for place, column in enumerate(columns) if column.kind is Kind.DATE]
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows, as a row group."""
        cells = [list(column) for column in zip(*rows, strict=True)]
        for place in self._dates:
            cells[place] = [None if text is None else date.fromisoformat(text) for text in cells[place]]
        arrays = [pa.array(column, field.type) for column, field in zip(cells, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """End the file."""
        self._writer.close()


_SQLITE: Mapping[Kind, str] = {Kind.INTEGER: "INTEGER", Kind.REAL: "REAL", Kind.DATE: "TEXT", Kind.TEXT: "TEXT"}


class SqliteWriter:
    """An SQLite database with one table, `TABLE`. Dates are texts of ISO 8601, as SQLite's own functions take them."""

    def __init__(self, file: Path, columns: Sequence[Column]) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        names = ", ".join(f"{_quoted(column.name)} {_SQLITE[column.kind]}" for column in columns)
        with _as_os_error():
            # Nobody needs a journal of a file that is thrown away if anything goes wrong.
            self._connection.execute("PRAGMA journal_mode = OFF")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("BEGIN")
            self._connection.execute(f"CREATE TABLE {TABLE} ({names})")
        self._insert = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(columns))})"

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        with _as_os_error():
            self._connection.executemany(self._insert, rows)

    def close(self) -> None:
        """End the file."""
        with _as_os_error():
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
            self._connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Let a full or broken disk be the same error as elsewhere."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if full else errno.EIO, "SQLite cannot write") from error


WRITERS: Mapping[Format, tuple[str, Callable[[Path, Sequence[Column]], Writer]]] = {
    "csv": (".csv", CsvWriter),
    "parquet": (".parquet", ParquetWriter),
    "sqlite": (".sqlite", SqliteWriter),
}
"""Ending of the file, and what writes it."""

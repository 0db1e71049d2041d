"""What SQLite is told about Orthanc's index before Orthanc opens it: which of its indexes find a single resource.

Orthanc 1.12.7 asks for "the instance with this identifier". There is an index of the types of resources and one of their
identifiers, and without statistics SQLite takes both for equally good and chooses the first: it goes through all instances
whenever Orthanc looks for one, 60 ms among 100,000, and some twenty times for each report. Two rows in `sqlite_stat1`, where
SQLite keeps its statistics and lets applications write their own (sqlite.org/fileformat2.html, section 2.6.3; lang_analyze.html,
"Fixed Results of ANALYZE"), make it choose rightly. Orthanc 1.13.1 declares the index unique, to the same end.

True numbers for everything, by `ANALYZE`, would be worse than none: SQLite then looks for metadata in the metadata of all
resources, which takes ten times as long.
"""

import json
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

TABLES = {"PublicIndex": "Resources", "DicomIdentifiersIndexValues": "DicomIdentifiers"}
"""The indexes that find a single resource, by its Orthanc identifier and by its DICOM identifiers, and whose they are."""

STATISTICS = "1000000 1"
"""Rows of the index, and rows for each value. Only the second number decides; the first is what SQLite assumes anyway
(2 to the power of 20) where it knows nothing."""

BUSY_S = 1.0
"""How long to wait for whoever else has the index open."""

CREATE_S = 20.0
"""How long an Orthanc may take that does nothing but make an empty index; it takes 0.2 s, and 0.5 s to stop."""

_POLL_S = 0.02
_STARTED = b"Orthanc has started"


class IndexStatisticsError(Exception):
    """The index could not be told."""


def index_file(configuration: Mapping[str, Any], folder: Path) -> Path | None:
    """Orthanc's SQLite index, whether it is there already or not; ``None`` if a plugin keeps the index elsewhere.

    Parameters
    ----------
    configuration
        Of Orthanc, as a whole.
    folder
        Where relative paths begin: the folder of Orthanc's configuration.
    """
    if any(isinstance(part, Mapping) and part.get("EnableIndex") is True for part in configuration.values()):
        return None
    # As Orthanc has it (OrthancInitialization.cpp, CreateDatabaseWrapper).
    storage = str(configuration.get("StorageDirectory", "OrthancStorage"))
    return folder / str(configuration.get("IndexDirectory", storage)) / "index"


def describe(index: Path, orthanc: Path = Path("/proc/self/exe")) -> bool:
    """Write the statistics, unless there are some. To be called while nobody has the index open.

    Parameters
    ----------
    index
        File of the index. SQLite reads statistics when it opens a file, so a server's first start would be without them:
        an Orthanc without servers and plugins is started first, to make the empty index.
    orthanc
        Its program.

    Returns
    -------
    Whether they were written.

    Raises
    ------
    IndexStatisticsError
        If the index could not be made, read or written. It is then as it was.
    """
    try:
        if not index.exists():
            _create(index, orthanc.resolve())
        name = f"file:{quote(str(index.absolute()))}?mode=rw"
        with closing(sqlite3.connect(name, timeout=BUSY_S, isolation_level=None, uri=True)) as database:
            return _write(database)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        raise IndexStatisticsError(f"{type(error).__name__}: {error}") from error


def _write(database: sqlite3.Connection) -> bool:
    database.execute("BEGIN IMMEDIATE")
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    # A unique index needs no statistics. An automatic one has a name of its own, so these two were made by name.
    unique = {name for table in TABLES.values() for _, name, is_unique, *_ in _indexes(database, table) if is_unique}
    missing = [(table, name, STATISTICS) for name, table in TABLES.items() if name in found - unique]
    if not missing or "sqlite_stat1" in found:
        database.execute("ROLLBACK")
        return False
    database.execute("ANALYZE sqlite_master")  # makes the table, and looks at no other
    database.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", missing)
    database.execute("COMMIT")
    return True


def _indexes(database: sqlite3.Connection, table: str) -> list[tuple[int, str, int]]:
    return [row[:3] for row in database.execute("SELECT * FROM pragma_index_list(?)", (table,))]


def _create(index: Path, orthanc: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="orthanc-ai-") as folder:
        configuration, log = Path(folder, "orthanc.json"), Path(folder, "log")
        options = {
            "IndexDirectory": str(index.parent.absolute()),
            "StorageDirectory": folder,
            "Plugins": [],
            "HttpServerEnabled": False,
            "DicomServerEnabled": False,
        }
        configuration.write_text(json.dumps(options))
        with log.open("wb") as output:
            process = subprocess.Popen(
                # Whoever kills the server now must not leave this one behind, with the index in its hands (util-linux).
                ["/usr/bin/setpriv", "--pdeathsig", "KILL", orthanc, configuration],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until = time.monotonic() + CREATE_S
            # Before that, it would not heed the signal.
            while _STARTED not in log.read_bytes() and process.poll() is None and time.monotonic() < until:
                time.sleep(_POLL_S)
            process.terminate()
            status = process.wait(CREATE_S)
        finally:
            process.kill()
            process.wait()
        if status:
            raise IndexStatisticsError(f"an Orthanc that was to make the index ended with status {status}")

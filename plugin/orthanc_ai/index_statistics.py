"""What SQLite is told about Orthanc's index before Orthanc opens it: how to find a single resource.

Orthanc (1.12.7, 1.13.0) asks for "the instance with this identifier", and "the tags of the series of this study". Without
statistics, SQLite takes the index of the types of resources for as good as the one of their identifiers, and chooses the first:
it goes through all instances whenever Orthanc looks for one, 60 ms among 100,000, and some twenty times for each report. For
each study that becomes stable it goes through all tags and all metadata of the archive, 0.6 s. With a few rows in
`sqlite_stat1`, where SQLite keeps its statistics and lets applications write their own (sqlite.org/fileformat2.html, "The
sqlite_stat1 table"), all of that takes less than a millisecond.

True numbers for everything, by `ANALYZE`, would be worse than none: SQLite then begins a search in metadata with the metadata of
all resources, which takes ten times as long. Orthanc 1.13.1 declares the index of identifiers unique, which is the first
of these rows.
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

STATISTICS = (
    # By its Orthanc identifier, or a DICOM one, there is one resource, though the index does not say that it is unique.
    ("Resources", "PublicIndex", "1000000 1"),
    ("DicomIdentifiers", "DicomIdentifiersIndexValues", "1000000 1"),
    # From a resource to its children is a short way, shorter than through all tags and metadata.
    ("Resources", "ChildrenIndex", "1000000 2"),
    ("MainDicomTags", "sqlite_autoindex_MainDicomTags_1", "10000000 10 1 1"),
    ("Metadata", "sqlite_autoindex_Metadata_1", "10000000 6 1"),
)
"""Table, index, and how many rows the index has, how many for each value of its first column, of its first two, and so on.
They are those of an archive of some 100,000 images, and serve any: only their order of magnitude decides. Of indexes that are
not named here, SQLite goes on to assume ten rows for each value."""

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
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    rows = [row for row in STATISTICS if row[1] in found]
    if not rows or "sqlite_stat1" in found:
        return False
    database.execute("BEGIN IMMEDIATE")
    database.execute("ANALYZE sqlite_master")  # makes the table, and looks at no other
    database.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", rows)
    database.execute("COMMIT")
    return True


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

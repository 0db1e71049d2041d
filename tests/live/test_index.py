"""Orthanc's own index is told how to find a single resource, from the first start on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from .orthanc import Orthanc

BY_IDENTIFIER = "EXPLAIN QUERY PLAN SELECT internalId FROM Resources WHERE resourceType = 4 AND publicId = 'x'"


def plan(orthanc: Orthanc) -> str:
    with closing(sqlite3.connect(orthanc.folder / "db" / "index")) as database:
        return str(database.execute(BY_IDENTIFIER).fetchone()[3])


def test_a_first_start(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server().start()
    orthanc.stop()
    assert "PublicIndex" in plan(orthanc)
    said = orthanc.log_text().count("AI: SQLite has been told")
    orthanc.start()
    assert orthanc.log_text().count("AI: SQLite has been told") == said


def test_a_start_with_an_index_that_is_there(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"IndexStatistics": False}).start()
    orthanc.stop()
    assert "AI: SQLite has been told" not in orthanc.log_text()
    orthanc.ai["IndexStatistics"] = True
    orthanc.start()
    assert "AI: SQLite has been told" in orthanc.log_text()
    orthanc.stop()
    assert "PublicIndex" in plan(orthanc)

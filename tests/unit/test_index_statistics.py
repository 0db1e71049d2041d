"""SQLite is told how to find a single resource: on real SQLite files with the tables that concern us."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orthanc_ai.index_statistics import STATISTICS, IndexStatisticsError, describe, index_file

# The tables of Orthanc 1.12.7 that concern us, and their indexes, made in the same order.
SCHEMA = """
CREATE TABLE Resources(internalId INTEGER PRIMARY KEY AUTOINCREMENT, resourceType INTEGER, publicId TEXT, parentId INTEGER);
CREATE TABLE DicomIdentifiers(
  id INTEGER, tagGroup INTEGER, tagElement INTEGER, value TEXT, PRIMARY KEY(id, tagGroup, tagElement));
CREATE TABLE MainDicomTags(
  id INTEGER, tagGroup INTEGER, tagElement INTEGER, value TEXT, PRIMARY KEY(id, tagGroup, tagElement));
CREATE TABLE Metadata(id INTEGER, type INTEGER, value TEXT, PRIMARY KEY(id, type));
CREATE INDEX ChildrenIndex ON Resources(parentId);
CREATE INDEX PublicIndex ON Resources(publicId);
CREATE INDEX ResourceTypeIndex ON Resources(resourceType);
CREATE INDEX MainDicomTagsIndex1 ON MainDicomTags(id);
CREATE INDEX DicomIdentifiersIndex1 ON DicomIdentifiers(id);
CREATE INDEX DicomIdentifiersIndex2 ON DicomIdentifiers(tagGroup, tagElement);
CREATE INDEX DicomIdentifiersIndexValues ON DicomIdentifiers(value COLLATE BINARY);
"""

BY_IDENTIFIER = "SELECT internalId FROM Resources AS r WHERE r.resourceType = 4 AND r.publicId = 'x'"
BY_UID = """SELECT r.internalId FROM Resources AS r INNER JOIN DicomIdentifiers t
ON t.id = r.internalId AND t.tagGroup = 8 AND t.tagElement = 24 WHERE r.resourceType = 4 AND t.value = 'x'"""
# As Orthanc asks for a study with the modalities of its series.
WITH_CHILDREN = """WITH Lookup AS (
  SELECT s.publicId, s.internalId, ROW_NUMBER() OVER (ORDER BY s.publicId) AS rowNumber
  FROM Resources AS s WHERE s.resourceType = 2 AND s.publicId = 'x')
SELECT 1 AS a, internalId AS b, rowNumber AS c, publicId AS d FROM Lookup
UNION SELECT 2 AS a, Lookup.internalId AS b, NULL AS c, value AS d FROM Lookup
  INNER JOIN Resources child ON child.parentId = Lookup.internalId
  INNER JOIN MainDicomTags ON MainDicomTags.id = child.internalId AND ((tagGroup = 8 AND tagElement = 96))
ORDER BY a, c"""
BY_METADATA = """SELECT r.internalId FROM Resources AS r INNER JOIN Metadata t
ON t.id = r.internalId AND t.type = 4201 WHERE r.resourceType = 4 AND t.value LIKE 'x'"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "an index, 100 %?" / "index"
    path.parent.mkdir()
    run(path, SCHEMA)
    return path


def run(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def plan(path: Path, query: str) -> str:
    """What SQLite goes through, a line for each step."""
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(str(row[3]) for row in database.execute(f"EXPLAIN QUERY PLAN {query}"))


def statistics(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        return set(database.execute("SELECT tbl, idx FROM sqlite_stat1"))


def test_single_resources_are_found_by_their_identifiers(index: Path) -> None:
    assert "ResourceTypeIndex" in plan(index, BY_IDENTIFIER)
    assert "DicomIdentifiersIndexValues" not in plan(index, BY_UID)
    assert describe(index)
    assert "PublicIndex" in plan(index, BY_IDENTIFIER)
    assert "DicomIdentifiersIndexValues" in plan(index, BY_UID)


def test_the_children_of_a_resource_are_found_without_going_through_all_tags(index: Path) -> None:
    assert "SCAN MainDicomTags" in plan(index, WITH_CHILDREN)
    describe(index)
    assert "SCAN MainDicomTags" not in plan(index, WITH_CHILDREN)
    assert "USING COVERING INDEX ChildrenIndex" in plan(index, WITH_CHILDREN)


def test_everything_else_is_looked_for_as_before(index: Path) -> None:
    before = plan(index, BY_METADATA)
    describe(index)
    assert plan(index, BY_METADATA) == before


def test_it_is_said_once(index: Path) -> None:
    assert describe(index)
    assert not describe(index)
    assert statistics(index) == {row[:2] for row in STATISTICS}


def test_statistics_of_somebody_else_stay_as_they_are(index: Path) -> None:
    run(index, "INSERT INTO Resources VALUES (1, 4, 'x', NULL); ANALYZE Resources")
    before = statistics(index)
    assert not describe(index)
    assert statistics(index) == before


def test_an_index_of_another_form_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "index"
    run(path, "CREATE TABLE Resources(internalId INTEGER PRIMARY KEY, publicId TEXT)")
    assert not describe(path)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        statistics(path)


def test_an_index_that_somebody_else_has_open_stays_as_it_is(index: Path) -> None:
    with closing(sqlite3.connect(index)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(IndexStatisticsError, match="locked"):
            describe(index)
    assert describe(index)


def test_a_file_that_is_no_index_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(IndexStatisticsError):
        describe(path)


@pytest.mark.parametrize("program", ["/nowhere/Orthanc", "/bin/false"])
def test_an_index_that_cannot_be_made_is_an_error(tmp_path: Path, program: str) -> None:
    with pytest.raises(IndexStatisticsError):
        describe(tmp_path / "index", Path(program))
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"StorageDirectory": "/s", "IndexDirectory": "/i"}, "/i/index"),
        ({"StorageDirectory": "/s"}, "/s/index"),
        ({"StorageDirectory": "s"}, "/etc/orthanc/s/index"),
        ({}, "/etc/orthanc/OrthancStorage/index"),
        ({"PostgreSQL": {"EnableIndex": False}, "StorageDirectory": "/s"}, "/s/index"),
    ],
)
def test_the_index_is_where_orthanc_has_it(configuration: dict[str, object], expected: str) -> None:
    assert index_file(configuration, Path("/etc/orthanc")) == Path(expected)


def test_an_index_in_another_database_is_none_of_our_business() -> None:
    assert index_file({"StorageDirectory": "/s", "PostgreSQL": {"EnableIndex": True}}, Path("/")) is None

"""The catalogue's tables, in memory: patients, studies, series, and X-rays with what became of them.

SQLite, for its joins and its sorting; nothing of it is ever written to a disk. Whoever uses it holds the mirror's lock.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, CORRECTIONS_METADATA, XRAY_METADATA, Outcome, read_outcome
from ..server import Resource
from .image_classes import is_image_instance
from .patterns import capitals, matches
from .selection import excess, millionths, scores

MOST_LABELS = 400
"""Names of findings that have columns. A model has 18; SQLite takes 2,000 columns (sqlite.org/limits.html)."""

_SCHEMA = f"""
CREATE TABLE patient (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, patient_id TEXT, birth_date TEXT, sex TEXT);
CREATE TABLE study (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, patient INTEGER, date TEXT, description TEXT, age TEXT);
CREATE TABLE series (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, study INTEGER, modality TEXT, body_part TEXT,
    description TEXT, updated TEXT, code TEXT, role TEXT, station TEXT, instances INTEGER, images INTEGER);
CREATE TABLE xray (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, series INTEGER, code TEXT, model TEXT, weights TEXT,
    demonstration INTEGER, at INTEGER, received TEXT, arrived INTEGER, aet TEXT, excess INTEGER, corrected INTEGER);
CREATE TABLE other (id BLOB PRIMARY KEY, series INTEGER) WITHOUT ROWID;
CREATE INDEX study_of ON study (patient);
CREATE INDEX series_of ON series (study);
CREATE INDEX xray_of ON xray (series);
CREATE INDEX xray_at ON xray (at) WHERE code = '{Code.REPORTED}';
CREATE INDEX other_of ON other (series);
CREATE TEMP TABLE labelled (id BLOB PRIMARY KEY) WITHOUT ROWID;
"""


def pack(identifier: str) -> bytes:
    """An Orthanc identifier (hexadecimal, with dashes) in 20 bytes."""
    return bytes.fromhex(identifier.replace("-", ""))


def unpack(identifier: bytes) -> str:
    """The Orthanc identifier of `pack`."""
    return identifier.hex("-", 4)


@lru_cache(maxsize=1 << 16)
def _fits(value: str, pattern: str) -> bool:
    return matches(value, pattern)


class Rows:
    """The tables.

    Attributes
    ----------
    database
        The connection. Its function ``fits(value, pattern)`` is `patterns.matches`.
    labels
        Numbers of the findings by the model's names of them: number n has the columns ``s{n}``, its score in millionths, and
        ``p{n}``, 1 if present, 0 if absent, else NULL, and ``t{n}``, the threshold that was in force, in millionths.
    version
        Another one after each change.

    Of an X-ray, ``at`` is when its outcome was written and ``arrived`` when Orthanc received it, in seconds since 1970 (NULL if
    it is not said), ``excess`` by how many millionths the score that is farthest above its threshold is above it (negative
    below; NULL if there is no score), and ``corrected`` whether a reader has stated something about its findings.
    """

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA temp_store = MEMORY")
        self.database.create_function("fits", 2, _fits, deterministic=True)
        self.database.executescript(_SCHEMA)
        self.labels: dict[str, int] = {}
        self.version = 0
        self._totals: tuple[int, tuple[int, int, int, int]] | None = None

    def close(self) -> None:
        """Free the memory."""
        self.database.close()

    def totals(self) -> tuple[int, int, int, int]:
        """Patients, studies, series and instances, images or not."""
        if self._totals is None or self._totals[0] != self.version:
            [found] = self.database.execute(
                "SELECT (SELECT COUNT(*) FROM patient), (SELECT COUNT(*) FROM study), COUNT(*), TOTAL(instances) FROM series"
            )
            patients, studies, series, instances = map(int, found)
            self._totals = self.version, (patients, studies, series, instances)
        return self._totals[1]

    def label(self, studies: Sequence[str]) -> None:
        """Fill the table ``labelled`` with these studies, by Orthanc identifier, and no others."""
        # As one transaction: SQLite else begins one for each row, which takes twice as long.
        self.database.execute("BEGIN")
        try:
            self.database.execute("DELETE FROM labelled")
            self.database.executemany("INSERT OR IGNORE INTO labelled VALUES (?)", [(pack(one),) for one in studies])
        finally:
            self.database.execute("COMMIT")

    def entries(self) -> int:
        """Series and X-rays."""
        [(found,)] = self.database.execute("SELECT (SELECT COUNT(*) FROM series) + (SELECT COUNT(*) FROM xray)")
        return int(found)

    def missing(self, table: str, identifiers: Iterable[str]) -> list[str]:
        """Those of these identifiers that a table does not have."""
        query = f"SELECT 1 FROM {table} WHERE id = ?"
        return [one for one in identifiers if self.database.execute(query, (pack(one),)).fetchone() is None]

    def behind(self, key: int, limit: int) -> dict[str, int]:
        """So many series behind a key, with theirs, in this order: Orthanc identifiers and keys."""
        query = "SELECT id, key FROM series WHERE key > ? ORDER BY key LIMIT ?"
        return {unpack(one): found for one, found in self.database.execute(query, (key, limit))}

    def identifiers(self, table: str) -> set[str]:
        """Orthanc identifiers of all that a table has."""
        return {unpack(one) for (one,) in self.database.execute(f"SELECT id FROM {table}")}

    # What the index says

    def put_studies(self, studies: Sequence[Resource]) -> None:
        """Take studies in, with their patients."""
        self._many(
            "INSERT INTO patient (id, patient_id, birth_date, sex) VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT (id) DO UPDATE SET patient_id = ?2, birth_date = ?3, sex = ?4",
            [
                (
                    pack(one.parent),
                    _text(one, "PatientID"),
                    _text(one, "PatientBirthDate"),
                    _capitals(one, "PatientSex"),
                )
                for one in studies
            ],
        )
        self._many(
            "INSERT INTO study (id, patient, date, description, age) "
            "VALUES (?1, (SELECT key FROM patient WHERE id = ?2), ?3, ?4, ?5) "
            "ON CONFLICT (id) DO UPDATE SET date = ?3, description = ?4, age = ?5",
            [
                (
                    pack(one.identifier),
                    pack(one.parent),
                    _text(one, "StudyDate"),
                    _text(one, "StudyDescription"),
                    _text(one, "PatientAge"),
                )
                for one in studies
            ],
        )

    def put_series(self, series: Sequence[Resource]) -> None:
        """Take series in, whose studies are here."""
        rows = []
        for one in series:
            outcome = read_outcome(one.metadata, CARDIAC_METADATA)
            role = outcome.data.get("role") if outcome else None
            rows.append(
                (
                    pack(one.identifier),
                    pack(one.parent),
                    _capitals(one, "Modality"),
                    _capitals(one, "BodyPartExamined"),
                    _text(one, "SeriesDescription"),
                    one.metadata.get("LastUpdate", ""),
                    str(outcome.code) if outcome else "",
                    role if isinstance(role, str) else "",
                    _text(one, "StationName"),
                    len(one.children),
                )
            )
        self._many(
            "INSERT INTO series (id, study, modality, body_part, description, updated, code, role, station, "
            "instances, images) VALUES (?1, (SELECT key FROM study WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) "
            "ON CONFLICT (id) DO UPDATE SET modality = ?3, body_part = ?4, description = ?5, updated = ?6, code = ?7, "
            "role = ?8, station = ?9, instances = ?10",
            rows,
        )
        self._count_images(one.identifier for one in series)

    def put_instances(self, instances: Sequence[Resource]) -> None:
        """Take in what is known of instances, whose series are here: X-rays with an outcome, and what is no image."""
        self.remove_instances([one.identifier for one in instances])
        self.put_others((one.identifier, one.parent) for one in instances if not is_image_instance(one))
        for one in filter(is_image_instance, instances):
            outcome = read_outcome(one.metadata, XRAY_METADATA)
            if outcome:
                self._put_xray(one, outcome)
        self._count_images({one.parent for one in instances})

    def put_others(self, others: Iterable[tuple[str, str]]) -> None:
        """Take in instances that are no images, each with its series, which is here."""
        self._many(
            "INSERT OR REPLACE INTO other (id, series) VALUES (?, (SELECT key FROM series WHERE id = ?))",
            [(pack(one), pack(series)) for one, series in others],
        )

    def count_all_images(self) -> None:
        """Say of each series how many of its instances are images."""
        self.database.execute(
            "UPDATE series SET images = instances - (SELECT COUNT(*) FROM other WHERE other.series = series.key)"
        )
        self.version += 1

    def _count_images(self, series: Iterable[str]) -> None:
        self._many(
            "UPDATE series SET images = instances - (SELECT COUNT(*) FROM other WHERE other.series = series.key) "
            "WHERE id = ?",
            [(pack(one),) for one in series],
        )

    def _put_xray(self, image: Resource, outcome: Outcome) -> None:
        demonstration = outcome.data.get("demonstration") is True
        weights = outcome.data.get("weights")
        received = image.metadata.get("ReceptionDate", "")
        found = scores(outcome)
        values: dict[str, Any] = {
            "id": pack(image.identifier),
            "code": str(outcome.code),
            "model": outcome.model,
            "weights": weights if isinstance(weights, str) else "",
            "demonstration": demonstration,
            "at": _seconds(outcome.at),
            "received": received,
            "arrived": _seconds(received),
            "aet": image.metadata.get("RemoteAET", "").strip(),
            "excess": max((excess(one) for one in found.values() if one.threshold is not None), default=None),
            "corrected": CORRECTIONS_METADATA in image.metadata,
        }
        for label, (score, presence, threshold) in found.items():
            number = self._label(label)
            if number is not None:
                values[f"s{number}"] = millionths(score)
                values[f"p{number}"] = None if demonstration else presence
                values[f"t{number}"] = None if threshold is None else millionths(threshold)
        columns = ", ".join(values)
        places = ", ".join("?" * len(values))
        self.database.execute(
            f"INSERT INTO xray (series, {columns}) VALUES ((SELECT key FROM series WHERE id = ?), {places})",
            (pack(image.parent), *values.values()),
        )

    def _label(self, label: str) -> int | None:
        """The number of a finding; ``None`` if there are more than there may be."""
        if label not in self.labels and len(self.labels) < MOST_LABELS:
            number = len(self.labels)
            self.database.execute(f"ALTER TABLE xray ADD COLUMN s{number} INTEGER")
            self.database.execute(f"ALTER TABLE xray ADD COLUMN p{number} INTEGER")
            self.database.execute(f"ALTER TABLE xray ADD COLUMN t{number} INTEGER")
            self.labels[label] = number
        return self.labels.get(label)

    # What is gone

    def remove_instances(self, identifiers: Iterable[str]) -> None:
        """Forget instances; their series keep what they count until they are read again."""
        packed = [(pack(one),) for one in identifiers]
        self._many("DELETE FROM xray WHERE id = ?", packed)
        self._many("DELETE FROM other WHERE id = ?", packed)

    def remove_series(self, identifiers: Iterable[str]) -> None:
        """Forget series, what they hold, and what is above them and holds nothing else."""
        packed = [(pack(one),) for one in identifiers]
        self._many("DELETE FROM xray WHERE series = (SELECT key FROM series WHERE id = ?)", packed)
        self._many("DELETE FROM other WHERE series = (SELECT key FROM series WHERE id = ?)", packed)
        self._many("DELETE FROM series WHERE id = ?", packed)
        if packed:
            self.database.execute("DELETE FROM study WHERE key NOT IN (SELECT study FROM series)")
            self.database.execute("DELETE FROM patient WHERE key NOT IN (SELECT patient FROM study)")

    def held_by(self, series: str) -> set[str]:
        """Orthanc identifiers of the instances of a series that have a row of their own."""
        query = (
            "WITH one AS (SELECT key FROM series WHERE id = ?) SELECT id FROM xray WHERE series IN one "
            "UNION ALL SELECT id FROM other WHERE series IN one"
        )
        return {unpack(one) for (one,) in self.database.execute(query, (pack(series),))}

    def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self.database.executemany(statement, rows)
            self.version += 1


def _text(resource: Resource, keyword: str) -> str:
    return str(resource.tags.get(keyword, "")).strip()


def _capitals(resource: Resource, keyword: str) -> str:
    return capitals(_text(resource, keyword))


def _seconds(text: str) -> int | None:
    """Seconds since 1970 of a time as Orthanc or an outcome has it, in UTC if it does not say; ``None`` if it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None

"""Studies with X-rays, the most urgent first: by how far the score farthest above its threshold is above it.

A study is on the list if it holds an X-ray with scores that passes all filters, and what is said of it is said of these X-rays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .catalog import Place
from .question import JOINED, Sql, of_series, places
from .rows import Rows, pack, unpack
from .selection import MILLION, Selection

Order = Literal["urgency", "newest"]
"""The highest excess first, or what Orthanc has received last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which X-rays, and in which order their studies.

    Attributes
    ----------
    selection
        Filters on the series, and the model and the finding. Of a finding, only X-rays with a score of it are meant, and it
        alone makes a study urgent.
    source
        Station Name of the series, or the application entity title that sent the X-ray.
    above
        Only X-rays with a score at or above its threshold.
    corrected
        Only studies about whose X-rays a reader has stated something, or only the others.
    """

    selection: Selection = field(default_factory=Selection)
    source: str = ""
    above: bool = False
    corrected: bool | None = None
    order: Order = "urgency"


@dataclass(frozen=True, slots=True)
class Scored:
    """A finding of a study: the X-ray on which it is farthest above its threshold, or least below it.

    Attributes
    ----------
    image
        Orthanc identifier of the X-ray.
    """

    label: str
    score: float
    threshold: float
    image: str

    @property
    def excess(self) -> float:
        """By how much the score is above the threshold."""
        return self.score - self.threshold


@dataclass(slots=True)
class Entry:
    """A study on the list.

    Attributes
    ----------
    study
        Its Orthanc identifier.
    first
        What makes it urgent.
    above
        All findings at or above their thresholds, the highest excess first.
    images
        Number of X-rays.
    arrived, at
        When the latest of them was received, and when the latest was read: seconds since 1970.
    """

    study: str
    first: Scored | None = None
    above: list[Scored] = field(default_factory=list)
    images: int = 0
    arrived: int | None = None
    at: int | None = None
    modalities: set[str] = field(default_factory=set)
    stations: set[str] = field(default_factory=set)
    aets: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    demonstration: bool = False
    corrected: bool = False


def worklist(rows: Rows, wanted: Wanted, *, after: Place | None, limit: int) -> tuple[list[Entry], Place | None]:
    """A page of the list, and behind which entry the next one begins; ``None`` after the last.

    Parameters
    ----------
    rows
        The tables, made ready for the selection (`Catalog.reading`).
    """
    meant = _meant(rows, wanted)
    if meant is None:
        return [], None
    value = "xray.received" if wanted.order == "newest" else _excess(rows, wanted.selection.finding)
    having, values = "", list(meant.values)
    if wanted.corrected is not None:
        having = "HAVING MAX(xray.corrected) = ?"
        values.append(wanted.corrected)
    condition = ""
    if after:
        condition = "WHERE (value, id) < (?, ?)"
        values += [after.value, pack(after.identifier)]
    found = rows.database.execute(
        f"SELECT study, id, value FROM (SELECT study.key AS study, study.id AS id, MAX({value}) AS value "
        f"FROM {meant.text} GROUP BY study.key {having}) {condition} ORDER BY value DESC, id DESC LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    keys = [key for key, _, _ in found[:limit]]
    place = Place(found[limit - 1][2], unpack(found[limit - 1][1])) if len(found) > limit else None
    return _entries(rows, wanted, meant, keys), place


def sources(rows: Rows) -> list[str]:
    """What there is to select by as a source, sorted."""
    found = rows.database.execute(
        "SELECT DISTINCT station FROM series WHERE key IN (SELECT series FROM xray) UNION SELECT DISTINCT aet FROM xray"
    )
    return sorted(one for (one,) in found if one)


def of_source(source: str) -> Sql:
    """What holds for an X-ray of a source."""
    return Sql("(series.station = ? OR xray.aet = ?)", (source, source)) if source else Sql("1")


def _meant(rows: Rows, wanted: Wanted) -> Sql | None:
    """Tables and condition of the X-rays that are meant; ``None`` if no X-ray has a score of the finding."""
    selection = wanted.selection
    if selection.finding and selection.finding not in rows.labels:
        return None
    excess = _excess(rows, selection.finding)
    shared, source = of_series(selection), of_source(wanted.source)
    conditions = [shared.text, source.text, f"{excess} IS NOT NULL"]
    values = [*shared.values, *source.values]
    if selection.model:
        conditions.append("xray.model = ?")
        values.append(selection.model)
    if wanted.above:
        conditions.append(f"{excess} >= 0")
    return Sql(f"{JOINED} JOIN xray ON xray.series = series.key WHERE {' AND '.join(conditions)}", tuple(values))


def _excess(rows: Rows, finding: str) -> str:
    if not finding:
        return "xray.excess"
    number = rows.labels[finding]
    return f"(xray.s{number} - xray.t{number})"


def _entries(rows: Rows, wanted: Wanted, meant: Sql, keys: Sequence[int]) -> list[Entry]:
    """What is to be said of these studies, in this order."""
    columns = "".join(f", xray.s{number}, xray.t{number}" for number in rows.labels.values())
    found = rows.database.execute(
        "SELECT study.key, study.id, xray.id, xray.arrived, xray.at, series.modality, series.station, xray.aet, xray.model, "
        f"xray.demonstration, xray.corrected{columns} FROM {meant.text} AND study.key IN ({places(keys)}) "
        "ORDER BY xray.key",
        (*meant.values, *keys),
    )
    entries: dict[int, Entry] = {}
    best: dict[int, dict[str, Scored]] = {}
    for key, study, *rest in found:
        entry = entries.setdefault(key, Entry(unpack(study)))
        _add(entry, best.setdefault(key, {}), rest, tuple(rows.labels))
    for key, entry in entries.items():
        ordered = sorted(best[key].values(), key=lambda one: -one.excess)
        entry.above = [one for one in ordered if one.excess >= 0]
        asked = wanted.selection.finding
        entry.first = best[key].get(asked) if asked else next(iter(ordered), None)
    return [entries[key] for key in keys if key in entries]


def _add(entry: Entry, best: dict[str, Scored], row: Sequence[Any], labels: Sequence[str]) -> None:
    """Take one X-ray up."""
    image, arrived, at, modality, station, aet, model, demonstration, corrected, *scores = row
    entry.images += 1
    entry.arrived = max(filter(None, (entry.arrived, arrived)), default=None)
    entry.at = max(filter(None, (entry.at, at)), default=None)
    for known, value in (
        (entry.modalities, modality),
        (entry.stations, station),
        (entry.aets, aet),
        (entry.models, model),
    ):
        known.update([value] if value else [])
    entry.demonstration |= bool(demonstration)
    entry.corrected |= bool(corrected)
    for position, label in enumerate(labels):
        score, threshold = scores[2 * position : 2 * position + 2]
        if score is not None and threshold is not None:
            one = Scored(label, score / MILLION, threshold / MILLION, unpack(image))
            if label not in best or one.excess > best[label].excess:
                best[label] = one

"""What the distributions are made of, out of the mirror's tables: four questions, however many images there are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .distributions import SCORE_BINS, Distributions, Interval, Other, ScoreRow, SeriesRow, distribute
from .question import units
from .rows import Rows
from .selection import MILLION, Selection


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to select by, each sorted."""

    modalities: Sequence[str]
    body_parts: Sequence[str]
    codes: Sequence[str]
    models: Sequence[str]
    findings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Population:
    """What a selection means, read out of the tables, so that nobody waits for them while it is counted."""

    series: Sequence[SeriesRow]
    outcomes: Mapping[str, int]
    scores: Sequence[ScoreRow]
    others: Sequence[Other]

    def distributions(self, interval: Interval) -> Distributions:
        """How it is spread."""
        return distribute(self.series, self.outcomes, self.scores, self.others, interval=interval)


def population(rows: Rows, selection: Selection) -> Population:
    """What a selection means.

    Parameters
    ----------
    rows
        The tables, made ready for the selection (`Catalog.reading`).
    """
    _choose(rows, selection)
    return Population(
        list(_series(rows, selection)),
        _outcomes(rows),
        list(_scores(rows, selection)),
        list(_others(rows, selection)),
    )


def choices(rows: Rows) -> Choices:
    """What there is to select by in the whole archive."""

    def distinct(column: str, table: str) -> list[str]:
        found = rows.database.execute(f"SELECT DISTINCT {column} FROM {table}")
        return sorted(value for (value,) in found if value)

    return Choices(
        modalities=distinct("modality", "series WHERE images > 0"),
        body_parts=distinct("body_part", "series WHERE images > 0"),
        codes=sorted({*distinct("code", "series"), *distinct("code", "xray")}),
        models=distinct("model", "xray"),
        findings=sorted(rows.labels),
    )


def _choose(rows: Rows, selection: Selection) -> None:
    """Note the X-rays that are meant, for the questions about their scores."""
    of = units(selection, rows.labels)
    rows.database.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (key INTEGER PRIMARY KEY)")
    rows.database.execute("DELETE FROM chosen")
    rows.database.execute(
        f"WITH unit AS ({of.text}) INSERT OR IGNORE INTO chosen "
        "SELECT xray FROM unit WHERE xray IS NOT NULL UNION "
        "SELECT xray.key FROM unit JOIN xray ON xray.series = unit.series WHERE unit.xray IS NULL",
        of.values,
    )


def _series(rows: Rows, selection: Selection) -> Iterator[SeriesRow]:
    of = units(selection, rows.labels)
    found = rows.database.execute(
        "SELECT unit.patient, unit.study, SUM(unit.images), series.modality, series.body_part, study.date, "
        f"patient.sex, study.age, patient.birth_date FROM ({of.text}) AS unit "
        "JOIN series ON series.key = unit.series JOIN study ON study.key = unit.study "
        "JOIN patient ON patient.key = unit.patient GROUP BY unit.series",
        of.values,
    )
    for one in found:
        yield SeriesRow(*one)


def _outcomes(rows: Rows) -> Mapping[str, int]:
    return dict(rows.database.execute("SELECT code, COUNT(*) FROM chosen JOIN xray USING (key) GROUP BY code"))


def _scores(rows: Rows, selection: Selection) -> Iterator[ScoreRow]:
    """In the models' own order of findings, which is that of their first X-ray."""
    # Of all X-rays, without a look at each whether it is among those that are meant.
    source = "xray" if selection == Selection() else "chosen JOIN xray USING (key)"
    for label, number in rows.labels.items():
        score, threshold = f"s{number}", f"t{number}"
        found = rows.database.execute(
            f"SELECT model, MAX(demonstration), MIN({score} * {SCORE_BINS} / {MILLION}, {SCORE_BINS - 1}) AS bin, "
            f"COUNT(*), SUM({score} >= {threshold}), MIN({threshold}), MAX({threshold}) "
            f"FROM {source} WHERE {score} IS NOT NULL AND {threshold} IS NOT NULL GROUP BY model, bin"
        )
        for model, demonstration, place, images, reached, lowest, highest in found:
            yield ScoreRow(
                label, model, bool(demonstration), place, images, reached, lowest / MILLION, highest / MILLION
            )


def _others(rows: Rows, selection: Selection) -> Iterator[Other]:
    """What holds no images, of the whole archive only: no filter is about it."""
    if selection != Selection():
        return
    found = rows.database.execute(
        "SELECT modality, COUNT(*), SUM(instances - images) FROM series WHERE instances > images "
        "GROUP BY modality ORDER BY modality"
    )
    for one in found:
        yield Other(*one)

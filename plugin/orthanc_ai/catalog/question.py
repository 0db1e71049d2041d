"""Questions to the mirror in SQL: all values as parameters, all names our own.

A selection means *units*: whole series, whose images are all meant, and single X-rays, where what became of them decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .patterns import capitals
from .selection import Selection, limits

Table = Literal["patient", "study", "series"]
"""Tables above the X-rays."""

Sort = Literal["patientID", "studyDate", "description", "modality", "received", "score"]
"""What a list may be sorted by: Patient ID, Study Date, Study or Series Description, Modality, reception, score of the finding."""

_ARGUMENTS = 100
"""Values in one call of a function of SQLite (sqlite.org/limits.html)."""

JOINED = "series JOIN study ON study.key = series.study JOIN patient ON patient.key = study.patient"
"""Series with what is above them."""

_KEYS = "patient.key AS patient, study.key AS study, series.key AS series"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its question marks."""

    text: str
    values: tuple[object, ...] = ()


def units(selection: Selection, labels: Mapping[str, int], sort: Sort | None = None, table: str = "series") -> Sql:
    """The units that a selection means.

    Parameters
    ----------
    selection
        Of names it heeds all but those of instances. If it names a label, the table ``labelled`` has the identifiers of the
        studies that bear it.
    labels
        Numbers of the findings, as `Rows.labels`.
    sort
        What the column ``value`` is to have.
    table
        Whose description that is, if it is the description.

    Returns
    -------
    A query with the columns ``patient``, ``study``, ``series``, ``xray`` (keys; that of the X-ray is NULL where the series is
    meant as a whole), ``images`` and ``value``.
    """
    if sort == "score" and not selection.is_scored:
        # What has none has no place in the order.
        selection = replace(selection, minimum=0.0)
    shared = of_series(selection)
    parts: list[Sql] = []
    of_xray = bool(selection.is_scored or selection.model)
    if not of_xray and sort != "score":
        whole = Sql("series.code = ?", (selection.code,)) if selection.code else Sql("1")
        value = _value(sort, table, None, selection, labels)
        parts.append(
            Sql(
                f"SELECT {_KEYS}, NULL AS xray, series.images AS images, {value} AS value FROM {JOINED} "
                f"WHERE series.images > 0 AND {shared.text} AND {whole.text}",
                shared.values + whole.values,
            )
        )
    if of_xray or selection.code or sort == "score":
        single = _xray(selection, labels, alone=of_xray or sort == "score")
        value = _value(sort, table, "xray", selection, labels)
        parts.append(
            Sql(
                f"SELECT {_KEYS}, xray.key AS xray, 1 AS images, {value} AS value "
                f"FROM {JOINED} JOIN xray ON xray.series = series.key WHERE {shared.text} AND {single.text}",
                shared.values + single.values,
            )
        )
    return Sql(" UNION ALL ".join(part.text for part in parts), tuple(one for part in parts for one in part.values))


def counts(of: Sql) -> Sql:
    """How many patients, studies, series and images units are, in one row."""
    return Sql(
        "SELECT COUNT(DISTINCT patient), COUNT(DISTINCT study), COUNT(DISTINCT series), TOTAL(images) "
        f"FROM ({of.text})",
        of.values,
    )


def page(of: Sql, table: Table, *, descending: bool, after: tuple[object, bytes] | None, limit: int) -> Sql:
    """Value and identifier of the patients, studies or series that units belong to, each once, in order."""
    choice = "MAX" if descending else "MIN"
    return _ordered(
        f"SELECT {choice}(unit.value) AS value, {table}.id AS id "
        f"FROM ({of.text}) AS unit JOIN {table} ON {table}.key = unit.{table} GROUP BY {table}.key",
        of.values,
        descending,
        after,
        limit,
        "value, id",
    )


def image_page(of: Sql, *, descending: bool, after: tuple[object, bytes] | None, limit: int) -> Sql:
    """Value and identifier of units in order, and whether each is a series."""
    return _ordered(
        "SELECT unit.value AS value, COALESCE(xray.id, series.id) AS id, unit.xray IS NULL AS whole "
        f"FROM ({of.text}) AS unit JOIN series ON series.key = unit.series LEFT JOIN xray ON xray.key = unit.xray",
        of.values,
        descending,
        after,
        limit,
        "value, id, whole",
    )


def _ordered(
    query: str,
    values: tuple[object, ...],
    descending: bool,
    after: tuple[object, bytes] | None,
    limit: int,
    columns: str,
) -> Sql:
    way, beyond = ("DESC", "<") if descending else ("ASC", ">")
    condition = f"WHERE (value, id) {beyond} (?, ?)" if after else ""
    return Sql(
        f"SELECT {columns} FROM ({query}) {condition} ORDER BY value {way}, id {way} LIMIT ?",
        (*values, *(after or ()), limit),
    )


def of_series(selection: Selection) -> Sql:
    """What holds for all units: the filters on tags, labels, roles, and what is named. Of `JOINED`."""
    conditions: list[str] = ["1"]
    values: list[object] = []

    def add(condition: str, *more: object) -> None:
        conditions.append(condition)
        values.extend(more)

    named = [
        (f"{table}.id IN ({places(one)})", one)
        for table, one in (("patient", selection.patients), ("study", selection.studies), ("series", selection.series))
        if one
    ]
    if named:
        packed = [bytes.fromhex(name.replace("-", "")) for _, names in named for name in names]
        add(f"({' OR '.join(condition for condition, _ in named)})", *packed)
    if selection.patient_id:
        add("patient.patient_id = ?", selection.patient_id.strip())
    if selection.modality:
        add(f"series.modality IN ({places(selection.modality)})", *map(capitals, selection.modality))
    if selection.body_part:
        add("series.body_part = ?", capitals(selection.body_part))
    if selection.study_date:
        first, dash, last = selection.study_date.partition("-")
        if not dash:
            add("study.date = ?", first)
        else:
            add("study.date != ''")
            if first:
                add("study.date >= ?", first)
            if last:
                add("study.date <= ?", last)
    if selection.study_description:
        add("fits(study.description, ?)", selection.study_description)
    if selection.series_description:
        add("fits(series.description, ?)", selection.series_description)
    if selection.roles:
        add(f"series.role IN ({places(selection.roles)})", *map(str, selection.roles))
    if selection.label:
        add("study.id IN labelled")
    return Sql(" AND ".join(conditions), tuple(values))


def _xray(selection: Selection, labels: Mapping[str, int], *, alone: bool) -> Sql:
    """What holds for an X-ray as a unit.

    Parameters
    ----------
    alone
        Whether there are no series beside them.
    """
    conditions: list[str] = ["1"]
    values: list[object] = []
    if selection.code:
        # The series with this code are units as a whole already.
        conditions.append("(xray.code = ? OR series.code = ?)" if alone else "xray.code = ? AND series.code != ?")
        values += [selection.code, selection.code]
    if selection.model:
        conditions.append("xray.model = ?")
        values.append(selection.model)
    if selection.is_scored:
        asked = [number for label, number in labels.items() if selection.finding in ("", label)]
        conditions.append(f"({' OR '.join(['0', *(f'xray.s{number} BETWEEN ? AND ?' for number in asked)])})")
        values += len(asked) * limits(selection)
    return Sql(" AND ".join(conditions), tuple(values))


def _value(sort: Sort | None, table: str, xray: str | None, selection: Selection, labels: Mapping[str, int]) -> str:
    match sort:
        case None:
            return "NULL"
        case "patientID":
            return "patient.patient_id"
        case "studyDate":
            return "study.date"
        case "description":
            return "study.description" if table == "study" else "series.description"
        case "modality":
            return "series.modality"
        case "received":
            return "xray.received" if xray else "series.updated"
        case "score":
            asked = [number for label, number in labels.items() if selection.finding in ("", label)]
            # Several: the highest. SQLite's MAX of several values is NULL if one of them is, and takes 127 at most.
            highest = "-1"
            for start in range(0, len(asked), _ARGUMENTS):
                more = (f"COALESCE(xray.s{number}, -1)" for number in asked[start : start + _ARGUMENTS])
                highest = f"MAX({', '.join([highest, *more])})"
            return highest


def places(values: Sequence[object]) -> str:
    """Question marks for so many values."""
    return ", ".join("?" * len(values))

"""Labels that come along: a researcher's own, from a table in CSV, and the scores of findings.

Nothing about the table is guessed: if its delimiter, its character set or what it identifies images by could be read in two
ways, it is refused, and the message says what to state.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from ..codes import Code

MOST_BYTES = 64 << 20
"""Of a table: a million rows with a UID each."""

MOST_COLUMNS = 256

LONGEST_VALUE = 1024
"""Characters of a label; a longer text is a report, and reports name patients."""

MOST_LISTED = 100
"""Row numbers that a message or a report lists."""

Key = Literal["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "AccessionNumber", "PatientID", "OrthancID"]
"""What a row may identify images by, the narrowest first. An Orthanc identifier is of any level."""

_DELIMITERS = ",;\t|"
_BYTE_ORDER_MARKS: Mapping[bytes, str] = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_ENCODINGS = ("utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "shift_jis", "gb18030")

_NOT_LETTERS = re.compile(r"[^a-z0-9]")
_KEYS: Mapping[str, Key] = {key.lower(): key for key in get_args(Key)} | {
    "sopuid": "SOPInstanceUID",
    "instanceuid": "SOPInstanceUID",
    "seriesuid": "SeriesInstanceUID",
    "studyuid": "StudyInstanceUID",
    "accession": "AccessionNumber",
    "orthancidentifier": "OrthancID",
}

# Columns that name somebody, by whatever name: no label, whoever asks for it.
_NAMING = frozenset(
    [
        "name",
        "patientname",
        "lastname",
        "firstname",
        "surname",
        "givenname",
        "familyname",
        "birthdate",
        "dateofbirth",
        "dob",
        "patientbirthdate",
        "mrn",
        "ssn",
        "address",
        "patientaddress",
        "phone",
        "email",
        "referringphysicianname",
        "performingphysicianname",
        "operatorsname",
        "otherpatientids",
        "issuerofpatientid",
    ]
)


class LabelsError(ValueError):
    """A table of labels cannot be used.

    Attributes
    ----------
    code
        ``LABELS_UNREADABLE`` or ``LABELS_CONTRADICT``; the message says more, by row numbers and without identifiers.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Labels:
    """A table of labels.

    Attributes
    ----------
    key
        What its rows identify images by.
    columns
        Names of the labels.
    rows
        By identifier: number of the row, and a value for each column; empty if there is none.
    repeated
        How many rows say again what another one says.
    withheld
        Columns that stay behind, since they identify or name somebody.
    """

    key: Key
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[int, tuple[str, ...]]]
    repeated: int = 0
    withheld: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written."""
        rows = {identifier: (number, tuple(values)) for identifier, number, values in content["rows"]}
        return cls(content["key"], tuple(content["columns"]), rows, content["repeated"], tuple(content["withheld"]))

    def to_json(self) -> dict[str, Any]:
        """The table in JSON types. It names patients."""
        rows = [[identifier, number, list(values)] for identifier, (number, values) in self.rows.items()]
        said = {"repeated": self.repeated, "withheld": list(self.withheld)}
        return {"key": self.key, "columns": list(self.columns), "rows": rows, **said}


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What an image is called by, before it is de-identified.

    Attributes
    ----------
    orthanc
        Orthanc identifiers of the instance, of its series, of its study and of its patient.
    issuer
        Of the Patient ID.
    """

    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""
    patient_id: str = ""
    issuer: str = ""
    orthanc: tuple[str, ...] = ()

    def of_key(self, key: Key) -> tuple[str, ...]:
        """By which identifiers a row may mean the image."""
        if key == "OrthancID":
            return self.orthanc
        named: Mapping[str, str] = {
            "SOPInstanceUID": self.sop_instance_uid,
            "SeriesInstanceUID": self.series_instance_uid,
            "StudyInstanceUID": self.study_instance_uid,
            "AccessionNumber": self.accession_number,
            "PatientID": self.patient_id,
        }
        return (named[key],)


@dataclass(slots=True)
class Join:
    """Joins labels to images, and knows what was not joined."""

    labels: Labels
    _patients: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def of(self, image: Identifiers) -> dict[str, str] | None:
        """The labels of an image; ``None`` if no row means it."""
        for identifier in image.of_key(self.labels.key):
            found = self.labels.rows.get(_stripped(identifier))
            if found and _stripped(identifier):
                self._patients.setdefault(_stripped(identifier), set()).add((image.patient_id, image.issuer))
                return dict(zip(self.labels.columns, found[1], strict=True))
        return None

    def report(self) -> dict[str, Any]:
        """What became of the rows, in JSON types and without identifiers.

        Returns
        -------
        ``rows``, how many there are; ``used``, how many mean an image; ``repeated``; ``unknown``, the numbers of those that
        mean none, and ``ambiguous``, of those that mean images of several patients, as an Accession Number or a Patient ID
        of two issuers may: `MOST_LISTED` at most, and ``unknownRows`` and ``ambiguousRows``, how many they are.
        """
        numbers = {identifier: number for identifier, (number, _) in self.labels.rows.items()}
        unknown = sorted(number for identifier, number in numbers.items() if identifier not in self._patients)
        ambiguous = sorted(numbers[identifier] for identifier, whose in self._patients.items() if len(whose) > 1)
        return {
            "key": self.labels.key,
            "columns": list(self.labels.columns),
            "rows": len(numbers),
            "used": len(self._patients),
            "repeated": self.labels.repeated,
            "withheld": list(self.labels.withheld),
            "unknownRows": len(unknown),
            "unknown": unknown[:MOST_LISTED],
            "ambiguousRows": len(ambiguous),
            "ambiguous": ambiguous[:MOST_LISTED],
        }


def read_labels(
    content: bytes,
    *,
    key: Key | None = None,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Labels:
    """Read a table of labels: one header line, then one row for each image, study or patient.

    Parameters
    ----------
    content
        CSV (RFC 4180), in UTF-8, or in UTF-16 with a byte order mark.
    key
        Column that identifies; without it, the narrowest of those whose names say what they are. No other identifier
        becomes a label.
    columns
        The labels that come along; without it, all that identify nothing
        and name nobody.
    delimiter
        Comma, semicolon, tabulator or bar; without it, the only one that makes a table.
    encoding
        For tables in another character set, e.g. ``windows-1252``.

    Raises
    ------
    LabelsError
        If it can be read in no way or in several, is too large, or contradicts itself.
    """
    if len(content) > MOST_BYTES:
        raise _unreadable(f"the table has more than {MOST_BYTES >> 20} MiB")
    text = _decoded(content, encoding)
    names, rows = _table(text, delimiter)
    by_name = {name: index for index, name in enumerate(names)}
    if len(by_name) < len(names):
        raise _unreadable("two columns have the same name")
    known = {index: found for index, name in enumerate(names) if (found := _KEYS.get(_letters(name)))}
    key_index, meant = _key_column(known, key)
    naming = {index for index, name in enumerate(names) if _letters(name) in _NAMING}
    labels = _label_columns(by_name, naming | set(known), columns)
    withheld = [names[index] for index in sorted(naming | set(known)) if index != key_index]
    return _collected(meant, key_index, labels, rows, tuple(withheld))


def score_column(model: str, label: str) -> str:
    """Name of the column of a finding's score, e.g. ``torchxrayvision/Pneumonia``."""
    return f"{model}/{label}"


def scores_of(model: str, data: Mapping[str, Any]) -> dict[str, float]:
    """Scores of the findings of one image by their columns, out of the data of its outcome."""
    return {score_column(model, str(one["label"])): float(one["score"]) for one in data.get("findings", ())}


def _decoded(content: bytes, encoding: str | None) -> str:
    marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    if encoding is not None and encoding not in _ENCODINGS:
        raise _unreadable(f"encoding is one of {', '.join(_ENCODINGS)}")
    chosen = marked or encoding or "utf-8"
    try:
        text = content.decode(chosen)
    except (UnicodeDecodeError, UnicodeError):
        said = "state its encoding, or save it as UTF-8" if encoding is None else f"it is not in {encoding}"
        raise _unreadable(f"the table is not in {chosen}: {said}") from None
    if "\0" in text:
        raise _unreadable("there is a zero in the text")
    return text


def _table(text: str, delimiter: str | None) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the columns, and rows with their numbers; the row below the header is number 2, as in a spreadsheet."""
    if delimiter is not None and delimiter not in tuple(_DELIMITERS):
        raise _unreadable("the delimiter is a comma, a semicolon, a tabulator or a bar")
    return _split(text, delimiter or _delimiter(text))


def _delimiter(text: str) -> str:
    """The delimiter by the header line: the only one in it that stands outside of quotes."""
    first = text.lstrip("\r\n").splitlines()[:1]
    header = re.sub(r'"[^"]*"', "", first[0]) if first else ""
    found = [one for one in _DELIMITERS if one in header]
    if len(found) != 1:
        said = "several delimiters" if found else "no delimiter"
        raise _unreadable(f"there is {said} in the first line: state which it is")
    return found[0]


def _split(text: str, delimiter: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    rows = []
    try:
        for number, row in enumerate(reader, 1):
            if not any(field.strip() for field in row):
                continue
            if not names:
                names = [field.strip() for field in row]
                if len(names) > MOST_COLUMNS:
                    raise _unreadable(f"the table has more than {MOST_COLUMNS} columns")
                if not all(names):
                    raise _unreadable("a column has no name")
            elif len(row) != len(names):
                raise _unreadable(f"row {number} has {len(row)} fields, the first has {len(names)}")
            else:
                rows.append((number, [field.strip() for field in row]))
    except csv.Error as error:
        raise _unreadable(f"row {reader.line_num} is malformed: {error}") from None
    if not names:
        raise _unreadable("the table is empty")
    return names, rows


def _key_column(known: Mapping[int, Key], key: Key | None) -> tuple[int, Key]:
    of_key: dict[Key, list[int]] = {}
    for index, found in known.items():
        of_key.setdefault(found, []).append(index)
    chosen = key or next((one for one in get_args(Key) if one in of_key), None)
    if chosen is None:
        raise _unreadable(f"no column is called {', '.join(get_args(Key)[:-1])} or {get_args(Key)[-1]}")
    columns = of_key.get(chosen, [])
    if len(columns) != 1:
        raise _unreadable(f"{len(columns)} columns are called {chosen}")
    return columns[0], chosen


def _label_columns(by_name: Mapping[str, int], identifying: set[int], columns: Sequence[str] | None) -> dict[str, int]:
    if columns is None:
        labels = {name: index for name, index in by_name.items() if index not in identifying}
    else:
        missing = [name for name in columns if name not in by_name]
        if missing:
            raise _unreadable(f"there is no column {missing[0][:64]!r}")
        labels = {name: by_name[name] for name in columns}
        if identifying & set(labels.values()):
            raise _unreadable("an identifier is no label")
    if not labels:
        raise _unreadable("there is no column beside those that identify")
    return labels


def _collected(
    key: Key, key_index: int, labels: Mapping[str, int], rows: list[tuple[int, list[str]]], withheld: tuple[str, ...]
) -> Labels:
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    contradicting: list[str] = []
    repeated = 0
    for number, row in rows:
        identifier = _stripped(row[key_index])
        if not identifier:
            raise _unreadable(f"row {number} identifies nothing")
        values = tuple(row[index] for index in labels.values())
        if any(len(value) > LONGEST_VALUE for value in values):
            raise _unreadable(f"row {number} has a label of more than {LONGEST_VALUE} characters")
        earlier = found.setdefault(identifier, (number, values))
        if earlier[0] != number:
            repeated += 1
            if earlier[1] != values:
                contradicting.append(f"{earlier[0]} and {number}")
    if contradicting:
        raise LabelsError(
            Code.LABELS_CONTRADICT, f"rows that contradict each other: {'; '.join(contradicting[:MOST_LISTED])}"
        )
    return Labels(key, tuple(labels), found, repeated, withheld)


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name.casefold())


def _stripped(identifier: str) -> str:
    return identifier.strip(" \t\0")


def _unreadable(message: str) -> LabelsError:
    return LabelsError(Code.LABELS_UNREADABLE, message)

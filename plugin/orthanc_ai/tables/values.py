"""The cells of a row: values of attributes, typed as their columns are."""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, cast

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from ..attributes import LONGEST_SEQUENCE, LONGEST_VALUE, MalformedError, attribute
from ..dicom_file import FileError, each_item
from .columns import MOST_NUMBERED, Kind, Layout, Tag
from .paths import Path

type Scalar = int | float | str | None

_INTEGERS = range(-(2**63), 2**63)
"""What a column of whole numbers holds: 64 bits, in Parquet and in SQLite."""

# As DICOM has dates, and with points as ACR-NEMA had them (PS3.5 section 6.2, note to DA).
_DATE = re.compile(r"([0-9]{4})(\.?)([0-9]{2})\2([0-9]{2})")

_META_GROUP = 0x0002


class Header:
    """The header of an image, in which paths are followed."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._items: dict[tuple[int, int], Sequence[Dataset]] = {}

    def cell(self, tag: Tag, layout: Layout, frame: int | None) -> tuple[Scalar | list[Scalar], str | None]:
        """The cell of a column.

        Parameters
        ----------
        frame
            Of the row, counted from 0; ``None`` if it is about the whole object.

        Returns
        -------
        The value, a list of them for a split column; ``None`` if there is none. And as text what does not fit it.
        """
        try:
            place = self._place(tag, frame)
        except (MalformedError, FileError) as error:
            return None, str(error)
        if place is None:
            return None, None
        try:
            found = attribute(place, tag.tags[-1])
            if isinstance(found, Dataset | DicomSequence):
                return None, "a sequence"
            values = _values(found)
        except MalformedError:
            return None, _written(place, tag.tags[-1])
        if layout.is_split(tag):
            return _split(values, tag.kind)
        if tag.several:
            return _joined(values) or None, None
        if len(values) > 1:
            return None, _joined(values)
        return _typed(values[0], tag.kind) if values else (None, None)

    def _place(self, tag: Tag, frame: int | None) -> Dataset | None:
        """The data set or item with the attribute."""
        path = Path.parse(tag.path)
        dataset = self._dataset
        if not path.sequences and tag.tags[0] >> 16 == _META_GROUP:
            return getattr(dataset, "file_meta", None)
        for (_, number), sequence in zip(path.sequences, tag.tags[:-1], strict=True):
            wanted = frame if number is None else number
            items = self._sequence(dataset, sequence)
            if wanted is None or wanted >= len(items):
                return None
            dataset = items[wanted]
        return dataset

    def _sequence(self, dataset: Dataset, tag: int) -> Sequence[Dataset]:
        # The parents live as long as this object, in `_items`, so that no two have one number.
        key = id(dataset), tag
        if key not in self._items:
            self._items[key] = list(_items(dataset, tag))
        return self._items[key]


def _items(dataset: Dataset, tag: int) -> Iterator[Dataset]:
    if keyword := keyword_for_tag(tag):
        yield from each_item(dataset, keyword)
        return
    value = attribute(dataset, tag, LONGEST_SEQUENCE)
    found = [] if not value or isinstance(value, str | bytes) else list(value)
    if not all(isinstance(item, Dataset) for item in found):
        raise MalformedError("no sequence")
    yield from found


def _values(value: Any) -> list[Any]:
    if value is None or value == "" or (isinstance(value, bytes) and not value):
        return []
    if isinstance(value, MultiValue | list | tuple):
        return list(value)
    return [value]


def _joined(values: Sequence[Any]) -> str:
    return "\\".join(map(text_of, values))


def _split(values: Sequence[Any], kind: Kind) -> tuple[list[Scalar] | None, str | None]:
    cells = [_typed(value, kind) for value in values[:MOST_NUMBERED]]
    fits = len(values) <= MOST_NUMBERED and not any(misfit for _, misfit in cells)
    return [cell for cell, _ in cells] or None, None if fits else _joined(values)


def _typed(value: Any, kind: Kind) -> tuple[Scalar, str | None]:
    """A single value as its column has it; and what does not fit."""
    text = text_of(value)
    if not text:
        return None, None
    try:
        match kind:
            case Kind.INTEGER:
                number = int(value)
                return (number, None) if number == value and number in _INTEGERS else (None, text)
            case Kind.REAL:
                real = float(value)
                return (real, None) if math.isfinite(real) else (None, text)
            case Kind.DATE:
                return _date(text), None
            case Kind.TEXT:
                return text, None
    except (ValueError, TypeError, OverflowError):
        return None, text


def _date(text: str) -> str:
    if found := _DATE.fullmatch(text.strip()):
        year, _, month, day = found.groups()
        return date(int(year), int(month), int(day)).isoformat()
    raise ValueError("no date")


def text_of(value: Any) -> str:
    """A value as DICOM writes it. What is no text in any encoding is escaped."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return _decoded(value)
    # A lone half of a surrogate pair is a text for Python alone.
    return str(value).encode("utf-8", "backslashreplace").decode()


def _decoded(value: bytes) -> str:
    """Bytes of unknown VR: as text if they are one, else as hexadecimal digits."""
    text = value.rstrip(b"\0 ").decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else "0x" + value.hex()


def _written(dataset: Dataset, tag: int) -> str:
    """What a file has in place of a value."""
    raw = cast(DataElement | RawDataElement, dataset.get_item(tag))
    content = raw.value if isinstance(raw, RawDataElement) else None
    if content is None:
        return "malformed"
    if len(content) > LONGEST_VALUE:
        return f"{len(content)} bytes, of which a table takes {LONGEST_VALUE}"
    return _decoded(content)

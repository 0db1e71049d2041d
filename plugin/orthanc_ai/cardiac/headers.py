"""`Headers`: the headers of a study's instances on their way from Orthanc's index to a worker."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sheet:
    """The headers of one series.

    Attributes
    ----------
    shared
        Tags by keyword that the index keeps once for all instances, those of series and study.
    columns
        Keywords of the tags that it keeps for each instance.
    rows
        Their values, one row for each instance; ``None`` if an instance has none.
    """

    shared: Mapping[str, Any]
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    @classmethod
    def of(cls, shared: Mapping[str, Any], columns: Sequence[str], instances: Iterable[Mapping[str, Any]]) -> "Sheet":
        """A sheet of the tags of each instance; other tags than the columns are left out.

        Parameters
        ----------
        instances
            May be read page by page: what is kept of one takes about 0.5 KB. Equal texts, most of a header, are kept once.
        """
        texts: dict[str, str] = {}
        rows = []
        for tags in instances:
            values = (tags.get(keyword) for keyword in columns)
            rows.append(tuple(texts.setdefault(one, one) if isinstance(one, str) else one for one in values))
        return cls(shared, tuple(columns), rows)


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a study's instances: iterating gives the tags of each, as `Header.from_tags` takes them."""

    sheets: list[Sheet] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of instances."""
        return sum(len(sheet.rows) for sheet in self.sheets)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Tags by keyword, instance by instance."""
        for sheet in self.sheets:
            for row in sheet.rows:
                own = zip(sheet.columns, row, strict=True)
                yield {**sheet.shared, **{keyword: value for keyword, value in own if value is not None}}

"""A small archive in the catalogue's tables: its headers are written out, so that every count is known."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from orthanc_ai.catalog.catalog import Catalog
from orthanc_ai.catalog.mirror import CatalogError, Mirror, Progress
from orthanc_ai.catalog.rows import Rows
from orthanc_ai.outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome
from orthanc_ai.server import Resource, Server

from ..api.examples import CR, identifier

SR = "1.2.840.10008.5.1.4.1.1.88.33"


class Series:
    """A series to put into the tables; patients are told by their Patient ID, studies by name."""

    _made = 1000

    def __init__(
        self,
        patient: str,
        study: str,
        instances: int = 1,
        *,
        outcomes: Sequence[Outcome] = (),
        cardiac: Outcome | None = None,
        sop_class: str = CR,
        study_tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        **tags: str,
    ) -> None:
        Series._made += 1
        above = {"PatientID": patient, **(study_tags or {})}
        of_series = {CARDIAC_METADATA: cardiac.to_text()} if cardiac else {}
        images = tuple(identifier(Series._made * 1000 + number) for number in range(instances))
        self.study = Resource("study", _named(study), above, {}, parent=_named(patient))
        self.series = Resource(
            "series", identifier(Series._made), tags, of_series, parent=self.study.identifier, children=images
        )
        self.instances = [
            Resource(
                "instance",
                image,
                {},
                {"SopClassUid": sop_class}
                | ({XRAY_METADATA: outcome.to_text()} if outcome else {})
                | dict(metadata or {}),
                parent=self.series.identifier,
            )
            for image, outcome in zip(images, [*outcomes, *[None] * (instances - len(outcomes))], strict=True)
        ]


def tables(series: Sequence[Series]) -> Rows:
    """The tables with these series in them."""
    rows = Rows()
    for one in series:
        rows.put_studies([one.study])
        rows.put_series([one.series])
        rows.put_instances(one.instances)
    return rows


class Still:
    """A mirror of an archive that does not change; without tables, one that is being built."""

    def __init__(self, rows: Rows | None, error: CatalogError | None = None) -> None:
        self._rows, self._error = rows, error
        self.progress = Progress(1234, 5000)
        self.ready = rows is not None

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        if self._error:
            raise self._error
        assert self._rows is not None
        yield self._rows


class Labels:
    """Of the index, the studies that bear a label, and the studies."""

    def __init__(self, labels: Mapping[str, Sequence[str]], studies: Sequence[Resource] = ()) -> None:
        self._labels = labels
        self._studies = {one.identifier: one for one in studies}

    def read(self, _level: str, identifiers: Sequence[str]) -> tuple[Resource, ...]:
        return tuple(self._studies[one] for one in identifiers)

    def find(self, _level: str, _query: object = None, *, labels: Sequence[str] = (), **_: Any) -> tuple[Resource, ...]:
        return tuple(
            Resource("study", _named(study), {}, {}) for label in labels for study in self._labels.get(label, ())
        )


def known(series: Sequence[Series], labels: Mapping[str, Sequence[str]] | None = None) -> Catalog:
    """The catalogue of an archive."""
    return Catalog(cast(Server, Labels(labels or {})), cast(Mirror, Still(tables(series))))


def unknown(error: CatalogError) -> Catalog:
    """A catalogue that cannot answer."""
    return Catalog(cast(Server, Labels({})), cast(Mirror, Still(None, error)))


_names: dict[str, int] = {}


def _named(name: str) -> str:
    return identifier(_names.setdefault(name, len(_names) + 1))

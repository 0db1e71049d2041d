"""`Catalog`: counts and pages. The mirror says which and in what order; what they are is read from the index then."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Literal, NamedTuple

from ..server import Level, Resource, Server
from .image_classes import is_image_instance
from .mirror import Mirror
from .question import Sort, Sql, Table, counts, image_page, page, units
from .remembered import Remembered
from .rows import Rows, pack, unpack
from .selection import Selection

_BY_NUMBER: tuple[tuple[Literal["DicomTagAsInt", "DicomTag"], str, Literal["ASC"]], ...] = (
    ("DicomTagAsInt", "InstanceNumber", "ASC"),
    ("DicomTag", "SOPInstanceUID", "ASC"),
)


_READ_FIRST = 4
"""Series of a page of images that are read at first; then twice as many each time. One of CT may fill several pages, and comes
with the identifiers of all its images."""


class Counts(NamedTuple):
    """How many there are."""

    patients: int
    studies: int
    series: int
    images: int


class Place(NamedTuple):
    """Where a list goes on: behind an entry.

    Attributes
    ----------
    value
        What the list is sorted by.
    identifier
        Orthanc identifier of the patient, study or series, or of the X-ray.
    image
        In a list of images, that of the image in the series; empty behind all of them.
    number
        Its number in the series, for when it has been deleted.
    """

    value: str | int
    identifier: str
    image: str = ""
    number: int = 0


class Listed(NamedTuple):
    """An image and what it belongs to."""

    image: Resource
    series: Resource
    study: Resource


class Catalog:
    """What the archive holds. Any thread may ask.

    Every question raises what `Mirror.reading` raises.

    Attributes
    ----------
    remembered
        Answers to questions that go through all scores.
    """

    def __init__(self, server: Server, mirror: Mirror) -> None:
        self._server = server
        self.mirror = mirror
        self.remembered = Remembered()

    @contextmanager
    def reading(self, selection: Selection) -> Iterator[Rows]:
        """The mirror's tables, ready for the `units` of a selection."""
        labelled: Sequence[Resource] = ()
        if selection.label:
            # Asked each time: a label given or taken leaves nothing in the change log.
            labelled = self._server.find("study", labels=(selection.label,), content=())
        with self.mirror.reading() as rows:
            if selection.label:
                rows.label([one.identifier for one in labelled])
            yield rows

    def count(self, selection: Selection) -> Counts:
        """How many images are meant, and how many patients, studies and series hold such an image."""
        with self.reading(selection) as rows:
            [found] = _ask(rows, counts(units(selection, rows.labels)))
        return Counts(*(int(one) for one in found))

    def counts_of(self, table: Table, identifiers: Sequence[str]) -> dict[str, Counts]:
        """By Orthanc identifier, what each patient, study or series holds."""
        packed = tuple(map(pack, identifiers))
        places = ", ".join("?" * len(packed))
        query = (
            f"SELECT {table}.id, COUNT(DISTINCT patient.key), COUNT(DISTINCT study.key), COUNT(*), TOTAL(series.images) "
            "FROM series JOIN study ON study.key = series.study JOIN patient ON patient.key = study.patient "
            f"WHERE series.images > 0 AND {table}.id IN ({places}) GROUP BY {table}.key"
        )
        with self.mirror.reading() as rows:
            found = rows.database.execute(query, packed).fetchall()
        return {unpack(identifier): Counts(*map(int, numbers)) for identifier, *numbers in found}

    def page(
        self, table: Table, selection: Selection, sort: Sort, *, descending: bool, after: Place | None, limit: int
    ) -> tuple[list[Resource], Place | None]:
        """A page of patients, studies or series, and behind which entry the next one begins; ``None`` after the last."""
        behind = (after.value, pack(after.identifier)) if after else None
        with self.reading(selection) as rows:
            of = units(selection, rows.labels, sort, table)
            found = _ask(rows, page(of, table, descending=descending, after=behind, limit=limit + 1))
        wanted = [unpack(identifier) for _, identifier in found[:limit]]
        read = {one.identifier: one for one in self._server.read(table, wanted)}
        place = Place(found[limit - 1][0], wanted[-1]) if len(found) > limit else None
        return [read[one] for one in wanted if one in read], place

    def image_page(
        self, selection: Selection, sort: Sort, *, descending: bool, after: Place | None, limit: int
    ) -> tuple[list[Listed], Place | None]:
        """A page of images, and behind which one the next page begins; those of a series by Instance Number."""
        inside = after if after and after.image else None
        behind = (after.value, pack(after.identifier)) if after else None
        with self.reading(selection) as rows:
            of = units(selection, rows.labels, sort)
            found = _ask(rows, image_page(of, descending=descending, after=behind, limit=limit + 1))
        entries = [(value, unpack(identifier), bool(whole)) for value, identifier, whole in found]
        if inside:
            entries.insert(0, (inside.value, inside.identifier, True))
        series: dict[str, Resource] = {}
        candidates = self._candidates(entries, series, inside)
        images: list[tuple[Place, Resource]] = []
        while chunk := list(islice(candidates, limit + 1 - len(images))):
            read = {one.identifier: one for one in self._server.read("instance", [name for _, name in chunk])}
            images += [(place, read[name]) for place, name in chunk if name in read and is_image_instance(read[name])]
        listed = self._with_parents([image for _, image in images[:limit]], series)
        return listed, images[limit - 1][0] if len(images) > limit else None

    def _candidates(
        self, entries: Sequence[tuple[str | int, str, bool]], series: dict[str, Resource], inside: Place | None
    ) -> Iterator[tuple[Place, str]]:
        """Instances of the units, each with its place; those of the first unit only behind the place inside of it.

        Parameters
        ----------
        series
            Takes up what is read of them on the way.
        """
        known, more = 0, _READ_FIRST
        for position, (value, identifier, whole) in enumerate(entries):
            if not whole:
                yield Place(value, identifier), identifier
                continue
            if position >= known:
                known, more = position + more, 2 * more
                wanted = [name for _, name, is_series in entries[position:known] if is_series]
                series.update((one.identifier, one) for one in self._server.read("series", wanted))
            found = series[identifier].children if identifier in series else ()
            if len(found) > 1:
                parent: tuple[Level, str] = ("series", identifier)
                ordered = self._server.find("instance", parent=parent, content=(), order=_BY_NUMBER)
                found = tuple(one.identifier for one in ordered)
            first = 0
            if inside and identifier == inside.identifier:
                first = found.index(inside.image) + 1 if inside.image in found else inside.number
            for number in range(first, len(found)):
                yield Place(value, identifier, found[number], number), found[number]

    def _with_parents(self, images: Sequence[Resource], known: Mapping[str, Resource]) -> list[Listed]:
        missing = {one.parent for one in images} - known.keys()
        series = {**known, **{one.identifier: one for one in self._server.read("series", sorted(missing))}}
        wanted = {series[one.parent].parent for one in images if one.parent in series}
        studies = {one.identifier: one for one in self._server.read("study", sorted(wanted))}
        listed = []
        for image in images:
            above = series.get(image.parent)
            study = studies.get(above.parent) if above else None
            if above and study:
                listed.append(Listed(image, above, study))
        return listed

    def one_image(self, identifier: str) -> Listed | None:
        """An image and what it belongs to; ``None`` if it is gone, or no image."""
        found = self._server.read("instance", [identifier])
        return next(iter(self._with_parents([one for one in found if is_image_instance(one)], {})), None)


def _ask(rows: Rows, sql: Sql) -> list[tuple[Any, ...]]:
    return rows.database.execute(sql.text, sql.values).fetchall()

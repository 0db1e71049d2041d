"""`Mirror`: the catalogue's tables, derived from Orthanc's index and in step with it.

Orthanc's index answers what is asked of one level within milliseconds, but reads every outcome for a question about scores, and
has no question at all across levels ("patients with a chest radiograph"). The mirror has. It is built when the server has
started, on a thread of its own, kept in memory only, and brought up to date at each question: the change log is read on, and
the index's totals are compared, since deletions leave nothing in the log. What neither tells is found by reading all again,
a little at a time.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from ..codes import Code
from ..outcomes import XRAY_METADATA
from ..server import Change, Level, Server, ServerError
from .image_classes import NO_IMAGES, OUR_CAPTURES
from .rows import Rows, pack, unpack

CHUNK = 200
"""Resources that are read at once: some 30 ms, in each of which nobody waits for the index longer than for one of them."""

PAGE = 1000
"""Rows of the change log that are read at once."""

BACKLOG = 5000
"""Rows of the change log that a question catches up with, about a second's work; if there are more, it is told to come back."""

TRIES = 5
"""Looks at an index that changes all the time, before an answer is given as of a moment ago."""

COMPARED = 5000
"""Series whose images are counted while somebody waits, about a second's work; more of them are told to come back."""

UPKEEP_S = 5.0
"""Between two readings of the change log while nobody asks."""

RENEWED = 50
"""Series that are read again, in turn, at each of these readings: some 15 ms."""

PATIENCE_S = 5.0
"""How long a question waits for those before it: HTTP threads are few."""

QUIET_SHARE = 0.25
"""Share of its thread's time that is spent on reading while nobody waits for it."""

TROUBLE_S = 10.0
"""After an index that cannot be read."""

RETRY_AFTER_S = 2
"""When somebody who asks while it loads is told to come back."""

_NEWEST = 2**62
_KINDS = ("NewInstance", "UpdatedMetadata", "StableStudy")


class CatalogError(Exception):
    """The catalogue cannot answer now: ``CATALOG_LOADING`` or ``CATALOG_TOO_LARGE``.

    Attributes
    ----------
    retry_after
        Seconds after which to ask again; 0 if that does not help.
    """

    def __init__(self, code: Code, detail: str, retry_after: int = 0) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class Progress(NamedTuple):
    """How far the building is."""

    done: int
    total: int


@dataclass(slots=True)
class _Found:
    """Orthanc identifiers of all that is there."""

    since: int
    studies: list[str]
    series: list[str]
    xrays: list[str]
    others: list[tuple[str, str]]

    @property
    def total(self) -> int:
        return len(self.studies) + len(self.series) + len(self.xrays)


class Mirror:
    """Any thread may ask; one thread runs `run`.

    Parameters
    ----------
    maximum
        Series and X-rays that it may hold; 0 for no catalogue.
    rush
        Whether the server has more urgent things to do than to read what nobody has asked for.
    """

    def __init__(self, server: Server, maximum: int, rush: Callable[[], bool] = lambda: False) -> None:
        self._server = server
        self._maximum = maximum
        self._rush = rush
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._in_doubt = threading.Event()
        self._rows: Rows | None = None
        self._since = 0
        self._renewed = 0
        self._progress = Progress(0, 0)
        self._too_large = maximum == 0

    # For those who ask

    @contextmanager
    def reading(self) -> Iterator[Rows]:
        """The tables, up to date, for one question at a time.

        Raises
        ------
        CatalogError
            While it loads, or if the archive is too large for it.
        ServerError
            If the index cannot be read.
        """
        if self._in_doubt.is_set():
            raise _comparing()
        if not self._lock.acquire(timeout=PATIENCE_S):
            raise CatalogError(Code.CATALOG_LOADING, "Others are asking.", RETRY_AFTER_S)
        try:
            if self._rows is None:
                raise self._not_there()
            self._follow(self._rows, BACKLOG)
            self._check(self._rows, COMPARED)
            yield self._rows
        finally:
            self._lock.release()

    @property
    def progress(self) -> Progress:
        """How far the building is."""
        return self._progress

    @property
    def ready(self) -> bool:
        """Whether it is built."""
        return self._rows is not None

    def _not_there(self) -> CatalogError:
        self._asked.set()
        if self._too_large:
            detail = f"AI.Catalog.MaximumEntries is {self._maximum}; {Code.CATALOG_TOO_LARGE.sentence}"
            return CatalogError(Code.CATALOG_TOO_LARGE, detail)
        done, total = self._progress
        return CatalogError(Code.CATALOG_LOADING, f"{done} of {total} entries are read.", RETRY_AFTER_S)

    # The thread

    def run(self) -> None:
        """Build it and keep it in step until told to stop."""
        while self._maximum and not self._stopping.is_set():
            pause = UPKEEP_S
            try:
                if self._rows is None:
                    self.load()
                elif self._in_doubt.is_set() or not self._rush():
                    with self._lock:
                        self._follow(self._rows, BACKLOG)
                        self._check(self._rows, self._maximum)
                        self._renew(self._rows)
                    self._in_doubt.clear()
            except CatalogError:
                pause = 0.0  # There is more to catch up with.
            except ServerError as error:
                self._server.error(f"AI: the catalogue cannot be read: {error}; trying again")
                self._stopping.wait(TROUBLE_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, this thread is the only one that builds
                # Without the message, which may name a patient.
                self._server.error(f"AI: {Code.INTERNAL_ERROR}: the catalogue is built anew: {type(error).__name__}")
                with self._lock:
                    self._rows = None
                self._stopping.wait(TROUBLE_S)
            # Unless there is something to compare.
            self._in_doubt.wait(pause)

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()
        self._in_doubt.set()

    # Building

    def load(self) -> None:
        """Build it once; of an archive that is too large, wait instead."""
        # First by its series alone, or a list of all would be made just to be thrown away.
        if self._refuse(self._server.totals()[2], 0):
            return
        found = self._find()
        self._progress = Progress(0, found.total)
        if self._refuse(len(found.series), len(found.xrays)):
            return
        rows = Rows()
        steps: tuple[tuple[Sequence[str], Callable[[Rows, Sequence[str]], None]], ...] = (
            (found.studies, self._read_studies),
            (found.series, self._read_series),
            (found.xrays, self._read_instances),
        )
        for identifiers, read in steps:
            if read == self._read_instances:
                # Before the X-rays: reading one of their series again would count its images.
                rows.put_others(one for one in found.others if not rows.missing("series", [one[1]]))
                rows.count_all_images()
            for chunk in _chunks(identifiers):
                started = time.monotonic()
                read(rows, chunk)
                self._progress = Progress(self._progress.done + len(chunk), found.total)
                if self._pause(time.monotonic() - started):
                    return
        with self._lock:
            self._rows, self._since = rows, found.since

    def _refuse(self, series: int, xrays: int) -> bool:
        self._too_large = series + xrays > self._maximum
        if self._too_large:
            read = f" and {xrays} X-rays" if xrays else ""
            self._server.warn(f"AI: {Code.CATALOG_TOO_LARGE}: the archive has {series} series{read}")
            self._stopping.wait(60 * UPKEEP_S)
        return self._too_large

    def _find(self) -> _Found:
        # First: what comes while the rest is found is then read twice, and nothing is missed.
        since = self._server.changes(_NEWEST, 1, ()).last
        others = [
            one
            for metadata in ({"SopClassUid": "\\".join(sorted(NO_IMAGES))}, OUR_CAPTURES)
            for one in self._server.find("instance", metadata=metadata, content=("Parent",))
        ]
        return _Found(
            since,
            self._server.identifiers("study"),
            self._server.identifiers("series"),
            self._server.identifiers("instance", metadata={XRAY_METADATA: "*"}),
            [(one.identifier, one.parent) for one in others],
        )

    def _pause(self, taken: float) -> bool:
        """Leave time to others, unless somebody waits; whether to stop."""
        if not self._asked.is_set():
            self._stopping.wait(taken * (1 / QUIET_SHARE - 1))
        while self._rush() and not self._asked.is_set() and not self._stopping.is_set():
            self._stopping.wait(UPKEEP_S)
        return self._stopping.is_set()

    # Reading; what is asked for and not there has been deleted

    def _read_studies(self, rows: Rows, identifiers: Sequence[str]) -> None:
        for chunk in _chunks(identifiers):
            rows.put_studies(self._server.read("study", chunk))

    def _read_series(self, rows: Rows, identifiers: Sequence[str], *, stored: bool = False) -> None:
        """Read series; `stored` if they have new instances, so that their studies may be others under the same identifiers."""
        for chunk in _chunks(identifiers):
            found = self._server.read("series", chunk)
            studies = list(dict.fromkeys(one.parent for one in found))
            self._read_studies(rows, studies if stored else rows.missing("study", studies))
            # Its study may have been deleted since.
            orphans = set(rows.missing("study", studies))
            for one in found:
                # As many may have been stored as were deleted.
                rows.remove_instances(rows.held_by(one.identifier) - set(one.children))
            rows.put_series([one for one in found if one.parent not in orphans])
            rows.remove_series(set(chunk) - {one.identifier for one in found if one.parent not in orphans})

    def _read_instances(self, rows: Rows, identifiers: Sequence[str], *, stored: bool = False) -> None:
        """Read instances; `stored` if they are new, so that their series have changed as well."""
        for chunk in _chunks(identifiers):
            found = self._server.read("instance", chunk)
            series = list(dict.fromkeys(one.parent for one in found))
            self._read_series(rows, series if stored else rows.missing("series", series), stored=stored)
            orphans = set(rows.missing("series", series))
            rows.put_instances([one for one in found if one.parent not in orphans])
            rows.remove_instances(set(chunk) - {one.identifier for one in found})

    def _read_settled(self, rows: Rows, studies: Sequence[str]) -> None:
        """Read studies that nothing has come for lately, and their series.

        What Orthanc modifies in place, it first stores and then reconstructs in its index, which leaves nothing in the log.
        """
        for chunk in _chunks(studies):
            found = self._server.read("study", chunk)
            self._read_series(rows, [series for one in found for series in one.children], stored=True)

    # Keeping in step

    def _follow(self, rows: Rows, most: int) -> None:
        """Read the change log on.

        Raises
        ------
        CatalogError
            If there are more than so many rows; these have been read.
        """
        for _ in range(0, most, PAGE):
            changes = self._server.changes(self._since, PAGE, _KINDS)
            stored = {one.resource for one in changes.rows if one.kind == "NewInstance"}
            self._read_instances(rows, sorted(stored), stored=True)
            self._read_instances(rows, sorted(_updated(changes.rows, "instance") - stored))
            self._read_series(rows, sorted(_updated(changes.rows, "series")))
            self._read_settled(rows, sorted({one.resource for one in changes.rows if one.kind == "StableStudy"}))
            self._since = changes.last
            if changes.done:
                break
        else:
            raise CatalogError(Code.CATALOG_LOADING, "Many images have just come in.", RETRY_AFTER_S)
        if rows.entries() > self._maximum:
            self._rows, self._too_large = None, True
            rows.close()
            raise self._not_there()

    def _check(self, rows: Rows, most: int) -> None:
        """Find what was deleted.

        Raises
        ------
        CatalogError
            If the images of more than so many series would have to be counted; the thread does it.
        """
        for _ in range(TRIES):
            there = self._server.totals()
            if there == rows.totals():
                return
            if not self._server.changes(self._since, 1, _KINDS).rows:
                self._repair(rows, there, most)
            self._follow(rows, BACKLOG)

    def _repair(self, rows: Rows, there: tuple[int, int, int, int], most: int) -> None:
        """Compare what there is with what should be, from the top down as far as it differs."""
        held = rows.totals()
        if held[:3] != there[:3]:
            found = set(self._server.identifiers("series"))
            known = rows.identifiers("series")
            rows.remove_series(known - found)
            self._read_whole(rows, found - known)
            held = rows.totals()
        if held[3] == there[3]:
            return
        if held[2] > COMPARED:
            # Nobody shall wait for that, whoever has noticed it.
            self._in_doubt.set()
        if held[2] > most:
            raise _comparing()
        counted = dict(rows.database.execute("SELECT id, instances FROM series").fetchall())
        for chunk in _chunks([unpack(one) for one in counted]):
            if self._stopping.is_set():
                raise _comparing()
            for one in self._server.read("series", chunk):
                if counted[pack(one.identifier)] != len(one.children):
                    self._read_whole(rows, {one.identifier})

    def _renew(self, rows: Rows) -> None:
        """Read some series again, in turn: a change log that was cleared, or an index that was reconstructed, tells nothing."""
        found = rows.behind(self._renewed, RENEWED)
        self._renewed = max(found.values(), default=0)
        self._read_series(rows, list(found), stored=True)
        self._read_instances(rows, sorted(set[str]().union(*map(rows.held_by, found))))

    def _read_whole(self, rows: Rows, series: set[str]) -> None:
        """Read series with all their instances."""
        for chunk in _chunks(sorted(series)):
            self._read_series(rows, chunk)
            for one in self._server.read("series", chunk):
                self._read_instances(rows, one.children)


def _comparing() -> CatalogError:
    return CatalogError(
        Code.CATALOG_LOADING, "Images were deleted; the catalogue is compared with the index.", RETRY_AFTER_S
    )


def _updated(rows: Sequence[Change], level: Level) -> set[str]:
    return {one.resource for one in rows if one.kind == "UpdatedMetadata" and one.level == level}


def _chunks(identifiers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(identifiers), CHUNK):
        yield identifiers[start : start + CHUNK]

"""Which series an export is about, from Orthanc's index."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, read_outcome, search_pattern
from ..server import Level, Resource, Server
from .orders import Format, Window

_PAGE = 1000
_ORDER: tuple[str, str, Literal["ASC"]] = ("Metadata", "LastUpdate", "ASC")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is about: the request of its batch, in our own terms.

    Attributes
    ----------
    patients, studies, series
        Orthanc identifiers; if none is named, the whole archive is meant.
    label
        Only studies that bear it; empty for all.
    roles, phases
        Only series of these roles, only phases with these labels; all if none is named.
    accepted_only
        Leave out series that were not accepted, whatever volumes they make.
    formats, windows
        What to write.
    """

    patients: tuple[str, ...]
    studies: tuple[str, ...]
    series: tuple[str, ...]
    label: str
    roles: tuple[str, ...]
    phases: tuple[str, ...]
    accepted_only: bool
    formats: tuple[Format, ...]
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Wanted":
        """Read the request of a batch, which was checked when it was taken in."""
        return cls(
            patients=tuple(request["patients"]),
            studies=tuple(request["studies"]),
            series=tuple(request["series"]),
            label=request["label"],
            roles=tuple(request["roles"]),
            phases=tuple(request["phases"]),
            accepted_only=request["acceptedOnly"],
            formats=tuple(request["formats"]),
            windows=tuple(Window(**window) for window in request["windows"]),
        )


def choose(server: Server, wanted: Wanted) -> Iterator[Resource]:
    """The CT series that are meant, each once; read in pages.

    Raises
    ------
    ServerError
    """
    seen: set[str] = set()
    for series in _candidates(server, wanted):
        if series.identifier in seen or series.tags.get("Modality") != "CT":
            continue
        seen.add(series.identifier)
        outcome = read_outcome(series.metadata, CARDIAC_METADATA)
        if not wanted.roles or (outcome and outcome.data.get("role") in wanted.roles):
            yield series


def _candidates(server: Server, wanted: Wanted) -> Iterator[Resource]:
    if wanted.patients or wanted.studies or wanted.series:
        return _named(server, wanted)
    if wanted.label:
        studies = (study.identifier for study in _pages(server, "study", labels=(wanted.label,)))
        return _of_studies(server, studies)
    if wanted.accepted_only:
        return _pages(server, "series", metadata={CARDIAC_METADATA: search_pattern(Code.ACCEPTED)})
    return _pages(server, "series", query={"Modality": "CT"})


def _named(server: Server, wanted: Wanted) -> Iterator[Resource]:
    def labelled(study: str) -> bool:
        resource = server.resource("study", study) if wanted.label else None
        return not wanted.label or (resource is not None and wanted.label in resource.labels)

    studies = dict.fromkeys(wanted.studies)
    for patient in wanted.patients:
        studies |= dict.fromkeys(study.identifier for study in server.children("patient", patient, "study"))
    yield from _of_studies(server, filter(labelled, studies))
    for identifier in wanted.series:
        series = server.resource("series", identifier)
        if series and labelled(series.parent):
            yield series


def _of_studies(server: Server, studies: Iterable[str]) -> Iterator[Resource]:
    for study in studies:
        yield from server.children("study", study, "series")


def _pages(server: Server, level: Level, **conditions: Any) -> Iterator[Resource]:
    """Resources of the whole archive. What is deleted meanwhile may hide another one; what is added is found, or not."""
    start = 0
    while found := server.find(level, since=start, limit=_PAGE, order=[_ORDER], **conditions):
        yield from found
        start += len(found)

"""`Selection`: which images, and so which series, a question or a batch means; read straight from Orthanc's index.

An image is meant if it passes all filters, a series if it holds such an image. Where patients, studies, series or images are
named, only what belongs to one of them is; otherwise the whole archive.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from ..codes import Code
from ..outcomes import CARDIAC_METADATA, XRAY_METADATA, Outcome, read_outcome, search_pattern
from ..server import Content, Level, Resource, Server
from .image_classes import is_image_instance
from .patterns import in_range, index_pattern, matches

PAGE = 1000
"""Rows of the index read at once: each takes about 2 KB."""

OVERLAP = 100
"""Rows that two pages have in common: what is deleted meanwhile moves the rest forward, into them."""

MILLION = 1_000_000

TAGS = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("StudyDate", "StudyDescription", "Modality", "BodyPartExamined", "SeriesDescription"),
)
"""What every image is answered with beside its own main tags."""

_ORDER: Mapping[Level, Sequence[tuple[Literal["DicomTag", "Metadata"], str, Literal["ASC"]]]] = {
    "instance": (("Metadata", "ReceptionDate", "ASC"), ("DicomTag", "SOPInstanceUID", "ASC")),
    "series": (("Metadata", "LastUpdate", "ASC"), ("DicomTag", "SeriesInstanceUID", "ASC")),
    "study": (("Metadata", "LastUpdate", "ASC"), ("DicomTag", "StudyInstanceUID", "ASC")),
}

_CONTENT: tuple[Content, ...] = ("MainDicomTags", "Metadata", "Parent")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images are meant. What is empty or ``None`` limits nothing.

    Attributes
    ----------
    patients, studies, series, instances
        Orthanc identifiers.
    patient_id
        Patient ID, exactly.
    modality
        Modalities of the series; one of them is enough.
    body_part
        Body Part Examined of the series.
    study_date
        As in DICOM queries: ``20260131``, ``20260101-``, ``-20261231``, ``20260101-20261231``.
    study_description, series_description
        With ``*`` and ``?`` for any characters and any one.
    label
        A label of Orthanc that the study bears.
    code
        Outcome of the X-ray, or of the CT series that the image belongs to.
    finding
        The model's name of a finding that the X-ray has a score of.
    minimum, maximum
        Of that score, 0 to 1, inclusive; without a finding, of the score of any.
    model
        Name of the model that read the X-ray or that it waits for.
    roles
        What the CT series that the image belongs to is for; one of them is enough.

    Upper and lower case count alike in all but identifiers, labels, findings and models.
    """

    patients: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    patient_id: str = ""
    modality: tuple[str, ...] = ()
    body_part: str = ""
    study_date: str = ""
    study_description: str = ""
    series_description: str = ""
    label: str = ""
    code: str = ""
    finding: str = ""
    minimum: float | None = None
    maximum: float | None = None
    model: str = ""
    roles: tuple[str, ...] = ()

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Selection":
        """Read a selection back from the JSON that `to_json` makes. It was checked when it was asked for."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            value = content.get(_json_name(one.name))
            if value is not None:
                values[one.name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The selection as JSON; what limits nothing is left out."""
        values = {_json_name(one.name): getattr(self, one.name) for one in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in ((), "", None)
        }

    @property
    def names_any(self) -> bool:
        """Whether it names patients, studies, series or images."""
        return bool(self.patients or self.studies or self.series or self.instances)

    def admits_tags(self, tags: Mapping[str, Any]) -> bool:
        """Whether the tags of an image, or of a series, pass the filters; `TAGS` has all that it looks at."""

        def tag(keyword: str) -> str:
            return str(tags.get(keyword, ""))

        return (
            (not self.patient_id or tag("PatientID").strip() == self.patient_id.strip())
            and (not self.modality or any(matches(tag("Modality"), one, wildcards=False) for one in self.modality))
            and (not self.body_part or matches(tag("BodyPartExamined"), self.body_part, wildcards=False))
            and (not self.study_date or in_range(tag("StudyDate"), self.study_date))
            and (not self.study_description or matches(tag("StudyDescription"), self.study_description))
            and (not self.series_description or matches(tag("SeriesDescription"), self.series_description))
        )

    def admits_outcomes(self, xray: Outcome | None, series: Outcome | None) -> bool:
        """Whether what became of an image passes the filters.

        Parameters
        ----------
        xray
            Its own outcome, if it is an X-ray.
        series
            That of its series, if that is of CT.
        """
        if self.roles and (series is None or series.data.get("role") not in self.roles):
            return False
        if self.code and self.code not in [one.code for one in (xray, series) if one]:
            return False
        if self.model and (xray is None or xray.model != self.model):
            return False
        if not self.is_scored:
            return True
        found = scores(xray) if xray else {}
        lowest, highest = limits(self)
        return any(
            lowest <= millionths(one.score) <= highest for label, one in found.items() if self.finding in ("", label)
        )

    @property
    def is_scored(self) -> bool:
        """Whether it is about the scores of X-rays."""
        return bool(self.finding) or self.minimum is not None or self.maximum is not None

    def index_query(self) -> dict[str, str]:
        """The part of the filters that Orthanc's index can apply to images: it admits what they admit, maybe more."""
        wanted = {
            "PatientID": index_pattern(self.patient_id),
            "Modality": "\\".join(self.modality),
            "BodyPartExamined": index_pattern(self.body_part),
            "StudyDate": self.study_date,
            "StudyDescription": index_pattern(self.study_description),
            "SeriesDescription": index_pattern(self.series_description),
        }
        return {keyword: value for keyword, value in wanted.items() if value}


class Score(NamedTuple):
    """What a model said of one finding: 0 to 1, whether it is present, if it decided that, and from which score on it is."""

    score: float
    presence: bool | None
    threshold: float | None


def scores(outcome: Outcome) -> dict[str, Score]:
    """Scores of an X-ray by the model's name of the finding; what somebody has spoiled is left out."""
    found: dict[str, Score] = {}
    stored = outcome.data.get("findings", ())
    for one in stored if isinstance(stored, list) else ():
        label, score = (one.get("label"), one.get("score")) if isinstance(one, dict) else (None, None)
        if (
            isinstance(label, str)
            and isinstance(score, int | float)
            and not isinstance(score, bool)
            and 0 <= score <= 1
        ):
            presence, threshold = one.get("presence"), one.get("threshold")
            found[label] = Score(
                float(score),
                presence if isinstance(presence, bool) else None,
                float(threshold) if isinstance(threshold, int | float) and 0 <= threshold <= 1 else None,
            )
    return found


def millionths(score: float) -> int:
    """A score as it is compared: outcomes have six decimals."""
    return round(score * MILLION)


def excess(one: Score) -> int:
    """By how many millionths a score is above its threshold; negative below it."""
    return millionths(one.score) - millionths(one.threshold or 0.0)


def limits(selection: Selection) -> tuple[int, int]:
    """Lowest and highest score that a selection admits, in millionths."""
    lowest = 0 if selection.minimum is None else math.ceil(round(selection.minimum * MILLION, 3))
    highest = MILLION if selection.maximum is None else math.floor(round(selection.maximum * MILLION, 3))
    return lowest, highest


def images(server: Server, selection: Selection, tags: Sequence[str] = ()) -> Iterator[Resource]:
    """The image instances that are meant, each once: with `TAGS`, their metadata and their series as parent.

    They are read in pages, those of the whole archive by their reception, oldest first. What arrives meanwhile is found or
    not; what is deleted meanwhile hides no other.

    Parameters
    ----------
    tags
        Further tags to answer with; Orthanc opens a file for each that its index does not have, or leaves it out
        (`StorageAccessOnFind`).

    Raises
    ------
    ServerError
    """
    wanted = tuple(dict.fromkeys((*TAGS, *tags)))
    walked: set[str] = set()
    if selection.names_any or selection.label or selection.roles or selection.code:
        for one in _candidates(server, selection):
            if one.identifier not in walked:
                walked.add(one.identifier)
                yield from _images_of(server, selection, one, wanted)
        for identifier in selection.instances:
            yield from _named_image(server, selection, identifier, walked, wanted)
        if selection.names_any or selection.label or selection.roles:
            return
    pattern = search_pattern(Code(selection.code)) if selection.code else "*"
    xrays = bool(selection.code or selection.model or selection.is_scored)
    metadata = {XRAY_METADATA: pattern} if xrays else {}
    for image in _pages(server, "instance", wanted, query=selection.index_query(), metadata=metadata):
        if image.parent not in walked and _is_meant(selection, image, None):
            yield image


def series(server: Server, selection: Selection) -> Iterator[Resource]:
    """The series that hold an image which is meant, each once, with `TAGS` and metadata; read in pages.

    Raises
    ------
    ServerError
    """
    if selection.instances or selection.model or selection.is_scored or selection.code:
        seen: set[str] = set()
        for image in images(server, selection):
            if image.parent not in seen:
                seen.add(image.parent)
                found = server.resource("series", image.parent, TAGS)
                if found:
                    yield found
        return
    walked: set[str] = set()
    for one in _candidates(server, selection):
        if one.identifier not in walked:
            walked.add(one.identifier)
            if next(_images_of(server, selection, one, TAGS), None):
                yield one


def _candidates(server: Server, selection: Selection) -> Iterator[Resource]:
    """Series, some of them maybe twice, that hold all the images which are meant, but for X-rays that only the code tells."""
    if selection.names_any:
        studies = dict.fromkeys(selection.studies)
        for patient in selection.patients:
            studies |= dict.fromkeys(one.identifier for one in server.children("patient", patient, "study", content=()))
        yield from _of_studies(server, (one for one in studies if _is_labelled(server, selection, one)))
        for identifier in selection.series:
            found = server.resource("series", identifier, TAGS)
            if found and _is_labelled(server, selection, found.parent):
                yield found
    elif selection.label:
        labelled = _pages(server, "study", (), labels=(selection.label,))
        yield from _of_studies(server, (one.identifier for one in labelled))
    else:
        judged = {CARDIAC_METADATA: search_pattern(Code(selection.code)) if selection.code else "*"}
        metadata = judged if selection.code or selection.roles else {}
        yield from _pages(server, "series", TAGS, query=selection.index_query(), metadata=metadata)


def _of_studies(server: Server, studies: Iterable[str]) -> Iterator[Resource]:
    for study in studies:
        yield from server.children("study", study, "series", TAGS, _CONTENT)


def _is_labelled(server: Server, selection: Selection, study: str) -> bool:
    if not selection.label:
        return True
    found = server.resource("study", study)
    return found is not None and selection.label in found.labels


def _images_of(server: Server, selection: Selection, one: Resource, tags: Sequence[str]) -> Iterator[Resource]:
    """The images of a series that are meant."""
    if selection.admits_tags(one.tags):
        outcome = read_outcome(one.metadata, CARDIAC_METADATA)
        for image in server.children("series", one.identifier, "instance", tags, _CONTENT):
            if _is_meant(selection, image, outcome):
                yield image


def _named_image(
    server: Server, selection: Selection, identifier: str, walked: set[str], tags: Sequence[str]
) -> Iterator[Resource]:
    """An image that is named, unless its series is as well."""
    image = server.resource("instance", identifier, tags)
    of = server.resource("series", image.parent) if image and image.parent not in walked else None
    if image is None or of is None or not _is_labelled(server, selection, of.parent):
        return
    if _is_meant(selection, image, read_outcome(of.metadata, CARDIAC_METADATA)):
        yield image


def _is_meant(selection: Selection, image: Resource, of_series: Outcome | None) -> bool:
    return (
        is_image_instance(image)
        and selection.admits_tags(image.tags)
        and selection.admits_outcomes(read_outcome(image.metadata, XRAY_METADATA), of_series)
    )


def _pages(server: Server, level: Level, tags: Sequence[str], **conditions: Any) -> Iterator[Resource]:
    """Resources of the whole archive, oldest first."""
    start, before = 0, frozenset[str]()
    while True:
        found = server.find(
            level,
            tags=tags,
            since=start,
            limit=PAGE,
            order=_ORDER[level],
            case_sensitive=False,  # as Orthanc can do it beyond the first row
            content=_CONTENT,
            **conditions,
        )
        yield from (one for one in found if one.identifier not in before)
        if len(found) < PAGE:
            return
        before = frozenset(one.identifier for one in found)
        start += PAGE - OVERLAP


def _json_name(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(part.capitalize() for part in rest)

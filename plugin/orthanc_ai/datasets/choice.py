"""Which images a dataset is made of, from Orthanc's index, and what is known of each before it is opened."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..catalog.selection import TAGS, Selection, images, series
from ..corrections.correction import Correction
from ..corrections.desk import there
from ..corrections.journal import JournalError, from_text
from ..outcomes import CARDIAC_METADATA, CORRECTIONS_METADATA, XRAY_METADATA, Outcome, read_outcome
from ..server import Resource, Server
from .labels import Identifiers

_TAGS = ("IssuerOfPatientID",)
"""What is needed beside `catalog.selection.TAGS`; orthanc.json has Orthanc's index keep it."""

_LEVELS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")

_KEPT = frozenset({*TAGS, *_TAGS, "SOPInstanceUID", "InstanceNumber", "AccessionNumber"})
"""What is kept in memory of each image."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One instance of the selection.

    Attributes
    ----------
    instance
        Orthanc identifier.
    tags
        Main tags of it and of what it belongs to.
    findings
        Scores of an X-ray by the model's name of the finding, in the model's order.
    thresholds
        Thresholds of those that have one.
    model, recipe
        Which model, and the digest of everything that determined the scores; empty if there are none.
    role
        What its CT series is for.
    """

    instance: str
    tags: Mapping[str, Any]
    findings: Mapping[str, float]
    thresholds: Mapping[str, float]
    model: str = ""
    recipe: str = ""
    role: str = ""

    def tag(self, keyword: str) -> str:
        """A tag as text, without padding; empty if it is missing."""
        return str(self.tags.get(keyword) or "").strip(" \0")

    @property
    def identifiers(self) -> Identifiers:
        """What the image is called by in a table of labels."""
        levels = [str(self.tags.get(keyword, "")) for keyword in _LEVELS]
        return Identifiers(
            sop_instance_uid=self.tag("SOPInstanceUID"),
            series_instance_uid=self.tag("SeriesInstanceUID"),
            study_instance_uid=self.tag("StudyInstanceUID"),
            accession_number=self.tag("AccessionNumber"),
            patient_id=self.tag("PatientID"),
            issuer=self.tag("IssuerOfPatientID"),
            orthanc=(self.instance, *(_orthanc_id(levels[:count]) for count in (3, 2, 1))),
        )


@dataclass(slots=True)
class Said:
    """What readers have stated about the image at hand, oldest first."""

    latest: list[Correction] = field(default_factory=list)


def choose(
    server: Server,
    selection: Selection,
    check: Callable[[], None],
    further: Sequence[str] = (),
    said: "Said | None" = None,
) -> Iterator[Chosen]:
    """The images of a selection, each once; read in pages.

    Parameters
    ----------
    check
        Called now and then: raises what is to end the work.
    further
        Tags that are needed too.
    said
        Gets what readers have stated about each image before that is given; ``None``: nobody wants to know.

    Raises
    ------
    ServerError
    """
    roles: dict[str, str] = {}
    for resource in images(server, selection, (*_TAGS, *further)):
        check()
        outcome = read_outcome(resource.metadata, XRAY_METADATA)
        scores, thresholds = _scores(outcome)
        if said is not None:
            said.latest = _stated(server, resource)
        yield Chosen(
            resource.identifier,
            {keyword: value for keyword, value in resource.tags.items() if keyword in _KEPT},
            scores,
            thresholds,
            model=outcome.model if outcome and scores else "",
            recipe=outcome.recipe if outcome and scores else "",
            role=_role(server, resource, roles) if resource.tags.get("Modality") == "CT" else "",
        )


def choose_volumes(
    server: Server,
    selection: Selection,
    check: Callable[[], None],
    further: Sequence[str] = (),
    _said: "Said | None" = None,
) -> Iterator[Chosen]:
    """The CT series of a selection, each once; see `choose`. Their ``instance`` is the identifier of the series.

    Raises
    ------
    ServerError
    """
    for found in series(server, selection):
        check()
        if found.tags.get("Modality") != "CT":
            continue
        asked = server.resource("series", found.identifier, (*TAGS, *_TAGS, *further))
        tags = {**found.tags, **(asked.tags if asked else {})}
        outcome = read_outcome(found.metadata, CARDIAC_METADATA)
        role = outcome.data.get("role") if outcome else None
        kept = {keyword: value for keyword, value in tags.items() if keyword in _KEPT}
        yield Chosen(found.identifier, kept, {}, {}, role=role if isinstance(role, str) else "")


def _orthanc_id(identifiers: Sequence[str]) -> str:
    """Orthanc's identifier: SHA-1 of the DICOM identifiers from the patient down (Orthanc Book, "Orthanc identifiers")."""
    return hashlib.sha1("|".join(identifiers).encode(), usedforsecurity=False).digest().hex("-", 4)


def _scores(outcome: Outcome | None) -> tuple[dict[str, float], dict[str, float]]:
    """Scores and thresholds; what somebody has spoiled is left out."""
    scores, thresholds = dict[str, float](), dict[str, float]()
    stored = outcome.data.get("findings") if outcome else None
    for one in stored if isinstance(stored, list) else ():
        if isinstance(one, dict) and isinstance(one.get("label"), str) and _is_fraction(one.get("score")):
            scores[one["label"]] = float(one["score"])
            if _is_fraction(one.get("threshold")):
                thresholds[one["label"]] = float(one["threshold"])
    return scores, thresholds


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _stated(server: Server, image: Resource) -> list[Correction]:
    """What readers have stated about an image and not taken back; what somebody has spoiled is left out."""
    text = image.metadata.get(CORRECTIONS_METADATA)
    try:
        return [one for one, _ in there(server, image, from_text(text))] if text else []
    except JournalError:
        return []


def _role(server: Server, image: Resource, known: dict[str, str]) -> str:
    if image.parent not in known:
        text = server.metadata("series", image.parent, CARDIAC_METADATA)
        outcome = read_outcome({CARDIAC_METADATA: text}, CARDIAC_METADATA) if text else None
        role = outcome.data.get("role") if outcome else None
        known[image.parent] = role if isinstance(role, str) else ""
    return known[image.parent]

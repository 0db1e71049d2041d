"""Which earlier report a radiograph is compared with, from Orthanc's index alone.

A prior is an image of an earlier study of the same patient, read by the same model with the same weights from the same side.
When in doubt whose an image is, or which of two is the earlier one, there is no prior: a change that is none is worse than
none at all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cardiac.patients import Identity, quarantine
from ..codes import Code
from ..outcomes import WEIGHTS_DIGITS, XRAY_METADATA, read_outcome, search_pattern
from ..report.prior import Prior
from ..server import Resource, Server
from .words import View, view_named

STUDIES_COMPARED = 50
"""How many of a patient's studies of the same day or earlier are compared with, the latest first. A patient who has more is
hardly one: among 2,000 studies with one Patient ID, each takes Orthanc 0.3 ms."""

STUDIES_LOOKED_INTO = 8
"""In how many of them with radiographs a report is looked for. One further back says little of what has changed."""

IMAGES_LOOKED_AT = 20
"""How many reported radiographs of one study are looked at; an examination of the chest has one to four."""

_MODALITIES = frozenset({"CR", "DX", "RG", "OT"})
"""Those of radiographs that are read; with OT, the SOP class says that it is one (see `select.is_xray`)."""

_DATE = re.compile(r"(?!0000)\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])(?:([0-5]\d)(?:([0-5]\d|60)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_PADDING = " \0"


@dataclass(frozen=True, slots=True)
class Moment:
    """When an image was made, as far as it is known; texts that sort, empty where nothing usable is stated.

    Attributes
    ----------
    date, time
        Study Date and Study Time.
    image_time
        Acquisition Time, or Content Time, of the image.
    received
        When Orthanc received the image.
    """

    date: str
    time: str
    image_time: str
    received: str

    @classmethod
    def of(cls, study: Resource, image: Resource) -> "Moment":
        """Read it from the index."""
        return cls(
            _date(study.tags),
            _time(study.tags, "StudyTime"),
            _time(image.tags, "AcquisitionTime") or _time(image.tags, "ContentTime"),
            image.metadata.get("ReceptionDate", ""),
        )

    def precedes(self, other: "Moment") -> bool:
        """Whether this one is the earlier one for certain.

        On one day the times decide, of the study and then of the image, as far as both state them. If neither pair is stated,
        it is the order in which they came; if all are stated and equal, one is a copy of the other.
        """
        if not self.date or not other.date:
            return False
        if self.date != other.date:
            return self.date < other.date
        stated = False
        for own, others in ((self.time, other.time), (self.image_time, other.image_time)):
            if own and others:
                if own != others:
                    return own < others
                stated = True
        return not stated and self.received < other.received


def find_prior(server: Server, resource: Resource, *, model: str, weights: str) -> Prior | None:
    """The patient's latest earlier report by the same model.

    Parameters
    ----------
    resource
        The image, with its main tags and metadata.
    model
        Name of the model.
    weights
        Digest of its weights, or the first `WEIGHTS_DIGITS` of it.

    Returns
    -------
    ``None`` if there is none, if the study does not say whose it is, or if another study contradicts it (see
    `cardiac.patients`).
    """
    study = server.study_of("instance", resource.identifier)
    if study is None or not _date(study.tags) or Identity.from_tags(study.tags).key is None:
        return None
    chosen = _Wanted(study, resource, model, weights[:WEIGHTS_DIGITS])
    candidates = _candidates(server, study)
    if not candidates:
        return None
    whose = {study.identifier: Identity.from_tags(study.tags)}
    whose |= {one.identifier: Identity.from_tags(one.tags) for one in candidates}
    if _is_contradicted(server, study.identifier, whose):
        return None
    own = whose[study.identifier]
    radiographs = [one for one in candidates if whose[one.identifier].key == own.key and _has_radiographs(one)]
    for one in radiographs[:STUDIES_LOOKED_INTO]:
        found = [prior for prior in chosen.among(server, one) if _is_there(server, prior)]
        if found and not _is_contradicted(server, one.identifier, whose):
            return found[0]
    return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an earlier report must be."""

    study: Resource
    image: Resource
    model: str
    weights: str

    def among(self, server: Server, study: Resource) -> Sequence[Prior]:
        """The reports on the radiographs of an earlier study, the latest radiograph first."""
        images = server.find(
            "instance",
            parent=("study", study.identifier),
            metadata={XRAY_METADATA: search_pattern(Code.REPORTED)},
            limit=IMAGES_LOOKED_AT,
            content=("MainDicomTags", "Metadata"),
        )
        own = Moment.of(self.study, self.image)
        moments = {one.identifier: Moment.of(study, one) for one in images}
        earlier = [one for one in images if self._matches(one) and moments[one.identifier].precedes(own)]
        earlier.sort(key=lambda one: (*_key(moments[one.identifier]), one.identifier), reverse=True)
        return [prior for prior in (self._prior(study, one) for one in earlier) if prior is not None]

    def _matches(self, image: Resource) -> bool:
        return view_of(image) == view_of(self.image) and _sop_instance_uid(image) != _sop_instance_uid(self.image)

    def _prior(self, study: Resource, image: Resource) -> Prior | None:
        outcome = read_outcome(image.metadata, XRAY_METADATA)
        # A demonstration never meets the real: both have the same model and weights.
        if outcome is None or outcome.result is None or outcome.model != self.model:
            return None
        scores = _scores(outcome.data.get("findings"))
        if outcome.data.get("weights") != self.weights or not scores:
            return None
        return Prior(
            sop_class_uid=outcome.result.sop_class_uid,
            sop_instance_uid=outcome.result.sop_instance_uid,
            series_instance_uid=outcome.result.series_instance_uid,
            study_instance_uid=outcome.result.study_instance_uid,
            image=_sop_instance_uid(image),
            date=_date(study.tags),
            scores=scores,
        )


def view_of(image: Resource) -> View | str | None:
    """From which side an image was taken, by its View Position; ``None`` if that says nothing.

    A view that is none of those in words, e.g. RAO, is the view that it is. PA and AP are two: the heart looks larger in the
    latter.
    """
    position = str(image.tags.get("ViewPosition") or "").strip(_PADDING).upper()
    return view_named(position) or position or None


def _candidates(server: Server, study: Resource) -> Sequence[Resource]:
    """Studies of Orthanc's patient of the same day or earlier, the latest first, the study itself left out."""
    found = server.find(
        "study",
        {"StudyDate": f"-{_date(study.tags)}"},
        parent=("patient", study.parent),
        tags=("ModalitiesInStudy",),
        limit=STUDIES_COMPARED,
        order=(("DicomTag", "StudyDate", "DESC"),),
        content=("MainDicomTags",),
    )
    others = [one for one in found if one.identifier != study.identifier and _date(one.tags)]
    return sorted(others, key=lambda one: (_date(one.tags), _time(one.tags, "StudyTime")), reverse=True)


def _has_radiographs(study: Resource) -> bool:
    modalities = str(study.tags.get("ModalitiesInStudy") or "")
    return not modalities or not _MODALITIES.isdisjoint(modalities.split("\\"))


def _is_contradicted(server: Server, study: str, whose: Mapping[str, Identity]) -> bool:
    """Whether a study is in quarantine by what the others say, among them any of another patient with its UID."""
    own = whose[study]
    others = [identity for name, identity in whose.items() if name != study]
    bearers = server.lookup(own.study_instance_uid) if own.study_instance_uid else ()
    for level, identifier in bearers:
        if level == "study" and identifier not in whose:
            bearer = server.resource("study", identifier)
            others += [] if bearer is None else [Identity.from_tags(bearer.tags)]
    return quarantine(own, others) is not None


def _is_there(server: Server, prior: Prior) -> bool:
    """Whether nobody has deleted the report."""
    return any(level == "instance" for level, _ in server.lookup(prior.sop_instance_uid))


def _scores(findings: Any) -> dict[str, float]:
    """Scores by label, as an outcome lists them; empty if any of them is none: metadata can be edited."""
    try:
        scores = {str(one["label"]): float(one["score"]) for one in findings}
    except (TypeError, KeyError, ValueError):
        return {}
    return scores if all(0 <= score <= 1 for score in scores.values()) else {}


def _key(moment: Moment) -> tuple[str, str, str, str]:
    return moment.date, moment.time, moment.image_time, moment.received


def _sop_instance_uid(image: Resource) -> str:
    return str(image.tags.get("SOPInstanceUID") or "").strip(_PADDING)


def _date(tags: Mapping[str, Any]) -> str:
    """Study Date, empty if it is none."""
    text = str(tags.get("StudyDate") or "").strip(_PADDING)
    return text if _DATE.fullmatch(text) else ""


def _time(tags: Mapping[str, Any], keyword: str) -> str:
    """A time with all its digits, so that times compare as texts; empty if it is none."""
    match = _TIME.fullmatch(str(tags.get(keyword) or "").strip(_PADDING))
    if match is None:
        return ""
    hours, minutes, seconds, fraction = (part or "" for part in match.groups())
    return f"{hours}{minutes:0<2}{seconds:0<2}.{fraction:0<6}"

"""Finding what a filter wants: the questions to the peer, and what of its answers is wanted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from ..cardiac.words import normalised
from ..codes import Code
from .peers import Peer
from .plan import Series, Study
from .question import Answer, is_uid
from .request import CollectionRequest

Ask = Callable[[Callable[[], Sequence[Answer]]], Sequence[Answer]]
"""Asks, and asks again where that is of use."""


@dataclass
class Findings:
    """What was found so far.

    Attributes
    ----------
    questions, asked
        How many patients or days are asked about, and have been.
    found
        Studies that the peer has named.
    studies
        Those that are wanted.
    left_out
        Why others are not, with the numbers of series; those of a study that was left out as a whole count as one.
    """

    questions: int
    asked: int = 0
    found: int = 0
    studies: list[Study] = field(default_factory=list)
    left_out: Counter[Code] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """The numbers in JSON types."""
        instances = [study.instances for study in self.studies]
        return {
            "questions": self.questions,
            "asked": self.asked,
            "found": self.found,
            "studies": len(self.studies),
            "series": sum(len(study.series) for study in self.studies),
            "instances": sum(count or 0 for count in instances),
            # Of these the peer does not say how many instances they have.
            "studiesOfUnstatedSize": instances.count(None),
            "leftOut": {str(code): count for code, count in sorted(self.left_out.items())},
        }


def search(peer: Peer, request: CollectionRequest, today: date, ask: Ask) -> Iterator[Findings]:
    """Find what is wanted, question by question.

    Yields
    ------
    What was found so far, the same object each time.

    Raises
    ------
    PeerError
        From `ask`.
    """
    questions = list(request.questions(today))
    findings = Findings(len(questions))
    seen: set[str] = set()
    yield findings
    for keys in questions:
        for answer in ask(partial(peer.ask, "study", keys)):
            uid = answer.get("StudyInstanceUID", "").strip()
            if uid in seen:
                continue
            seen.add(uid)
            findings.found += 1
            reason = _study_unwanted(request, keys, uid, answer)
            if reason:
                findings.left_out[reason] += 1
                continue
            series = ask(partial(peer.ask, "series", {"StudyInstanceUID": uid}))
            study = _study(request, uid, answer, series, findings.left_out)
            if study.series:
                findings.studies.append(study)
            yield findings
        findings.asked += 1
        yield findings


def _study_unwanted(request: CollectionRequest, keys: Mapping[str, str], uid: str, answer: Answer) -> Code | None:
    """Why a study is not wanted, whatever its series are: archives do not heed every key."""
    if not is_uid(uid):
        return Code.ATTRIBUTE_INVALID
    patient = answer.get("PatientID", "").strip()
    if "PatientID" in keys and patient != keys["PatientID"]:
        return Code.PATIENT_NOT_WANTED
    if not request.admits_date(answer.get("StudyDate", "")):
        return Code.DATE_NOT_WANTED
    modalities = {one.strip() for one in answer.get("ModalitiesInStudy", "").split("\\")} - {""}
    if request.modalities and modalities and modalities.isdisjoint(request.modalities):
        return Code.MODALITY_NOT_WANTED
    return None


def _study(
    request: CollectionRequest, uid: str, answer: Answer, series: Iterable[Answer], left_out: Counter[Code]
) -> Study:
    description = answer.get("StudyDescription", "").strip()
    wanted: dict[str, Series] = {}
    others = 0
    for one in series:
        reason = series_unwanted(request, description, one)
        if reason:
            left_out[reason] += 1
            others += 1
        else:
            made = _series(one)
            wanted[made.series_instance_uid] = made
    return Study(
        study_instance_uid=uid,
        patient_id=answer.get("PatientID", "").strip(),
        issuer=answer.get("IssuerOfPatientID", "").strip(),
        date=answer.get("StudyDate", "").strip(),
        description=description,
        series=tuple(wanted.values()),
        others=others,
    )


def series_unwanted(request: CollectionRequest, study_description: str, answer: Answer) -> Code | None:
    """Why a series is not wanted; ``None`` if it is.

    Parameters
    ----------
    answer
        What the peer says of it.
    """
    if not is_uid(answer.get("SeriesInstanceUID", "").strip()):
        return Code.ATTRIBUTE_INVALID
    if request.modalities and answer.get("Modality", "").strip().upper() not in request.modalities:
        return Code.MODALITY_NOT_WANTED
    if request.body_parts:
        body_part = answer.get("BodyPartExamined", "").strip().upper()
        if not body_part and request.unstated_body_part == "skip":
            return Code.BODY_PART_NOT_STATED
        if body_part and body_part not in request.body_parts:
            return Code.BODY_PART_NOT_WANTED
    description = answer.get("SeriesDescription", "")
    # Apart, so that no word is found across the two.
    if request.words and not (_says(request.words, description) or _says(request.words, study_description)):
        return Code.DESCRIPTION_NOT_WANTED
    if _says(request.not_words, description):
        return Code.DESCRIPTION_NOT_WANTED
    return None


def _says(words: Iterable[str], text: str) -> bool:
    plain = normalised(text)
    return any(normalised(word) in plain for word in words)


def _series(answer: Answer) -> Series:
    count = answer.get("NumberOfSeriesRelatedInstances", "").strip()
    return Series(
        series_instance_uid=answer["SeriesInstanceUID"].strip(),
        modality=answer.get("Modality", "").strip(),
        body_part=answer.get("BodyPartExamined", "").strip(),
        description=answer.get("SeriesDescription", "").strip(),
        number=answer.get("SeriesNumber", "").strip(),
        instances=int(count) if count.isascii() and count.isdigit() else None,
    )

"""What has changed since the patient's earlier report by the same model, as a findings report states it.

OHIF prints nothing below a text or number, so the sentence and the changes are direct items of their containers, and the
reference to the earlier report, which only programs need, stands below the sentence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from highdicom.sr import (
    CompositeContentItem,
    ContentSequence,
    DateContentItem,
    NumContentItem,
    RelationshipTypeValues,
    TextContentItem,
    UIDRefContentItem,
)
from pydicom.dataset import Dataset

from ..concepts import Concept, Finding
from . import tree, vocabulary
from .charset import make_ascii
from .document import reference_item
from .encoding import Fragment, encode_item
from .header import InstanceReference
from .prior import Prior
from .uids import derive_uid
from .values import date_value, floating_point_value, meaning, numeric_value, reference, text_value, uid_value
from .vocabulary import coded

CONCEPTS = (vocabulary.CHANGE,)
"""Concepts of a comparison that are in the private scheme."""

_DATE_FORM = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)

_PROBE_CLASS: Final = derive_uid("probe", "prior", "SOP class")
_PROBE_INSTANCE: Final = derive_uid("probe", "prior", "SOP instance")
_PROBE_IMAGE: Final = derive_uid("probe", "prior", "image")
_PROBE_DATE: Final = "19000101"
_PROBE_SENTENCE: Final = "probe"
_PROBE_CHANGE: Final = -1.0

_SENTENCE, _REPORT, _DATE, _IMAGE, _MEANING, _CHANGE, _EXACT = (
    "sentence",
    "report",
    "date",
    "image",
    "meaning",
    "change",
    "exact change",
)


def check(prior: Prior) -> None:
    """Refuse what no earlier report says.

    Raises
    ------
    ValueError
        If the date is none, or a score is not 0 to 1.
    """
    if not _DATE_FORM.fullmatch(prior.date):
        raise ValueError(f"date of the earlier image {prior.date!r}; allowed: YYYYMMDD")
    for label, score in prior.scores.items():
        if not 0 <= score <= 1:  # refuses NaN too
            raise ValueError(f"earlier score of {label!r} is {score}; allowed: 0 to 1")


def change(prior: Prior, finding: Finding) -> float:
    """Change of a score that both reports have, in percentage points."""
    return 100 * (finding.score - prior.scores[finding.label])


def shown(change: float) -> float:
    """A change as people read it, with one decimal.

    >>> shown(-0.04)
    0.0
    """
    return round(change, 1) + 0.0  # no negative zero


def day(prior: Prior) -> str:
    """Date of the earlier image, ISO 8601."""
    return _DATE_FORM.sub(r"\1-\2-\3", prior.date)


def change_concept(prior: Prior) -> Concept:
    """Name of the changes: the code is always the same, its meaning names the day for those who read it in a viewer."""
    return vocabulary.CHANGE._replace(meaning=f"Change since {day(prior)}")


def sentence(prior: Prior, findings: Sequence[Finding], *, decides: bool) -> str:
    """What a reader is told before anything else about it.

    Parameters
    ----------
    decides
        Whether the model decides on presence; else nothing is said of thresholds.
    """
    parts = [f"Compared with the image of {day(prior)}, read by the same model with the same weights."]
    both = [finding for finding in findings if finding.label in prior.scores]
    if both:
        most = max(both, key=lambda each: abs(change(prior, each)))
        difference = shown(change(prior, most))
        parts.append(
            f"Largest change: {most.concept.meaning} {difference:+.1f} percentage points."
            if difference
            else "No score has changed by as much as 0.1 percentage points."
        )
    if decides:
        risen = [each for each in both if _crosses(prior, each) and _reaches(each)]
        fallen = [each for each in both if _crosses(prior, each) and not _reaches(each)]
        for words, crossing in (("Newly at or above", risen), ("No longer at or above", fallen)):
            if crossing:
                parts.append(f"{words} the threshold: {', '.join(each.concept.meaning for each in crossing)}.")
    return " ".join(parts)


def _reaches(finding: Finding) -> bool:
    return finding.score >= finding.threshold


def _crosses(prior: Prior, finding: Finding) -> bool:
    return _reaches(finding) != (prior.scores[finding.label] >= finding.threshold)


def prior_reference(prior: Prior) -> InstanceReference:
    """The earlier report as evidence."""
    return InstanceReference(
        prior.sop_class_uid.encode(),
        prior.sop_instance_uid.encode(),
        prior.series_instance_uid.encode(),
        prior.study_instance_uid.encode(),
    )


def comparison_item(text: str, *, report: tuple[str, str], date: str, image: str) -> TextContentItem:
    """Build the item at the root of the tree.

    Parameters
    ----------
    text
        See `sentence`.
    report
        SOP Class and SOP Instance UID of the earlier report.
    date, image
        Study Date and SOP Instance UID of the image that it is about.
    """
    item = tree.text_item(vocabulary.COMPARISON, text)
    item.ContentSequence = ContentSequence(
        [
            CompositeContentItem(
                coded(vocabulary.PRIOR_REPORT), *report, relationship_type=RelationshipTypeValues.INFERRED_FROM
            ),
            DateContentItem(coded(vocabulary.STUDY_DATE), date, RelationshipTypeValues.HAS_PROPERTIES),
            UIDRefContentItem(coded(vocabulary.SOURCE), image, RelationshipTypeValues.HAS_PROPERTIES),
        ]
    )
    return item


def change_item(name: Concept, change: float, exact: float) -> NumContentItem:
    """Build the change of one finding, in percentage points, for its measurement group."""
    item = tree.number_item(name, change, vocabulary.PERCENTAGE_POINTS)
    item.MeasuredValueSequence[0].FloatingPointValue = exact
    return item


@dataclass(frozen=True, slots=True)
class Comparison:
    """The items, encoded, with holes."""

    item: Fragment
    change: Fragment

    @classmethod
    def prepare(cls, *, plain: bool) -> "Comparison":
        """Encode them once.

        Parameters
        ----------
        plain
            In ASCII.
        """
        item = comparison_item(
            _PROBE_SENTENCE, report=(_PROBE_CLASS, _PROBE_INSTANCE), date=_PROBE_DATE, image=_PROBE_IMAGE
        )
        change = change_item(vocabulary.CHANGE, _PROBE_CHANGE, _PROBE_CHANGE)
        return cls(
            item=Fragment.cut(
                _encode(item, plain),
                {
                    _SENTENCE: text_value(_PROBE_SENTENCE),
                    _REPORT: reference_item(_PROBE_CLASS.encode(), _PROBE_INSTANCE.encode()),
                    _DATE: date_value(_PROBE_DATE),
                    _IMAGE: uid_value(_PROBE_IMAGE),
                },
            ),
            change=Fragment.cut(
                _encode(change, plain),
                {
                    _MEANING: meaning(vocabulary.CHANGE.meaning),
                    _CHANGE: numeric_value(_PROBE_CHANGE),
                    _EXACT: floating_point_value(_PROBE_CHANGE),
                },
            ),
        )

    def fill(self, prior: Prior, text: str) -> bytes:
        """Encode the item at the root of the tree."""
        return self.item.fill(
            {
                _SENTENCE: text_value(text),
                _REPORT: reference(prior_reference(prior)),
                _DATE: date_value(prior.date),
                _IMAGE: uid_value(prior.image),
            }
        )

    def fill_change(self, prior: Prior, change: float) -> bytes:
        """Encode the change of one finding."""
        return self.change.fill(
            {
                _MEANING: meaning(change_concept(prior).meaning),
                _CHANGE: numeric_value(shown(change)),
                _EXACT: floating_point_value(change),
            }
        )


def _encode(item: Dataset, plain: bool) -> bytes:
    if plain:
        make_ascii(item)
    return encode_item(item)

"""The measurement group of the cardiothoracic ratio (PS3.16 TID 1501): the ratio with its widths, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from highdicom.sr import (
    AlgorithmIdentification,
    CompositeContentItem,
    ContentItem,
    ContentSequence,
    FindingSite,
    ImageContentItem,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    RelationshipTypeValues,
    SourceImageForMeasurement,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset

from .. import __version__
from . import tree, vocabulary
from .charset import ascii_text, make_ascii
from .document import reference_item
from .encoding import Fragment, encode_item
from .header import InstanceReference
from .ratio import Ratio, RatioRefusal
from .uids import derive_uid, tracking_uid
from .values import floating_point_value, numeric_value, reference, text_value, uid_value
from .vocabulary import coded

LABEL = "Cardiothoracic ratio"
"""Tracking Identifier of the group."""

CONCEPTS = (vocabulary.CARDIOTHORACIC_RATIO, vocabulary.CARDIAC_WIDTH, vocabulary.THORACIC_WIDTH)
"""Concepts of this group that are in the private scheme; those of a refusal are among them, or in `vocabulary.REASON`."""

_RATIO_DIGITS = 3
_WIDTH_DIGITS = 1
_STRUCTURED_REPORTS = b"1.2.840.10008.5.1.4.1.1.88."
"""What the UIDs of all SOP classes of structured reports begin with (PS3.4 table B.5-1)."""

_PROBE_CLASS: Final = derive_uid("probe", "ratio", "SOP class")
_PROBE_INSTANCE: Final = derive_uid("probe", "ratio", "SOP instance")
_PROBE_TRACKING: Final = derive_uid("probe", "ratio", "tracking")
_PROBE_METHOD, _PROBE_REASON, _PROBE_DETAIL = "probe method", "probe reason", "probe detail"
_PROBE = Ratio(7001.0, 7002.0, 7003.0, 7004.0, millimeters=True, method=_PROBE_METHOD)

_IMAGE, _SOURCES, _TRACKING, _METHOD = "image", "sources", "tracking UID", "method"
_NUMBERS: Final = (
    ("value", _RATIO_DIGITS),
    ("uncertainty", _RATIO_DIGITS),
    ("heart", _WIDTH_DIGITS),
    ("thorax", _WIDTH_DIGITS),
)
"""Attributes of a ratio that are numbers, and their decimals for people."""
_REASON, _DETAIL = "reason", "detail"


def sentence(ratio: Ratio | RatioRefusal) -> str:
    """What a reader is told in a line."""
    if isinstance(ratio, RatioRefusal):
        return f"The cardiothoracic ratio was not measured. {ratio.code.sentence}"
    unit = "mm" if ratio.millimeters else "pixels"
    return (
        f"Cardiothoracic ratio {ratio.value:.{_RATIO_DIGITS}f}, standard uncertainty "
        f"{ratio.uncertainty:.{_RATIO_DIGITS}f}: heart {ratio.heart:.{_WIDTH_DIGITS}f} {unit}, "
        f"thorax {ratio.thorax:.{_WIDTH_DIGITS}f} {unit}."
    )


def reason(refusal: RatioRefusal) -> str:
    """For people the sentence, for programs the code."""
    return f"{refusal.code.sentence} ({refusal.code})"


def measured(
    ratio: Ratio,
    *,
    plugin_version: str,
    tracking: str,
    image: tuple[str, str],
    sources: Sequence[ContentItem] = (),
) -> MeasurementsAndQualitativeEvaluations:
    """Build the group of a ratio.

    Parameters
    ----------
    tracking
        Tracking Unique Identifier.
    image
        SOP Class and SOP Instance UID of the radiograph.
    sources
        See `source`.
    """
    unit = vocabulary.MILLIMETER if ratio.millimeters else vocabulary.PIXELS
    quotient = Measurement(
        name=coded(vocabulary.CARDIOTHORACIC_RATIO),
        value=round(ratio.value, _RATIO_DIGITS),
        unit=coded(vocabulary.RATIO),
        referenced_images=[SourceImageForMeasurement(*image)],
    )
    # Measurement Properties, TID 310.
    uncertainty = tree.number_item(
        vocabulary.UNCERTAINTY,
        round(ratio.uncertainty, _RATIO_DIGITS),
        vocabulary.RATIO,
        RelationshipTypeValues.HAS_PROPERTIES,
    )
    quotient[0].ContentSequence = ContentSequence([uncertainty, *quotient[0].ContentSequence, *sources])
    heart, thorax = (
        Measurement(name=coded(name), value=round(width, _WIDTH_DIGITS), unit=coded(unit))
        for name, width in ((vocabulary.CARDIAC_WIDTH, ratio.heart), (vocabulary.THORACIC_WIDTH, ratio.thorax))
    )
    # Numeric Value is rounded for people.
    exact = (ratio.value, ratio.uncertainty, ratio.heart, ratio.thorax)
    for item, number in zip((quotient[0], uncertainty, heart[0], thorax[0]), exact, strict=True):
        item.MeasuredValueSequence[0].FloatingPointValue = number
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking, identifier=LABEL),
        algorithm_id=AlgorithmIdentification(name=ratio.method, version=plugin_version),
        finding_type=coded(vocabulary.CARDIOTHORACIC_RATIO),
        finding_sites=[FindingSite(coded(vocabulary.HEART))],
        measurements=[quotient, heart, thorax],
    )


def refused(texts: Sequence[tuple[bool, str]], *, tracking: str) -> MeasurementsAndQualitativeEvaluations:
    """Build the group that says why there is no ratio.

    Parameters
    ----------
    texts
        Texts, and whether each is the reason; else it is a comment.
    """
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking, identifier=LABEL),
        finding_type=coded(vocabulary.CARDIOTHORACIC_RATIO),
        finding_sites=[FindingSite(coded(vocabulary.HEART))],
    )
    for is_reason, text in texts:
        group[0].ContentSequence.append(tree.text_item(vocabulary.REASON if is_reason else vocabulary.COMMENT, text))
    return group


def source(instance: InstanceReference) -> ImageContentItem | CompositeContentItem:
    """Build the reference to an object that the ratio comes from: an image, e.g. a segmentation, or a document."""
    composite = instance.sop_class_uid.startswith(_STRUCTURED_REPORTS)
    return _source(composite, instance.sop_class_uid.decode("iso8859"), instance.sop_instance_uid.decode("iso8859"))


def _source(composite: bool, sop_class_uid: str, sop_instance_uid: str) -> ImageContentItem | CompositeContentItem:
    kind = CompositeContentItem if composite else ImageContentItem
    return kind(
        coded(vocabulary.SOURCE_OF_MEASUREMENT),
        sop_class_uid,
        sop_instance_uid,
        relationship_type=RelationshipTypeValues.INFERRED_FROM,
    )


@dataclass(frozen=True, slots=True)
class RatioGroups:
    """The groups, encoded, with holes."""

    measured: dict[bool, Fragment]  # by whether the widths are in mm
    refused: Fragment
    comment: Fragment
    sources: dict[bool, Fragment]  # by whether it is a document
    plain: bool

    @classmethod
    def prepare(cls, plugin_version: str = __version__, *, plain: bool) -> "RatioGroups":
        """Encode them once.

        Parameters
        ----------
        plain
            In ASCII.
        """
        image = reference_item(_PROBE_CLASS.encode(), _PROBE_INSTANCE.encode())
        tracking = {_TRACKING: uid_value(_PROBE_TRACKING)}
        sources = {kind: _encode(_source(kind, _PROBE_CLASS, _PROBE_INSTANCE), plain) for kind in (False, True)}
        groups = {}
        for millimeters in (False, True):
            group = measured(
                replace(_PROBE, millimeters=millimeters),
                plugin_version=plugin_version,
                tracking=_PROBE_TRACKING,
                image=(_PROBE_CLASS, _PROBE_INSTANCE),
                sources=[_source(True, _PROBE_CLASS, _PROBE_INSTANCE)],
            )
            groups[millimeters] = Fragment.cut(
                _encode(group[0], plain),
                {
                    _SOURCES: sources[True],
                    _IMAGE: image,
                    **tracking,
                    _METHOD: text_value(_PROBE_METHOD),
                    **_numbers(_PROBE),
                },
            )
        comment = _encode(tree.text_item(vocabulary.COMMENT, _PROBE_DETAIL), plain)
        refusal = refused([(True, _PROBE_REASON), (False, _PROBE_DETAIL)], tracking=_PROBE_TRACKING)
        return cls(
            measured=groups,
            refused=Fragment.cut(
                _encode(refusal[0], plain), {_DETAIL: comment, **tracking, _REASON: text_value(_PROBE_REASON)}
            ),
            comment=Fragment.cut(comment, {_DETAIL: text_value(_PROBE_DETAIL)}),
            sources={kind: Fragment.cut(encoded, {_IMAGE: image}) for kind, encoded in sources.items()},
            plain=plain,
        )

    def fill(
        self, ratio: Ratio | RatioRefusal, image: InstanceReference, objects: Sequence[InstanceReference]
    ) -> bytes:
        """Encode the group on an image.

        Parameters
        ----------
        objects
            What else the ratio comes from.
        """
        tracking = uid_value(tracking_uid(image.sop_instance_uid.decode("iso8859"), LABEL))
        if isinstance(ratio, RatioRefusal):
            detail = self.comment.fill({_DETAIL: self._text(ratio.detail)}) if ratio.detail else b""
            return self.refused.fill({_TRACKING: tracking, _REASON: self._text(reason(ratio)), _DETAIL: detail})
        return self.measured[ratio.millimeters].fill(
            {
                _TRACKING: tracking,
                _IMAGE: reference(image),
                _SOURCES: b"".join(
                    self.sources[each.sop_class_uid.startswith(_STRUCTURED_REPORTS)].fill({_IMAGE: reference(each)})
                    for each in objects
                ),
                _METHOD: self._text(ratio.method),
                **_numbers(ratio),
            }
        )

    def _text(self, text: str) -> bytes:
        return text_value(ascii_text(text) if self.plain else text)


def _numbers(ratio: Ratio) -> dict[str, bytes]:
    """Each number, rounded and exact, by name of its hole."""
    found = {}
    for name, digits in _NUMBERS:
        number = getattr(ratio, name)
        found[name] = numeric_value(round(number, digits))
        found[f"exact {name}"] = floating_point_value(number)
    return found


def _encode(item: Dataset, plain: bool) -> bytes:
    tree.separate(item)
    if plain:
        make_ascii(item)
    return encode_item(item)

"""The findings report on one radiograph: a prepared content tree, filled for each image.

highdicom takes some 180 ms to build such a tree from nothing, longer than a model takes to read the image. But only
the image's UIDs, the numbers, the presence codes and the comments change from report to report. So the tree is built
and encoded once for each model, with holes where these go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache, lru_cache
from typing import Final

from pydicom.dataset import Dataset

from .. import __version__
from ..codes import Code
from ..concepts import Concept, Finding
from ..models.card import ModelCard
from . import comparison, provenance, ratio_group, tree, vocabulary
from .charset import ascii_text, make_ascii
from .comparison import Comparison
from .document import Frame, Predecessor, reference_item
from .encoding import Fragment, encode_item, sequence
from .header import InstanceReference, inherit, instance_reference
from .images import ImageFacts, descriptors, image_facts
from .prior import Prior
from .ratio import Ratio, RatioRefusal
from .ratio_group import RatioGroups
from .uids import ReportIdentity, derive_uid, tracking_uid
from .values import floating_point_value, numeric_value, reference, text_value, uid_value

SERIES_NUMBER = 9001
"""Series Number of findings reports: behind the images of any study."""

# Values that no report has, to find the places of the real ones.
_TENTH: Final = Decimal("0.1")
_PROBE_PERCENT: Final = -1.0
_PROBE_SOP_CLASS: Final = derive_uid("probe", "SOP class")
_PROBE_SOP_INSTANCE: Final = derive_uid("probe", "SOP instance")
_PROBE_CAPTURE: Final = derive_uid("probe", "capture")
_PROBE_TRACKING: Final = derive_uid("probe", "tracking")
_PROBE_COMMENT: Final = "probe"
_PROBE_FACTS: Final = ImageFacts("DX", None, None, None, None)

_IMAGE, _CAPTURE, _DESCRIPTORS, _TRACKING, _PERCENT, _EXACT, _PRESENCE, _TEXT = (
    "image",
    "capture",
    "descriptors",
    "tracking UID",
    "percent",
    "exact percent",
    "presence",
    "text",
)


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What a site decides about its findings reports.

    Attributes
    ----------
    title
        Coded title; not one of CID 7021, see `vocabulary.check_title`.
    undetermined_band
        Half width of the band around a threshold within which nothing is decided, 0 to 1. Only stated here; the
        findings come decided.
    parameters
        Lines on how the model was run, e.g. ``"VOI LUT not applied"``; they become Algorithm Parameters.
    """

    title: Concept = vocabulary.DIAGNOSTIC_IMAGING_REPORT
    undetermined_band: float = 0.0
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The parts of a report, encoded."""

    frame: Frame
    frame_with_scheme: Frame  # of a report with private codes, whatever those of the findings are
    context: bytes  # items before the comments: language, observer, procedure
    comment: Fragment
    library: Fragment
    measurements: Fragment
    groups: Mapping[str, Fragment]  # by label
    capture: Fragment
    ratio: RatioGroups
    comparison: Comparison
    statements: tuple[str, ...]


class FindingsTemplate:
    """The findings report of one model, ready to be filled. Preparing it takes about a second.

    Parameters
    ----------
    card
        The model's card, with the thresholds in use (see `models.card.with_thresholds`).
    weights_digest
        SHA-256 of the weights, hex.
    plugin_version
        Version of this plugin.

    Raises
    ------
    ReportError
        If the title is one that viewers do not show as text.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        weights_digest: str,
        settings: ReportSettings | None = None,
        plugin_version: str = __version__,
    ) -> None:
        settings = settings or ReportSettings()
        vocabulary.check_title(settings.title)
        self._card = card
        self._outputs = {output.label: output for output in card.outputs}
        self.maker = provenance.of_model(
            card, weights_digest, plugin_version, settings.undetermined_band, settings.parameters
        )
        self._prepared = _prepare(card, self.maker, settings.title, plain=False)
        # For a source whose character sets are not understood: the same in ASCII, which every set contains.
        self._prepared_in_ascii = _prepare(card, self.maker, settings.title, plain=True)

    def fill(
        self,
        source: Dataset,
        findings: Sequence[Finding],
        notes: Sequence[Code],
        identity: ReportIdentity,
        content_datetime: datetime,
        predecessor: Predecessor | None = None,
        *,
        ratio: Ratio | RatioRefusal | None = None,
        captures: Mapping[str, InstanceReference] | None = None,
        objects: Sequence[InstanceReference] = (),
        prior: Prior | None = None,
    ) -> bytes:
        """Make the report on an image.

        Parameters
        ----------
        source
            Header of the image; pixels are not needed. Best as it was read, see `header.inherit`.
        findings
            At least one, each of an output of the card, in any order.
        notes
            What a reader must know about this image, e.g. that the header does not say what it shows.
        identity
            See `uids.report_identity`.
        content_datetime
            When the report was made, with or without a time zone.
        predecessor
            The report that this one replaces.
        ratio
            The cardiothoracic ratio, or why there is none; ``None`` if nobody has asked for it.
        captures
            Heat maps by label of their finding.
        objects
            What else was made of the image, e.g. a segmentation and measurements: evidence, and sources of the ratio.
        prior
            The patient's earlier report.

        Returns
        -------
        bytes
            A whole DICOM file, Comprehensive 3D SR, Explicit VR Little Endian.

        Raises
        ------
        ReportError
            If the source lacks a UID.
        ValueError
            If a finding is not the card's, comes twice, has a score outside 0 to 1 or another threshold than the card,
            if a demonstration model decides on presence, if a heat map is of no finding, or if the earlier report has a
            date or a score that cannot be.
        """
        captures = captures or {}
        self._check(findings, captures)
        if prior is not None:
            comparison.check(prior)
        inherited = inherit(source)
        image = instance_reference(source)
        prepared = self._prepared if inherited.character_sets is None else self._prepared_in_ascii
        ordered = sorted(findings, key=_rank)
        told = [] if ratio is None else [ratio_group.sentence(ratio)]
        comments = [*prepared.statements, *map(note_text, notes), *self._summary(ordered), *told]
        if inherited.character_sets is not None:
            comments = [ascii_text(comment) for comment in comments]
        groups = [self._group(prepared, image, each, captures.get(each.label), prior) for each in ordered]
        content = [
            prepared.context,
            *(prepared.comment.fill({_TEXT: text_value(comment)}) for comment in comments),
        ]
        evidence = [image, *captures.values(), *objects]
        other_evidence: list[InstanceReference] = []
        if ratio is not None:
            groups.append(prepared.ratio.fill(ratio, image, objects))
        if prior is not None:
            text = comparison.sentence(prior, ordered, decides=not self._card.demonstration)
            if inherited.character_sets is not None:
                text = ascii_text(text)
            content.append(prepared.comparison.fill(prior, text))
            earlier = comparison.prior_reference(prior)
            (evidence if earlier.study_instance_uid == image.study_instance_uid else other_evidence).append(earlier)
        content += [
            prepared.library.fill({_IMAGE: reference(image), _DESCRIPTORS: _descriptors(image_facts(source))}),
            prepared.measurements.fill({_TEXT: b"".join(groups)}),
        ]
        frame = prepared.frame if ratio is None and prior is None else prepared.frame_with_scheme
        return frame.document(
            inherited, evidence, identity, content_datetime, predecessor, content, other_evidence=other_evidence
        )

    def _group(
        self,
        prepared: _Prepared,
        image: InstanceReference,
        finding: Finding,
        capture: InstanceReference | None,
        prior: Prior | None,
    ) -> bytes:
        presence = presence_code(finding.presence, self._card.demonstration)
        uid = tracking_uid(image.sop_instance_uid.decode("iso8859"), finding.label)
        # What has changed comes last, behind the decision.
        last = b"" if presence is None else _presence_items()[presence]
        if prior is not None and finding.label in prior.scores:
            last += prepared.comparison.fill_change(prior, comparison.change(prior, finding))
        return prepared.groups[finding.label].fill(
            {
                _IMAGE: reference(image),
                _CAPTURE: b"" if capture is None else prepared.capture.fill({_CAPTURE: reference(capture)}),
                _TRACKING: uid_value(uid),
                _PERCENT: numeric_value(percent(finding.score, finding.threshold)),
                _EXACT: floating_point_value(100 * finding.score),
                _PRESENCE: last,
            }
        )

    def _summary(self, ordered: Sequence[Finding]) -> list[str]:
        """The decisions in one line each, so that nobody has to go through all groups for them."""
        return [] if self._card.demonstration else summary(ordered)

    def _check(self, findings: Sequence[Finding], captures: Mapping[str, InstanceReference]) -> None:
        if not findings:
            raise ValueError("a findings report needs at least one finding")
        labels = [finding.label for finding in findings]
        if strange := captures.keys() - set(labels):
            raise ValueError(f"heat maps of {', '.join(sorted(strange))}, which are not among the findings")
        for position, finding in enumerate(findings):
            output = self._outputs.get(finding.label)
            if output is None or finding.label in labels[:position]:
                raise ValueError(f"finding {finding.label!r}; allowed: each of {', '.join(self._outputs)} once")
            if (finding.concept, finding.site, finding.threshold) != (output.finding, output.site, output.threshold):
                raise ValueError(f"finding {finding.label!r} has another code or threshold than the model card")
            if not 0 <= finding.score <= 1:  # refuses NaN too
                raise ValueError(f"finding {finding.label!r} has the score {finding.score}; allowed: 0 to 1")
            if self._card.demonstration and finding.presence is not None:
                raise ValueError(f"finding {finding.label!r}: a demonstration model does not decide on presence")


def summary(ordered: Sequence[Finding]) -> list[str]:
    """What a model has decided, for people: a line on what is present, one on what is undetermined.

    Parameters
    ----------
    ordered
        Findings in the order of the report.
    """
    present = [_in_words(finding) for finding in ordered if finding.presence is True]
    undetermined = [_in_words(finding) for finding in ordered if finding.presence is None]
    lines = [f"At or above the threshold: {', '.join(present)}." if present else "No score reaches its threshold."]
    if undetermined:
        lines = [lines[0]] if present else ["No score is clearly above its threshold."]
        lines.append(f"Too close to the threshold to decide: {', '.join(undetermined)}.")
    return lines


def percent(score: float, threshold: float) -> float:
    """A score in percent with one decimal, on the same side of the threshold as the score itself.

    >>> percent(0.87312, 0.5)
    87.3
    >>> percent(0.49997, 0.5)
    49.9
    """
    # In decimals, as both are written: 100 * 0.55 is 55.00000000000001 in binary, and 55.0 would be below it.
    exact, limit = 100 * Decimal(repr(score)), 100 * Decimal(repr(threshold))
    rounded = round(exact, 1)
    if (rounded >= limit) != (exact >= limit):
        rounded = exact.quantize(_TENTH, ROUND_FLOOR if exact < limit else ROUND_CEILING)
    return float(rounded)


def note_text(note: Code) -> str:
    """A remark on an image: for people the sentence, for programs the code."""
    return f"{note.sentence} ({note})"


def presence_code(presence: bool | None, demonstration: bool) -> Concept | None:
    """Code of CID 240 for a decision; none with a demonstration model, which decides nothing."""
    if demonstration:
        return None
    if presence is None:
        return vocabulary.UNDETERMINED
    return vocabulary.PRESENT if presence else vocabulary.ABSENT


def _rank(finding: Finding) -> tuple[int, float]:
    """Order of the groups: what is present, what is undecided, the rest; by score."""
    return {True: 0, None: 1, False: 2}[finding.presence], -finding.score


def _in_words(finding: Finding) -> str:
    return f"{finding.concept.meaning} {percent(finding.score, finding.threshold):.1f} %"


# ---- Preparing -------------------------------------------------------------------------------------------------


def threshold_percent(threshold: float) -> float:
    """A threshold in percent, without the digits that binary fractions add."""
    return round(100 * threshold, 6)


def _prepare(card: ModelCard, maker: provenance.Provenance, title: Concept, *, plain: bool) -> _Prepared:
    image = tree.Image(_PROBE_SOP_CLASS, _PROBE_SOP_INSTANCE, tuple(descriptors(_PROBE_FACTS)))
    lines = [
        tree.FindingLine(
            label=output.label,
            tracking_uid=_PROBE_TRACKING,
            finding=output.finding,
            site=output.site,
            percent=_PROBE_PERCENT,
            exact_percent=_PROBE_PERCENT,
            threshold_percent=threshold_percent(output.threshold),
            presence=vocabulary.UNDETERMINED,
            capture=(_PROBE_SOP_CLASS, _PROBE_CAPTURE),
        )
        for output in card.outputs
    ]
    root = tree.findings_tree(maker, title, image, lines, [_PROBE_COMMENT])[0]
    if plain:
        make_ascii(root)
    *context, comment, library, measurements = root.ContentSequence
    groups = [encode_item(each) for each in measurements.ContentSequence if each.ValueType == "CONTAINER"]
    concepts = [title, *(concept for output in card.outputs for concept in (output.finding, output.site))]
    capture = encode_item(tree.capture_item(_PROBE_SOP_CLASS, _PROBE_CAPTURE))
    holes = {
        _CAPTURE: capture,
        _IMAGE: reference_item(_PROBE_SOP_CLASS.encode(), _PROBE_SOP_INSTANCE.encode()),
        _TRACKING: uid_value(_PROBE_TRACKING),
        _PERCENT: numeric_value(_PROBE_PERCENT),
        _EXACT: floating_point_value(_PROBE_PERCENT),
        _PRESENCE: _presence_items()[vocabulary.UNDETERMINED],
    }
    return _Prepared(
        frame=Frame.prepare(maker, SERIES_NUMBER, root, concepts, plain=plain),
        frame_with_scheme=Frame.prepare(
            maker, SERIES_NUMBER, root, [*concepts, *ratio_group.CONCEPTS, *comparison.CONCEPTS], plain=plain
        ),
        context=b"".join(encode_item(each) for each in context),
        comment=Fragment.cut(encode_item(comment), {_TEXT: text_value(_PROBE_COMMENT)}),
        library=Fragment.cut(encode_item(library), {_IMAGE: holes[_IMAGE], _DESCRIPTORS: _descriptors(_PROBE_FACTS)}),
        measurements=Fragment.cut(encode_item(measurements), {_TEXT: b"".join(groups)}),
        groups={line.label: Fragment.cut(group, holes) for line, group in zip(lines, groups, strict=True)},
        capture=Fragment.cut(capture, {_CAPTURE: reference_item(_PROBE_SOP_CLASS.encode(), _PROBE_CAPTURE.encode())}),
        ratio=RatioGroups.prepare(maker.plugin_version, plain=plain),
        comparison=Comparison.prepare(plain=plain),
        statements=maker.statements,
    )


# ---- The pieces that go into the holes -------------------------------------------------------------------------


@cache
def _presence_items() -> Mapping[Concept, bytes]:
    codes = (vocabulary.PRESENT, vocabulary.ABSENT, vocabulary.UNDETERMINED)
    return {code: encode_item(tree.presence_item(code)) for code in codes}


@lru_cache(maxsize=64)  # a detector makes the same image over and over
def _descriptors(facts: ImageFacts) -> bytes:
    """The Content Sequence of an image library entry; nothing at all if there is nothing to say."""
    items = [encode_item(descriptor) for descriptor in descriptors(facts)]
    return sequence(0x0040A730, items) if items else b""

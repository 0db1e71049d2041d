"""The verdict on a study: which of its CT series are cardiac volumes, and why the others are not."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from ..codes import Code
from .contrast import Contrast
from .geometry import Geometry, geometry
from .groups import with_phase_groups
from .header import Header
from .roles import WHOLE_HEART_MM, Role, has_contrast, role_of
from .select import (
    MULTI_FRAME_CT,
    Evidence,
    Rules,
    cardiac_evidence,
    description_refusal,
    image_refusal,
    is_ct,
    remarks,
    usual,
)
from .stack import Stack
from .verdict import SeriesVerdict, StudyVerdict

DEFAULT_RULES = Rules()

RULES_VERSION = "3"
"""Version of the rules. It stands in the report, and another one is another recipe: studies can be judged again."""


Look = Callable[[Stack], Contrast]
"""Looks at a few slices of a stack: whether contrast was given. What the header says of it is not its business."""


def judge_study(headers: Iterable[Header], rules: Rules = DEFAULT_RULES, look: Look | None = None) -> StudyVerdict:
    """Judge the series of one study.

    Parameters
    ----------
    headers
        Those of all its instances or, of multi-frame instances, of all their frames, in any order; the verdict does
        not depend on it.
    rules
        Words and weights.
    look
        Looks at the pixels of an accepted series; if not given, its verdict says that they should be looked at.

    Returns
    -------
    StudyVerdict
        One verdict for each CT series; series of other modalities, our own reports among them, are counted.
    """
    by_series: dict[str, list[Header]] = {}
    for header in headers:
        by_series.setdefault(header.series_instance_uid, []).append(header)
    ct = [series for series in by_series.values() if any(is_ct(header) for header in series)]
    verdicts = with_phase_groups([judge_series(series, rules, look) for series in ct])
    verdicts.sort(key=lambda one: (one.number is None, one.number or 0, one.series_instance_uid))
    return StudyVerdict(tuple(verdicts), len(by_series) - len(ct))


def judge_series(headers: Sequence[Header], rules: Rules = DEFAULT_RULES, look: Look | None = None) -> SeriesVerdict:
    """Judge one series.

    Parameters
    ----------
    headers
        Those of all its instances or their frames, at least one.
    rules, look
        As for `judge_study`.
    """
    refused = [image_refusal(header) for header in headers]
    images = [header for header, code in zip(headers, refused, strict=True) if code is None]
    description = usual(headers, lambda header: header.series_description)
    contrast = Contrast(stated=has_contrast(usual(headers, lambda header: header.contrast_bolus_agent), rules.words))
    verdict = partial(_verdict, headers, contrast=contrast)
    if not images:
        counts = Counter(code for code in refused if code)
        decisive = min(counts, key=lambda code: (-counts[code], code))
        return verdict((decisive, *remarks(headers)))
    notes = remarks(images)
    if len(images) < len(headers):
        notes.append(Code.IMAGES_LEFT_OUT)
    refusal = description_refusal(description, rules.words)
    if refusal:
        return verdict((refusal, *notes))

    evidence = cardiac_evidence(images, rules)
    score = sum(one.points for one in evidence)
    unread = [image for image in images if is_unread(image)]
    if unread:
        faults = sorted({image.fault for image in unread if image.fault})
        return verdict((Code.ENHANCED_MULTIFRAME, *faults, *notes), score=score, evidence=evidence)
    shape = geometry(images)
    best = shape.best
    refusals = shape.refusals
    if score < rules.threshold:
        refusals = (Code.NOT_CARDIAC, *refusals)
    if refusals or best is None:
        return verdict((*refusals, *shape.codes, *notes), score=score, evidence=evidence, shape=shape)

    if look:
        contrast = replace(look(best), stated=contrast.stated)
    role, role_codes = role_of(
        description, best.thickness_mm or best.spacing_mm, len(shape.stacks), contrast, rules.words
    )
    if (best.coverage_mm or 0) < WHOLE_HEART_MM:
        notes.append(Code.COVERAGE_LIMITED)
    codes = (*role_codes, *shape.codes, *notes)
    return verdict(codes, score=score, evidence=evidence, shape=shape, role=role, contrast=contrast)


def is_unread(header: Header) -> bool:
    """Whether a header is that of a multi-frame instance as a whole, whose frames are not known."""
    return header.sop_class_uid in MULTI_FRAME_CT and header.frame_number is None


def _verdict(
    headers: Sequence[Header],
    codes: Sequence[Code],
    *,
    contrast: Contrast,
    score: int = 0,
    evidence: tuple[Evidence, ...] = (),
    shape: Geometry | None = None,
    role: Role | None = None,
) -> SeriesVerdict:
    numbers = sorted(number for header in headers if (number := header.series_number) is not None)
    return SeriesVerdict(
        series_instance_uid=headers[0].series_instance_uid,
        number=numbers[0] if numbers else None,
        description=usual(headers, lambda header: header.series_description),
        # A multi-frame instance is one, however many frames it has.
        instances=sum(header.frame_number in (None, 1) for header in headers),
        accepted=role is not None,
        role=role,
        score=score,
        evidence=evidence,
        geometry=shape,
        codes=tuple(dict.fromkeys(codes)),
        invalid=tuple(sorted({keyword for header in headers for keyword in header.invalid})),
        contrast=contrast,
        kernel=usual(shape.best.headers if shape and shape.best else headers, lambda header: header.convolution_kernel),
    )

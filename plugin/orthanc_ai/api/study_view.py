"""``/ai/studies/{id}``: everything that a reader wants to see of one study, as JSON."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ..analyses import CARDIAC, XRAY
from ..codes import Code
from ..corrections.correction import Correction
from ..corrections.journal import JournalError
from ..outcomes import (
    CARDIAC_METADATA,
    CORRECTIONS_METADATA,
    OVERLAYS_METADATA,
    REQUEST_METADATA,
    XRAY_METADATA,
    Outcome,
)
from ..server import Resource, Server
from .context import Context
from .findings import report_id, xrays
from .http import Problem
from .identify import identify
from .model_cards import ModelView, model
from .reading import FindingView, outcome_of, read_image, tag
from .reading_parts import Grid, Parts, StoredOverlay, StoredPrior, StoredRatio, StoredRefusal
from .study_views import (
    CtSeries,
    CtSummary,
    MapView,
    OverlayView,
    PriorView,
    RatioView,
    SaidView,
    SeenFinding,
    SeenImage,
    Stage,
    StatementView,
    StudyState,
    StudyView,
    WidthView,
)
from .verdicts import StoredVerdict
from .views import DEMONSTRATION_WARNING, viewer_link

IMAGE_PIXELS = 768
"""Longer side of the picture that Orthanc draws: as large as the page shows it, and sharp enough on paper."""

_STAGES: Mapping[Code, Stage] = {
    Code.REPORTED: "reported",
    Code.NOT_ANALYZED_YET: "waiting",
    Code.HELD: "held",
    Code.RETRYING: "retrying",
    Code.FAILED: "failed",
}

MOVING: frozenset[Stage] = frozenset({"waiting", "running", "held", "retrying"})
"""Stages that pass by themselves."""

_SEEN = (XRAY_METADATA, CARDIAC_METADATA, OVERLAYS_METADATA, CORRECTIONS_METADATA, REQUEST_METADATA)
"""Metadata that decide what is on the page."""


@dataclass(frozen=True, slots=True)
class _Study:
    """What the index has of a study, as far as the page shows it."""

    study: Resource
    series: tuple[Resource, ...]
    images: tuple[Resource, ...]
    running: Mapping[str, str]

    @classmethod
    def read(cls, context: Context, identifier: str) -> "_Study":
        server = context.server
        study = identify(server, "study", identifier)
        series = tuple(server.children("study", study.identifier, "series"))
        images = tuple(image for one in series for image in xrays(server, one))
        ours = {study.identifier, *(image.identifier for image in images)}
        in_hand = context.queue.in_hand()
        running = {
            one.identifier: one.state for one in in_hand if one.identifier in ours and one.analysis in (XRAY, CARDIAC)
        }
        return cls(study, series, images, running)

    @property
    def digest(self) -> str:
        """Another one as soon as something is another."""
        every = (self.study, *self.series, *self.images)
        written = [(one.identifier, [one.metadata.get(name, "") for name in _SEEN]) for one in every]
        found = repr((sorted(self.running.items()), self.study.labels, written))
        return hashlib.sha256(found.encode("utf-8", "backslashreplace")).hexdigest()[:16]

    def asked(self, image: Resource) -> bool:
        """Whether the analysis of an image was asked for and is not done."""
        above = (self.study, *(one for one in self.series if one.identifier == image.parent))
        return any(REQUEST_METADATA in one.metadata for one in (image, *above))

    def stage(self, image: Resource) -> Stage:
        """How far the analysis of an image is."""
        outcome = outcome_of(image, XRAY_METADATA)
        stage = _STAGES.get(outcome.code, "refused") if outcome else "waiting"
        return "running" if stage in MOVING and self.running.get(image.identifier) == "running" else stage

    def awaits_overlays(self, image: Resource) -> bool:
        """Whether objects for viewers were asked for and are on their way."""
        outcome = outcome_of(image, XRAY_METADATA)
        there = outcome is not None and bool(outcome.data.get("overlays"))
        under_way = self.asked(image) or image.identifier in self.running
        return OVERLAYS_METADATA in image.metadata and under_way and not there

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way."""
        return not self.running and not any(self.stage(one) in MOVING or self.asked(one) for one in self.images)


def read_state(context: Context, identifier: str) -> StudyState:
    """Whether anything is new: what a page may ask every few seconds.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    found = _Study.read(context, identifier)
    return StudyState(state=found.digest, settled=found.settled)


def read_study(context: Context, identifier: str) -> StudyView:
    """Everything about one study, from the index alone: no file is read.

    Parameters
    ----------
    identifier
        Orthanc identifier or Study Instance UID.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    found = _Study.read(context, identifier)
    study = found.study
    descriptions = {one.identifier: tag(one, "SeriesDescription") for one in found.series}
    images = [_image(context, found, one, descriptions.get(one.parent, "")) for one in found.images]
    demonstration = any(one.demonstration for one in images)
    uid = tag(study, "StudyInstanceUID")
    return StudyView(
        id=study.identifier,
        study_instance_uid=uid,
        study_date=tag(study, "StudyDate"),
        study_description=tag(study, "StudyDescription"),
        patient_id=tag(study, "PatientID"),
        labels=sorted(study.labels),
        state=found.digest,
        settled=found.settled,
        demonstration=demonstration,
        warning=DEMONSTRATION_WARNING if demonstration else None,
        images=images,
        ct=_ct(study, found.series),
        models=list(_cards(context, images)),
        viewer=viewer_link(uid),
    )


def _image(context: Context, found: _Study, image: Resource, description: str) -> SeenImage:
    server = context.server
    outcome = outcome_of(image, XRAY_METADATA)
    report = report_id(server, outcome.result.sop_instance_uid) if outcome and outcome.result else None
    not_yet = "" if context.settings.x_ray.enabled else "AI.XRay.Enabled is false: X-rays are not analysed."
    plain = read_image(image, context.cards, report, not_yet)
    parts = Parts.of(outcome.data if outcome else {})
    spoiled = list(parts.spoiled)
    if outcome and outcome.data.get("findings") and not plain.findings and "findings" not in spoiled:
        spoiled.append("findings")
    findings = [_finding(one, parts) for one in sorted(plain.findings, key=_rank)]
    statements: list[StatementView] = []
    if CORRECTIONS_METADATA in image.metadata:
        try:
            statements = [_statement(one) for one, _ in context.corrections.of(image)]
        except JournalError:
            spoiled.append("corrections")
    rows, columns = parts.size or (None, None)
    study_uid = tag(image, "StudyInstanceUID")
    size = f"width={IMAGE_PIXELS}&height={IMAGE_PIXELS}&smooth=1"
    return SeenImage(
        **{**dict(plain), "findings": findings},
        stage=found.stage(image),
        asked=found.asked(image),
        description=description,
        picture=f"/instances/{image.identifier}/rendered?{size}",
        rows=rows,
        columns=columns,
        box=parts.box,
        ratio=_ratio(parts.ratio),
        prior=_prior(server, parts.prior) if parts.prior else None,
        overlays=[_overlay(study_uid, one) for one in parts.overlays],
        overlays_asked=OVERLAYS_METADATA in image.metadata,
        overlays_coming=found.awaits_overlays(image),
        statements=statements,
        recipe=outcome.recipe if outcome else "",
        weights=parts.weights,
        report_viewer=_series_link(study_uid, plain.report.series_instance_uid) if plain.report and report else None,
        job=f"{XRAY}:{image.identifier}",
        unreadable=spoiled,
    )


def _rank(finding: FindingView) -> tuple[int, float]:
    """Order of the report: what is present, what is undecided, the rest; by score."""
    return {"present": 0, "absent": 2}.get(finding.presence or "", 1), -finding.score


def _finding(finding: FindingView, parts: Parts) -> SeenFinding:
    above = finding.score >= finding.threshold
    grid = parts.grids.get(finding.label) if above else None
    prior = parts.prior.scores.get(finding.label) if parts.prior else None
    return SeenFinding(
        **dict(finding),
        above=above,
        map=_map(grid, parts) if grid else None,
        prior=prior,
        change=None if prior is None else round(finding.score - prior, 6),
    )


def _map(grid: Grid, parts: Parts) -> MapView:
    if parts.box is None or parts.size is None:
        return MapView(side=grid.side, values=grid.values, peak=None, place="")
    left, top, width, height = parts.box
    column, row = grid.peak
    peak = left + (column + 0.5) / grid.side * width, top + (row + 0.5) / grid.side * height
    rows, columns = parts.size
    return MapView(side=grid.side, values=grid.values, peak=peak, place=in_words(peak[0] / columns, peak[1] / rows))


def in_words(across: float, down: float) -> str:
    """A place in the image by thirds, as it is seen: not by the patient's sides.

    Parameters
    ----------
    across, down
        0 at the left and upper edge, 1 at the right and lower one.
    """
    rows, columns = ("upper", "middle", "lower"), ("left", "centre", "right")

    def third(share: float) -> int:
        return min(2, max(0, int(share * 3)))

    where = rows[third(down)], columns[third(across)]
    return "the middle of the image" if where == ("middle", "centre") else f"the {where[0]} {where[1]} of the image"


def _ratio(stored: StoredRatio | StoredRefusal | None) -> RatioView | None:
    if stored is None:
        return None
    if isinstance(stored, StoredRefusal):
        return RatioView(
            code=stored.code,
            sentence=stored.code.sentence,
            detail=stored.detail,
            value=None,
            uncertainty=None,
            heart=None,
            thorax=None,
            method="",
        )
    return RatioView(
        code=stored.code,
        sentence="The cardiothoracic ratio was measured.",
        detail="",
        value=stored.value,
        uncertainty=stored.uncertainty,
        heart=_width(stored.heart, stored.spacing),
        thorax=_width(stored.thorax, stored.spacing),
        method=stored.method,
    )


def _width(line: tuple[tuple[float, float], tuple[float, float]], spacing: tuple[float, float] | None) -> WidthView:
    (left, top), (right, bottom) = line
    across, down = right - left, bottom - top
    mm = math.hypot(across * spacing[1], down * spacing[0]) if spacing else None
    return WidthView(start=line[0], end=line[1], pixels=math.hypot(across, down), mm=mm)


def _prior(server: Server, stored: StoredPrior) -> PriorView:
    image = next((found for level, found in server.lookup(stored.image) if level == "instance"), None)
    study = server.study_of("instance", image) if image else None
    return PriorView(
        date=stored.date,
        sop_instance_uid=stored.image,
        report_uid=stored.report,
        page=f"/ai/studies/{study.identifier}" if study else None,
    )


def _overlay(study_uid: str, stored: StoredOverlay) -> OverlayView:
    return OverlayView(
        kind=stored.kind,
        finding=stored.finding,
        sop_instance_uid=stored.sop_instance_uid,
        series_instance_uid=stored.series_instance_uid,
        viewer=_series_link(study_uid, stored.series_instance_uid),
    )


def _statement(correction: Correction) -> StatementView:
    return StatementView(
        reader=correction.reader,
        at=correction.at,
        findings=[SaidView(finding=one.finding, present=one.present) for one in correction.findings],
        comment=correction.comment,
        state=correction.state,
        code=correction.code,
        sentence=correction.code.sentence if correction.code else None,
        viewer=_series_link(correction.result.study_instance_uid, correction.result.series_instance_uid),
    )


def _series_link(study_uid: str, series_uid: str) -> str:
    return f"{viewer_link(study_uid)}&initialSeriesInstanceUID={quote(series_uid, safe='')}"


def _ct(study: Resource, series: Sequence[Resource]) -> CtSummary | None:
    ct = [one for one in series if tag(one, "Modality") == "CT"]
    if not ct:
        return None
    outcome = outcome_of(study, CARDIAC_METADATA)
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    listed = [_ct_series(one, outcome_of(one, CARDIAC_METADATA)) for one in ct]
    return CtSummary(
        code=code,
        sentence=code.sentence,
        detail=outcome.detail if outcome else "",
        series=sorted(listed, key=lambda one: (not one.accepted, one.number is None, one.number or 0)),
        page=f"/ai/studies/{study.identifier}/cardiac",
    )


def _ct_series(series: Resource, outcome: Outcome | None) -> CtSeries:
    verdict = StoredVerdict.of(outcome) if outcome else None
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    return CtSeries(
        number=verdict.number if verdict else None,
        description=tag(series, "SeriesDescription"),
        code=code,
        sentence=code.sentence,
        accepted=bool(verdict and verdict.accepted),
        role=verdict.role if verdict else None,
    )


def _cards(context: Context, images: Sequence[SeenImage]) -> Iterator[ModelView]:
    for name in dict.fromkeys(one.model for one in images if one.model):
        try:
            yield model(context, name)
        except Problem:
            continue  # the images name it; its card has gone

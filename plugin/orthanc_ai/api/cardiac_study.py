"""``/ai/studies/{id}/cardiac``: the CT series of one study, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..cardiac import wording
from ..cardiac.best import best_of_study
from ..cardiac.header import Header
from ..cardiac.positions import Positions, Row, positions
from ..cardiac.roles import Role
from ..cardiac.stored import StoredVerdict, VerdictError, read_verdict
from ..codes import Code
from ..outcomes import CARDIAC_METADATA, Outcome
from ..server import Content, Resource, Server
from .findings import report_id
from .identify import identify
from .reading import ReportView, notes_of, outcome_of, tag
from .views import CodeView, View, viewer_link

MODALITY = "CT"
"""Series of other modalities are only counted, as in the verdict."""

THUMBNAIL_PIXELS = 192

MOST_IMAGES = 20_000
"""Images of one study whose positions are asked for: four times as many as large studies have. Their headers take 45 MB."""

CONTRAST_WINDOW = 200, 800
"""Center and width in HU for vessels with contrast: from -200, below fat, to 600, above a bright lumen, so that calcium
stands out from it."""

SOFT_TISSUE_WINDOW = 40, 400
"""Center and width in HU of the usual mediastinal window."""

_CONTENT: Sequence[Content] = ("MainDicomTags", "Metadata")

_UNREADABLE = f"The metadata {CARDIAC_METADATA} cannot be read; have the study analysed again."


class Thumbnail(View):
    """Where Orthanc draws one image of a series."""

    path: str
    instance_number: int | None
    window_center: int | None
    """In HU; `null`: the image's own window."""
    window_width: int | None


class GapView(View):
    """A place where slices are missing between two neighbours, or where their distance is not the usual one."""

    after: int | None
    """Instance Number of the neighbour before."""
    before: int | None
    """Instance Number of the neighbour behind."""
    position_mm: float
    """Position of the neighbour before."""
    distance_mm: float
    """From neighbour to neighbour."""
    missing: int
    """Slices that would fit in between; 0 if no whole number of them does."""


class PhasePositions(View):
    """Where the slices of one phase lie, along their normal."""

    phase: str
    """Cardiac phase; empty if none is known."""
    source: str
    """Keyword of the attribute that tells it; empty if none is known."""
    step_mm: float | None
    """The usual distance of neighbours."""
    positions_mm: list[float]
    """Ascending; several images may lie at one position."""
    instance_numbers: list[int | None]
    """One for each position."""
    irregular: list[GapView]
    """Where neighbours are not at their usual distance."""


class CardiacSeries(View):
    """One CT series."""

    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    number: int | None
    description: str
    instances: int
    """Instances of the series in the archive now."""
    judged_instances: int
    """Instances of the series when it was judged."""
    code: Code
    """`ACCEPTED`, why it was not, or `NOT_ANALYZED_YET`."""
    sentence: str
    detail: str
    accepted: bool
    role: Role | None
    best: bool
    """The best series of the study for its role."""
    role_words: str
    """The role and what follows in sentences, as in the report; empty where there is nothing to say."""
    phase_words: str
    geometry_words: str
    contrast_words: str
    evidence_words: str
    codes: list[CodeView]
    """The decisive one first."""
    phases: list[PhasePositions]
    to_head: bool | None
    """Whether positions grow towards the head, for axial slices."""
    elsewhere: int
    """Images that have no place on the normal: of another orientation, or without position."""
    looked_at: bool
    """False if the study has so many images that those of this series were not looked at: no positions, no thumbnail."""
    thumbnail: Thumbnail | None
    """An image from the middle."""
    verdict: dict[str, Any]
    """The rules' verdict in full, as docs/cardiac-ct.md describes it."""


class CardiacStudy(View):
    """The CT series of one study."""

    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    study_date: str
    study_description: str
    patient_id: str
    code: Code
    """`REPORTED`, a reason why there is no report, or `NOT_ANALYZED_YET`."""
    sentence: str
    detail: str
    notes: list[CodeView]
    """Remarks on the study as a whole, e.g. that its patient is not known for certain."""
    at: str | None
    """Time of the verdict, ISO 8601, UTC."""
    series: list[CardiacSeries]
    """The CT series, accepted ones first, else by their numbers."""
    other_modalities: list[str]
    """Modalities of the other series."""
    report: ReportView | None
    viewer: str
    """Path at which OHIF shows the study."""
    report_viewer: str | None
    """Path at which OHIF shows the report."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A study, and where the images of each of its series lie, in the same order."""

    view: CardiacStudy
    positions: tuple[Positions, ...]


def read_study(server: Server, identifier: str) -> Judged:
    """What is known of the CT series of one study: verdicts from their metadata, positions from the index.

    The index is asked for what it keeps anyway, so no file is read, however old the archive.

    Parameters
    ----------
    identifier
        Orthanc identifier or Study Instance UID.

    Raises
    ------
    Problem
        ``NOT_FOUND``, ``AMBIGUOUS_IDENTIFIER``.
    """
    study = identify(server, "study", identifier)
    outcome = outcome_of(study, CARDIAC_METADATA)
    all_series = list(server.children("study", study.identifier, "series"))
    ct = [one for one in all_series if tag(one, "Modality") == MODALITY]
    outcomes = {one.identifier: outcome_of(one, CARDIAC_METADATA) for one in ct}
    best = best_of_study({identifier: one.data for identifier, one in outcomes.items() if one})
    read, left = [], MOST_IMAGES
    for one in ct:
        left -= len(one.children)
        images = _images(server, study, one) if left >= 0 else None
        read.append(_series(study, one, images, best=one.identifier in best))
    read.sort(key=lambda one: (not one[0].accepted, one[0].number is None, one[0].number or 0, one[0].id))
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    uid = tag(study, "StudyInstanceUID")
    result = outcome.result if outcome else None
    report = ReportView.of(result, report_id(server, result.sop_instance_uid)) if result else None
    view = CardiacStudy(
        id=study.identifier,
        study_instance_uid=uid,
        study_date=tag(study, "StudyDate"),
        study_description=tag(study, "StudyDescription"),
        patient_id=tag(study, "PatientID"),
        code=code,
        sentence=code.sentence,
        detail=outcome.detail if outcome else "",
        notes=notes_of(outcome.notes) if outcome else [],
        at=outcome.at if outcome else None,
        series=[series for series, _ in read],
        other_modalities=sorted({tag(one, "Modality") for one in all_series if tag(one, "Modality") != MODALITY}),
        report=report,
        viewer=viewer_link(uid),
        report_viewer=f"{viewer_link(uid)}&initialSeriesInstanceUID={quote(report.series_instance_uid, safe='')}"
        if report and report.instance_id
        else None,
    )
    return Judged(view, tuple(positions for _, positions in read))


def _images(server: Server, study: Resource, series: Resource) -> dict[str, Header]:
    """The headers of a series by the Orthanc identifier of the instance, as far as the index has them."""
    # In this order: what differs within a series is the instance's own.
    above = {**study.tags, **series.tags}
    return {
        instance.identifier: Header.from_tags(
            {**above, "SOPClassUID": instance.metadata.get("SopClassUid", ""), **instance.tags}
        )
        for instance in server.children("series", series.identifier, "instance", content=_CONTENT)
    }


def _series(
    study: Resource, series: Resource, images: Mapping[str, Header] | None, *, best: bool
) -> tuple[CardiacSeries, Positions]:
    headers = list((images or {}).values())
    places = positions(headers)
    outcome, verdict, unreadable = _verdict(series)
    code = outcome.code if outcome else Code.NOT_ANALYZED_YET
    view = CardiacSeries(
        id=series.identifier,
        series_instance_uid=tag(series, "SeriesInstanceUID"),
        number=Header.from_tags(series.tags).series_number,
        description=tag(series, "SeriesDescription"),
        instances=len(series.children),
        judged_instances=verdict.instances if verdict else 0,
        code=code,
        sentence=code.sentence,
        detail=unreadable or (outcome.detail if outcome else ""),
        accepted=bool(verdict and verdict.accepted),
        role=verdict.role if verdict else None,
        best=best,
        role_words=wording.role_words(verdict, best=best) if verdict else "",
        phase_words=wording.phase_words(verdict) if verdict else "",
        geometry_words=wording.geometry_words(verdict) if verdict else "",
        contrast_words=wording.contrast_words(verdict) if verdict else "",
        evidence_words=wording.evidence_words(verdict.score, verdict.evidence) if verdict else "",
        codes=notes_of(verdict.codes) if verdict else [],
        phases=[_phase(row) for row in places.rows],
        to_head=places.to_head,
        elsewhere=places.elsewhere,
        looked_at=images is not None,
        thumbnail=_thumbnail(places, images or {}, verdict),
        verdict=dict(outcome.data) if outcome else {},
    )
    return view, places


def _verdict(series: Resource) -> tuple[Outcome | None, StoredVerdict | None, str]:
    """The outcome of a series, the verdict in it, and what to say if it cannot be read."""
    outcome = outcome_of(series, CARDIAC_METADATA)
    if outcome is None:
        spoiled = CARDIAC_METADATA in series.metadata
        return None, None, _UNREADABLE if spoiled else ""
    try:
        return outcome, read_verdict(outcome.data), ""
    except VerdictError:
        return outcome, None, _UNREADABLE


def _phase(row: Row) -> PhasePositions:
    return PhasePositions(
        phase=row.label,
        source=str(row.source or ""),
        step_mm=None if row.step_mm is None else round(row.step_mm, 3),
        positions_mm=[round(position, 3) for position in row.positions_mm],
        instance_numbers=[header.instance_number for header in row.headers],
        irregular=[
            GapView(
                after=row.headers[step.first].instance_number,
                before=row.headers[step.second].instance_number,
                position_mm=round(row.positions_mm[step.first], 3),
                distance_mm=round(row.positions_mm[step.second] - row.positions_mm[step.first], 3),
                missing=step.missing,
            )
            for step in row.steps
        ],
    )


def _thumbnail(places: Positions, images: Mapping[str, Header], verdict: StoredVerdict | None) -> Thumbnail | None:
    """The image in the middle of the longest phase, or of the series if none has a place."""
    rows = [row.headers for row in places.rows] or [
        tuple(sorted(images.values(), key=lambda one: one.instance_number or 0))
    ]
    longest = max(rows, key=len)
    if not longest:
        return None
    middle = longest[len(longest) // 2]
    window = _window(verdict)
    path = f"/instances/{next(identifier for identifier, header in images.items() if header is middle)}"
    if (middle.number_of_frames or 1) > 1:
        path += f"/frames/{(middle.number_of_frames or 1) // 2}"
    question = {"width": THUMBNAIL_PIXELS, "height": THUMBNAIL_PIXELS, "smooth": 1}
    if window:
        question |= {"window-center": window[0], "window-width": window[1]}
    return Thumbnail(
        path=f"{path}/rendered?{urlencode(question)}",
        instance_number=middle.instance_number,
        window_center=window[0] if window else None,
        window_width=window[1] if window else None,
    )


def _window(verdict: StoredVerdict | None) -> tuple[int, int] | None:
    if verdict is None or not verdict.accepted:
        return None
    return SOFT_TISSUE_WINDOW if verdict.role is Role.CAC or verdict.contrast.seen == "NO" else CONTRAST_WINDOW

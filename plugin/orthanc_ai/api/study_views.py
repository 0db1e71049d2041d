"""What ``/ai/studies/{id}`` says of one study, and the page shows."""

from typing import Literal

from ..codes import Code
from ..corrections.correction import State
from .model_cards import ModelView
from .reading import FindingView, ImageFindings
from .views import View

Stage = Literal["waiting", "running", "held", "retrying", "failed", "refused", "reported"]


class MapView(View):
    """Where in the image a score comes from (class activation)."""

    side: int
    """Cells along each side of the grid."""
    values: str
    """Base64 of side * side bytes, row by row; 255 is the largest of this map, 0 is zero or negative."""
    peak: tuple[float, float] | None
    """Column and row of the middle of the largest cell, in pixels of the image; `null` if it is not known what the grid covers."""
    place: str
    """The same in words; empty if it is not known."""


class SeenFinding(FindingView):
    """One output of the model, and what else is known of it."""

    above: bool
    """Whether the score reaches the threshold."""
    map: MapView | None
    """`null` below the threshold."""
    prior: float | None
    """The score in the earlier image."""
    change: float | None
    """How much the score has grown since."""


class WidthView(View):
    """One of the two widths."""

    start: tuple[float, float]
    """Column and row in pixels of the image, from its upper left corner."""
    end: tuple[float, float]
    pixels: float
    mm: float | None
    """`null` without a pixel spacing."""


class RatioView(View):
    """The cardiothoracic ratio, or why there is none."""

    code: str
    """`MEASURED`, or why not."""
    sentence: str
    detail: str
    value: float | None
    uncertainty: float | None
    """Standard uncertainty of the value."""
    heart: WidthView | None
    thorax: WidthView | None
    method: str


class PriorView(View):
    """The patient's latest earlier image that the same model has read."""

    date: str
    """Study Date."""
    sop_instance_uid: str
    report_uid: str
    page: str | None
    """Path of the page of its study; `null` if it is not here any more."""


class OverlayView(View):
    """An object that was written beside the report, for viewers."""

    kind: str
    """`heat map`, `segmentation` or `measurements`."""
    finding: str
    """Of a heat map."""
    sop_instance_uid: str
    series_instance_uid: str
    viewer: str
    """Path at which OHIF shows it."""


class SaidView(View):
    """What a reader has stated about one finding."""

    finding: str
    present: bool


class StatementView(View):
    """One statement of a reader on an image."""

    reader: str
    at: str
    """ISO 8601, UTC."""
    findings: list[SaidView]
    comment: str
    state: State
    """`pending` until its DICOM SR is stored, then `stored`; `failed` if there is none: `code` says why."""
    code: Code | None
    sentence: str | None
    viewer: str
    """Path at which OHIF shows its SR."""


class SeenImage(ImageFindings):
    """One X-ray image with its findings; these in the order of the report."""

    findings: list[SeenFinding]  # type: ignore[assignment]
    stage: Stage
    """How far it is: `reported`, `refused` (no report, for a reason), `failed`, or on its way."""
    asked: bool
    """Whether somebody has asked for it to be analysed again, and it was not yet."""
    description: str
    """Series Description."""
    picture: str
    """Path at which Orthanc draws it."""
    rows: int | None
    columns: int | None
    """Size in pixels; `null` if it was not read."""
    box: tuple[float, float, int, int] | None
    """Left, top, width and height, in pixels of the image, of what the maps cover: what the model saw."""
    ratio: RatioView | None
    prior: PriorView | None
    overlays: list[OverlayView]
    overlays_asked: bool
    """Whether heat maps and lines were asked for as objects for viewers."""
    overlays_coming: bool
    """Whether these are on their way."""
    statements: list[StatementView]
    """What readers have stated about it, newest first."""
    recipe: str
    """Digest of all that determines the result."""
    weights: str
    """First digits of the SHA-256 of the model's weights."""
    report_viewer: str | None
    """Path at which OHIF shows the report."""
    job: str
    """Name of its job, for `/ai/jobs/{job}/retry`."""
    unreadable: list[str]
    """Parts of its metadata that somebody has spoiled."""


class CtSeries(View):
    """One CT series in a line."""

    number: int | None
    description: str
    code: Code
    sentence: str
    accepted: bool
    role: str | None


class CtSummary(View):
    """What became of the CT series of the study."""

    code: Code
    sentence: str
    detail: str
    series: list[CtSeries]
    page: str
    """Path of the page that has everything about them."""


class StudyView(View):
    """One study as its reader sees it."""

    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    study_date: str
    study_description: str
    patient_id: str
    labels: list[str]
    state: str
    """Another one as soon as anything here is another; `/ai/studies/{id}/state` has it alone."""
    settled: bool
    """Whether nothing of it is on its way."""
    demonstration: bool
    """Whether any of it was made by a demonstration model: not for diagnosis."""
    warning: str | None
    images: list[SeenImage]
    """The X-ray images."""
    ct: CtSummary | None
    models: list[ModelView]
    """Cards of the models that read the images."""
    viewer: str
    """Path at which OHIF shows the study."""


class StudyState(View):
    """Whether anything is new."""

    state: str
    settled: bool

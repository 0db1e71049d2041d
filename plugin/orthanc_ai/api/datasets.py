"""``/ai/datasets``: images of a selection as training data, and what they hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..codes import Code
from ..datasets.labels import MOST_COLUMNS, Key, LabelsError
from ..datasets.lookup import find_image
from ..datasets.manifest import MANIFEST
from ..datasets.orders import DATASETS, PRIVATE, Format
from ..datasets.readers import RuleName
from ..datasets.recipe import By, Layout, labels_of
from ..datasets.splits import DEFAULT_RATIOS, Plan
from ..deidentify.options import BurnedIn, Cleaned, Options, Retained
from ..deidentify.private import Private
from ..images.scaling import MAXIMUM_BINS, Kind, Padding, Scaling, Use
from ..images.size import LARGEST, How, Size
from .batch_files import all_files, folder_of, one_file
from .batches import BatchView, begin
from .context import Context
from .filters import ShortText
from .http import Problem, Response
from .selection import SelectionRequest, selection_of
from .views import Query, View

Side = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]


class SizeRequest(Query):
    """One size for all images."""

    rows: Side
    columns: Side
    how: How = "fit"
    """`fit`: the whole image, with black around it; `crop`: its middle, without; `stretch`: the whole image, its sides
    stretched differently."""
    square: bool = Field(default=False, strict=True)
    """Make pixels square that are not."""
    content: bool = Field(default=False, strict=True)
    """Leave the dark margins of the image out."""


class ScalingRequest(Query):
    """What becomes black, gray and white; docs/display.md says more. What is not said is the image's."""

    kind: Kind = "header"
    """`header`: the VOI LUT or window of the image; `named`: a window by name; `window`: one's own; `frequency`: as often as
    values occur; `range`: from one value to another; `viewer`: as the viewer shows it first."""
    use: Use | None = None
    """Of `header`: only a window, or only a VOI LUT."""
    number: int | None = Field(default=None, strict=True)
    """Of `header`: which of several, counted from 1."""
    explanation: str | None = Field(default=None, max_length=64)
    """Of `header`: the one that is called so."""
    name: str | None = Field(default=None, max_length=32)
    """Of `named`, e.g. `lung`."""
    center: float | None = None
    """Of `window`."""
    width: float | None = None
    """Of `window`."""
    function: str | None = Field(default=None, max_length=16)
    """Of `window` and `named`: VOI LUT Function."""
    bins: int | None = Field(default=None, strict=True)
    """Of `frequency`: how many."""
    cut_points: list[float] | None = Field(default=None, max_length=MAXIMUM_BINS)
    """Of `frequency`: one's own, ascending."""
    minimum: float | None = None
    """Of `range` and `frequency`."""
    maximum: float | None = None
    """Of `range` and `frequency`."""
    percentiles: tuple[float, float] | None = None
    """Of `range`: black and white by the share of pixels below them, in percent."""
    padding: Padding = "shown"
    """What becomes of padding: `shown` like any other value, as in the viewer, or `black`."""

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        self.scaling()
        return self

    def scaling(self) -> Scaling:
        """The scaling as it is carried out."""
        return Scaling.of(self.model_dump(by_alias=True, exclude_none=True))


class ClassesRequest(Query):
    """By what the images fall into classes."""

    by: By
    """`finding`: the finding with the highest score of those that reach their thresholds, or `No Finding`; `label`: a column
    of `labels`; `reader`: what readers say of one finding, by the rule of `readers`; `modality`, `bodyPart`; `role`: of the CT
    series."""
    name: str = Field(default="", max_length=64)
    """Of `finding`: the only one that counts, so that there are two classes; of `reader`: the finding; of `label`: the column."""

    @model_validator(mode="after")
    def _column(self) -> Self:
        if self.by == "label" and not self.name:
            raise ValueError("the name of the column")
        if self.by == "reader" and not self.name:
            raise ValueError("the name of the finding")
        return self


class SplitRequest(Query):
    """How the images are divided: by patient, and never by image."""

    ratios: Annotated[dict[str, float], Field(default_factory=lambda: dict(DEFAULT_RATIOS))]
    """By the name of the side which part of all patients it gets; together 1."""
    seed: int = Field(default=0, ge=0, lt=2**53, strict=True)
    """Another one gives another division."""
    stratify: ClassesRequest | None = None
    """All sides get the same shares of these classes."""

    @field_validator("ratios")
    @classmethod
    def _division(cls, ratios: dict[str, float]) -> dict[str, float]:
        Plan(ratios)
        return ratios


class LabelsRequest(Query):
    """Labels of one's own; docs/datasets.md says of what form."""

    csv: str
    """The table: a header, and one row for each image, series, study or patient."""
    key: Key | None = None
    """What the rows identify images by; without it, what the columns are called tells."""
    columns: list[ShortText] | None = Field(default=None, max_length=MOST_COLUMNS)
    """The labels; without them all columns that identify nothing."""
    delimiter: Literal[",", ";", "\t", "|"] | None = None


class ReadersRequest(Query):
    """What readers have stated, as labels; docs/corrections.md says more."""

    rule: RuleName = "latest"
    """Where readers disagree: `latest`: the latest statement counts; `majority`: what more than half of them say;
    `unanimous`: what all of them say; `reader`: what the one says who is named. Where the rule decides nothing, there is no
    label; that they disagree is said in any case."""
    reader: str = Field(default="", max_length=64)
    """Of `reader`: the name."""
    only: bool = Field(default=False, strict=True)
    """Leave out what has no label by readers."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.rule == "reader") != bool(self.reader):
            raise ValueError("the name of the reader with the rule reader, and only with it")
        return self


class DeidentifyRequest(Query):
    """What is taken out of what is exported; docs/datasets.md says what that is."""

    enabled: bool = Field(default=True, strict=True)
    retain: list[Retained] = Field(default=[], max_length=16)
    """What stays although the Basic Profile of DICOM removes it."""
    clean: list[Cleaned] = Field(default=[], max_length=16)
    """What is cleaned instead of removed."""
    burned_in: BurnedIn = "leaveOut"
    """What becomes of images that show, or are likely to show, a text about the patient."""
    keep_key: bool = Field(default=False, strict=True)
    """Keep on the server whose each image is: without that, the dataset cannot grow."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.options()
        return self

    def options(self) -> Options:
        """The options as they are carried out."""
        return Options.of(self.model_dump(by_alias=True))


class DatasetRequest(Query):
    """Which images, as what, and how divided."""

    selection: SelectionRequest = Field(default_factory=SelectionRequest)  # type: ignore[arg-type]
    """Which images; all of the archive if nothing is said."""
    format: Format = "png8"
    """`png8`, `png16` (gray levels); `npz` (for `numpy.load`: `values` after the modality transformation, e.g. HU, not scaled
    to gray levels); `nifti` (volumes of the accepted CT series, in HU)."""
    size: Side | SizeRequest | None = None
    """Rows and columns; one number for a square. Without it each image keeps its own."""
    scaling: ScalingRequest = ScalingRequest()
    layout: Layout = "flat"
    """`flat`: all images in one folder; `folders`: a folder for each side of the split, with one for each class."""
    classes: ClassesRequest | None = None
    """The classes of the images, and of their folders."""
    split: SplitRequest | None = None
    labels: LabelsRequest | None = None
    readers: ReadersRequest | None = None
    """Labels by readers; none if nothing is said."""
    deidentify: DeidentifyRequest = DeidentifyRequest()

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.format == "nifti" and self.size is not None:
            raise ValueError("a volume keeps its size")
        if self.format in {"npz", "nifti"} and self.scaling != ScalingRequest():
            raise ValueError(f"{self.format} has values, not gray levels: there is nothing to scale")
        if self.format == "nifti" and self.readers:
            raise ValueError("readers have said nothing of CT series")
        by = [one.by for one in (self.classes, self.split.stratify if self.split else None) if one]
        if "reader" in by and not self.readers:
            raise ValueError("classes by reader need readers")
        return self

    grows: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    """An earlier dataset: every patient of it stays on the side where it is."""


class ImageView(View):
    """An image of a dataset. What could name a patient is there only if the dataset is not de-identified."""

    file: str
    """Path below the dataset's folder."""
    patient: str
    """Pseudonym."""
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    modality: str | None = None
    body_part: str | None = None
    instance_number: str | None = None
    frame: int | None = None
    """Of a multi-frame image, counted from 1."""
    patient_id: str | None = None
    study_date: str | None = None
    study_description: str | None = None
    series_description: str | None = None
    phase: str | None = None
    """Of a volume: the cardiac phase."""
    slices: int | None = None
    """Of a volume."""
    spacing_mm: list[float] | None = None
    """Of a volume: between slices, rows, columns."""
    rows: int
    columns: int
    type: str
    """`uint8`, `uint16`, or of NPZ what its values are."""
    scaling: Mapping[str, Any] | None = None
    """What became black and white, e.g. the window that was applied; `null` of NPZ."""
    rescale: Mapping[str, Any] = Field(default={})
    """Rescale Slope and Intercept."""
    flags: list[Code] = Field(default=[])
    """What somebody has to look at before the image is given away."""
    bytes: int
    sha256: str
    pixels: str | None = None
    """The same for images with the same stored values, within this dataset."""
    picture: str | None = None
    """The same for files that show the same."""
    split: str | None = None
    group: str | None = None
    """The same for images that may be of one patient."""
    class_: str | None = Field(default=None, alias="class")
    model: str | None = None
    findings: Mapping[str, float] | None = None
    """Scores by finding, 0 to 1."""
    role: str | None = None
    """Of the CT series."""
    labels: Mapping[str, str] | None = None
    """The researcher's own."""
    readers: Mapping[str, Any] | None = None
    """What readers say, by finding: `present` by the rule (`null`: undecided), `disagree`, `readers`, and `at` if dates stay."""


def begin_dataset(context: Context, request: DatasetRequest) -> BatchView:
    """Take in a dataset.

    Raises
    ------
    Problem
        ``NOT_FOUND`` or ``AMBIGUOUS_IDENTIFIER`` for what is named, ``KEY_DESTROYED``, ``LABELS_UNREADABLE``,
        ``LABELS_CONTRADICT``, ``TOO_MANY_BATCHES``, ``BATCHES_UNAVAILABLE``
    """
    columns: tuple[str, ...] = ()
    if request.labels:
        try:
            columns = labels_of(request.labels.model_dump()).columns
        except LabelsError as error:
            raise Problem(error.code, str(error)) from None
    for classes in (request.classes, request.split.stratify if request.split else None):
        if classes and classes.by == "label" and classes.name not in columns:
            raise Problem(Code.LABELS_UNREADABLE, "by label: labels has no column of this name, or it is withheld")
    if request.grows:
        earlier = folder_of(context, DATASETS, request.grows)
        if not Private(earlier.parent / PRIVATE).exists or not earlier.joinpath(MANIFEST).is_file():
            raise Problem(Code.KEY_DESTROYED)
    size = request.size
    asked: dict[str, Any] = request.model_dump(mode="json", by_alias=True) | {
        "selection": selection_of(context, request.selection).to_json(),
        "size": Size.of(size if isinstance(size, int) else size.model_dump()).to_json() if size else None,
        "scaling": request.scaling.scaling().to_json(),
        "deidentify": request.deidentify.options().to_json(),
    }
    return begin(context, DATASETS, asked)


def read_manifest(context: Context, identifier: str) -> Response:
    """The manifest of a dataset, as it lies beside it.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    return one_file(_complete(context, identifier), MANIFEST)


def download_file(context: Context, identifier: str, name: str) -> Response:
    """One file of a dataset.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    return one_file(_complete(context, identifier), name)


def download_all(context: Context, identifier: str) -> Response:
    """A dataset as a ZIP archive.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    return all_files(_complete(context, identifier), f"dataset-{identifier}", {})


def read_image(context: Context, identifier: str, name: str) -> ImageView:
    """What is known of an image of a dataset.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    entry = find_image(_complete(context, identifier), name)
    if entry is None:
        raise Problem(Code.NOT_FOUND, "The dataset has no image of this name; its manifest names those that there are.")
    return ImageView.model_validate(entry)


def _complete(context: Context, identifier: str) -> Path:
    """The folder of a dataset that is complete: half of one is none."""
    folder = folder_of(context, DATASETS, identifier)
    if not folder.joinpath(MANIFEST).is_file():
        raise Problem(
            Code.NOT_FOUND, f"The dataset is not complete; GET /ai/{DATASETS}/{identifier} says how far it is."
        )
    return folder

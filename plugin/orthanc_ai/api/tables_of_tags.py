"""``/ai/tables``: tables of tags, as background work, and what they have made."""

from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from ..codes import Code
from ..deidentify.options import Cleaned, Options, Retained
from ..images.windows import named
from ..tables.batch import private_of_dataset
from ..tables.columns import DEFAULT_TAGS, KEYS, MOST_TAGS, MOST_WINDOWS, Tag
from ..tables.lookup import Dictionary, NoColumnError, UnknownTagError
from ..tables.orders import TABLES, Format
from ..tables.paths import Path
from .batches import BatchView, begin, missing
from .context import Context
from .downloads import chunks_of, is_finished, media_type
from .http import Problem, Response
from .selection import SelectionRequest, selection_of
from .views import Query

DEFAULT = "default"
"""Stands for `DEFAULT_TAGS` among tags that are asked for."""

WindowName = Literal[
    "lung",
    "mediastinum",
    "soft-tissue",
    "bone",
    "cta",
    "brain",
    "subdural",
    "stroke",
    "temporal-bone",
    "head-soft-tissue",
    "abdomen",
    "liver",
    "spine",
    "spine-bone",
    "lungs",
    "brain_bone",
    "brain_soft",
    "abdomen_soft",
    "spine_soft",
    "spine_bone",
]
"""Names of `images.windows`, fastai's behind ours."""


class TableWindow(Query):
    """A window of one's own."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """Its column is `in_` and this name."""
    center: float = Field(ge=-1e6, le=1e6, strict=True)
    """Value in the middle, after the modality transformation, e.g. HU."""
    width: float = Field(ge=1, le=1e6, strict=True)
    """From one end to the other, in the same unit."""


class TableDeidentification(Query):
    """What of the Basic Profile of DICOM PS3.15 is done to the cells."""

    enabled: bool = Field(default=True, strict=True)
    """`false`: the cells are what the files say, and the table has Orthanc's identifiers."""
    retain: list[Retained] = Field(default=[], max_length=6)
    """What stays although the profile removes it (PS3.15 section E.3)."""
    clean: list[Cleaned] = Field(default=[], max_length=1)
    """What is cleaned instead of removed."""
    keep_key: bool = Field(default=False, strict=True)
    """Whether the server keeps the key of the pseudonyms."""


def _is_path(text: str) -> str:
    Path.parse(text)
    return text


# Which keywords there are is beyond a pattern, so the description gives the kind of text a name.
TagPath = Annotated[str, AfterValidator(_is_path), Field(json_schema_extra={"format": "dicom-attribute"})]


class TablesRequest(Query):
    """Which images, and which columns."""

    selection: SelectionRequest = Field(default_factory=lambda: SelectionRequest.model_validate({}))
    """Without it, all images of the archive."""
    tags: list[TagPath] = Field(default=[DEFAULT], max_length=MOST_TAGS)
    """Columns: keywords, or tags as `(0019,100C)`; within sequences as `RequestAttributesSequence[0].ScheduledProcedureStepID`,
    or `PerFrameFunctionalGroupsSequence[frame]...` for the item of the row's own frame. `default` stands for the usual ones."""
    several: Literal["joined", "numbered"] = "joined"
    """Attributes that may have several values: `joined` by backslashes in one column, or `numbered` columns, `PixelSpacing` and
    `PixelSpacing1`."""
    statistics: bool = Field(default=True, strict=True)
    """Whether each row has the minimum, maximum, mean and standard deviation of the pixel values."""
    windows: list[WindowName | TableWindow] = Field(default=[], max_length=MOST_WINDOWS)
    """The share of the pixels inside each of these windows. Of several with one name the last counts."""
    frames: bool = Field(default=False, strict=True)
    """Whether each frame of a multi-frame object has a row of its own."""
    formats: list[Format] = Field(default=["csv"], min_length=1, max_length=3)
    """`csv`, `parquet`, `sqlite`; all are made in one pass."""
    deidentify: TableDeidentification = TableDeidentification()
    """On unless it is switched off."""
    dataset: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    """Use the pseudonyms of this dataset, which must have kept its key: both can then be joined."""


@cache
def dictionary_of(python: FilePath) -> Dictionary:
    """DICOM's data dictionary, asked for once and for all requests."""
    return Dictionary(python)


def begin_table(context: Context, request: TablesRequest) -> BatchView:
    """Take in a table.

    Raises
    ------
    Problem
        ``TAG_UNKNOWN`` or ``TAG_WITHOUT_COLUMN`` for a tag; ``NOT_FOUND`` or ``AMBIGUOUS_IDENTIFIER`` for what is named;
        ``TOO_MANY_BATCHES``, ``BATCHES_UNAVAILABLE``
    """
    tags = _tags(dictionary_of(context.settings.python), request.tags)
    options = None
    if request.deidentify.enabled:
        wanted = request.deidentify.model_dump(mode="json", by_alias=True)
        try:
            options = Options.of(wanted).to_json()
        except ValueError as error:
            raise Problem(Code.BAD_REQUEST, f"deidentify: {error}") from None
    if request.dataset and (options is None or not private_of_dataset(context.settings, request.dataset).exists):
        raise Problem(Code.NOT_FOUND, f"dataset: there is no dataset {request.dataset} that has kept its key")
    windows = {}
    for one in request.windows:
        name, window = (one, named(one)) if isinstance(one, str) else (one.name, one)
        windows[name] = {"name": name, "center": window.center, "width": window.width}
    asked = {
        "selection": selection_of(context, request.selection).to_json(),
        "tags": [tag.to_json() for tag in tags],
        "several": request.several,
        "statistics": request.statistics,
        "windows": list(windows.values()),
        "frames": request.frames,
        "formats": list(dict.fromkeys(request.formats)),
        "deidentify": options,
        "dataset": request.dataset,
    }
    return begin(context, TABLES, asked)


def download_file(context: Context, identifier: str, name: str) -> Response:
    """One file of a table.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    folder = context.batches[TABLES].output(identifier)
    if folder is None:
        raise missing(TABLES)
    nothing = Problem(
        Code.NOT_FOUND, "The table has no such file, or not yet; its `summary` names those that there are."
    )
    try:
        folder, file = folder.resolve(), (folder / name).resolve()
        if not file.is_relative_to(folder) or not is_finished(file.relative_to(folder)):
            raise nothing
        size, chunks = chunks_of(file)
    except (OSError, ValueError):
        # It is not there, is a folder, or its name is none: too long, or with a zero in it.
        raise nothing from None
    saved_as = f"{identifier}-{file.name}"
    headers = {"Content-Disposition": f'attachment; filename="{saved_as}"', "Content-Length": str(size)}
    return Response(b"", media_type(file), headers=headers, chunks=chunks)


def _tags(dictionary: Dictionary, asked: list[str]) -> list[Tag]:
    """The columns that are asked for, each once, without those that every table has."""
    texts = [text for one in asked for text in (DEFAULT_TAGS if one == DEFAULT else (one,))]
    try:
        # SQLite takes columns for the same that differ in upper and lower case alone, as (0019,100C) and (0019,100c) do.
        once: dict[str, Tag] = {}
        for text in texts:
            if text not in KEYS:
                once.setdefault(text.casefold(), dictionary.tag(text))
        return list(once.values())
    except UnknownTagError as error:
        raise Problem(Code.TAG_UNKNOWN, f"tags: DICOM has no attribute with the keyword {error}") from None
    except NoColumnError as error:
        raise Problem(Code.TAG_WITHOUT_COLUMN, f"tags: {error}") from None

"""``/ai/volumes``: exports of volumes, as background work, and what they have made."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..cardiac.roles import Role
from ..codes import Code
from ..server import Level
from ..volumes.layout import MANIFEST, manifest
from ..volumes.orders import VOLUMES, WINDOWS, Format
from .batch_files import all_files, folder_of, one_file
from .batches import BatchView, begin, missing
from .context import Context
from .http import Response
from .identify import identify
from .views import Query, View

MOST_NAMED = 1000
"""Patients, studies or series that one request names: each takes a look into the index while somebody waits."""

Names = Annotated[list[str], Field(default=[], max_length=MOST_NAMED)]


class WindowRequest(Query):
    """A window of one's own."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    """Name of the folder of its slices."""
    center: float = Field(ge=-1e6, le=1e6, strict=True)
    """Hounsfield units shown in the middle gray."""
    width: float = Field(gt=1, le=1e6, strict=True)
    """Hounsfield units from black to white."""


class VolumesRequest(Query):
    """Which volumes, and as what. If no patient, study or series is named, the whole archive is meant."""

    patients: Names
    """Orthanc identifiers or Patient IDs."""
    studies: Names
    """Orthanc identifiers or Study Instance UIDs."""
    series: Names
    """Orthanc identifiers or Series Instance UIDs."""
    label: str = Field(default="", max_length=64)
    """Only studies with this label of Orthanc, e.g. `cardiac-ct`."""
    roles: list[Role] = Field(default=[], max_length=len(Role))
    """Only series of these roles."""
    phases: list[str] = Field(default=[], max_length=100)
    """Only these phases, by their labels as in the outcome of the series, e.g. `75%`."""
    accepted_only: bool = Field(default=True, strict=True)
    """Only accepted series, and of these only sound phases. Otherwise every CT series is exported whose images lie on a grid,
    a sheared one too, whatever was said of it."""
    formats: list[Format] = Field(default=["nifti"], min_length=1, max_length=4)
    """`nifti` (.nii.gz), `nrrd`, `npz` (for `numpy.load`), `png` (every slice through every window)."""
    windows: list[Literal["cta", "soft-tissue", "lung", "bone"] | WindowRequest] = Field(
        default=["cta"], min_length=1, max_length=8
    )
    """Windows of the PNG slices: `cta` (center 300, width 800), `soft-tissue` (40, 400), `lung` (-600, 1500), `bone`
    (400, 1800), or windows of one's own. Of several with one name the last counts."""


class PhaseEntry(View):
    """A phase of a series."""

    folder: str
    """Path below the export's folder."""
    label: str | None
    """`null` if the series has no phases."""
    source: str | None
    """Attribute from which the phase is known."""
    code: Code
    """`EXPORTED`, or why it was not."""
    sentence: str
    detail: str | None = None
    shape: list[int] | None = None
    """Slices, rows, columns."""
    spacing_mm: list[float] | None = None
    """Between slices, rows, columns."""
    type: str | None = None
    """`int16`, or `float32` if the Hounsfield units are no whole numbers."""
    files: Mapping[str, Any] | None = None
    """By format, below the phase's folder; of PNG the windows, which are folders."""
    bytes: int | None = None


class SeriesEntry(View):
    """A series."""

    folder: str
    id: str
    """Orthanc identifier."""
    series_instance_uid: str
    number: str
    description: str
    accepted: bool
    role: str | None
    code: Code
    """`ACCEPTED`, or why it is not."""
    sentence: str
    codes: list[str]
    """What is remarkable about it."""
    phases: list[PhaseEntry]
    """Empty if nothing of it was exported."""


class StudyEntry(View):
    """A study."""

    folder: str
    id: str
    """Orthanc identifier."""
    study_instance_uid: str
    study_date: str
    description: str
    series: list[SeriesEntry]


class PatientEntry(View):
    """A patient."""

    folder: str
    patient_id: str
    issuer_of_patient_id: str
    quarantine: Code | None = None
    """Why the study in this folder stands for no patient, as `/ai/quarantine` lists it."""
    studies: list[StudyEntry]


class Manifest(View):
    """What an export holds, and what it does not: the tree of its folders."""

    format: int
    """Version of this form."""
    patients: list[PatientEntry]


def begin_export(context: Context, request: VolumesRequest) -> BatchView:
    """Take in an export.

    Raises
    ------
    Problem
        ``NOT_FOUND`` or ``AMBIGUOUS_IDENTIFIER`` for what is named, ``TOO_MANY_BATCHES``, ``BATCHES_UNAVAILABLE``
    """
    chosen = [WINDOWS[one] if isinstance(one, str) else one for one in request.windows]
    windows = {one.name: {"name": one.name, "center": one.center, "width": one.width} for one in chosen}
    asked = request.model_dump(mode="json", by_alias=True) | {
        "patients": _identified(context, "patient", request.patients),
        "studies": _identified(context, "study", request.studies),
        "series": _identified(context, "series", request.series),
        "formats": list(dict.fromkeys(request.formats)),
        "windows": list(windows.values()) if "png" in request.formats else [],
    }
    return begin(context, VOLUMES, asked)


def read_manifest(context: Context, identifier: str) -> Manifest:
    """What an export has made so far.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    settled = context.batches[VOLUMES].settled(identifier)
    if settled is None:
        raise missing(VOLUMES)
    return Manifest.model_validate(manifest(settled.values()))


def download_file(context: Context, identifier: str, name: str) -> Response:
    """One file of an export.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    return one_file(folder_of(context, VOLUMES, identifier), name)


def download_all(context: Context, identifier: str) -> Response:
    """Everything that an export has made so far, as a ZIP archive.

    Raises
    ------
    Problem
        ``NOT_FOUND``
    """
    folder = folder_of(context, VOLUMES, identifier)
    content = read_manifest(context, identifier).model_dump_json(by_alias=True, exclude_none=True, indent=1)
    return all_files(folder, f"volumes-{identifier}", {MANIFEST: content.encode()})


def _identified(context: Context, level: Level, names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(identify(context.server, level, name).identifier for name in names))

"""`SelectionRequest`: which images or series a request means."""

from typing import Annotated

from pydantic import Field, StringConstraints

from ..cardiac.roles import Role
from ..catalog.selection import Selection
from ..codes import Code
from ..server import Level
from .context import Context
from .filters import DateRange, ShortText
from .identify import identify
from .views import Query

MOST_NAMED = 1000
"""Patients, studies, series or images that one request names: each takes a look into the index while somebody waits."""

ModalityName = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,16}$")]
"""A value of VR CS (PS3.5 table 6.2-1), without spaces."""

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(default=[], max_length=MOST_NAMED)]


# Strict: `true` is no score.
Fraction = Annotated[float, Field(ge=0, le=1, strict=True)]


class SelectionRequest(Query):
    """Which images: those that pass all filters. If no patient, study, series or image is named, the whole archive is meant.

    Upper and lower case count alike in body parts and descriptions.
    """

    patients: Names
    """Orthanc identifiers or Patient IDs."""
    studies: Names
    """Orthanc identifiers or Study Instance UIDs."""
    series: Names
    """Orthanc identifiers or Series Instance UIDs."""
    instances: Names
    """Orthanc identifiers or SOP Instance UIDs."""
    patient_id: Annotated[str, StringConstraints(max_length=64)] = ""
    """Patient ID, exactly."""
    modality: list[ModalityName] = Field(default=[], max_length=32)
    """Modalities of the series, e.g. `["CR", "DX"]`; one of them is enough."""
    body_part: Annotated[str, StringConstraints(max_length=16)] = ""
    """Body Part Examined, e.g. `CHEST`."""
    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""
    study_description: Annotated[str, StringConstraints(max_length=64)] = ""
    """Study Description, with `*` and `?` for any characters and any one."""
    series_description: Annotated[str, StringConstraints(max_length=64)] = ""
    """Series Description, with `*` and `?` for any characters and any one."""
    label: Annotated[str, StringConstraints(max_length=64)] = ""
    """Only studies with this label of Orthanc, e.g. `cardiac-ct`."""
    code: Code | None = None
    """Only X-rays, and images of CT series, with this outcome, e.g. `REPORTED` or `ACCEPTED`."""
    finding: ShortText | None = None
    """Only X-rays with a score of this finding, by the model's name of it, e.g. `Cardiomegaly`."""
    minimum: Fraction | None = None
    """Lowest score of the finding, inclusive; without `finding`, of any."""
    maximum: Fraction | None = None
    """Highest score of the finding, inclusive; without `finding`, of any."""
    model: ShortText | None = None
    """Only X-rays that this model read or is waited for."""
    roles: list[Role] = Field(default=[], max_length=len(Role))
    """Only CT series of these roles."""


def selection_of(context: Context, request: SelectionRequest) -> Selection:
    """What a request means, its names replaced by Orthanc identifiers.

    Raises
    ------
    Problem
        ``NOT_FOUND`` or ``AMBIGUOUS_IDENTIFIER`` for what is named.
    """

    def identified(level: Level, names: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(identify(context.server, level, name).identifier for name in names))

    return Selection(
        patients=identified("patient", request.patients),
        studies=identified("study", request.studies),
        series=identified("series", request.series),
        instances=identified("instance", request.instances),
        patient_id=request.patient_id,
        modality=tuple(request.modality),
        body_part=request.body_part,
        study_date=request.study_date or "",
        study_description=request.study_description,
        series_description=request.series_description,
        label=request.label,
        code=request.code or "",
        finding=request.finding or "",
        minimum=request.minimum,
        maximum=request.maximum,
        model=request.model or "",
        roles=tuple(request.roles),
    )

"""What the lists and counts of the catalogue take: filters, order, and where to go on."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from ..cardiac.roles import Role
from ..catalog.catalog import Place
from ..catalog.question import Sort
from ..catalog.selection import Selection
from ..codes import Code
from ..server import Level
from .archive import Fraction
from .filters import DateRange, PageQuery, ShortText
from .views import Query

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{8}){4}"
CURSOR = rf"^(?:i-?[0-9]{{1,18}}|s(?:[0-9a-f]{{2}}){{0,1024}})\.{_ID}\.(?:{_ID})?\.[0-9]{{1,9}}$"
"""Regular expression of a place: what was sorted by (UTF-8 in hexadecimal digits, of 256 characters at most, the longest that
Orthanc keeps of a tag), the Orthanc identifiers of the resource and of the image, and the number of the image in its series."""

_DICOM_LIST = r"^[A-Z0-9_]{1,16}(,[A-Z0-9_]{1,16}){0,31}$"
_ROLES = "|".join(Role)


class CatalogFilters(Query):
    """Which images, and so which patients, studies and series: those that hold an image which passes all filters.

    Upper and lower case count alike in body parts and descriptions.
    """

    modality: Annotated[str, StringConstraints(pattern=_DICOM_LIST)] | None = None
    """Modalities of the series, e.g. `DX` or `CR,DX`: one of them is enough."""
    body_part: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None
    """Body Part Examined, e.g. `CHEST`."""
    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""
    study_description: ShortText | None = None
    """Study Description, with `*` and `?` for any characters and any one."""
    series_description: ShortText | None = None
    """Series Description, with `*` and `?` for any characters and any one."""
    patient_id: ShortText | None = None
    """Patient ID, exactly."""
    label: ShortText | None = None
    """A label of Orthanc that the study bears, e.g. `cardiac-ct`."""
    code: Code | None = None
    """Outcome of the X-ray, or of the CT series, e.g. `REPORTED`, `NOT_CHEST` or `ACCEPTED`."""
    role: Annotated[str, StringConstraints(pattern=f"^({_ROLES})(,({_ROLES})){{0,9}}$")] | None = None
    """What the CT series is for, e.g. `CCTA` or `CCTA,CAC`: one of them is enough."""
    model: ShortText | None = None
    """Name of the model that read the X-ray or that it waits for."""
    finding: ShortText | None = None
    """The model's name of a finding that the X-ray has a score of, e.g. `Cardiomegaly`."""
    minimum: Fraction | None = None
    """Lowest score of the finding, inclusive; without `finding`, of any."""
    maximum: Fraction | None = None
    """Highest score of the finding, inclusive; without `finding`, of any."""

    def selection(self, within: tuple[Level, str] | None = None) -> Selection:
        """What the filters mean.

        Parameters
        ----------
        within
            Level and Orthanc identifier of what is looked into alone.
        """
        named: dict[Level, tuple[str, ...]] = {within[0]: (within[1],)} if within else {}
        return Selection(
            patients=named.get("patient", ()),
            studies=named.get("study", ()),
            series=named.get("series", ()),
            patient_id=self.patient_id or "",
            modality=tuple(self.modality.split(",")) if self.modality else (),
            body_part=self.body_part or "",
            study_date=self.study_date or "",
            study_description=self.study_description or "",
            series_description=self.series_description or "",
            label=self.label or "",
            code=self.code or "",
            finding=self.finding or "",
            minimum=self.minimum,
            maximum=self.maximum,
            model=self.model or "",
            roles=tuple(self.role.split(",")) if self.role else (),
        )


class CatalogQuery(CatalogFilters, PageQuery):
    """A list of the catalogue."""

    sort: Literal["patientID", "studyDate", "received"] = "studyDate"
    """What to sort by. `received` is when the series last got an image. What has no Study Date counts as oldest; of several
    values of a patient or a study the highest counts, or the lowest in ascending order."""
    order: Literal["ascending", "descending"] = "descending"
    """The highest first, or the lowest."""
    cursor: Annotated[str, StringConstraints(pattern=CURSOR)] | None = None
    """Where to go on: part of the `next` of the page before."""

    @property
    def sort_key(self) -> Sort:
        """What to sort by."""
        return self.sort

    @property
    def descending(self) -> bool:
        """The highest first."""
        return self.order == "descending"

    def place(self) -> Place | None:
        """Where to go on; ``None`` to begin."""
        return read_place(self.cursor) if self.cursor else None


class CatalogStudiesQuery(CatalogQuery):
    """A list of studies."""

    sort: Literal["patientID", "studyDate", "description", "received"] = "studyDate"  # type: ignore[assignment]
    """What to sort by; `description` is the Study Description. `received` is when a series of it last got an image."""


class CatalogSeriesQuery(CatalogQuery):
    """A list of series."""

    sort: Literal["patientID", "studyDate", "description", "modality", "received"] = "studyDate"  # type: ignore[assignment]
    """What to sort by; `description` is the Series Description. `received` is when the series last got an image."""


class CatalogImagesQuery(CatalogQuery):
    """A list of images."""

    sort: Literal["patientID", "studyDate", "description", "modality", "received", "score"] = "studyDate"  # type: ignore[assignment]
    """What to sort by; `description` is that of the series, `score` that of the `finding` which is asked for, or without it
    the highest of all: X-rays without a score are then left out, as all other images are."""


def cursor_of(place: Place) -> str:
    """A place as text."""
    value = f"i{place.value}" if isinstance(place.value, int) else f"s{place.value.encode().hex()}"
    return f"{value}.{place.identifier}.{place.image}.{place.number}"


def read_place(text: str) -> Place:
    """Read a cursor back; every text that `CURSOR` admits is one."""
    value, identifier, image, number = text.split(".")
    # What is no text was written by nobody here: then it is a place like any other.
    known = int(value[1:]) if value[0] == "i" else bytes.fromhex(value[1:]).decode(errors="replace")
    return Place(known, identifier, image, int(number))

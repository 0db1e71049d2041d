"""Filters that the lists over the archive have in common."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from ..server import Resource
from .http import Request, prefers_csv
from .paging import CURSOR, DEFAULT_LIMIT, MAXIMUM_LIMIT
from .reading import tag
from .views import Query

DateRange = Annotated[str, StringConstraints(pattern=r"^([0-9]{8}|[0-9]{8}-|-[0-9]{8}|[0-9]{8}-[0-9]{8})$")]

# A longer text can be no value of VR LO (PS3.5 table 6.2-1: 64 characters).
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class PageQuery(Query):
    """What everything takes that comes in pages."""

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT)] = DEFAULT_LIMIT
    """Entries on a page at most. A page may hold less, even none: go on as long as there is a next one."""
    cursor: Annotated[str, StringConstraints(pattern=f"^{CURSOR}$")] | None = None
    """Where to go on: part of the `next` of the page before."""
    format: Literal["json", "csv"] | None = None
    """Form of the answer; without it, the header Accept decides."""

    def next_page(self, path: str, cursor: str | None) -> str | None:
        """Path of the next page: the same question with another cursor."""
        if cursor is None:
            return None
        asked: Mapping[str, object] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return f"{path}?{urlencode({**asked, 'cursor': cursor})}"

    def wants_csv(self, request: Request) -> bool:
        """Whether the answer is to be a table."""
        if self.format:
            return self.format == "csv"
        return prefers_csv(request.headers.get("accept", ""))


class StudyQuery(PageQuery):
    """What every list takes of what belongs to studies."""

    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`."""
    patient_id: ShortText | None = None
    """Patient ID, exactly."""

    def index_query(self) -> dict[str, str]:
        """The part of the filters that Orthanc's index can apply."""
        wanted = {"StudyDate": self.study_date, "PatientID": self.patient_id}
        return {keyword: value for keyword, value in wanted.items() if value is not None}

    def admits(self, row: Resource) -> bool:
        """The rest: in the index, `*`, `?` and backslash in an identifier are wildcards; here they are themselves."""
        return self.patient_id is None or tag(row, "PatientID") == self.patient_id


class ListQuery(StudyQuery):
    """What every list of images and findings takes."""

    modality: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,16}$")] | None = None
    """Modality of the series, e.g. `DX`."""
    model: ShortText | None = None
    """Name of the model that was used or is waited for."""

    def index_query(self) -> dict[str, str]:
        """The part of the filters that Orthanc's index can apply."""
        return super().index_query() | ({} if self.modality is None else {"Modality": self.modality})

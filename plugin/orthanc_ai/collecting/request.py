"""What somebody wants collected: the body of ``POST /ai/collections``."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from ..cardiac.words import normalised
from ..sending.delivery import Destination
from .pace import HOURS

MAXIMUM_STUDIES = 20_000
"""Studies of one collection at most, 40 MB of memory, and patients that are asked about."""

MAXIMUM_DAYS = 36_600
"""Days of one collection at most, a hundred years: each is a question to the peer."""

EARLIEST = date(1900, 1, 1)
"""Nothing to be collected is older, and an open range is bounded by it."""

_DICOM_DATE = "%Y%m%d"

DateRange = Annotated[str, StringConstraints(pattern=r"^([0-9]{8}|[0-9]{8}-|-[0-9]{8}|[0-9]{8}-[0-9]{8})$")]

# No wildcard and no backslash: in a question they would stand for other patients as well (PS3.4 C.2.2.2). 64 characters
# at most, as VR LO has (PS3.5 table 6.2-1), and no space at the ends, which does not count there.
PatientId = Annotated[
    str, StringConstraints(pattern=r"^[^\\*?\x00-\x20\x7f]([^\\*?\x00-\x1f\x7f]{0,62}[^\\*?\x00-\x20\x7f])?$")
]

# VR CS, of both Modality and Body Part Examined.
CodeString = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_ ]{0,14}[A-Za-z0-9_])?$", to_upper=True)
]

Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _name(field: str) -> str:
    name = to_camel(field)
    return name.removesuffix("Ids") + "IDs" if name.endswith("Ids") else name


class CollectionRequest(BaseModel):
    """Which studies are wanted, from where, and how fast. Everything that is said must hold."""

    model_config = ConfigDict(
        alias_generator=_name,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )

    peer: Annotated[str, StringConstraints(pattern=r"^(modality|dicom-web):.+$")]
    """Where they are: `modality:NAME` for one of Orthanc's `DicomModalities`, `dicom-web:NAME` for one of the `Servers` of
    its `DicomWeb` section."""
    study_date: DateRange | None = None
    """Study Date as in DICOM queries: `20260131`, `20260101-`, `-20261231` or `20260101-20261231`. Without `patientIDs` it
    must have a beginning."""
    patient_ids: list[PatientId] = []
    """Patient IDs (MRN), at most 20,000: only studies of these, letter by letter."""
    modalities: Annotated[list[CodeString], Field(max_length=64)] = []
    """Only series of these modalities, e.g. `CT`."""
    body_parts: Annotated[list[CodeString], Field(max_length=64)] = []
    """Only series whose Body Part Examined is one of these, e.g. `HEART`."""
    unstated_body_part: Literal["fetch", "skip"] = "skip"
    """What to do with a series of which the peer states no Body Part Examined: many scanners leave it out."""
    words: Annotated[list[Word], Field(max_length=256)] = []
    """Only series with one of these in their Series Description or in the Study Description, whatever their case and
    accents."""
    not_words: Annotated[list[Word], Field(max_length=256)] = []
    """No series with one of these in its Series Description."""
    maximum_studies: Annotated[int, Field(ge=1, le=MAXIMUM_STUDIES, strict=False)] = 1000
    """If the filter wants more, nothing is fetched (`TOO_MANY_STUDIES`)."""
    studies_per_hour: Annotated[int, Field(ge=1, le=100_000, strict=False)] | None = None
    """So many studies are begun in any hour at most."""
    hours: Annotated[str, StringConstraints(pattern=HOURS)] | None = None
    """Studies are begun only between these times of the day, as this machine's clock shows them, e.g. `20:00-06:00`."""

    def check(self) -> None:
        """Check what the form of the fields does not tell.

        Raises
        ------
        ValueError
            With what is wrong and what is allowed.
        """
        first, last = _days(self.study_date) if self.study_date else (None, None)
        if len(self.patient_ids) > MAXIMUM_STUDIES:
            raise ValueError(f"patientIDs: at most {MAXIMUM_STUDIES}")
        if not self.patient_ids:
            if first is None or first < EARLIEST:
                raise ValueError(
                    "studyDate needs a beginning after 1900 where there are no patientIDs: nobody asks for a whole archive"
                )
            if last is not None and (last - first).days >= MAXIMUM_DAYS:
                raise ValueError(f"studyDate: at most {MAXIMUM_DAYS} days")
        if not all(normalised(word) for word in (*self.words, *self.not_words)):
            raise ValueError("words, notWords: each needs a letter or a digit")

    @property
    def destination(self) -> Destination:
        """The peer as Orthanc names it."""
        return Destination.parse(self.peer)

    def questions(self, today: date) -> Iterator[dict[str, str]]:
        """What is asked of the peer, each with its keys: one question for each patient, or for each day.

        A peer that has too much to answer says so or, worse, does not. A day of one hospital is little enough.

        Parameters
        ----------
        today
            Where an open range of dates ends.
        """
        keys = {"StudyDate": self.study_date} if self.study_date else {}
        # A list of several is no key that every peer understands (PS3.4 C.2.2.2.2 has lists of UIDs only).
        keys |= {"ModalitiesInStudy": self.modalities[0]} if len(self.modalities) == 1 else {}
        if self.patient_ids:
            for patient in dict.fromkeys(self.patient_ids):
                yield {**keys, "PatientID": patient}
            return
        first, last = _days(self.study_date or "")
        first, last = first or today, last or today
        for number in range((last - first).days + 1):
            yield {**keys, "StudyDate": f"{first + timedelta(days=number):{_DICOM_DATE}}"}

    def admits_date(self, text: str) -> bool:
        """Whether a Study Date lies in the range. One that is not stated, or no date, does: the peer has looked at it."""
        if self.study_date is None:
            return True
        first, last = _days(self.study_date)
        try:
            day = datetime.strptime(text.strip(), _DICOM_DATE).date()
        except ValueError:
            return True
        return (first is None or first <= day) and (last is None or day <= last)


def _days(text: str) -> tuple[date | None, date | None]:
    """First and last day of a range, inclusive.

    Raises
    ------
    ValueError
        If a day does not exist, or the range is empty.
    """
    begin, dash, end = text.partition("-")
    try:
        first = datetime.strptime(begin, _DICOM_DATE).date() if begin else None
        last = datetime.strptime(end, _DICOM_DATE).date() if end else None
    except ValueError:
        raise ValueError(f"studyDate: found {text!r}; allowed: days that exist") from None
    last = last if dash else first
    if first and last and first > last:
        raise ValueError(f"studyDate: found {text!r}; allowed: a range that does not end before it begins")
    return first, last

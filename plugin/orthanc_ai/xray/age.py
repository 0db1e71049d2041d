"""The patient's age at the time of the study."""

from pydicom import Dataset

from .. import ages
from ..attributes import MalformedError, attribute

_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


def age_in_years(header: Dataset) -> float | None:
    """Patient's Age (0010,1010), or the time from birth to the study; ``None`` if neither can be had."""
    dates = (_text(header, keyword) for keyword in _DATES)
    return ages.age_in_years(_text(header, "PatientAge"), _text(header, "PatientBirthDate"), dates)


def _text(header: Dataset, keyword: str) -> str:
    try:
        return str(attribute(header, keyword) or "").strip()
    except MalformedError:
        return ""

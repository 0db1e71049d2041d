"""The patient's age at the time of the study."""

import re
from datetime import date, datetime

from pydicom import Dataset

from ..attributes import MalformedError, attribute

# No one has grown older; beyond it, the value is a slip (there are films with "411Y").
_OLDEST_YEARS = 122.0
_DAYS_PER_YEAR = 365.2425
_UNITS_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": _DAYS_PER_YEAR / 7, "D": _DAYS_PER_YEAR}
# An Age String (PS3.5 section 6.2), or the bare number of years that some write.
_AGE = re.compile(r"(\d{1,4})\s*([YMWD]?)")


def age_in_years(header: Dataset) -> float | None:
    """Patient's Age (0010,1010), or the time from birth to the study; ``None`` if neither can be had."""
    for age in (_stated(header), _counted(header)):
        if age is not None and 0 <= age <= _OLDEST_YEARS:
            return age
    return None


def _stated(header: Dataset) -> float | None:
    match = _AGE.fullmatch(_text(header, "PatientAge").upper())
    return int(match[1]) / _UNITS_PER_YEAR[match[2] or "Y"] if match else None


def _counted(header: Dataset) -> float | None:
    birth = _date(header, "PatientBirthDate")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        if birth and (taken := _date(header, keyword)):
            return (taken - birth).days / _DAYS_PER_YEAR
    return None


def _date(header: Dataset, keyword: str) -> date | None:
    try:
        return datetime.strptime(_text(header, keyword), "%Y%m%d").date()
    except ValueError:
        return None


def _text(header: Dataset, keyword: str) -> str:
    try:
        return str(attribute(header, keyword) or "").strip()
    except MalformedError:
        return ""

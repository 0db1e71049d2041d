"""The patient's age at the time of a study, from the texts of the header: without pydicom, for the server."""

import re
from collections.abc import Iterable
from datetime import date

# No one has grown older; beyond it, the value is a slip (there are films with "411Y").
OLDEST_YEARS = 122.0
_DAYS_PER_YEAR = 365.2425
_UNITS_PER_YEAR = {"Y": 1.0, "M": 12.0, "W": _DAYS_PER_YEAR / 7, "D": _DAYS_PER_YEAR}
# An Age String (PS3.5 section 6.2), or the bare number of years that some write.
_AGE = re.compile(r"(\d{1,4})\s*([YMWD]?)", re.ASCII)
_DATE = re.compile(r"\d{8}", re.ASCII)


def age_in_years(stated: str, birth: str, dates: Iterable[str]) -> float | None:
    """Patient's Age (0010,1010), or the time from birth to the study, in years; ``None`` if neither can be had.

    Parameters
    ----------
    stated
        Patient's Age, DICOM AS.
    birth
        Patient's Birth Date, DICOM DA.
    dates
        Dates of the study, DICOM DA: the first that is one counts.
    """
    for age in (_stated(stated), _counted(birth, dates)):
        if age is not None and 0 <= age <= OLDEST_YEARS:
            return age
    return None


def read_date(text: str) -> date | None:
    """A DICOM DA (PS3.5 section 6.2); ``None`` if it is none."""
    text = text.strip()
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _stated(text: str) -> float | None:
    match = _AGE.fullmatch(text.strip().upper())
    return int(match[1]) / _UNITS_PER_YEAR[match[2] or "Y"] if match else None


def _counted(birth: str, dates: Iterable[str]) -> float | None:
    born = read_date(birth)
    taken = next((found for one in dates if (found := read_date(one))), None)
    if born is None or taken is None or taken < born:
        return None
    # By the calendar: whoever has a tenth birthday is ten, however many leap years lie between.
    years = taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))
    return years + min((taken - _birthday(born, born.year + years)).days / 366, 1.0)


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:  # the 29th of February
        return date(year, 3, 1)

"""Filters on texts and dates, as in DICOM queries (PS3.4 section C.2.2.2), with upper and lower case alike."""

import re
from fnmatch import fnmatchcase


def fold(text: str) -> str:
    """A text for comparison: without spaces at either end (PS3.5 section 6.2), upper and lower case alike.

    What is not ASCII stays so, a Kelvin sign is no ``k``: Orthanc's index, which is asked first, does not take it for one. Nor
    does it take a dotted capital I for an ``i`` with a dot behind it.
    """
    return "".join(map(_lower, text.strip()))


def _lower(one: str) -> str:
    lower = one.lower()
    return lower if len(lower) == 1 and lower.isascii() == one.isascii() else one


def capitals(text: str) -> str:
    """The same in capitals, as code strings (VR CS) are written: two texts that `fold` alike are equal."""
    return "".join(one.upper() if one.isascii() else one for one in fold(text))


def matches(value: str, pattern: str, *, wildcards: bool = True) -> bool:
    """Whether a value fits a pattern.

    Parameters
    ----------
    wildcards
        Whether ``*`` stands for any characters and ``?`` for any one, or both for themselves.
    """
    if not wildcards:
        return fold(value) == fold(pattern)
    return fnmatchcase(fold(value), fold(pattern).replace("[", "[[]"))


def in_range(date: str, wanted: str) -> bool:
    """Whether a date (DA) is one, or lies in a range: ``20260131``, ``20260101-``, ``-20261231``, ``20260101-20261231``."""
    date = date.strip()
    first, dash, last = wanted.partition("-")
    if not dash:
        return date == wanted
    return bool(date) and (not first or first <= date) and (not last or date <= last)


def index_pattern(pattern: str) -> str:
    """What to ask Orthanc's index for: all that `matches` takes is found, maybe more; empty to ask for nothing.

    Orthanc takes a backslash for a choice of several values. Of what is not ASCII it keeps, with upper and lower case alike,
    another letter or none. Spaces at the beginning, which mean nothing, it keeps.
    """
    plain = "".join(one if " " <= one <= "~" and one not in "\\?" else "*" for one in pattern.strip())
    plain = re.sub(r"\*+", "*", f"*{plain}" if plain else "")
    return "" if plain == "*" else plain

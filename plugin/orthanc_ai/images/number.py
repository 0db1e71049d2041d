"""Numbers of a header."""

from typing import Any

import numpy as np
from pydicom import Dataset

from ..attributes import attribute


def numbers(header: Dataset, keyword: str) -> list[float]:
    """All values of an attribute, without those that are empty.

    Raises
    ------
    ValueError
        If one is no finite number.
    """
    value: Any = attribute(header, keyword)
    if value is None or isinstance(value, str | bytes | int | float) or not hasattr(value, "__len__"):
        value = [value]
    found = [float(one) for one in value if one is not None and one != ""]
    if not np.isfinite(found).all():
        raise ValueError(f"{keyword} is not finite")
    return found


def number(header: Dataset, keyword: str) -> float | None:
    """The first value of an attribute; ``None`` where there is none.

    Raises
    ------
    ValueError
        If it is no finite number.
    """
    value: Any = attribute(header, keyword)
    if value is not None and not isinstance(value, str | bytes | int | float) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    if value is None or value == "":
        return None
    found = float(value)
    if not np.isfinite(found):
        raise ValueError(f"{keyword} is {found}")
    return found

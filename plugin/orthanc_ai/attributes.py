"""Values of attributes in files of unknown origin.

pydicom converts a value when it is asked for, and then raises errors of a dozen kinds, or makes gigabytes of objects of
a value that is much longer than its VR allows.
"""

from typing import Any, cast

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

LONGEST_VALUE = 2**16
"""Bytes of a value. More do not fit into the length field of most value representations (PS3.5 section 7.1.2)."""

LONGEST_SEQUENCE = 2**21
"""Bytes of a sequence: 16 times the longest LUT."""


class MalformedError(ValueError):
    """A value is not what its attribute should have. The message names the attribute."""


def attribute(dataset: Dataset, name: str | int, longest: int = LONGEST_VALUE) -> Any:
    """The value of an attribute as pydicom has it; ``None`` if the attribute is missing.

    Parameters
    ----------
    name
        Keyword or tag.
    longest
        Bytes that the value may have.

    Raises
    ------
    MalformedError
        If it cannot be converted, or is too long.
    """
    tag = tag_for_keyword(name) if isinstance(name, str) else name
    if tag is None or tag not in dataset:
        return None
    try:
        raw = cast(DataElement | RawDataElement, dataset.get_item(tag))
        if isinstance(raw, RawDataElement) and len(raw.value or b"") > longest:
            raise MalformedError(f"{_called(name)} is too long")
        return dataset[tag].value
    except (MalformedError, MemoryError):
        raise
    except Exception as error:  # pydicom raises whatever it likes at a malformed value
        raise MalformedError(f"{_called(name)} is malformed ({type(error).__name__})") from error


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none if it is missing or empty.

    Raises
    ------
    MalformedError
        If it is not a sequence, or too long.
    """
    value = attribute(dataset, keyword, LONGEST_SEQUENCE)
    if not value:
        return []
    found = list(value) if hasattr(value, "__iter__") else [value]
    if not all(isinstance(item, Dataset) for item in found):
        raise MalformedError(f"{keyword} is not a sequence")
    return found


def _called(name: str | int) -> str:
    return name if isinstance(name, str) else f"({name >> 16:04X},{name & 0xFFFF:04X})"

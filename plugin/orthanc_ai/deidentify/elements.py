"""Elements of files of unknown origin: read if they are what their attribute should have, and given other values."""

import re
from collections.abc import Callable
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from ..attributes import MalformedError
from .profile import vr_of

# What makers confuse without harm: no text can stand there.
_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "OB", "OW", "SL", "SS", "SV", "UL", "US", "UV"})

_FORMS = {
    **dict.fromkeys(("DS", "IS"), re.compile(r"[0-9+\-.eE ]*")),
    **dict.fromkeys(("DA", "DT", "TM"), re.compile(r"[0-9+\-.: ]*")),
    "AS": re.compile(r"[0-9]{1,3}[DWMY]|"),
}


def readable(dataset: Dataset, tag: BaseTag) -> DataElement:
    """An element of a dataset.

    Raises
    ------
    MalformedError
        If its value cannot be read, or is not of the kind that its attribute has.
    """
    try:
        element = dataset[tag]
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises whatever it likes at a malformed value
        raise MalformedError(f"({tag.group:04X},{tag.element:04X}) is malformed") from error
    # What claims to be bytes may hold a whole dataset: pydicom has read it, unless it could not. Of a number that is none,
    # pydicom makes a text.
    expected = set(vr_of(tag).split(" or "))
    if element.VR not in expected and not (element.VR in _NUMBERS and expected & _NUMBERS):
        raise MalformedError("another value representation than the dictionary's")
    # Texts of a fixed form are what pydicom leaves of them: anything.
    if element.VR in _FORMS and not all(_FORMS[element.VR].fullmatch(str(one)) for one in values_of(element)):
        raise MalformedError("no value of its value representation")
    return element


def values_of(element: DataElement) -> list[Any]:
    """The values of an element, none, one or several."""
    if element.is_empty:
        return []
    return list(element.value) if isinstance(element.value, MultiValue | list) else [element.value]


def with_values(element: DataElement, change: Callable[[str], str]) -> DataElement:
    """An element of which each value, as text, is changed; an empty one stays as it is."""
    made = [change(str(one)) for one in values_of(element)]
    return DataElement(element.tag, element.VR, made if len(made) != 1 else made[0]) if made else element

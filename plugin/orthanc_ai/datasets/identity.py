"""What an image tells of whose it is: the part of `members` that looks into the file, and so belongs to a worker."""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.multival import MultiValue

from ..attributes import MalformedError, attribute, items
from .members import Member

type Values = npt.NDArray[np.integer | np.floating]

_WIDTHS = ("u1", "<u2", "<i2", "<i4", "<i8")


def member_of(
    dataset: Dataset, key: str, *, stored: Values | None = None, written: Values | None = None, stratum: str = ""
) -> Member:
    """Whose an image is.

    Parameters
    ----------
    dataset
        The header, before it is de-identified.
    stored
        Stored values of the image, of any shape; ``None`` if they cannot be compared.
    written
        What was made of them, e.g. gray levels; ``None`` if they were written as they are.
    stratum
        What the sides of a split are to have equal shares of.
    """
    pixels, plain = ("", False) if stored is None else values_digest(stored)
    picture, void = ("", False) if written is None else values_digest(written)
    return Member.named(
        key,
        patient_ids=_patient_ids(dataset),
        study=_text(dataset, "StudyInstanceUID"),
        series=_text(dataset, "SeriesInstanceUID"),
        instance=_text(dataset, "SOPInstanceUID"),
        pixels=pixels,
        picture=picture,
        uniform=plain or void,
        stratum=stratum,
    )


def values_digest(values: Values) -> tuple[str, bool]:
    """SHA-256 (hex) of the shape and of the values, and whether they are all the same.

    Unlike `images.digest.pixel_digest` it is the same whichever window the header states, and however the values were
    compressed without loss or in how many bits they are kept: what was learned from one such image is known of the other.
    """
    if not values.size:
        return "", True
    low, high = values.min(), values.max()
    if values.dtype.kind == "f":
        same = np.ascontiguousarray(values, "<f8")
    else:
        # The narrowest type that has them all, whatever they came in: it follows from the values alone.
        fits = (width for width in _WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
        same = np.ascontiguousarray(values, next(fits))
    digest = hashlib.sha256(f"{same.dtype.str} {same.shape}".encode())
    digest.update(same)
    return digest.hexdigest(), bool(low == high)


def _patient_ids(dataset: Dataset) -> Iterator[str]:
    """Patient ID, and whatever else the patient is called by (PS3.3 table C.2-2 and section C.7.1.1)."""
    yield _text(dataset, "PatientID")
    yield from _texts(dataset, "OtherPatientIDs")
    try:
        others = items(dataset, "OtherPatientIDsSequence")
    except MalformedError:
        return
    for other in others:
        yield _text(other, "PatientID")


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    try:
        value = attribute(dataset, keyword)
    except MalformedError:
        # It says nothing to anybody, but where it is the same, the patient may be.
        return [repr(dataset.get_item(keyword).value)]
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, MultiValue) else [str(value)]


def _text(dataset: Dataset, keyword: str) -> str:
    # Several Patient IDs are none that is allowed, but they name one patient all the same.
    return "\\".join(_texts(dataset, keyword))

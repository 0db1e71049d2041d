"""What an image tells of whose it is: the part of `members` that looks into the file, and so belongs to a worker."""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.multival import MultiValue

from ..attributes import MalformedError, attribute, items
from .members import Member


def member_of(dataset: Dataset, key: str, stored: npt.NDArray[np.integer] | None = None, stratum: str = "") -> Member:
    """Whose an image is.

    Parameters
    ----------
    dataset
        The header, before it is de-identified.
    stored
        Stored values, of any shape; ``None`` if they cannot be compared.
    stratum
        What the sides of a split are to have equal shares of.
    """
    uniform = stored is not None and stored.size > 0 and bool(stored.min() == stored.max())
    return Member.named(
        key,
        patient_ids=_patient_ids(dataset),
        study=_text(dataset, "StudyInstanceUID"),
        series=_text(dataset, "SeriesInstanceUID"),
        instance=_text(dataset, "SOPInstanceUID"),
        pixels="" if stored is None else stored_digest(stored),
        uniform=uniform,
        stratum=stratum,
    )


def stored_digest(stored: npt.NDArray[np.integer]) -> str:
    """SHA-256 (hex) of the shape and of the stored values.

    Unlike `images.digest.pixel_digest` it is the same whichever window the header states, and however the values were
    compressed without loss or in how many bits they are kept: what was learned from one such image is known of the other.
    """
    values = np.ascontiguousarray(stored, "<i4")
    digest = hashlib.sha256(repr(values.shape).encode())
    digest.update(values)
    return digest.hexdigest()


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

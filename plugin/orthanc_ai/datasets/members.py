"""Whose an image is, as far as its header and its pixels tell: what decides on which side of a split it may stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..deidentify.pseudonyms import plain


@dataclass(frozen=True, slots=True)
class Member:
    """An image of a dataset, before it is de-identified.

    Attributes
    ----------
    key
        Name of the image within the dataset.
    patients
        Everything by which its patient is known: Patient ID and Other Patient IDs, as `plain` has them. The issuer is left
        out: one ID under two issuers may be one patient's. Empty if the header does not say whose the image is.
    uids
        Its Study, Series and SOP Instance UID, as far as they are stated, each after the letter of its level.
    pixels
        Digest of its stored values; empty if none was computed.
    picture
        Digest of the values that were written: different stored values may become the same picture.
    uniform
        Whether all its pixels have one value, as they were stored or as they were written.
    stratum
        What the sides are to have equal shares of, e.g. a label.
    """

    key: str
    patients: frozenset[str] = frozenset()
    uids: frozenset[str] = frozenset()
    pixels: str = ""
    picture: str = ""
    uniform: bool = False
    stratum: str = ""

    @classmethod
    def named(
        cls,
        key: str,
        *,
        patient_ids: Iterable[str],
        study: str = "",
        series: str = "",
        instance: str = "",
        pixels: str = "",
        picture: str = "",
        uniform: bool = False,
        stratum: str = "",
    ) -> Self:
        """A member from texts as they stand in a header."""
        levels = (("study", study), ("series", series), ("instance", instance))
        return cls(
            key,
            patients=frozenset(told for one in patient_ids if (told := plain(one))),
            uids=frozenset(f"{level} {uid}" for level, text in levels if (uid := text.strip(" \0"))),
            pixels=pixels,
            picture=picture,
            uniform=uniform,
            stratum=stratum,
        )

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written."""
        return cls(
            key=content["key"],
            patients=frozenset(content["patients"]),
            uids=frozenset(content["uids"]),
            pixels=content["pixels"],
            picture=content["picture"],
            uniform=content["uniform"],
            stratum=content["stratum"],
        )

    def to_json(self) -> dict[str, Any]:
        """The member in JSON types."""
        return {
            "key": self.key,
            "patients": sorted(self.patients),
            "uids": sorted(self.uids),
            "pixels": self.pixels,
            "picture": self.picture,
            "uniform": self.uniform,
            "stratum": self.stratum,
        }

"""Examinations of the heart as the scanners of four vendors describe them, one module for each.

Values that a real header had, or that public programs expect of these vendors, are used where they are known (most of
Siemens', the phases of GE and Canon); the others are assumed from the vendor's habit. Nothing identifies a person.
"""

from collections.abc import Mapping
from typing import Literal

from pydicom import Dataset

from phantom.ct.protocol import Protocol
from phantom.ct.series import series_of
from phantom.ct.vendors import canon, ge, philips, siemens

Vendor = Literal["siemens", "ge", "philips", "canon"]

VENDORS: Mapping[Vendor, Mapping[str, Protocol]] = {
    "siemens": siemens.EXAMINATION,
    "ge": ge.EXAMINATION,
    "philips": philips.EXAMINATION,
    "canon": canon.EXAMINATION,
}
"""The series of one examination by each vendor, by names of our own."""


def vendor_series(
    vendor: Vendor,
    name: str,
    *,
    damage: str | None = None,
    matrix: int = 64,
    slices: int | None = None,
    examination: str = "",
) -> list[Dataset]:
    """Make a series as one of the vendors describes it.

    Parameters
    ----------
    vendor, name
        Keys of `VENDORS`.
    damage, matrix, slices, examination
        As for `ct_series`. All series of a vendor are one study by default.

    Returns
    -------
    list[Dataset]
        CT images, or secondary captures where the vendor sends such.
    """
    return series_of(
        VENDORS[vendor][name],
        f"{vendor} {name}",
        damage=damage,
        matrix=matrix,
        slices=slices,
        examination=examination or vendor,
    )

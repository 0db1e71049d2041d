"""Examinations of the heart as the scanners of four vendors describe them, one module for each.

Names and values were seen in real headers, or are what public readers of such headers expect; where none was found,
they are the vendor's known habit. No value comes from a person's file.
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

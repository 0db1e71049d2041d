"""Which SOP classes are images: against the list of PS3.6 that pydicom has."""

import pytest
from pydicom._uid_dict import UID_dictionary

from orthanc_ai.catalog.image_classes import is_image

STORAGE = {
    uid: name
    for uid, (name, kind, *_) in UID_dictionary.items()
    if kind == "SOP Class" and name.split(" - ")[0].endswith("Storage") and uid != "1.2.840.10008.1.3.10"
}

UNNAMED_IMAGES = {
    *("Enhanced US Volume Storage", "Parametric Map Storage", "Ophthalmic Thickness Map Storage"),
    *("Corneal Topography Map Storage", "DICOS 2D AIT Storage", "DICOS 3D AIT Storage"),
    "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage",
    "DICOS Quadrupole Resonance (QR) Storage",
}
"""Images whose names do not say so."""


@pytest.mark.parametrize("uid", STORAGE)
def test_image_classes_are_told_from_others(uid: str) -> None:
    name = STORAGE[uid]
    assert is_image(uid) == ("Image Storage" in name or name in UNNAMED_IMAGES), name


def test_classes_that_nobody_knows_count_as_images() -> None:
    assert is_image("1.3.12.2.1107.5.9.1")
    assert is_image("")

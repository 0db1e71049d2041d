"""Which SOP classes are images, against the list of PS3.6 that pydicom has; and that our own captures are none."""

import fnmatch
from typing import cast

import pytest
from pydicom._uid_dict import UID_dictionary

from orthanc_ai.catalog.image_classes import OUR_CAPTURES, is_image, is_image_instance
from orthanc_ai.catalog.mirror import Mirror
from orthanc_ai.catalog.population import population
from orthanc_ai.catalog.selection import Selection, images
from orthanc_ai.outcomes import REPORT_METADATA
from orthanc_ai.server import Resource, Server
from orthanc_ai.xray.select import is_xray

from ..api.examples import Archive, reported
from .known import Series, tables

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


CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def test_what_this_server_made_itself_is_no_image() -> None:
    ours = Resource("instance", "i", {}, {"SopClassUid": CAPTURE, REPORT_METADATA: '{"ours":true}'})
    theirs = Resource("instance", "i", {}, {"SopClassUid": CAPTURE})
    assert (is_image_instance(ours), is_image_instance(theirs)) == (False, True)
    # What the index is asked for finds all of them.
    assert all(
        fnmatch.fnmatchcase(uid, OUR_CAPTURES["SopClassUid"])
        for uid, name in STORAGE.items()
        if "Secondary Capture" in name
    )


def test_what_this_server_made_itself_wakes_no_analysis_of_radiographs() -> None:
    captures = [uid for uid, name in STORAGE.items() if "Secondary Capture" in name]
    assert len(captures) == 5
    segmentations = ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"]
    for uid in captures + segmentations:
        for modality in ("OT", "SEG", "SR"):
            assert not is_xray(modality, uid)
    assert is_xray("DX", CAPTURE)  # a film that came as a capture is one


def test_the_tables_and_what_is_exported_leave_our_captures_out() -> None:
    mark = {REPORT_METADATA: '{"ours":true}'}
    made = [
        Series("P", "s", outcomes=[reported({"Mass": 0.7})], Modality="DX"),
        Series("P", "s", 15, sop_class=CAPTURE, metadata=mark, Modality="OT"),
        Series("P", "s", 1, sop_class=CAPTURE, Modality="OT"),
        Series("P", "s", 1, sop_class="1.2.840.10008.5.1.4.1.1.66.4", metadata=mark, Modality="SEG"),
    ]
    found = population(tables(made), Selection())
    assert found.distributions("month").total.images == 2
    assert {(one.modality, one.instances) for one in found.others} == {("OT", 15), ("SEG", 1)}
    archive = Archive([instance for one in made for instance in one.instances])
    assert len(list(images(cast(Server, archive), Selection()))) == 2


def test_the_mirror_knows_our_captures_from_its_first_look_on() -> None:
    mark = {REPORT_METADATA: '{"ours":true}'}
    made = [
        Series("P", "s", outcomes=[reported({"Mass": 0.7})], Modality="DX"),
        Series("P", "s", 15, sop_class=CAPTURE, metadata=mark, Modality="OT"),
    ]
    patient = Resource("patient", made[0].study.parent, {"PatientID": "P"}, {})
    above = [patient, made[0].study, *(one.series for one in made)]
    archive = Archive([*above, *(instance for one in made for instance in one.instances)])
    mirror = Mirror(cast(Server, archive), 100)
    mirror.load()
    with mirror.reading() as rows:
        assert rows.database.execute("SELECT modality, images FROM series ORDER BY 1").fetchall() == [
            ("DX", 1),
            ("OT", 0),
        ]

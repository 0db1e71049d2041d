"""What judging a study takes from Orthanc: its index, and one file."""

from pathlib import Path

import pytest

from orthanc_ai.analyses import RefusedError, Work
from orthanc_ai.cardiac.header import Header, Level
from orthanc_ai.cardiac.index_tags import EXTRA_MAIN_DICOM_TAGS, SIGNATURE_METADATA
from orthanc_ai.cardiac.trigger import CardiacStudies
from orthanc_ai.codes import Code
from orthanc_ai.keeper import IDENTITY_TAGS
from orthanc_ai.outcomes import CARDIAC_METADATA, Outcome
from orthanc_ai.server import Server
from orthanc_ai.settings import AI, Sources
from orthanc_ai.storage import Storage

from ..stand_in import Archive, Item
from .test_index_tags import signature

KINDS: tuple[Level, ...] = ("Series", "Instance")
SIGNATURES = {level: signature(level, EXTRA_MAIN_DICOM_TAGS[level]) for level in KINDS}


class Files(Storage):
    """Files out of the archive in memory."""

    def payload(self, server: Server, instance: str) -> bytes | None:
        return server.file(instance)


def add(archive: Archive, image: str, *, modality: str = "CT", patient: str = "P", study: str = "1") -> Item:
    """An image arrives at a server whose index keeps all that is needed."""
    item = archive.items[archive.put(image, modality=modality, patient=patient, study=study)]
    item.tags |= {"Rows": "512", "InstanceNumber": image}
    item.metadata[SIGNATURE_METADATA] = SIGNATURES["Instance"]
    archive.items[item.parent].metadata[SIGNATURE_METADATA] = SIGNATURES["Series"]
    return item


def study_of(archive: Archive, image: Item) -> Item:
    return archive.items[archive.items[image.parent].parent]


def work(archive: Archive, image: Item, settings: AI | None = None) -> Work:
    analysis = CardiacStudies(settings or AI(python=Path("/bin/sh")), Files(Path("/nowhere")))
    study = archive.resource("study", study_of(archive, image).identifier, (*analysis.tags, *IDENTITY_TAGS))
    assert study
    assert analysis.wants(study)
    return analysis.work(archive.server, study)


def test_headers_come_from_the_index_and_one_file_is_read() -> None:
    archive = Archive()
    images = [add(archive, str(number)) for number in range(5)]
    payload = work(archive, images[0]).payload()
    assert payload
    headers = [Header.from_tags(tags) for tags in payload["headers"]]
    assert sorted(header.instance_number or 0 for header in headers) == list(range(5))
    assert {(header.rows, header.modality, header.study_instance_uid) for header in headers} == {(512, "CT", "1")}
    assert archive.calls["file"] == 1


def test_nothing_but_identifiers_is_looked_at_until_it_must_be_judged() -> None:
    archive = Archive()
    image = add(archive, "1")
    add(archive, "2")
    before = archive.calls["find"]
    work(archive, image)
    # Its series, and the two kinds of studies that might contradict it.
    assert archive.calls["find"] - before == 3
    assert archive.calls["file"] == 0


def test_the_recipe_is_that_of_the_ct_images_alone() -> None:
    archive = Archive()
    image = add(archive, "1")
    recipe = work(archive, image).recipe
    add(archive, "report", modality="SR")
    assert work(archive, image).recipe == recipe
    add(archive, "2")
    assert work(archive, image).recipe != recipe


@pytest.mark.parametrize("level", ["instance", "series"])
def test_what_was_stored_before_the_index_kept_the_tags_is_refused_with_their_number(level: str) -> None:
    archive = Archive()
    first, second = add(archive, "1"), add(archive, "2")
    old = first if level == "instance" else archive.items[first.parent]
    del old.metadata[SIGNATURE_METADATA]
    with pytest.raises(RefusedError) as caught:
        work(archive, second).payload()
    assert caught.value.code is Code.INDEX_INCOMPLETE
    assert caught.value.detail == ("1 of 2 images" if level == "instance" else "2 of 2 images")
    old.metadata[SIGNATURE_METADATA] = SIGNATURES["Instance" if level == "instance" else "Series"]
    assert work(archive, second).payload()


def test_a_study_of_nobody_says_so_and_is_compared_with_none() -> None:
    archive = Archive()
    image, other = add(archive, "1", patient="", study="1"), add(archive, "2", patient="", study="2")
    study_of(archive, image).tags["PatientBirthDate"] = "19700101"
    study_of(archive, other).tags["PatientBirthDate"] = "19800101"
    found = work(archive, image)
    assert (found.notes, found.others) == ((Code.PATIENT_ID_MISSING,), ())


def test_a_contradiction_is_a_remark_on_both_and_another_recipe() -> None:
    archive = Archive()
    image = add(archive, "1", study="1")
    study_of(archive, image).tags["PatientBirthDate"] = "19700101"
    alone = work(archive, image)
    assert alone.notes == ()
    study_of(archive, image).metadata[CARDIAC_METADATA] = Outcome(Code.REPORTED, alone.recipe).to_text()
    other = add(archive, "2", study="2")
    study_of(archive, other).tags["PatientBirthDate"] = "19800101"
    later = work(archive, other)
    assert later.notes == (Code.PATIENT_ID_CONFLICT,)
    assert later.others == (study_of(archive, image).identifier,)
    again = work(archive, image)
    assert again.notes == (Code.PATIENT_ID_CONFLICT,)
    assert again.recipe != alone.recipe
    # The other one has no outcome yet, so it will find out by itself; and who knows already is not told again.
    assert again.others == ()
    known = Outcome(Code.REPORTED, again.recipe, notes=again.notes)
    study_of(archive, image).metadata[CARDIAC_METADATA] = known.to_text()
    assert work(archive, other).others == ()


def test_one_admitted_sender_is_enough() -> None:
    archive = Archive()
    first, second = add(archive, "1"), add(archive, "2")
    settings = AI(python=Path("/bin/sh"), sources=Sources.model_validate({"RemoteAET": ["CT1"]}))
    first.metadata["RemoteAET"] = "CT2"
    assert work(archive, first, settings).refusal is Code.SOURCE_NOT_SELECTED
    second.metadata["RemoteAET"] = "CT1"
    assert work(archive, first, settings).refusal is None

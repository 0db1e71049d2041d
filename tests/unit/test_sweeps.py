"""The ways through the archive: each finds all of its work, in pages, whatever changes meanwhile."""

from typing import get_args

import pytest

from orthanc_ai import sweeps
from orthanc_ai.analyses import CARDIAC, XRAY
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import CARDIAC_METADATA, REQUEST_METADATA, XRAY_METADATA, Outcome
from orthanc_ai.server import Level, ServerError
from orthanc_ai.sweeps import ArchiveSweep, OutcomeSweep, RequestSweep, Running, Sweep, Wanted

from .stand_in import Archive, Reading, fail, orthanc_id


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "OUTCOMES_AT_ONCE", 3)
    monkeypatch.setattr(sweeps, "INSTANCES_AT_ONCE", 3)


def found(sweep: Sweep, archive: Archive) -> list[Wanted]:
    """All that it finds; failing pages are asked for again."""
    wanted: list[Wanted] = []
    for _ in range(1000):
        try:
            page = sweep.page(archive.server)
        except ServerError:
            continue
        if page is None:
            return wanted
        wanted += page
    raise AssertionError("it did not end")


def study(name: str) -> str:
    return orthanc_id("P", name)


def held(archive: Archive, count: int, code: Code = Code.HELD) -> list[str]:
    images = [archive.put(f"i{number}", study=str(number)) for number in range(count)]
    for image in images:
        archive.items[image].metadata[XRAY_METADATA] = Outcome(code, "").to_text()
    return images


# The whole archive


def test_the_archive_is_searched_for_what_has_no_outcome() -> None:
    archive = Archive()
    new = archive.put("new", study="1")
    spoiled = archive.put("spoiled", study="1", metadata={XRAY_METADATA: "{nonsense"})
    for code in (Code.REPORTED, Code.HELD, Code.RETRYING, Code.FAILED):
        archive.put(str(code), study="1", metadata={XRAY_METADATA: Outcome(code, "").to_text()})
    archive.put("us", modality="US", study="2")
    archive.put("ct", modality="CT", study="3")
    assert sorted(one.identifier for one in found(ArchiveSweep(""), archive)) == sorted([new, spoiled, study("3")])


def test_only_what_was_received_since_then_is_wanted() -> None:
    archive = Archive()
    for day in ("20260101", "20260301", "20260501"):
        archive.put(day, metadata={"ReceptionDate": f"{day}T120000"})
        archive.put(f"ct {day}", modality="CT", study=day, metadata={"ReceptionDate": f"{day}T120000"})
    wanted = {one.identifier for one in found(ArchiveSweep("20260301"), archive)}
    images = {orthanc_id("P", "1", "1.CR", day) for day in ("20260301", "20260501")}
    assert wanted == images | {study("20260301"), study("20260501")}


def test_a_judged_study_is_wanted_again_if_it_has_grown() -> None:
    archive = Archive()
    for number in range(3):
        archive.put(str(number), modality="CT")
    metadata = archive.items[study("1")].metadata
    for judged, wanted in ((3, False), (2, True), (4, True)):
        metadata[CARDIAC_METADATA] = Outcome(Code.REPORTED, "", data={"instances": judged}).to_text()
        assert bool(found(ArchiveSweep(""), archive)) is wanted


def test_the_search_goes_on_after_errors_and_tells_how_far_it_is() -> None:
    archive = Archive()
    images = [archive.put(f"i{number}", study=str(number)) for number in range(5)]
    sweep = ArchiveSweep("")
    archive.trouble = fail("find", times=4)
    assert sorted(one.identifier for one in found(sweep, archive)) == sorted(images)
    progress = sweep.progress(2)
    assert (progress.running, progress.studies, progress.looked_at, progress.found, progress.settled) == (
        *(True, 5, 5, 5, 3),
    )
    sweep.finish(archive.server)
    assert not sweep.progress(0).running
    assert sweep.progress(0).ended


def test_studies_that_are_deleted_meanwhile_are_passed_over() -> None:
    archive = Archive()
    for number in range(5):
        archive.put(f"i{number}", study=str(number))
    sweep = ArchiveSweep("")
    first = sweep.page(archive.server)
    assert first
    for number in range(5):
        archive.delete("study", study(str(number)))
    assert found(sweep, archive) == []


# All with a certain outcome


def test_every_outcome_with_the_code_is_looked_at_once_while_they_change() -> None:
    archive = Archive()
    images = held(archive, 10)
    sweep = OutcomeSweep(Code.HELD, Reading(), asked=False)
    seen: list[str] = []
    while (page := sweep.page(archive.server)) is not None:
        seen += [one.identifier for one in page]
        for one in page:
            archive.items[one.identifier].metadata[XRAY_METADATA] = Outcome(Code.REPORTED, "").to_text()
    assert sorted(seen) == sorted(images)


@pytest.mark.parametrize("kept", [(0,), (0, 1, 2), (2, 5, 9), (8, 9)])
def test_what_keeps_its_code_is_passed_over_and_hides_nothing(kept: tuple[int, ...]) -> None:
    archive = Archive()
    images = held(archive, 10, Code.FAILED)
    sweep = OutcomeSweep(Code.FAILED, Reading(), asked=True)
    seen: list[str] = []
    while (page := sweep.page(archive.server)) is not None:
        seen += [one.identifier for one in page]
        for one in page:
            if images.index(one.identifier) not in kept:
                archive.items[one.identifier].metadata[XRAY_METADATA] = Outcome(Code.REPORTED, "").to_text()
    assert sorted(seen) == sorted(images)


def test_if_all_stay_held_the_rest_is_left_until_they_are_released() -> None:
    """At a start without a model, a hundred thousand held images are not written anew."""
    archive = Archive()
    held(archive, 100)
    assert len(found(OutcomeSweep(Code.HELD, Reading(), asked=False), archive)) == 3


def test_begun_anew_it_looks_at_all_of_them() -> None:
    archive = Archive()
    images = held(archive, 5, Code.FAILED)
    sweep = OutcomeSweep(Code.FAILED, Reading(), asked=True)
    for _ in range(3):
        sweep.page(archive.server)
    sweep.restart()
    assert sorted(one.identifier for one in found(sweep, archive)) == sorted(images)


def test_what_was_given_up_is_asked_for_again_and_what_was_held_is_not() -> None:
    archive = Archive()
    held(archive, 1, Code.FAILED)
    assert found(OutcomeSweep(Code.HELD, Reading(), asked=False), archive) == []
    assert [one.asked for one in found(OutcomeSweep(Code.FAILED, Reading(), asked=True), archive)] == [True]


# What somebody asks for


@pytest.mark.parametrize("level", ["patient", "study", "series", "instance"])
def test_everything_below_is_wanted_once(level: Level) -> None:
    archive = Archive()
    images = [archive.put(f"i{number}") for number in range(8)]
    archive.put("other", patient="Q")
    for number in range(8):
        archive.put(f"c{number}", modality="CT", series=str(number % 2))
    item = archive.items[images[0]]
    while item.level != level:
        item = archive.items[item.parent]
    wanted = found(RequestSweep(level, item.identifier), archive)
    assert all(one.asked for one in wanted)
    xrays = [one.identifier for one in wanted if one.analysis == XRAY]
    studies = [one.identifier for one in wanted if one.analysis == CARDIAC]
    assert sorted(xrays) == sorted(images[:1] if level == "instance" else images)
    assert studies == ([study("1")] if level in ("patient", "study") else [])


def test_a_request_is_crossed_out_unless_it_was_made_again() -> None:
    archive = Archive()
    image = archive.put("i", metadata={REQUEST_METADATA: "now"})
    sweep = RequestSweep("instance", image)
    sweep.keep = True
    sweep.finish(archive.server)
    assert REQUEST_METADATA in archive.items[image].metadata
    sweep.keep = False
    sweep.finish(archive.server)
    assert REQUEST_METADATA not in archive.items[image].metadata


def test_a_request_for_what_was_deleted_ends() -> None:
    archive = Archive()
    for level in get_args(Level):
        sweep = RequestSweep(level, orthanc_id("gone"))
        assert found(sweep, archive) == []
        sweep.finish(archive.server)


# On their way


def test_a_sweep_is_done_once_all_its_work_is() -> None:
    archive = Archive()
    image = archive.put("i")
    running = Running(RequestSweep("instance", image))
    assert running.may_go_on
    running.fill(archive.server)
    assert running.due.popleft().identifier == image
    running.open = 1
    running.fill(archive.server)
    assert (running.exhausted, running.done, running.may_go_on) == (True, False, False)
    running.open = 0
    assert running.done


def test_a_patient_sweep_waits_for_the_work_of_its_page() -> None:
    running = Running(OutcomeSweep(Code.HELD, Reading(), asked=False), open=1)
    assert not running.may_go_on
    running.open = 0
    assert running.may_go_on


def test_a_page_that_cannot_be_read_comes_again() -> None:
    archive = Archive()
    held(archive, 1)
    running = Running(OutcomeSweep(Code.HELD, Reading(), asked=False))
    archive.trouble = fail("find", times=1)
    with pytest.raises(ServerError):
        running.fill(archive.server)
    assert not running.exhausted
    running.fill(archive.server)
    assert len(running.due) == 1

"""The tally of the soak, on made-up archives with known faults."""

import pytest

from tests.soak.tally import Report, Tally, Work, tally

FILM = Work("film", frozenset({"film"}), "REPORTED", "film report")
FILM_REPORT = Report("film report", frozenset({"film"}))
STUDY = Work("study", frozenset({"slice 1", "slice 2"}), "REPORTED", "study report")
STUDY_REPORT = Report("study report", STUDY.instances, frozenset({"early report"}))
EARLY_REPORT = Report("early report", frozenset({"slice 1"}))

ARCHIVE = (FILM, STUDY)
REPORTS = (FILM_REPORT, STUDY_REPORT, EARLY_REPORT)
ACKNOWLEDGED = {"film": FILM.instances, "study": STUDY.instances}


def count(
    archive: tuple[Work, ...] = ARCHIVE,
    reports: tuple[Report, ...] = REPORTS,
    acknowledged: dict[str, frozenset[str]] = ACKNOWLEDGED,
) -> Tally:
    return tally(acknowledged, archive, reports, max_attempts=3)


def test_a_sound_archive_with_a_study_that_grew_lacks_nothing() -> None:
    found = count()
    assert found.sound
    assert (found.acknowledged, found.stored, found.reports, found.grown) == (3, 3, 3, 1)
    assert found.outcomes == {"REPORTED": 2}


@pytest.mark.parametrize(
    "film",
    [
        Work("film", FILM.instances),
        Work("film", FILM.instances, "HELD", detail="PAUSED"),
        Work("film", FILM.instances, "RETRYING", detail="WORKER_DIED: exit code -9"),
        Work("film", FILM.instances, "REPORTED", "no such report"),
        Work("film", FILM.instances, "REPORTED", "study report"),
    ],
    ids=["no outcome", "held", "to be tried again", "no report", "a report about something else"],
)
def test_what_is_not_settled_is_lost(film: Work) -> None:
    found = count((film, STUDY))
    assert [line.partition(":")[0] for line in found.lost] == ["film"]
    assert not found.sound


def test_what_was_acknowledged_and_is_not_stored_is_lost() -> None:
    assert len(count(acknowledged={**ACKNOWLEDGED, "gone": frozenset({"gone"})}).lost) == 1
    assert len(count(acknowledged={"study": STUDY.instances | {"slice 3"}}).lost) == 1


def test_what_was_stored_and_not_acknowledged_must_have_its_outcome_too() -> None:
    assert len(count((*ARCHIVE, Work("late", frozenset({"late"})))).lost) == 1


def test_a_study_whose_report_lacks_an_instance_is_lost() -> None:
    grown = Work("study", STUDY.instances | {"slice 3"}, "REPORTED", "study report")
    assert len(count((FILM, grown)).lost) == 1


@pytest.mark.parametrize("predecessors", [frozenset[str](), frozenset({"film report"})], ids=["alone", "a successor"])
def test_a_second_report_about_the_same_instances_is_twice(predecessors: frozenset[str]) -> None:
    found = count(reports=(*REPORTS, Report("another", FILM.instances, predecessors)))
    assert found.twice
    assert not found.lost
    assert not found.sound


def test_an_early_report_that_no_other_replaces_is_twice() -> None:
    alone = Report("study report", STUDY.instances)
    assert len(count(reports=(FILM_REPORT, alone, EARLY_REPORT)).twice) == 1


@pytest.mark.parametrize(
    "references", [frozenset[str](), frozenset({"gone"}), frozenset({"film", "slice 1"})], ids=["none", "gone", "two"]
)
def test_a_report_of_nothing_or_of_several_things_is_stray(references: frozenset[str]) -> None:
    found = count(reports=(*REPORTS, Report("stray", references)))
    assert len(found.stray) == 1
    assert not found.sound


def test_a_report_without_a_mark_is_said() -> None:
    found = count(reports=(Report("film report", FILM.instances, marked=False), STUDY_REPORT, EARLY_REPORT))
    assert found.unmarked == ["film report"]
    assert not found.sound


@pytest.mark.parametrize(
    ("detail", "attempts", "allowed"),
    [
        ("WORKER_DIED: exit code -9", 3, True),
        ("DEADLINE_EXCEEDED: no answer within 15 s", 3, True),
        ("WORKER_DIED: exit code -9", 2, False),
        ("INTERNAL_ERROR: KeyError in job.py, line 1", 3, False),
    ],
)
def test_only_a_worker_that_was_killed_each_time_may_fail_a_job(detail: str, attempts: int, allowed: bool) -> None:
    failed = Work("film", FILM.instances, "FAILED", detail=detail, attempts=attempts)
    found = count((failed, STUDY), (STUDY_REPORT, EARLY_REPORT))
    assert (len(found.failed), len(found.failed_otherwise)) == ((1, 0) if allowed else (0, 1))
    assert found.sound is allowed

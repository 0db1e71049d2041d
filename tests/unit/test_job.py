"""One job's life: which outcome it ends with, what that keeps of the one before, and that no report is stored twice."""

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from orthanc_ai.analyses import REPORT_CHECK, XRAY, Answer, Task
from orthanc_ai.codes import Code
from orthanc_ai.faults import StoppingError
from orthanc_ai.job import Ended
from orthanc_ai.outcomes import (
    CARDIAC_METADATA,
    REPORT_METADATA,
    REQUEST_METADATA,
    XRAY_METADATA,
    Outcome,
    Result,
)
from orthanc_ai.retries import due_after
from orthanc_ai.server import ServerError
from orthanc_ai.workers import WorkerError

from .stand_in import DIED, MARK, REFUSED, SR, Archive, House, fail, report

OLD = Result(SR, "2.25.1", "2.25.1.1", "1")


@pytest.fixture
def house() -> House:
    return House(Archive(), first_pause_s=5.0)


def do(house: House, image: str, *, asked: bool = False) -> Ended:
    return house.job.do(house.xray, image, asked=asked)


def outcome(house: House, image: str) -> Outcome:
    found = house.archive.outcome(image)
    assert found
    return found


def write(house: House, image: str, before: Outcome) -> None:
    house.archive.items[image].metadata[XRAY_METADATA] = before.to_text()


def uid_of(house: House, image: str) -> str:
    result = outcome(house, image).result
    assert result
    return result.sop_instance_uid


# What is done, and what is left alone


def test_an_image_ends_with_a_stored_and_marked_report(house: House) -> None:
    image = house.archive.put("i")
    assert do(house, image) == Ended(Code.REPORTED)
    (stored,) = house.archive.instances("SR")
    assert stored.tags["SOPInstanceUID"] == uid_of(house, image)
    assert stored.metadata[REPORT_METADATA] == MARK
    assert house.marked == [stored.identifier]


@pytest.mark.parametrize("code", [Code.REPORTED, Code.NOT_CHEST, Code.FAILED])
def test_a_settled_image_is_left_alone(house: House, code: Code) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(code, "another recipe"))
    assert do(house, image) == Ended()
    assert not house.bench.tasks


def test_asked_for_a_settled_image_is_compared_with_todays_recipe(house: House) -> None:
    image = house.archive.put("i")
    do(house, image)
    assert do(house, image, asked=True) == Ended()
    house.xray.version += 1
    assert do(house, image, asked=True) == Ended(Code.REPORTED)
    assert len(house.archive.instances("SR")) == 2


def test_asked_for_a_deleted_report_is_made_again(house: House) -> None:
    image = house.archive.put("i")
    do(house, image)
    house.archive.delete("instance", house.archive.instances("SR")[0].identifier)
    assert do(house, image) == Ended()
    assert do(house, image, asked=True) == Ended(Code.REPORTED)
    assert len(house.archive.instances("SR")) == 1


def test_a_study_that_has_grown_is_judged_again_and_one_that_has_not_is_not(house: House) -> None:
    house.archive.put("a", modality="CT")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.REPORTED)
    assert house.job.do(house.cardiac, study, asked=False) == Ended()
    house.archive.put("b", modality="CT")
    assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.REPORTED)
    assert house.bench.tasks[-1].previous is not None


def test_what_is_gone_or_not_wanted_is_nothing_to_do(house: House) -> None:
    assert do(house, "nowhere") == Ended()
    assert do(house, house.archive.put("i", modality="US")) == Ended()


def test_a_refused_image_keeps_its_older_report(house: House) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.REPORTED, "old", result=OLD))
    house.xray.refusal = Code.SOURCE_NOT_SELECTED
    assert do(house, image, asked=True) == Ended(Code.SOURCE_NOT_SELECTED)
    assert outcome(house, image).result == OLD


# Remarks on a study, and what is refused while it is gathered


def a_study(house: House, instance: str = "a", study: str = "1") -> str:
    image = house.archive.items[house.archive.put(instance, modality="CT", study=study)]
    return house.archive.items[image.parent].parent


def test_what_the_index_cannot_tell_is_refused_until_it_can(house: House) -> None:
    study = a_study(house)
    house.cardiac.incomplete = True
    for _ in range(2):
        # It is never settled: what was missing may have come.
        assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.INDEX_INCOMPLETE)
    refused = house.archive.outcome(study, CARDIAC_METADATA)
    assert refused
    assert (refused.detail, refused.result, house.bench.tasks) == ("1 images", None, [])
    house.cardiac.incomplete = False
    assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.REPORTED)


def test_a_refused_study_keeps_its_older_report(house: House) -> None:
    study = a_study(house)
    house.job.do(house.cardiac, study, asked=False)
    before = house.archive.outcome(study, CARDIAC_METADATA)
    a_study(house, "b")
    house.cardiac.incomplete = True
    house.job.do(house.cardiac, study, asked=False)
    after = house.archive.outcome(study, CARDIAC_METADATA)
    assert before
    assert after
    assert (after.code, after.result) == (Code.INDEX_INCOMPLETE, before.result)


@pytest.mark.parametrize("refusal", [None, Code.SOURCE_NOT_SELECTED])
def test_a_remark_stands_in_the_outcome_whatever_becomes_of_the_study(house: House, refusal: Code | None) -> None:
    study = a_study(house)
    house.cardiac.notes, house.cardiac.refusal = (Code.PATIENT_ID_MISSING,), refusal
    house.job.do(house.cardiac, study, asked=False)
    found = house.archive.outcome(study, CARDIAC_METADATA)
    assert found
    assert found.notes == (Code.PATIENT_ID_MISSING,)


def test_others_on_whom_there_is_a_new_remark_are_asked_for_before_the_outcome_is_written(house: House) -> None:
    study, other = a_study(house), a_study(house, "b", study="2")
    house.cardiac.others = (other,)
    house.archive.trouble = fail("set_metadata", times=1)
    with pytest.raises(ServerError):
        house.job.do(house.cardiac, study, asked=False)
    assert house.archive.outcome(study, CARDIAC_METADATA) is None
    house.job.do(house.cardiac, study, asked=False)
    assert REQUEST_METADATA in house.archive.items[other].metadata
    # What is settled asks for nobody, so two that contradict each other come to rest.
    del house.archive.items[other].metadata[REQUEST_METADATA]
    house.job.do(house.cardiac, study, asked=True)
    assert REQUEST_METADATA not in house.archive.items[other].metadata


# Held


def test_a_missing_model_holds_and_keeps_report_and_values(house: House) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.REPORTED, "old", result=OLD, data={"findings": []}))
    house.xray.ready = False
    assert do(house, image, asked=True) == Ended(Code.HELD)
    held = outcome(house, image)
    assert (held.detail, held.model, held.result, held.data) == ("MODEL_MISSING", "phantom", OLD, {"findings": []})


def test_a_model_that_comes_while_held_is_written_is_not_missed(house: House) -> None:
    image = house.archive.put("i")
    house.xray.ready = False

    def comes(name: str) -> None:
        house.xray.ready = name == "set_metadata" or house.xray.ready

    house.archive.trouble = comes
    assert do(house, image) == Ended(Code.HELD, again=True)


def test_a_pause_holds_and_one_that_ends_meanwhile_is_not_missed(house: House) -> None:
    image = house.archive.put("i")
    house.pause.set(True)
    assert do(house, image) == Ended(Code.HELD)
    assert outcome(house, image).detail == "PAUSED"

    def ends(name: str) -> None:
        if name == "set_metadata":
            house.archive.trouble = lambda _: None
            house.pause.set(False)

    house.archive.trouble = ends
    assert do(house, image) == Ended(Code.HELD, again=True)
    assert do(house, image) == Ended(Code.REPORTED)


def test_a_pause_does_not_hold_what_is_done(house: House) -> None:
    """A report makes its study stable once more; a judged study must not fall back to being held for that."""
    house.archive.put("a", modality="CT")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    house.job.do(house.cardiac, study, asked=False)
    house.pause.set(True)
    assert house.job.do(house.cardiac, study, asked=False) == Ended()


def test_a_model_that_a_worker_cannot_use_is_doubted_and_the_work_held(house: House) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.REPORTED, "old", result=dataclasses.replace(OLD, demonstration=True)))
    house.bench.next.append(lambda _: Answer(Outcome(Code.HELD, "", "MODEL_TAMPERED", model="phantom")))
    assert do(house, image, asked=True) == Ended(Code.HELD)
    assert house.doubts == [Code.MODEL_TAMPERED]
    assert outcome(house, image).result, "the older report was forgotten"


@pytest.mark.parametrize("why", ["pause", "model"])
def test_being_held_neither_uses_up_nor_gives_back_attempts(house: House, why: str) -> None:
    image = house.archive.put("i")
    for code in (Code.RETRYING, Code.RETRYING, Code.FAILED):
        house.bench.next.append(DIED)
        assert do_when_due(house, image).code is code
        if code is Code.RETRYING:
            house.pause.set(why == "pause")
            house.xray.ready = why == "pause"
            assert do_when_due(house, image).code is Code.HELD
            house.pause.set(False)
            house.xray.ready = True
    assert outcome(house, image).attempts == 3


def do_when_due(house: House, image: str) -> Ended:
    """As if the pause before the next attempt were over."""
    before = house.archive.outcome(image)
    if before and before.due:
        write(house, image, dataclasses.replace(before, due="2026-01-01T00:00:00+00:00"))
    return do(house, image)


# Failing


def test_a_job_is_tried_so_often_with_growing_pauses_and_then_parked(house: House) -> None:
    image = house.archive.put("i")
    house.bench.next += [DIED] * 3
    ends = [do_when_due(house, image) for _ in range(3)]
    assert [one.code for one in ends] == [Code.RETRYING, Code.RETRYING, Code.FAILED]
    assert ends[0].reason is Code.WORKER_DIED
    parked = outcome(house, image)
    assert (parked.attempts, parked.detail, parked.due) == (3, "WORKER_DIED: exit code -9", "")
    assert do(house, image) == Ended()
    assert 10.0 < (house.retries.next_s() or 0.0) <= 20.0
    assert len(house.retries) == 1


def test_asked_for_what_was_parked_is_tried_anew(house: House) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.FAILED, "recipe 1", detail="WORKER_DIED", attempts=3, result=OLD))
    house.bench.next.append(DIED)
    assert do(house, image, asked=True).code is Code.RETRYING
    assert outcome(house, image).attempts == 1
    assert outcome(house, image).result == OLD


def test_before_its_time_a_retry_is_put_down_for_later(house: House) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.RETRYING, "recipe 1", due=due_after(60)))
    assert do(house, image) == Ended()
    assert not house.bench.tasks
    assert len(house.retries) == 1
    assert do(house, image, asked=True) == Ended(Code.REPORTED)


def test_a_full_disk_never_parks_and_uses_up_no_attempts(house: House) -> None:
    image = house.archive.put("i")
    house.archive.trouble = fail("store", error=ServerError("no space left"))
    for attempt in range(1, 11):
        assert do_when_due(house, image).code is Code.RETRYING
        assert outcome(house, image).attempts == attempt
    house.archive.trouble = lambda _: None
    house.bench.next += [DIED] * 3
    codes = [do_when_due(house, image).code for _ in range(3)]
    assert codes == [Code.RETRYING, Code.RETRYING, Code.FAILED], "the full disk was held against the job"


def test_a_report_that_orthanc_does_not_take_is_parked_at_once(house: House) -> None:
    image = house.archive.put("i")
    house.archive.trouble = fail("store", error=REFUSED)
    assert do(house, image) == Ended(Code.FAILED, Code.STORE_REFUSED)


def test_reports_that_a_filter_discards_are_not_made_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    image = house.archive.put("i")
    monkeypatch.setattr(house.archive, "store", lambda _: "filtered out")
    codes = [do_when_due(house, image).code for _ in range(3)]
    assert codes == [Code.RETRYING, Code.RETRYING, Code.FAILED]


def test_a_file_that_cannot_be_read_ends_with_a_code(house: House) -> None:
    image = house.archive.put("i")
    house.archive.trouble = fail("file")
    assert do(house, image) == Ended(Code.RETRYING, Code.FILE_UNREADABLE)


def test_an_image_without_its_file_is_not_taken_for_a_deleted_one(house: House) -> None:
    image = house.archive.put("i")
    house.archive.items[image].file = b""
    assert do(house, image) == Ended(Code.RETRYING, Code.FILE_UNREADABLE)


@pytest.mark.parametrize("where", ["work", "worker", "answer"])
def test_an_unforeseen_error_ends_with_a_code_too(house: House, where: str) -> None:
    image = house.archive.put("i")
    unwritable = Answer(Outcome(Code.NOT_CHEST, "r", data={"a": {1, 2}}))
    house.xray.surprise = KeyError("patient") if where == "work" else None
    for _ in range(3):
        house.bench.next += [ZeroDivisionError()] if where == "worker" else []
        house.bench.next += [lambda _: unwritable] if where == "answer" else []
        assert do_when_due(house, image).reason is Code.INTERNAL_ERROR
    assert outcome(house, image).code is Code.FAILED
    assert not any("patient" in line for line in house.archive.log)


@pytest.mark.parametrize("data", ["\ud800", "Ä"])
def test_spoiled_values_of_an_older_outcome_can_be_written_again(house: House, data: str) -> None:
    image = house.archive.put("i")
    write(house, image, Outcome(Code.HELD, "", data={"findings": data}))
    house.bench.next.append(DIED)
    assert do(house, image).code is Code.RETRYING


def test_an_index_that_fails_settles_nothing(house: House) -> None:
    image = house.archive.put("i")
    house.archive.trouble = fail("set_metadata")
    with pytest.raises(ServerError):
        do(house, image)
    assert house.archive.outcome(image) is None


def test_a_stopping_server_settles_nothing(house: House) -> None:
    image = house.archive.put("i")
    house.bench.next.append(WorkerError(Code.STOPPING, ""))
    with pytest.raises(StoppingError):
        do(house, image)
    assert house.archive.outcome(image) is None


# The report


@pytest.mark.parametrize("broken", ["set_metadata", "find"])
def test_a_crash_after_storing_costs_a_repetition_and_no_second_report(house: House, broken: str) -> None:
    image = house.archive.put("i")
    stored = False

    def trouble(name: str) -> None:
        nonlocal stored
        stored = stored or name == "store"
        if stored and name == broken:
            raise ServerError("power cut")

    house.archive.trouble = trouble
    with pytest.raises(ServerError):
        do(house, image)
    house.archive.trouble = lambda _: None
    assert do(house, image) == Ended(Code.REPORTED)
    assert list(house.archive.written.values()) == [1]
    assert house.bench.tasks[-1].analysis == REPORT_CHECK
    assert house.archive.instances("SR")[0].metadata[REPORT_METADATA] == MARK


def test_something_else_under_the_identifiers_of_the_report_is_not_taken_for_it(house: House) -> None:
    image = house.archive.put("i")
    answer = report(Task(XRAY, {"source": image, "study": ("P", "1"), "file": b"i"}, "recipe 1"))
    assert answer.dicom
    house.archive.store(answer.dicom + b"|forged")
    assert do(house, image) == Ended(Code.FAILED, Code.RESULT_UID_TAKEN)
    assert REPORT_METADATA not in house.archive.instances("SR")[0].metadata


@pytest.mark.parametrize("vanished", [True, False])
def test_an_unmarked_report_without_its_file_ends_with_a_code(house: House, vanished: bool) -> None:
    image = house.archive.put("i")
    do(house, image)
    (stored,) = house.archive.instances("SR")
    del stored.metadata[REPORT_METADATA], house.archive.items[image].metadata[XRAY_METADATA]
    stored.file = b""
    if not vanished:
        house.archive.trouble = _at_second_file
    assert do(house, image) == Ended(Code.RETRYING, Code.STORE_FAILED)


def _at_second_file(name: str, seen: list[str] = []) -> None:  # noqa: B006 - it counts its calls
    if name == "file":
        seen.append(name)
        if len(seen) == 2:
            raise ServerError("not a regular file")


def test_the_same_uid_under_another_patient_is_another_report(house: House) -> None:
    house.archive.put("i")
    image = house.archive.put("i", patient="Q")
    answer = report(Task(XRAY, {"source": image, "study": ("P", "1"), "file": b"i"}, "recipe 1"))
    assert answer.dicom
    house.archive.store(answer.dicom)
    assert do(house, image) == Ended(Code.REPORTED)
    assert sorted(house.archive._tag(one, "PatientID") for one in house.archive.instances("SR")) == ["P", "Q"]


@pytest.mark.parametrize("moment", ["file", "store"])
def test_a_report_does_not_bring_back_a_deleted_study(house: House, moment: str) -> None:
    image = house.archive.put("i")

    def deleted(name: str) -> None:
        if name == moment:
            house.archive.delete("instance", image)

    house.archive.trouble = deleted
    assert do(house, image) == Ended()
    assert house.archive.items == {}


# Files that a worker asks for


def asks_for(*uids: str) -> Callable[[Task], Answer]:
    def answer(task: Task) -> Answer:
        assert task.files is None
        return Answer(Outcome(Code.HELD, task.recipe), needs=uids, seconds={"judge": 1.0})

    return answer


def test_files_that_a_worker_asks_for_are_handed_over_and_the_task_is_done_once_more(house: House) -> None:
    first = house.archive.put("a", modality="CT", file=b"first file")
    second = house.archive.put("b", modality="CT", file=b"second")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    seen: dict[str, bytes] = {}
    ended: list[Mapping[str, float]] = []
    house.knocks.ended = lambda _analysis, _code, seconds, _cpu: ended.append(seconds)

    def read(task: Task) -> Answer:
        assert task.files is not None
        seen.update({uid: place.read() for uid, place in task.files.items()})
        return dataclasses.replace(report(task), seconds={"judge": 2.0, "report": 3.0})

    house.bench.next += [asks_for(first, second, "gone"), read]
    assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.REPORTED)
    assert seen == {first: b"first file", second: b"second"}
    assert [task.files is None for task in house.bench.tasks] == [True, False]
    assert ended == [{"judge": 3.0, "report": 3.0}]
    assert house.bench.tasks[1].files is not None
    with pytest.raises(OSError, match=r".*"):
        house.bench.tasks[1].files[first].read()


def judge_when_due(house: House, study: str) -> Ended:
    before = house.archive.outcome(study, CARDIAC_METADATA)
    if before and before.due:
        due = dataclasses.replace(before, due="2026-01-01T00:00:00+00:00")
        house.archive.items[study].metadata[CARDIAC_METADATA] = due.to_text()
    return house.job.do(house.cardiac, study, asked=False)


def test_a_file_that_cannot_be_read_is_tried_again_and_left_out_at_last(house: House) -> None:
    image = house.archive.put("a", modality="CT")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    house.archive.trouble = fail("file")
    for _ in range(2):
        house.bench.next.append(asks_for(image))
        assert judge_when_due(house, study) == Ended(Code.RETRYING, Code.FILE_UNREADABLE)
    house.bench.next.append(asks_for(image))
    assert judge_when_due(house, study) == Ended(Code.REPORTED)
    assert [task.files for task in house.bench.tasks] == [None, None, None, {}]


def test_a_file_that_can_be_read_again_is_not_left_out(house: House) -> None:
    image = house.archive.put("a", modality="CT")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    house.bench.next.append(asks_for(image))
    house.archive.trouble = fail("file")
    assert judge_when_due(house, study).code is Code.RETRYING
    house.archive.trouble = lambda _: None
    house.bench.next.append(asks_for(image))
    assert judge_when_due(house, study) == Ended(Code.REPORTED)
    assert list(house.bench.tasks[-1].files or ()) == [image]


def test_a_worker_that_dies_of_the_files_costs_an_attempt(house: House) -> None:
    image = house.archive.put("a", modality="CT")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    house.bench.next += [asks_for(image), DIED]
    assert house.job.do(house.cardiac, study, asked=False) == Ended(Code.RETRYING, Code.WORKER_DIED)


def test_parts_and_labels_are_written_before_the_outcome(house: House) -> None:
    house.archive.put("a", modality="CT", series="S")
    (study,) = [one.identifier for one in house.archive.items.values() if one.level == "study"]
    (series,) = [one.identifier for one in house.archive.items.values() if one.level == "series"]
    part = Outcome(Code.NOT_CARDIAC, "r")

    def answer(task: Task) -> Answer:
        return Answer(Outcome(Code.NOT_CARDIAC, task.recipe), parts=(("S", part), ("gone", part)), labels={"l": True})

    house.bench.next.append(answer)
    house.archive.trouble = fail("set_label")
    with pytest.raises(ServerError):
        house.job.do(house.cardiac, study, asked=False)
    assert house.archive.outcome(series, CARDIAC_METADATA) == part
    assert house.archive.outcome(study, CARDIAC_METADATA) is None

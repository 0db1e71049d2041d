"""What belongs to a report is there before it, once, whenever the server dies; and it never costs the report."""

from dataclasses import replace

import pytest

from orthanc_ai.analyses import Answer, Made, Task
from orthanc_ai.codes import Code
from orthanc_ai.job import Ended
from orthanc_ai.outcomes import REPORT_METADATA, Outcome, Result, overlays_of
from orthanc_ai.server import ServerError

from .stand_in import MARK, REFUSED, SR, Archive, Bench, House, KilledError, report

WITHOUT = "written without"


def with_objects(task: Task) -> Answer:
    """A report with two objects, or the one that does without them."""
    if "source" not in task.payload:
        same = task.payload["stored"] == task.payload["ours"]
        return Answer(Outcome(Code.REPORTED if same else Code.RESULT_UID_TAKEN, ""))
    if task.no_objects:
        bare = report(replace(task, recipe=f"{task.recipe} {WITHOUT}"))
        outcome = replace(bare.outcome, recipe=task.recipe, detail=task.no_objects, notes=(Code.OVERLAYS_NOT_WRITTEN,))
        return replace(bare, outcome=outcome)
    whole = report(task)
    assert whole.outcome.result
    patient, study = task.payload["study"]
    uids = [f"{whole.outcome.result.sop_instance_uid}.{number}" for number in (1, 2)]
    made = tuple(Made(f"{uid}|{patient}|{study}".encode(), Result(SR, uid, f"{uid}.1", study)) for uid in uids)
    listed = [{"sopClassUID": SR, "sopInstanceUID": uid, "seriesInstanceUID": f"{uid}.1"} for uid in uids]
    return replace(whole, objects=made, outcome=replace(whole.outcome, data={"overlays": listed}))


class Drawing(Bench):
    """Workers whose reports have objects beside them."""

    def run(self, task: Task) -> Answer:
        self.tasks.append(task)
        return with_objects(task)


@pytest.fixture
def house() -> House:
    return House(Archive(), first_pause_s=0.0, bench=Drawing())


def do(house: House, image: str, *, asked: bool = False) -> Ended:
    return house.job.do(house.xray, image, asked=asked)


def outcome(house: House, image: str) -> Outcome:
    found = house.archive.outcome(image)
    assert found
    return found


def refusing(house: House, monkeypatch: pytest.MonkeyPatch, *suffixes: str, error: Exception | None = None) -> None:
    """Orthanc takes no object whose identifier ends so: it says so, or says nothing and forgets it."""
    store = house.archive.store

    def filtered(dicom: bytes) -> str:
        if dicom.decode().split("|")[0].endswith(suffixes):
            if error:
                raise error
            return "filtered out"
        return store(dicom)

    monkeypatch.setattr(house.archive, "store", filtered)


def stored(house: House) -> list[str]:
    return [one.tags["SOPInstanceUID"] for one in house.archive.instances("SR")]


def test_they_are_stored_first_and_marked(house: House) -> None:
    image = house.archive.put("i")
    assert do(house, image) == Ended(Code.REPORTED)
    result = outcome(house, image).result
    assert result
    assert stored(house) == [
        *(one.sop_instance_uid for one in overlays_of(outcome(house, image))),
        result.sop_instance_uid,
    ]
    assert [one.metadata[REPORT_METADATA] for one in house.archive.instances("SR")] == [MARK] * 3


@pytest.mark.parametrize("moment", range(40))
def test_killed_at_any_moment_nothing_is_missing_and_nothing_there_twice(moment: int) -> None:
    archive = Archive()
    image = archive.put("i")
    calls = 0

    def trouble(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == moment + 1:
            raise KilledError

    archive.trouble = trouble
    try:
        do(House(archive, bench=Drawing()), image)
    except KilledError:
        archive.trouble = lambda _: None
        do(House(archive, bench=Drawing()), image)
    else:
        assert calls <= moment, "it was killed and nobody noticed"
    found = archive.outcome(image)
    assert found
    assert found.result
    assert len(overlays_of(found)) == 2
    assert set(archive.written.values()) == {1}
    assert [one.metadata.get(REPORT_METADATA) for one in archive.instances("SR")] == [MARK] * 3


@pytest.mark.parametrize("which", [".1", ".2"])
def test_what_orthanc_refuses_does_not_cost_the_report(
    house: House, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    image = house.archive.put("i")
    refusing(house, monkeypatch, which, error=REFUSED)
    assert do(house, image) == Ended(Code.REPORTED)
    found = outcome(house, image)
    assert (found.notes, overlays_of(found)) == ((Code.OVERLAYS_NOT_WRITTEN,), ())
    assert str(Code.STORE_REFUSED) in found.detail
    assert found.result
    assert found.result.sop_instance_uid in stored(house)


def test_what_a_filter_discards_does_not_cost_the_report(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    image = house.archive.put("i")
    refusing(house, monkeypatch, ".2")
    codes = [do(house, image).code for _ in range(3)]
    assert codes == [Code.RETRYING, Code.RETRYING, Code.REPORTED], "a disk that was full may have room again"
    assert outcome(house, image).notes == (Code.OVERLAYS_NOT_WRITTEN,)


def test_a_full_disk_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    image = house.archive.put("i")
    refusing(house, monkeypatch, ".2", error=ServerError("No space left on device"))
    assert {do(house, image).code for _ in range(10)} == {Code.RETRYING}


def test_asked_again_they_come_and_the_report_that_refers_to_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = house.archive.put("i")
    with monkeypatch.context() as patch:
        refusing(house, patch, ".1", error=REFUSED)
        do(house, image)
    bare = outcome(house, image).result
    assert do(house, image) == Ended()
    assert do(house, image, asked=True) == Ended(Code.REPORTED)
    whole = outcome(house, image)
    assert len(overlays_of(whole)) == 2
    assert whole.result != bare
    assert house.bench.tasks[-1].previous == bare
    assert set(house.archive.written.values()) == {1}

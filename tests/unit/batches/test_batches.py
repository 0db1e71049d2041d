"""A batch that was taken in is done once, item by item, whatever comes in between."""

import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest

from orthanc_ai.batches import batches as module
from orthanc_ai.batches.batch import BatchError, State
from orthanc_ai.batches.batches import MAXIMUM_OPEN, Batches
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.plugin import Running
from orthanc_ai.server import ServerError

TIMEOUT_S = 10.0


class Counting:
    """Settles the numbers up to ``request["items"]``, and counts how often it did each of them."""

    name = "countings"

    def __init__(self, before: Callable[[Run, int], None] = lambda run, number: None) -> None:
        self.before = before
        self.did: list[int] = []

    def run(self, run: Run) -> None:
        run.expect(run.request["items"])
        for number in range(run.request["items"]):
            if str(number) in run.settled:
                continue
            run.check()
            self.before(run, number)
            self.did.append(number)
            (run.output / str(number)).write_text("made")
            run.settle(str(number), {"number": number})
        run.summarise(sum=sum(record["number"] for record in run.settled.values()))


def batches(kind: Counting, folder: Path, warn: Callable[[str], None] = lambda line: None, **more: object) -> Batches:
    paused = more.get("paused", lambda: False)
    assert callable(paused)
    return Batches(kind, folder, paused=paused, warn=warn, first_pause_s=0.02)


@contextmanager
def started(kind: Counting, folder: Path, **more: Callable[..., object]) -> Iterator[Batches]:
    one = batches(kind, folder, **more)  # type: ignore[arg-type]
    one.start()
    try:
        yield one
    finally:
        one.stop()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not true():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.005)


def state(one: Batches, identifier: str) -> State | None:
    batch = one.get(identifier)
    return None if batch is None else batch.state


def test_it_is_done_and_tells_what_came_of_it(tmp_path: Path) -> None:
    kind = Counting()
    with started(kind, tmp_path) as one:
        taken = one.begin({"items": 4})
        assert taken.state is State.WAITING
        until(lambda: state(one, taken.identifier) is State.DONE)
        batch = one.get(taken.identifier)
        assert batch is not None
        assert (batch.done, batch.total, batch.summary) == (4, 4, {"sum": 6})
        assert batch.created <= batch.started <= batch.ended
        assert one.settled(taken.identifier) == {str(number): {"number": number} for number in range(4)}
        output = one.output(taken.identifier)
        assert output is not None
        # Requests and results name patients.
        assert stat.S_IMODE((tmp_path / "countings").stat().st_mode) == 0o700
        assert sorted(file.name for file in output.iterdir()) == ["0", "1", "2", "3"]


def test_they_run_in_the_order_of_their_coming(tmp_path: Path) -> None:
    order: list[int] = []
    kind = Counting(lambda run, number: order.append(run.request["name"]))
    one = batches(kind, tmp_path)
    for name in range(3):
        one.begin({"items": 1, "name": name})
        time.sleep(0.002)
    one.start()
    until(lambda: len(order) == 3)
    one.stop()
    assert order == [0, 1, 2]
    assert [batch.request["name"] for batch in one.all()] == [0, 1, 2]


def test_a_stop_in_the_middle_and_nothing_is_done_twice(tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    def hold(run: Run, number: int) -> None:
        if number == 2:
            reached.set()
            go.wait(TIMEOUT_S)

    first = Counting(hold)
    with started(first, tmp_path) as one:
        identifier = one.begin({"items": 5}).identifier
        assert reached.wait(TIMEOUT_S)
        assert state(one, identifier) is State.RUNNING
        threading.Timer(0.05, go.set).start()
    assert first.did == [0, 1, 2]
    second = Counting()
    with started(second, tmp_path) as other:
        until(lambda: state(other, identifier) is State.DONE)
        batch = other.get(identifier)
        assert batch is not None
        assert batch.done == 5
    assert second.did == [3, 4]


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_power_cut_costs_at_most_the_item_that_was_being_written(cut: int, tmp_path: Path) -> None:
    with started(Counting(), tmp_path) as one:
        identifier = one.begin({"items": 3}).identifier
        until(lambda: state(one, identifier) is State.DONE)
    folder = tmp_path / "countings" / identifier
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    # As it stands while it runs.
    said = json.loads((folder / "batch.json").read_text())
    (folder / "batch.json").write_text(json.dumps({**said, "state": "running", "ended": ""}))
    again = Counting()
    with started(again, tmp_path) as other:
        until(lambda: state(other, identifier) is State.DONE)
        assert other.settled(identifier) == {str(number): {"number": number} for number in range(3)}
    assert again.did == [2]


def test_what_cannot_go_on_fails_with_its_code(tmp_path: Path) -> None:
    def refuse(run: Run, number: int) -> None:
        if number == 1:
            raise BatchError(Code.DESTINATION_UNKNOWN, "there is none")

    with started(Counting(refuse), tmp_path) as one:
        identifier = one.begin({"items": 3}).identifier
        until(lambda: state(one, identifier) is State.FAILED)
        batch = one.get(identifier)
        assert batch is not None
        assert (batch.code, batch.detail, batch.done, batch.total) == (
            Code.DESTINATION_UNKNOWN,
            "there is none",
            1,
            3,
        )


def test_a_fault_costs_its_batch_alone_and_names_nobody(tmp_path: Path) -> None:
    def fault(run: Run, number: int) -> None:
        if run.request.get("bad"):
            raise KeyError("Doe^Jane")

    lines: list[str] = []
    with started(Counting(fault), tmp_path, warn=lines.append) as one:
        bad = one.begin({"items": 1, "bad": True}).identifier
        good = one.begin({"items": 1}).identifier
        until(lambda: state(one, good) is State.DONE)
        batch = one.get(bad)
        assert batch is not None
        assert (batch.state, batch.code, batch.detail) == (State.FAILED, Code.INTERNAL_ERROR, "KeyError")
    assert not any("Doe" in line for line in lines)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "/Doe"), ServerError("busy")])
def test_what_cannot_go_on_now_is_tried_again(error: Exception, tmp_path: Path) -> None:
    times: list[int] = []

    def fail_twice(run: Run, number: int) -> None:
        if number == 1 and len(times) < 2:
            times.append(number)
            raise error

    kind = Counting(fail_twice)
    with started(kind, tmp_path) as one:
        identifier = one.begin({"items": 3}).identifier
        until(lambda: state(one, identifier) is State.DONE)
        batch = one.get(identifier)
        assert batch is not None
        assert batch.code is None
    assert kind.did == [0, 1, 2]


def test_a_pause_holds_it_between_two_items(tmp_path: Path) -> None:
    paused = threading.Event()
    paused.set()
    kind = Counting()
    with started(kind, tmp_path, paused=paused.is_set) as one:
        identifier = one.begin({"items": 2}).identifier
        until(lambda: state(one, identifier) is State.RUNNING)
        time.sleep(0.1)
        assert kind.did == []
        paused.clear()
        until(lambda: state(one, identifier) is State.DONE)


@pytest.mark.parametrize("when", ["waiting", "running", "done"])
def test_removed_it_is_gone_with_all_that_it_made(when: str, tmp_path: Path) -> None:
    reached, go = threading.Event(), threading.Event()

    def hold(run: Run, number: int) -> None:
        if run.request.get("hold") and number == 1:
            reached.set()
            go.wait(TIMEOUT_S)

    with started(Counting(hold), tmp_path) as one:
        if when == "waiting":
            one.begin({"items": 2, "hold": True})
            assert reached.wait(TIMEOUT_S)
        identifier = one.begin({"items": 2, "hold": when == "running"}).identifier
        if when == "running":
            assert reached.wait(TIMEOUT_S)
        elif when == "done":
            until(lambda: state(one, identifier) is State.DONE)
        assert one.remove(identifier)
        assert one.get(identifier) is None
        assert not one.remove(identifier)
        go.set()
        until(lambda: not (tmp_path / "countings" / identifier).exists())
        assert identifier not in [batch.identifier for batch in one.all()]
        # The others go on.
        other = one.begin({"items": 1}).identifier
        until(lambda: state(one, other) is State.DONE)


def test_killed_while_it_was_being_removed(tmp_path: Path) -> None:
    one = batches(Counting(), tmp_path)
    identifier = one.begin({"items": 1}).identifier
    file = tmp_path / "countings" / identifier / "batch.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "state": "cancelled"}))
    with started(Counting(), tmp_path) as other:
        assert other.get(identifier) is None
        until(lambda: not file.exists())


def test_killed_while_its_files_were_being_deleted(tmp_path: Path) -> None:
    left = tmp_path / "countings" / ".0123456789abcdef.removed"
    left.mkdir(parents=True)
    (left / "journal.jsonl").write_text('["Doe^Jane", {}]\n')
    with started(Counting(), tmp_path) as one:
        assert one.all() == []
        until(lambda: not left.exists())


def test_while_much_is_deleted_the_others_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleting, go = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        deleting.set()
        assert go.wait(TIMEOUT_S)

    one = batches(Counting(), tmp_path)
    much, other = one.begin({"items": 1}).identifier, one.begin({"items": 1}).identifier
    monkeypatch.setattr(module, "_delete", slow)
    thread = threading.Thread(target=one.remove, args=(much,))
    thread.start()
    assert deleting.wait(TIMEOUT_S)
    assert [batch.identifier for batch in one.all()] == [other]
    go.set()
    thread.join()


@pytest.mark.parametrize("spoiled", [b"{\n", b"1\n", b"[1, 2]\n", b"[]\n", b"\xff\n"])
def test_a_spoiled_journal_costs_its_batch_alone(spoiled: bytes, tmp_path: Path) -> None:
    one = batches(Counting(), tmp_path)
    bad, good = one.begin({"items": 1}).identifier, one.begin({"items": 1}).identifier
    (tmp_path / "countings" / bad / "journal.jsonl").write_bytes(spoiled + b'["0", {"number": 0}]\n')
    with started(Counting(), tmp_path) as again:
        until(lambda: state(again, good) is State.DONE)
        batch = again.get(bad)
        assert batch is not None
        assert (batch.state, batch.code) == (State.FAILED, Code.BATCHES_UNAVAILABLE)


def test_all_kinds_are_told_of_the_stop_before_any_is_waited_for(tmp_path: Path) -> None:
    both = threading.Barrier(2)
    left: list[str] = []

    class Leaving:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, run: Run) -> None:
            try:
                run.wait(TIMEOUT_S)
            finally:
                both.wait(TIMEOUT_S)
                left.append(self.name)

    kinds = [
        Batches(Leaving(name), tmp_path, paused=lambda: False, warn=lambda line: None) for name in ("some", "others")
    ]
    begun = [(one, one.begin({}).identifier) for one in kinds]
    for one in kinds:
        one.start()
    until(lambda: all(state(one, identifier) is State.RUNNING for one, identifier in begun))
    idle = Mock()
    Running(*(idle,) * 8, tuple(kinds)).stop()
    assert sorted(left) == ["others", "some"]


def test_too_many_are_refused(tmp_path: Path) -> None:
    one = batches(Counting(), tmp_path)
    for _ in range(MAXIMUM_OPEN):
        one.begin({"items": 1})
    with pytest.raises(BatchError) as refused:
        one.begin({"items": 1})
    assert refused.value.code is Code.TOO_MANY_BATCHES


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "countings").write_text("a file")
    with pytest.raises(BatchError) as refused:
        batches(Counting(), tmp_path).begin({"items": 1})
    assert refused.value.code is Code.BATCHES_UNAVAILABLE
    assert str(tmp_path) not in refused.value.detail


@pytest.mark.parametrize("identifier", ["", "..", "../countings", "0" * 15, "0" * 16, "g" * 16, "0" * 16 + "\n"])
def test_no_such_batch(identifier: str, tmp_path: Path) -> None:
    one = batches(Counting(), tmp_path)
    assert one.get(identifier) is None
    assert not one.remove(identifier)
    assert one.settled(identifier) is None
    assert one.output(identifier) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"state": "gone"}', b"\xff"])
def test_folders_of_something_else_are_left_alone(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "countings" / ("0" * 16)
    folder.mkdir(parents=True)
    (folder / "batch.json").write_bytes(content)
    with started(Counting(), tmp_path) as one:
        assert one.all() == []
        identifier = one.begin({"items": 1}).identifier
        until(lambda: state(one, identifier) is State.DONE)
    assert (folder / "batch.json").read_bytes() == content

"""An export, phase by phase: what is settled stays, what breaks says why, and what is to end ends."""

import copy
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydicom import Dataset
from pydicom.datadict import tag_for_keyword

from orthanc_ai.analyses import Answer, Task
from orthanc_ai.batches.batch import InterruptedBatch
from orthanc_ai.batches.run import Run
from orthanc_ai.cardiac.header import NEEDED_TAGS_BY_LEVEL
from orthanc_ai.cardiac.header import Level as DicomLevel
from orthanc_ai.cardiac.index_tags import SIGNATURE_METADATA
from orthanc_ai.codes import Code
from orthanc_ai.handover import Shared
from orthanc_ai.outcomes import CARDIAC_METADATA, Outcome
from orthanc_ai.server import Level, Resource, Server, ServerError
from orthanc_ai.settings import AI
from orthanc_ai.storage import Storage
from orthanc_ai.volumes.batch import Export
from orthanc_ai.volumes.orders import PhaseOrder
from orthanc_ai.volumes.worker import VolumeWriter
from orthanc_ai.workers import WorkerError, Workers
from phantom.ct import ct_series
from tests.unit.cardiac.enhanced import enhanced

from .images import files, tags

REQUEST: Mapping[str, Any] = {
    "patients": [],
    "studies": [],
    "series": [],
    "label": "",
    "roles": [],
    "phases": [],
    "acceptedOnly": True,
    "formats": ["npz"],
    "windows": [],
}
PHASES = ["0%", "20%", "40%", "60%", "80%"]
LEVELS: tuple[DicomLevel, ...] = ("Series", "Instance")
SIGNATURES = {
    level: ";".join(f"{tag >> 16:04x},{tag & 0xFFFF:04x}" for tag in map(tag_for_keyword, keywords) if tag)
    for level in LEVELS
    for keywords in [NEEDED_TAGS_BY_LEVEL[level]]
}


class Index:
    """Orthanc's index of some series, and their files."""

    def __init__(self, folder: Path, *series: Sequence[Dataset], as_bytes: bool = False) -> None:
        self.rows: list[Resource] = []
        self.files: dict[str, Shared | bytes] = {}
        self.errors: dict[str, Exception] = {}
        for datasets in series:
            first = datasets[0]
            study, one = f"study {first.StudyInstanceUID}", f"series {first.SeriesInstanceUID}"
            if self.resource("study", study) is None:
                named = {name: str(first[name].value) for name in ("StudyInstanceUID", "PatientID", "StudyDate")}
                self.rows.append(Resource("study", study, named, {}, labels=("cardiac-ct",)))
            outcome = Outcome(Code.ACCEPTED, "", data={"accepted": True, "role": "CCTA", "codes": [], "phases": PHASES})
            metadata = {CARDIAC_METADATA: outcome.to_text(), SIGNATURE_METADATA: SIGNATURES["Series"]}
            self.rows.append(Resource("series", one, tags(first), metadata, study))
            for dataset, file in zip(datasets, files(datasets), strict=True):
                metadata = {"SopClassUid": str(dataset.SOPClassUID), SIGNATURE_METADATA: SIGNATURES["Instance"]}
                instance = f"instance {dataset.SOPInstanceUID}"
                self.rows.append(Resource("instance", instance, tags(dataset), metadata, one))
                path = folder / dataset.SOPInstanceUID
                path.write_bytes(file.content)
                self.files[instance] = file.content if as_bytes else Shared(str(path))

    def resource(self, level: Level, identifier: str, tags: Sequence[str] = ()) -> Resource | None:
        return next((row for row in self.rows if row.identifier == identifier), None)

    def children(self, level: Level, identifier: str, of: Level, tags: Sequence[str] = ()) -> Iterator[Resource]:
        return iter([row for row in self.rows if row.level == of and row.parent == identifier])

    def find(self, level: Level, *, since: int, limit: int, **_: Any) -> tuple[Resource, ...]:
        return tuple([row for row in self.rows if row.level == level][since : since + limit])

    def study_of(self, level: Level, identifier: str) -> Resource | None:
        series = self.resource(level, identifier)
        return self.resource("study", series.parent) if series else None

    def metadata(self, level: Level, identifier: str, name: str) -> str | None:
        resource = self.resource(level, identifier)
        return resource.metadata.get(name) if resource else None

    def payload(self, server: object, instance: str) -> Shared | bytes | None:
        if instance in self.errors:
            raise self.errors[instance]
        return self.files.get(instance)


class Worker:
    """Does the work of a worker process in this one."""

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.faults: list[WorkerError] = []
        self.answers: dict[str, Answer] = {}
        self.stopped = threading.Event()

    def __call__(self, settings: AI) -> Workers:
        return cast(Workers, self)

    def run(self, task: Task) -> Answer:
        order = task.payload
        self.orders.append(order)
        if isinstance(order, PhaseOrder):
            if self.faults:
                raise self.faults.pop()
            if order.folder.name in self.answers:
                return self.answers[order.folder.name]
        return VolumeWriter(AI()).read(task)

    def stop(self) -> None:
        self.stopped.set()

    @property
    def phases(self) -> list[str]:
        return [order.folder.name for order in self.orders if isinstance(order, PhaseOrder)]


MULTIPHASE = ct_series("multiphase", matrix=16)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    (tmp_path / "storage").mkdir()
    return Index(tmp_path / "storage", MULTIPHASE)


@pytest.fixture
def worker() -> Worker:
    return Worker()


def run_of(
    folder: Path, settled: dict[str, Any] | None = None, ended: threading.Event | None = None, **more: Any
) -> Run:
    (folder / "output").mkdir(exist_ok=True)
    return Run(
        {**REQUEST, **more},
        folder / "output",
        settled if settled is not None else {},
        settle=lambda records: json.dumps(records),  # type: ignore[arg-type]
        ended=ended or threading.Event(),
        paused=lambda: False,
    )


def export(index: Index, worker: Worker) -> Export:
    settings = AI(retry_pause=0.1)
    return Export(cast(Server, index), settings, cast(Storage, index), worker)


def codes(run: Run) -> dict[str, str]:
    return {record["phase"]["label"]: record["phase"]["code"] for record in run.settled.values()}


def test_each_phase_is_an_item(index: Index, worker: Worker, tmp_path: Path) -> None:
    run = run_of(tmp_path)
    export(index, worker).run(run)
    assert codes(run) == dict.fromkeys(PHASES, "EXPORTED")
    assert (run.total, run.done, run.summary["codes"]) == (5, 5, {"EXPORTED": 5})
    [patient] = json.loads((run.output / "manifest.json").read_text())["patients"]
    assert patient["patientID"] == MULTIPHASE[0].PatientID
    [series] = patient["studies"][0]["series"]
    assert [phase["label"] for phase in series["phases"]] == PHASES
    assert run.summary["bytes"] == sum(phase["bytes"] for phase in series["phases"])
    for phase in series["phases"]:
        assert (run.output / phase["folder"] / phase["files"]["npz"]).is_file()
    assert worker.stopped.is_set()


def test_a_study_in_quarantine_is_nobodys(index: Index, worker: Worker, tmp_path: Path) -> None:
    outcome = Outcome(Code.REPORTED, "", notes=(Code.PATIENT_ID_CONFLICT,))
    index.rows[0] = replace(index.rows[0], metadata={CARDIAC_METADATA: outcome.to_text()})
    run = run_of(tmp_path, phases=["40%"])
    export(index, worker).run(run)
    [patient] = json.loads((run.output / "manifest.json").read_text())["patients"]
    assert patient["folder"].startswith("quarantine-")
    assert patient["quarantine"] == "PATIENT_ID_CONFLICT"


def test_what_is_settled_is_not_done_again(index: Index, worker: Worker, tmp_path: Path) -> None:
    first = run_of(tmp_path)
    export(index, worker).run(first)
    half = dict(list(first.settled.items())[:2])
    again = Worker()
    run = run_of(tmp_path, half)
    export(index, again).run(run)
    assert again.phases == ["phase-40pct", "phase-60pct", "phase-80pct"]
    assert codes(run) == codes(first)
    # After a kill nothing of what was counted before is known.
    assert run.summary == first.summary
    idle = Worker()
    export(index, idle).run(run_of(tmp_path, dict(run.settled)))
    assert idle.orders == []


def test_only_what_was_asked_for(index: Index, worker: Worker, tmp_path: Path) -> None:
    run = run_of(tmp_path, phases=["40%", "41%"])
    export(index, worker).run(run)
    assert (codes(run), run.total) == ({"40%": "EXPORTED"}, 1)
    run = run_of(tmp_path, phases=["41%"])
    export(index, worker).run(run)
    [record] = run.settled.values()
    assert (record["phase"], run.summary["codes"]) == (None, {"PHASE_NOT_THERE": 1})
    run = run_of(tmp_path, roles=["CAC"])
    export(index, worker).run(run)
    assert (run.total, run.settled) == (0, {})


@pytest.mark.parametrize("accepted_only", [True, False])
def test_of_images_at_the_same_positions_no_volume_is_made(worker: Worker, tmp_path: Path, accepted_only: bool) -> None:
    """A phase of ten slices that was stored twice: which of two images is right is nobody's guess."""
    (tmp_path / "storage").mkdir()
    once = [one for one in MULTIPHASE if one.NominalPercentageOfCardiacPhase == 40][:10]
    twice = [copy.deepcopy(one) for one in once]
    for one in twice:
        one.SOPInstanceUID += ".2"
    run = run_of(tmp_path, acceptedOnly=accepted_only)
    export(Index(tmp_path / "storage", [*once, *twice]), worker).run(run)
    assert codes(run) == {"40%": "DUPLICATE_POSITIONS"}
    assert worker.phases == []


@pytest.mark.parametrize("level", ["series", "instance"])
def test_what_the_index_cannot_tell_is_not_guessed(index: Index, worker: Worker, tmp_path: Path, level: Level) -> None:
    """One image was stored before the index kept the attributes of phases."""
    place, old = next((place, row) for place, row in enumerate(index.rows) if row.level == level)
    metadata = {name: text for name, text in old.metadata.items() if name != SIGNATURE_METADATA}
    index.rows[place] = replace(old, metadata=metadata)
    run = run_of(tmp_path, acceptedOnly=False)
    export(index, worker).run(run)
    [record] = run.settled.values()
    assert (record["phase"], record["series"]["code"]) == (None, "INDEX_INCOMPLETE")
    assert worker.orders == []


def test_files_that_are_elsewhere_are_spooled(worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    run = run_of(tmp_path)
    export(Index(tmp_path / "storage", MULTIPHASE, as_bytes=True), worker).run(run)
    assert codes(run) == dict.fromkeys(PHASES, "EXPORTED")
    [used] = {Path(file.path).parent for one in worker.orders if isinstance(one, PhaseOrder) for file in one.files}
    assert used.parent == run.output
    assert not used.exists()


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_multi_frame_instance_is_as_many_phases(worker: Worker, tmp_path: Path, as_bytes: bool) -> None:
    """Orthanc's index does not know its frames."""
    (tmp_path / "storage").mkdir()
    run = run_of(tmp_path)
    export(Index(tmp_path / "storage", [enhanced(MULTIPHASE)], as_bytes=as_bytes), worker).run(run)
    assert codes(run) == dict.fromkeys(PHASES, "EXPORTED")
    [shape] = {tuple(record["phase"]["shape"]) for record in run.settled.values()}
    assert shape == (len(MULTIPHASE) // len(PHASES), 16, 16)


@pytest.mark.parametrize("lost", ["gone", "unreadable"])
def test_a_file_that_is_lost_costs_its_phase(index: Index, worker: Worker, tmp_path: Path, lost: str) -> None:
    instance = f"instance {MULTIPHASE[0].SOPInstanceUID}"  # of phase 0%
    if lost == "gone":
        index.files[instance] = Shared("/nowhere")
    else:
        index.errors[instance] = ServerError("cannot read it")
    run = run_of(tmp_path)
    export(index, worker).run(run)
    assert codes(run) == {**dict.fromkeys(PHASES, "EXPORTED"), "0%": "FILE_UNREADABLE"}


def test_a_worker_that_breaks_is_tried_again_and_then_given_up(index: Index, worker: Worker, tmp_path: Path) -> None:
    worker.faults = [WorkerError(Code.WORKER_DIED, "out of memory")] * 2
    run = run_of(tmp_path)
    export(index, worker).run(run)
    assert codes(run) == dict.fromkeys(PHASES, "EXPORTED")
    worker.faults = [WorkerError(Code.DEADLINE_EXCEEDED, "")] * 3
    run = run_of(tmp_path)
    export(index, worker).run(run)
    assert codes(run) == {**dict.fromkeys(PHASES, "EXPORTED"), "0%": "DEADLINE_EXCEEDED"}


def test_a_full_disk_is_no_fault_of_the_phase(index: Index, worker: Worker, tmp_path: Path) -> None:
    worker.answers["phase-40pct"] = Answer(Outcome(Code.STORE_FAILED, "", "28"))
    run = run_of(tmp_path)
    with pytest.raises(OSError, match="No space left on device"):
        export(index, worker).run(run)
    assert codes(run) == {"0%": "EXPORTED", "20%": "EXPORTED"}


def test_it_ends_when_it_is_to_end(index: Index, tmp_path: Path) -> None:
    """A worker that is busy is not waited for."""
    ended = threading.Event()

    class Busy(Worker):
        def run(self, task: Task) -> Answer:
            if isinstance(task.payload, PhaseOrder):
                ended.set()
                assert self.stopped.wait(10)
                raise WorkerError(Code.STOPPING, "")
            return super().run(task)

    run = run_of(tmp_path, ended=ended)
    begun = time.monotonic()
    with pytest.raises(InterruptedBatch):
        export(index, Busy()).run(run)
    assert time.monotonic() - begun < 5
    assert run.settled == {}

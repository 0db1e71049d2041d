"""A dataset as a whole, with the workers in this process: what a kill, a power cut and a busy archive cannot change."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from orthanc_ai.analyses import Answer, Task
from orthanc_ai.batches.batch import BatchError, InterruptedBatch
from orthanc_ai.batches.run import Run
from orthanc_ai.codes import Code
from orthanc_ai.datasets.batch import Datasets
from orthanc_ai.datasets.choice import Chosen
from orthanc_ai.datasets.conclusion import Conclusion
from orthanc_ai.datasets.planned import Planned, read_plan, write_plan
from orthanc_ai.datasets.worker import DatasetWriter
from orthanc_ai.deidentify.options import Options
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.server import Resource, Server
from orthanc_ai.settings import AI
from orthanc_ai.storage import Storage
from orthanc_ai.workers import Workers
from tests.unit.stand_in import Archive
from tests.unit.tables.images import file_of, image

KEPT = Options(keep_key=True).to_json()
"""With a key that is kept, two runs of one request are the same."""

SPLIT = {"ratios": {"train": 0.5, "test": 0.5}, "seed": 0, "stratify": None}


class Storeroom:
    """Orthanc's storage, of which nothing can be read in place."""

    def payload(self, server: Server, instance: str) -> bytes | None:
        return server.file(instance)


class Worker:
    """Does the work of a worker process in this one."""

    def __call__(self, settings: AI) -> Workers:
        return cast(Workers, self)

    def run(self, task: Task) -> Answer:
        return DatasetWriter().read(task)

    def stop(self) -> None:
        pass


class Index(Archive):
    """An archive that tells its version, and may have two rows for what is stored anew while it is read."""

    twice = False

    def get(self, _path: str) -> dict[str, Any]:
        return {"Version": "1.12.7"}

    def find(self, *arguments: Any, **options: Any) -> tuple[Resource, ...]:
        found = super().find(*arguments, **options)
        return (*found, found[0]) if self.twice and found else found


def archive_of(count: int, archive: Index | None = None) -> Index:
    """CT images, each of a patient of its own."""
    archive = archive or Index()
    for number in range(1, count + 1):
        patient, study, series = f"P{number}", f"1.{number}", f"1.{number}.3"
        # Through one window, each looks different.
        dataset = image(number, PatientID=patient, StudyInstanceUID=study, WindowCenter=100, WindowWidth=300)
        dataset.SeriesInstanceUID = series
        archive.put(
            f"1.2.3.{number}", modality="CT", patient=patient, study=study, series=series, file=file_of(dataset)
        )
    return archive


def run_of(folder: Path, settled: dict[str, Any] | None = None, **more: Any) -> Run:
    output = folder / "output"
    output.mkdir(parents=True, exist_ok=True)
    request = {
        "selection": {},
        "format": "png8",
        "size": None,
        "scaling": Scaling().to_json(),
        "layout": "flat",
        "classes": None,
        "split": SPLIT,
        "labels": None,
        "deidentify": Options().to_json(),
        "grows": "",
        **more,
    }
    kept = settled if settled is not None else {}
    return Run(request, output, kept, settle=lambda _: None, ended=threading.Event(), paused=lambda: False)


def datasets(archive: Index, folder: Path) -> Datasets:
    settings = AI(retry_pause=0.1, workers=1, batches_directory=folder)
    return Datasets(archive.server, settings, cast(Storage, Storeroom()), Worker())


def manifest_of(run: Run) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((run.output / "manifest.json").read_bytes())
    return manifest


def test_what_is_stored_anew_meanwhile_is_in_it_once(tmp_path: Path) -> None:
    archive, run = archive_of(3), run_of(tmp_path / "datasets" / "a")
    archive.twice = True
    datasets(archive, tmp_path).run(run)
    assert (run.done, run.total, run.summary["images"]) == (3, 3, 3)
    files = [one["file"] for one in manifest_of(run)["images"]]
    assert len(files) == len(set(files)) == 3


@pytest.mark.parametrize("module", ["conclusion", "cleaning"])
def test_interrupted_at_the_very_end_it_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    archive = archive_of(5)
    whole = run_of(tmp_path / "datasets" / "whole", deidentify=KEPT)
    datasets(archive, tmp_path).run(whole)
    settled: dict[str, Any] = {}

    def interrupt(*_: Any, **__: Any) -> None:
        raise InterruptedBatch

    with monkeypatch.context() as patch:
        if module == "conclusion":
            patch.setattr(Conclusion, "draw", interrupt)
        else:
            patch.setattr(shutil, "rmtree", interrupt)
        with pytest.raises(InterruptedBatch):
            datasets(archive, tmp_path).run(run_of(tmp_path / "datasets" / "killed", settled, deidentify=KEPT))
    # A kill takes along what the run has said of itself.
    again = run_of(tmp_path / "datasets" / "killed", settled, deidentify=KEPT)
    datasets(archive, tmp_path).run(again)
    assert (again.done, again.total, again.summary) == (5, 5, whole.summary)
    assert (again.output / "manifest.json").read_bytes() == (whole.output / "manifest.json").read_bytes()


def test_images_whose_members_a_power_cut_took_along_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, settled = archive_of(5), dict[str, Any]()
    whole = run_of(tmp_path / "datasets" / "whole", deidentify=KEPT)
    datasets(archive, tmp_path).run(whole)

    def interrupt() -> None:
        raise InterruptedBatch

    with monkeypatch.context() as patch:
        patch.setattr(os, "sync", interrupt)
        with pytest.raises(InterruptedBatch):
            datasets(archive, tmp_path).run(run_of(tmp_path / "datasets" / "cut", settled, deidentify=KEPT))
    assert len(settled) == 5
    members = tmp_path / "datasets" / "cut" / "private" / "members.jsonl"
    members.write_bytes(b"".join(members.read_bytes().splitlines(keepends=True)[:2]))
    again = run_of(tmp_path / "datasets" / "cut", settled, deidentify=KEPT)
    datasets(archive, tmp_path).run(again)
    assert (again.output / "manifest.json").read_bytes() == (whole.output / "manifest.json").read_bytes()


def sides_of(run: Run) -> dict[str, str]:
    return {one["patient"]: one["split"] for one in manifest_of(run)["images"]}


def test_a_dataset_in_between_that_is_not_divided_hands_the_sides_on(tmp_path: Path) -> None:
    def made(name: str, count: int, **more: Any) -> Run:
        run = run_of(tmp_path / "datasets" / name, deidentify=KEPT, **more)
        datasets(archive_of(count), tmp_path).run(run)
        return run

    first = made("a", 6)
    made("b", 8, split=None, grows="a")
    # Another seed would put them elsewhere.
    third = made("c", 8, split={**SPLIT, "seed": 5}, grows="b")
    assert sides_of(first).items() <= sides_of(third).items()
    assert len(sides_of(third)) == 8
    assert list(sides_of(first).values()).count("test") == 3


def test_a_side_that_is_missing_is_told_before_the_images_are_made(tmp_path: Path) -> None:
    archive = archive_of(4)
    datasets(archive, tmp_path).run(run_of(tmp_path / "datasets" / "a", deidentify=KEPT))
    split = {**SPLIT, "ratios": {"train": 0.5, "validation": 0.5}}
    run = run_of(tmp_path / "datasets" / "b", split=split, grows="a")
    with pytest.raises(BatchError) as failure:
        datasets(archive, tmp_path).run(run)
    assert (failure.value.code, run.done) == (Code.BAD_REQUEST, 0)
    # It has failed for good, and keeps no key that nobody asked for.
    assert not (run.output.parent / "private").exists()


def secrets_in(folder: Path, texts: list[bytes]) -> Iterator[str]:
    for file in folder.rglob("*"):
        if file.is_file() and any(text in file.read_bytes() for text in texts):
            yield file.name


def test_texts_of_the_header_stay_behind(tmp_path: Path) -> None:
    archive = Index()
    dataset = image(
        1, WindowCenter=["0", "20"], WindowWidth=["5", "6"], WindowCenterWidthExplanation=["FOR MR DOE", "BONE"]
    )
    archive.put("1.2.3.1", modality="CT", patient="P", study="1.2", series="1.2.3", file=file_of(dataset))
    run = run_of(tmp_path / "datasets" / "a")
    datasets(archive, tmp_path).run(run)
    assert manifest_of(run)["images"][0]["scaling"]["center"] == 0
    assert list(secrets_in(run.output.parent, [b"DOE"])) == []
    open_ = run_of(tmp_path / "datasets" / "b", deidentify=Options.OFF.to_json())
    datasets(archive, tmp_path).run(open_)
    assert manifest_of(open_)["images"][0]["scaling"]["explanation"] == "FOR MR DOE"


def test_what_all_lines_of_a_plan_have_is_in_memory_once(tmp_path: Path) -> None:
    findings = {f"Finding {number}": 0.5 for number in range(18)}
    chosen = Chosen("id", {"PatientID": "P"}, findings, findings)
    write_plan(tmp_path / "plan", [Planned(chosen, f"image-{number}", "patient-1", {}) for number in range(2)])
    one, other = read_plan(tmp_path / "plan")
    assert one.chosen == other.chosen == chosen
    assert one.chosen.thresholds is other.chosen.thresholds
    assert all(mine is theirs for mine, theirs in zip(one.chosen.findings, other.chosen.findings, strict=True))

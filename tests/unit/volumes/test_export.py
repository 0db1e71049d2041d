"""One phase as a folder: complete or not there, and what is to be known of it beside it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from orthanc_ai.analyses import Task
from orthanc_ai.codes import Code
from orthanc_ai.handover import Shared
from orthanc_ai.settings import AI
from orthanc_ai.volumes.errors import VolumeError
from orthanc_ai.volumes.export import DESCRIPTION, write_phase
from orthanc_ai.volumes.orders import VOLUMES, WINDOWS, PhaseOrder, PlanOrder
from orthanc_ai.volumes.worker import VolumeWriter
from phantom.ct import ct_series
from tests.unit.cardiac.enhanced import enhanced

from .images import files, stack, tags

ABOUT = {"seriesInstanceUID": "1.2.3", "phase": "75%"}


@pytest.fixture
def order(tmp_path: Path) -> PhaseOrder:
    datasets = stack(5)
    images = tuple((one.SOPInstanceUID, None) for one in datasets)
    folder = tmp_path / "series" / "phase"
    return PhaseOrder(saved(tmp_path, datasets), images, folder, ("nifti", "npz"), (WINDOWS["cta"],), ABOUT)


def saved(folder: Path, datasets: list[Dataset]) -> tuple[Shared, ...]:
    (folder / "source").mkdir(exist_ok=True)
    paths = []
    for number, file in enumerate(files(datasets)):
        path = folder / "source" / f"{number}.dcm"
        path.write_bytes(file.content)
        paths.append(Shared(str(path)))
    return tuple(paths)


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_phase_is_a_folder(order: PhaseOrder) -> None:
    said = write_phase(order)
    assert names(order.folder) == {"volume.json", "volume.nii.gz", "volume.npz"}
    assert said.pop("bytes") == sum(file.stat().st_size for file in order.folder.iterdir())
    assert json.loads((order.folder / DESCRIPTION).read_text()) == said
    assert said | ABOUT == said
    assert said["files"] == {"nifti": "volume.nii.gz", "npz": "volume.npz"}
    assert (said["shape"], said["type"], said["unit"], said["space"]) == ([5, 6, 8], "int16", "HU", "LPS")
    assert [slice_["instanceNumber"] for slice_ in said["slices"]] == [1, 2, 3, 4, 5]
    with np.load(order.folder / "volume.npz") as stored:
        np.testing.assert_array_equal(stored["affine"], said["affine"])
        assert list(stored["hu"].shape) == said["shape"]


def test_slices_are_folders_of_their_windows(order: PhaseOrder) -> None:
    said = write_phase(replace(order, formats=("png",), windows=(WINDOWS["lung"],)))
    assert names(order.folder) == {"volume.json", *(f"lung/{index:04d}.png" for index in range(5))}
    assert said["files"] == {"png": {"lung": {"center": -600, "width": 1500}}}


def test_what_a_kill_has_left_is_replaced(order: PhaseOrder) -> None:
    for leftover in (order.folder, order.folder.with_name("phase.partial")):
        leftover.mkdir(parents=True)
        (leftover / "half").write_text("")
    write_phase(order)
    assert names(order.folder.parent) == {"phase/volume.json", "phase/volume.nii.gz", "phase/volume.npz"}


def test_a_volume_that_cannot_be_made_leaves_nothing(order: PhaseOrder, tmp_path: Path) -> None:
    broken = replace(order, files=saved(tmp_path, stack(5, RescaleType="Z_EFF")))
    with pytest.raises(VolumeError):
        write_phase(broken)
    assert not order.folder.parent.exists()


def test_files_that_are_not_those_of_the_index_make_no_volume(order: PhaseOrder, tmp_path: Path) -> None:
    file = Path(order.files[2].path)
    file.write_bytes(b"something else")
    with pytest.raises(VolumeError) as error:
        write_phase(order)
    assert error.value.code is Code.HEADER_UNREADABLE
    file.unlink()
    with pytest.raises(VolumeError) as error:
        write_phase(order)
    assert error.value.code is Code.FILE_UNREADABLE


def test_the_worker_says_what_is_wrong(order: PhaseOrder, tmp_path: Path) -> None:
    writer = VolumeWriter(AI())

    def ask(payload: object) -> tuple[Code, str]:
        outcome = writer.read(Task(VOLUMES, payload, "")).outcome
        return outcome.code, outcome.detail

    assert ask(order) == (Code.EXPORTED, "")
    assert ask(replace(order, files=order.files[:1], images=order.images[:1]))[0] is Code.TOO_FEW_SLICES
    assert ask(replace(order, files=order.files[1:]))[0] is Code.IMAGES_LEFT_OUT
    (tmp_path / "file").write_text("")
    assert ask(replace(order, folder=tmp_path / "file" / "phase")) == (Code.STORE_FAILED, "20")  # ENOTDIR


def test_a_phase_of_a_multi_frame_file(order: PhaseOrder, tmp_path: Path) -> None:
    datasets = ct_series("multiphase", slices=8)
    multi_frame = enhanced(datasets)
    [file] = saved(tmp_path, [multi_frame])
    plan = PlanOrder((tags(multi_frame),), {multi_frame.SOPInstanceUID: file})
    phase = VolumeWriter(AI()).read(Task(VOLUMES, plan, "")).outcome.data["phases"][3]
    assert [frame for _, frame in phase["images"]] == list(range(25, 33))
    said = write_phase(replace(order, files=(file,), images=tuple(phase["images"])))
    assert [one["frameNumber"] for one in said["slices"]] == list(range(25, 33))
    with np.load(order.folder / "volume.npz") as stored:
        for values, dataset in zip(stored["hu"], datasets[24:32], strict=True):
            np.testing.assert_array_equal(values, dataset.pixel_array.astype(int) - 1024)


def test_a_plan_names_the_images_of_each_phase() -> None:
    datasets = ct_series("multiphase", slices=8)
    outcome = VolumeWriter(AI()).read(Task(VOLUMES, PlanOrder(tuple(map(tags, datasets)), {}), "")).outcome
    phases = outcome.data["phases"]
    assert [phase["label"] for phase in phases] == ["0%", "20%", "40%", "60%", "80%"]
    for phase, percent in zip(phases, (0, 20, 40, 60, 80), strict=True):
        expected = [one for one in datasets if one.NominalPercentageOfCardiacPhase == percent]
        expected.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        assert phase["images"] == [(one.SOPInstanceUID, None) for one in expected]
    assert outcome.data["leftOut"] == []
    # 24 mm are too few for a heart.
    assert {tuple(phase["refusals"]) for phase in phases} == {("COVERAGE_SHORT",)}
    assert outcome.data["verdict"]["codes"][0] == "COVERAGE_SHORT"

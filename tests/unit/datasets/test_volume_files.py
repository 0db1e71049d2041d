"""What is said of a volume of a dataset."""

import threading
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.batches.run import Run
from orthanc_ai.datasets.choice import Chosen
from orthanc_ai.datasets.planned import Planned
from orthanc_ai.datasets.volume_files import FORMAT, VolumeFiles
from orthanc_ai.deidentify.pseudonyms import Pseudonyms
from orthanc_ai.settings import AI
from orthanc_ai.storage import Storage
from orthanc_ai.volumes import batch
from tests.unit.stand_in import Archive

PHASE: dict[str, Any] = {
    "code": "EXPORTED",
    "folder": "phase",
    "files": {FORMAT: "volume.nii.gz"},
    "label": None,
    "shape": [3, 4, 5],
    "spacingMm": [1.0, 1.0, 1.0],
    "type": "int16",
}


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ({"BodyPartExamined": "HEART"}, []),
        ({"BodyPartExamined": "HEAD"}, ["RECOGNIZABLE_FEATURES"]),
        ({"SeriesDescription": "Sinus 0.6 mm"}, ["RECOGNIZABLE_FEATURES"]),
        ({}, ["RECOGNIZABLE_FEATURES"]),
    ],
)
def test_a_face_is_flagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], flags: list[str]
) -> None:
    def export(_: batch.Export, run: Run) -> None:
        folder = run.output / PHASE["folder"]
        folder.mkdir()
        (folder / "volume.nii.gz").write_bytes(b"volume")
        run.settle("one", {"phase": PHASE, "series": {"code": "ACCEPTED"}})

    monkeypatch.setattr(batch.Export, "run", export)
    run = Run({}, tmp_path / "output", {}, settle=lambda _: None, ended=threading.Event(), paused=lambda: False)
    run.output.mkdir()
    stage = tmp_path / "stage"
    stage.mkdir()
    files = VolumeFiles(Archive().server, AI(), Storage(tmp_path), stage, Pseudonyms(bytes(32)))
    record, _ = files.write(run, Planned(Chosen("id", {"Modality": "CT", **tags}, {}, {}), "image-1", "patient-1", {}))
    assert [image["flags"] for image in record["images"]] == [flags]
    assert [file.name for file in stage.iterdir()] == ["image-1.nii.gz"]

"""Exports of volumes from a real server: what they hold, what they say, and that a kill costs nothing."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import Dataset
from SimpleITK import GetArrayFromImage, ReadImage

from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import ct_series

from .orthanc import Orthanc

PHASES = ("0%", "20%", "40%", "60%", "80%")


def judged(orthanc: Orthanc, series: set[str]) -> None:
    """Wait until series have their outcomes."""

    def complete() -> bool:
        found = [one["ID"] for uid in series for one in orthanc.find("Series", {"SeriesInstanceUID": uid})]
        return len(found) == len(series) and all(orthanc.outcome("series", one, CARDIAC_METADATA) for one in found)

    orthanc.wait_until(complete, "a series has no outcome", 60)


def ended(orthanc: Orthanc, path: str) -> dict[str, Any]:
    """How an export ended."""
    orthanc.wait_until(lambda: orthanc.get(path)["ended"] is not None, "the export does not end", 60)
    batch: dict[str, Any] = orthanc.get(path)
    return batch


def exported(orthanc: Orthanc, **request: Any) -> dict[str, Any]:
    batch = ended(orthanc, orthanc.post("/ai/volumes", request)["path"])
    assert batch["state"] == "done", batch
    return batch


def folder_of(orthanc: Orthanc, batch: dict[str, Any]) -> Path:
    return orthanc.folder.joinpath("batches", "volumes", batch["id"], "output")


def series_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Series of a manifest by Series Instance UID."""
    return {
        series["seriesInstanceUID"]: series
        for patient in manifest["patients"]
        for study in patient["studies"]
        for series in study["series"]
    }


def truth(datasets: list[Dataset]) -> tuple[npt.NDArray[np.int16], tuple[float, ...]]:
    """Hounsfield units of a phantom from feet to head, and the place of its first voxel."""
    ordered = sorted(datasets, key=lambda one: float(one.ImagePositionPatient[2]))
    values = np.stack([one.pixel_array.astype(np.int16) - 1024 for one in ordered])
    return values, tuple(float(value) for value in ordered[0].ImagePositionPatient)


EXAMINATION = "volumes"
CCTA = ct_series("ccta", examination=EXAMINATION)
MULTIPHASE = ct_series("multiphase", examination=EXAMINATION)
CHEST = ct_series("chest", slices=12, examination=EXAMINATION)
STUDY = CCTA[0].StudyInstanceUID


@pytest.fixture(scope="module")
def archive(server: Orthanc) -> Orthanc:
    """A server with three series of one study: two accepted ones, and one that is not cardiac."""
    server.upload([*CCTA, *MULTIPHASE, *CHEST])
    judged(server, {one[0].SeriesInstanceUID for one in (CCTA, MULTIPHASE, CHEST)})
    return server


@pytest.fixture(scope="module")
def of_ccta(archive: Orthanc) -> dict[str, Any]:
    """An export of the angiogram in every format."""
    return exported(
        archive,
        series=[CCTA[0].SeriesInstanceUID],
        formats=["nifti", "nrrd", "npz", "png"],
        windows=[{"name": "cta", "center": 0, "width": 9}, "cta", {"name": "narrow", "center": 50, "width": 100}],
    )


def test_every_format_holds_the_phantom(archive: Orthanc, of_ccta: dict[str, Any]) -> None:
    assert (of_ccta["done"], of_ccta["total"], of_ccta["summary"]["codes"]) == (1, 1, {"EXPORTED": 1})
    folder = folder_of(archive, of_ccta)
    manifest = archive.get(f"{of_ccta['path']}/manifest")
    [series] = series_of(manifest).values()
    [phase] = series["phases"]
    assert (series["accepted"], series["role"], phase["label"], phase["code"]) == (True, "CCTA", "75%", "EXPORTED")
    values, first = truth(CCTA)
    assert phase["shape"] == list(values.shape)
    at = folder / phase["folder"]
    for name in ("nifti", "nrrd"):
        image = ReadImage(str(at / phase["files"][name]))
        np.testing.assert_array_equal(GetArrayFromImage(image), values)
        np.testing.assert_allclose(image.GetOrigin(), first, atol=1e-4)
    with np.load(at / phase["files"]["npz"]) as stored:
        np.testing.assert_array_equal(stored["hu"], values)
        np.testing.assert_allclose(stored["affine"][:3, 3], first)
    assert phase["files"]["png"]["cta"] == {"center": 300, "width": 800}
    assert len(list((at / "cta").iterdir())) == len(list((at / "narrow").iterdir())) == len(values)
    described = json.loads((at / "volume.json").read_text())
    assert [one["sopInstanceUID"] for one in described["slices"]] == [
        one.SOPInstanceUID for one in sorted(CCTA, key=lambda one: float(one.ImagePositionPatient[2]))
    ]
    beside = json.loads((at.parent / "series.json").read_text())
    assert (beside["leftOut"], beside["verdict"]["role"]) == ([], "CCTA")
    # The same tree lies beside the volumes.
    tree = json.loads((folder / "manifest.json").read_text())
    assert series_of(tree)[CCTA[0].SeriesInstanceUID]["phases"][0]["folder"] == phase["folder"]


def test_downloads(archive: Orthanc, of_ccta: dict[str, Any]) -> None:
    folder, path = folder_of(archive, of_ccta), of_ccta["path"]
    packed = archive.request("GET", f"{path}/zip")
    assert packed.headers["Content-Type"] == "application/zip"
    assert f"volumes-{of_ccta['id']}.zip" in packed.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archived:
        assert archived.testzip() is None
        files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        assert set(archived.namelist()) == {f"volumes-{of_ccta['id']}/{name}" for name in files}
        for name, file in files.items():
            if name != "manifest.json":
                assert archived.read(f"volumes-{of_ccta['id']}/{name}") == file.read_bytes()
    name = next(name for name in files if name.endswith("volume.npz"))
    answer = archive.request("GET", f"{path}/files/{name}")
    assert answer.content == files[name].read_bytes()
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    for wrong in ("nothing", name + "x", name.rpartition("/")[0], "%2e%2e/batch.json", "..%2fbatch.json", "x" * 300):
        assert archive.request("GET", f"{path}/files/{wrong}").status_code == 404
    for part in ("", "/manifest", "/zip", "/files/manifest.json"):
        assert archive.request("GET", f"/ai/volumes/0123456789abcdef{part}").status_code == 404


def test_a_study_is_its_series_and_their_phases(archive: Orthanc) -> None:
    batch = exported(archive, studies=[STUDY], formats=["npz"])
    found = series_of(archive.get(f"{batch['path']}/manifest"))
    assert {uid: series["code"] for uid, series in found.items()} == {
        CCTA[0].SeriesInstanceUID: "ACCEPTED",
        MULTIPHASE[0].SeriesInstanceUID: "ACCEPTED",
        CHEST[0].SeriesInstanceUID: "NOT_CARDIAC",
    }
    assert found[CHEST[0].SeriesInstanceUID]["phases"] == []
    phases = found[MULTIPHASE[0].SeriesInstanceUID]["phases"]
    assert [phase["label"] for phase in phases] == list(PHASES)
    for phase, percent in zip(phases, (0, 20, 40, 60, 80), strict=True):
        values, _ = truth([one for one in MULTIPHASE if one.NominalPercentageOfCardiacPhase == percent])
        with np.load(folder_of(archive, batch) / phase["folder"] / "volume.npz") as stored:
            np.testing.assert_array_equal(stored["hu"], values)


def test_filters(archive: Orthanc) -> None:
    def labels(**request: Any) -> dict[str, list[str]]:
        batch = exported(archive, formats=["npz"], **request)
        found = series_of(archive.get(f"{batch['path']}/manifest"))
        return {uid: [phase["label"] for phase in series["phases"]] for uid, series in found.items()}

    multiphase = MULTIPHASE[0].SeriesInstanceUID
    assert labels(label="cardiac-ct", roles=["FUNCTIONAL_MULTIPHASE"], phases=["40%"])[multiphase] == ["40%"]
    assert labels(studies=[STUDY], roles=["CAC"]) == {}
    chest = CHEST[0].SeriesInstanceUID
    assert labels(series=[chest], acceptedOnly=False) == {chest: [None]}


def test_an_export_is_removed_with_everything(archive: Orthanc) -> None:
    batch = exported(archive, studies=[STUDY], roles=["CAC"])
    assert batch["id"] in [one["id"] for one in archive.get("/ai/volumes")["batches"]]
    assert archive.request("DELETE", batch["path"]).status_code == 200
    assert not folder_of(archive, batch).parent.exists()
    assert archive.request("GET", batch["path"]).status_code == 404


def test_a_running_export_is_cancelled(archive: Orthanc) -> None:
    request = {"studies": [STUDY], "formats": ["png"], "windows": ["cta", "lung", "bone", "soft-tissue"]}
    path = archive.post("/ai/volumes", request)["path"]
    archive.wait_until(lambda: archive.get(path)["done"] > 0, "the export does not begin")
    assert archive.request("DELETE", path).status_code == 200
    assert archive.request("GET", path).status_code == 404
    left = archive.folder / "batches" / path.removeprefix("/ai/")
    archive.wait_until(lambda: not left.exists(), "its folder is still there")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"series": ["1.2.3"]}, 404),
        ({"formats": []}, 400),
        ({"formats": ["jpeg"]}, 400),
        ({"windows": [{"name": "../x", "center": 0, "width": 100}]}, 400),
        ({"windows": [{"name": "x", "center": 0, "width": 1}]}, 400),
    ],
)
def test_a_wrong_request_begins_nothing(archive: Orthanc, request_: dict[str, Any], status: int) -> None:
    before = len(archive.get("/ai/volumes")["batches"])
    assert archive.request("POST", "/ai/volumes", json=request_).status_code == status
    assert len(archive.get("/ai/volumes")["batches"]) == before


def test_killed_in_the_middle_it_ends_complete(make_server: Callable[..., Orthanc]) -> None:
    """Phases that were done before are not done again. Compressed files of Orthanc reach the worker all the same."""
    orthanc = make_server(options={"StorageCompression": True}).start()
    orthanc.upload(MULTIPHASE)
    judged(orthanc, {MULTIPHASE[0].SeriesInstanceUID})
    path = orthanc.post("/ai/volumes", {"formats": ["npz", "png"]})["path"]
    orthanc.wait_until(lambda: orthanc.get(path)["done"] >= 2, "no phase is exported")
    orthanc.kill()
    folder = orthanc.folder / "batches" / path.removeprefix("/ai/") / "output"
    settled = {file: file.stat().st_mtime_ns for file in _journaled(folder)}
    assert 2 <= len(settled) < len(PHASES)
    orthanc.start()
    batch = ended(orthanc, path)
    assert (batch["state"], batch["done"], batch["total"]) == ("done", 5, 5)
    [series] = series_of(json.loads((folder / "manifest.json").read_text())).values()
    assert [(phase["label"], phase["code"]) for phase in series["phases"]] == [(label, "EXPORTED") for label in PHASES]
    for phase, percent in zip(series["phases"], (0, 20, 40, 60, 80), strict=True):
        values, _ = truth([one for one in MULTIPHASE if one.NominalPercentageOfCardiacPhase == percent])
        with np.load(folder / phase["folder"] / "volume.npz") as stored:
            np.testing.assert_array_equal(stored["hu"], values)
        assert len(list((folder / phase["folder"] / "cta").iterdir())) == len(values)
    assert {file: file.stat().st_mtime_ns for file in settled} == settled
    assert not [file for file in folder.rglob("*") if file.name.startswith(".") or file.name.endswith(".partial")]


def _journaled(folder: Path) -> list[Path]:
    """The volumes that the journal of an export calls done."""
    lines = (folder.parent / "journal.jsonl").read_text().splitlines()
    return [folder / json.loads(line)[1]["phase"]["folder"] / "volume.npz" for line in lines]

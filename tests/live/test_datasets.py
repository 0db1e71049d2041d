"""Datasets from a real server: what they hold, what they say and do not say, and that a kill changes nothing."""

import copy
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset
from SimpleITK import GetArrayFromImage, ReadImage
from torch.utils.data import DataLoader

from orthanc_ai.datasets.check import check_folder
from orthanc_ai.images.frame import read_frame
from orthanc_ai.images.levels import levels
from orthanc_ai.images.scaling import Scaling
from orthanc_ai.outcomes import CARDIAC_METADATA
from phantom.ct import ct_series
from phantom.dicom import Encoding, chest_dx

from .orthanc import ROOT, Orthanc

SIDE = 96
FILMS = [chest_dx(seed, SIDE, SIDE, encoding=Encoding(monochrome1=seed % 2 == 1)) for seed in range(8)]
SPLIT = {"ratios": {"train": 0.5, "validation": 0.25, "test": 0.25}, "seed": 7}


def without_window() -> Dataset:
    made = chest_dx(8, SIDE, SIDE)
    del made.WindowCenter
    del made.WindowWidth
    return made


FILMS.append(without_window())


def without_pixels() -> Dataset:
    made = chest_dx(100, SIDE, SIDE)
    del made.PixelData
    return made


def ended(orthanc: Orthanc, path: str) -> dict[str, Any]:
    """How a dataset ended."""
    orthanc.wait_until(lambda: orthanc.get(path)["ended"] is not None, "the dataset does not end", 60)
    batch: dict[str, Any] = orthanc.get(path)
    return batch


def made(orthanc: Orthanc, **request: Any) -> dict[str, Any]:
    batch = ended(orthanc, orthanc.post("/ai/datasets", {"selection": {"modality": ["DX"]}, **request})["path"])
    assert batch["state"] == "done", batch
    return batch


def folder_of(orthanc: Orthanc, batch: dict[str, Any]) -> Path:
    return orthanc.folder.joinpath("batches", "datasets", batch["id"], "output")


def manifest_of(orthanc: Orthanc, batch: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = orthanc.get(f"{batch['path']}/manifest")
    return manifest


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A server with these films and no others: they are counted."""
    orthanc = Orthanc(tmp_path_factory.mktemp("datasets"))
    orthanc.start()
    orthanc.upload([*FILMS, without_pixels()])
    orthanc.wait_idle()
    yield orthanc
    assert orthanc.stop() == 0


@pytest.fixture(scope="module")
def dataset(archive: Orthanc) -> dict[str, Any]:
    """As a researcher would ask for one."""
    labels = "PatientID,diagnosis\n" + "".join(
        f"{film.PatientID},{'sick' if number % 2 else 'well'}\n" for number, film in enumerate(FILMS)
    )
    return made(
        archive,
        layout="folders",
        classes={"by": "label", "name": "diagnosis"},
        split=SPLIT,
        labels={"csv": labels},
    )


def test_images_lie_by_side_and_class_and_are_what_the_header_shows(archive: Orthanc, dataset: dict[str, Any]) -> None:
    folder, manifest = folder_of(archive, dataset), manifest_of(archive, dataset)
    assert dataset["summary"]["codes"] == {"EXPORTED": 9, "NO_PIXELS": 1}
    assert sum(dataset["summary"]["splits"].values()) == 9
    wanted = {levels(read_frame(film), Scaling())[0].tobytes(): film for film in FILMS}
    for entry in manifest["images"]:
        side, label, name = entry["file"].split("/")
        content = (folder / entry["file"]).read_bytes()
        film = wanted.pop(imagecodecs.png_decode(content).tobytes())
        assert sha256(content).hexdigest() == entry["sha256"]
        assert (side, label) == (entry["split"], "sick" if FILMS.index(film) % 2 else "well")
        assert entry["labels"] == {"diagnosis": label}
        if "WindowCenter" in film:
            assert entry["scaling"]["center"] == float(film.WindowCenter)
        else:
            assert (entry["scaling"]["kind"], entry["scaling"]["notes"]) == ("viewer", ["WINDOW_NOT_THERE"])
        assert entry["findings"].keys() >= {"Effusion", "Cardiomegaly"}
        assert name == f"{name.removesuffix('.png')}.png"
    assert wanted == {}
    [gone] = manifest["leftOut"]
    assert (gone["code"], gone["sentence"]) == ("NO_PIXELS", "The object has no pixel data.")
    assert check_folder(folder).leaks == ()
    assert manifest["check"]["leaks"] == []


def test_it_opens_in_pandas_pytorch_and_as_folders(
    archive: Orthanc, dataset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of docs/datasets.md, as it stands there."""
    monkeypatch.chdir(folder_of(archive, dataset))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "datasets.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102 - our own
    count = dataset["summary"]["splits"]["train"]
    assert len(names["train"]) == count > 3
    loaded = DataLoader(names["Images"]("train", "diagnosis", "sick"), batch_size=count)
    [(pictures, targets)] = list(loaded)
    assert pictures.shape == (count, 1, SIDE, SIDE)
    assert 0.5 < float(pictures.max()) <= 1
    assert targets.tolist() == [float(label == "sick") for label in names["train"]["diagnosis"]]
    folders = names["images"]
    assert (len(folders), set(folders.classes) <= {"sick", "well"}) == (count, True)
    assert np.asarray(folders[0][0]).shape == (SIDE, SIDE, 3)


def test_nothing_names_a_patient(archive: Orthanc, dataset: dict[str, Any]) -> None:
    """Neither in what is handed out, nor, since no key is kept, in what stays on the server but for the request."""
    folder = folder_of(archive, dataset)
    secrets = [
        str(film[keyword].value).encode()
        for film in FILMS
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    secrets += [one["ID"].encode() for one in archive.find("Instance", {})]
    for file in folder.parent.rglob("*"):
        if file.is_file() and file.name != "batch.json":
            content = file.read_bytes()
            assert not [secret for secret in secrets if secret in content], file.name
            assert not [secret for secret in secrets if secret.decode() in str(file)]
    assert not (folder.parent / "private").exists()
    # Whoever asks how far it is does not get the table of labels.
    for answer in (archive.get(dataset["path"]), *archive.get("/ai/datasets")["batches"]):
        assert not [film.PatientID for film in FILMS if film.PatientID in json.dumps(answer)]
    assert dataset["request"]["labels"]["bytes"] > len(FILMS)


def test_downloads(archive: Orthanc, dataset: dict[str, Any]) -> None:
    folder, path = folder_of(archive, dataset), dataset["path"]
    packed = archive.request("GET", f"{path}/zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archived:
        assert archived.testzip() is None
        names = {name.partition("/")[2] for name in archived.namelist()}
    images = [one["file"] for one in manifest_of(archive, dataset)["images"]]
    assert names == {*images, "manifest.json", "dataset.csv"}
    assert archive.request("GET", f"{path}/files/{images[0]}").content == (folder / images[0]).read_bytes()
    said = archive.get(f"{path}/images/{images[0].rpartition('/')[2]}")
    assert (said["file"], said["split"], said["rows"]) == (images[0], images[0].split("/")[0], SIDE)
    assert said["scaling"]["kind"] == "header"
    named = archive.get(f"/ai/catalog/files/{images[0]}")["files"]
    assert {"dataset": dataset["id"], "image": said} in named
    assert archive.request("GET", "/ai/catalog/files/nothing.png").status_code == 404
    assert "patientID" not in said or said["patientID"] is None
    for wrong in ("files/nothing", "files/..%2fbatch.json", "files/.made", "images/nothing.png", "images/.png"):
        assert archive.request("GET", f"{path}/{wrong}").status_code == 404
    table = list(csv.DictReader((folder / "dataset.csv").open()))
    assert sorted(row["file"] for row in table) == sorted(images)


def test_other_formats_sizes_and_the_names_of_patients(archive: Orthanc) -> None:
    batch = made(archive, format="png16", size={"rows": 40, "columns": 60}, deidentify={"enabled": False})
    folder = folder_of(archive, batch)
    entries = manifest_of(archive, batch)["images"]
    assert {one["patientID"] for one in entries} == {film.PatientID for film in FILMS}
    assert {one["sopInstanceUID"] for one in entries} == {film.SOPInstanceUID for film in FILMS}
    for entry in entries:
        picture = imagecodecs.png_decode((folder / entry["file"]).read_bytes())
        assert (picture.shape, picture.dtype.name) == ((40, 60), "uint16")
        assert not picture[:, :10].any()
        assert picture[:, 10:50].any()
        assert entry["file"].startswith("images/")
    batch = made(archive, format="npz")
    [entry] = [
        one
        for one in manifest_of(archive, batch)["images"]
        if np.array_equal(np.load(folder_of(archive, batch) / one["file"])["values"], read_frame(FILMS[0]).values)
    ]
    assert entry["scaling"] is None


def test_volumes_of_ct_series(archive: Orthanc) -> None:
    accepted, other = ct_series("ccta", examination="dataset"), ct_series("chest", slices=12, examination="dataset")
    archive.upload([*accepted, *other])

    def judged() -> bool:
        found = archive.find("Series", {"Modality": "CT", "StudyInstanceUID": accepted[0].StudyInstanceUID})
        return len(found) == 2 and all(archive.outcome("series", one["ID"], CARDIAC_METADATA) for one in found)

    archive.wait_until(judged, "a series has no outcome")
    batch = made(archive, selection={"studies": [accepted[0].StudyInstanceUID]}, format="nifti", split=SPLIT)
    assert batch["summary"]["codes"] == {"EXPORTED": 1, "NOT_CARDIAC": 1}
    [entry] = manifest_of(archive, batch)["images"]
    assert (entry["role"], entry["slices"], entry["phase"]) == ("CCTA", len(accepted), "75%")
    stored = GetArrayFromImage(ReadImage(str(folder_of(archive, batch) / entry["file"])))
    ordered = sorted(accepted, key=lambda one: float(one.ImagePositionPatient[2]))
    np.testing.assert_array_equal(stored, np.stack([one.pixel_array.astype(np.int16) - 1024 for one in ordered]))


def test_it_grows_and_everybody_stays_where_he_is(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server().start()
    orthanc.upload(FILMS[:4])
    first = made(orthanc, split=SPLIT, deidentify={"keepKey": True})
    orthanc.upload(FILMS[4:])
    second = made(orthanc, split=SPLIT, deidentify={"keepKey": True}, grows=first["id"])

    def sides(batch: dict[str, Any]) -> dict[str, str]:
        return {one["patient"]: one["split"] for one in manifest_of(orthanc, batch)["images"]}

    assert sides(first).items() <= sides(second).items()
    assert (len(sides(first)), len(sides(second))) == (4, 9)
    third, fourth = made(orthanc, split=SPLIT), made(orthanc, split=SPLIT)
    # A key that is destroyed cannot be made again.
    assert set(sides(third)).isdisjoint(sides(fourth))
    assert [set(sides(one).values()) for one in (third, fourth)] == [{"train", "validation", "test"}] * 2
    answer = orthanc.request("POST", "/ai/datasets", json={"grows": third["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY_DESTROYED")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"selection": {"series": ["1.2.3"]}}, 404),
        ({"grows": "0123456789abcdef"}, 404),
        ({"format": "jpeg"}, 400),
        ({"size": 0}, 400),
        ({"format": "nifti", "size": 64}, 400),
        ({"format": "npz", "scaling": {"kind": "viewer"}}, 400),
        ({"scaling": {"kind": "named", "name": "toe"}}, 400),
        ({"scaling": {"kind": "window", "center": 1}}, 400),
        ({"split": {"ratios": {"train": 0.5}}}, 400),
        ({"split": {"ratios": {"../x": 1.0}}}, 400),
        ({"labels": {"csv": "a,b\n1,2\n"}}, 409),
        ({"classes": {"by": "label"}}, 400),
        ({"classes": {"by": "label", "name": "diagnosis"}}, 409),
        (
            {"split": {"stratify": {"by": "label", "name": "no"}}, "labels": {"csv": "PatientID,diagnosis\nP,sick\n"}},
            409,
        ),
        ({"deidentify": {"retain": ["names"]}}, 400),
    ],
)
def test_a_wrong_request_begins_nothing(archive: Orthanc, request_: dict[str, Any], status: int) -> None:
    before = len(archive.get("/ai/datasets")["batches"])
    assert archive.request("POST", "/ai/datasets", json=request_).status_code == status
    assert len(archive.get("/ai/datasets")["batches"]) == before


def test_nothing_selected_is_said(archive: Orthanc) -> None:
    batch = ended(archive, archive.post("/ai/datasets", {"selection": {"modality": ["US"]}})["path"])
    assert (batch["state"], batch["code"]) == ("failed", "NOTHING_SELECTED")
    assert archive.request("GET", f"{batch['path']}/zip").status_code == 404
    assert archive.request("DELETE", batch["path"]).status_code == 200
    assert archive.request("GET", batch["path"]).status_code == 404


def test_killed_in_the_middle_it_becomes_the_same(make_server: Callable[..., Orthanc]) -> None:
    """Compressed files of Orthanc reach the workers all the same."""
    orthanc = make_server(options={"StorageCompression": True}, ai={"XRay": {"Enabled": False}}).start()
    orthanc.upload(many(160))
    request: dict[str, Any] = {"split": {**SPLIT, "stratify": {"by": "modality"}}, "size": 48, "layout": "folders"}
    # Without a kept key, the same request would have other pseudonyms.
    request |= {"deidentify": {"keepKey": True}}
    path = orthanc.post("/ai/datasets", request)["path"]
    orthanc.wait_until(lambda: orthanc.get(path)["done"] >= 32, "nothing is exported")
    orthanc.kill()
    folder = orthanc.folder / "batches" / path.removeprefix("/ai/") / "output"
    settled = [json.loads(line)[1] for line in (folder.parent / "journal.jsonl").read_text().splitlines()]
    assert 32 <= len(settled) < 160
    # What the power took along although it was settled is made again.
    spoiled = folder / ".images" / settled[0]["images"][0]["file"]
    spoiled.write_bytes(spoiled.read_bytes()[:-1])
    orthanc.start()
    batch = ended(orthanc, path)
    assert (batch["state"], batch["done"], batch["total"]) == ("done", 160, 160)
    through = ended(orthanc, orthanc.post("/ai/datasets", request)["path"])
    for name in ("manifest.json", "dataset.csv"):
        contents = [orthanc.request("GET", f"{one['path']}/files/{name}").content for one in (batch, through)]
        assert sha256(contents[0]).hexdigest() == sha256(contents[1]).hexdigest()
    assert batch["summary"] == through["summary"]
    assert len(list(folder.rglob("*.png"))) == 160
    assert not [file for file in folder.rglob(".*") if file.name.startswith(".image")]


def many(count: int) -> list[Dataset]:
    """Small films, each of a patient of its own, for the price of one."""
    film = FILMS[0]
    films = []
    for number in range(count):
        one = copy.deepcopy(film)
        one.PatientID = f"MANY-{number}"
        one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID = (
            f"{film.SOPInstanceUID[:40]}.{level}.{number}" for level in (1, 2, 3)
        )
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        pixels = np.frombuffer(film.PixelData, np.uint16).copy()
        pixels[:16] = number
        one.PixelData = pixels.tobytes()
        films.append(one)
    return films

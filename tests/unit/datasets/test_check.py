import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest

from orthanc_ai.datasets import check
from orthanc_ai.datasets.check import CheckError, check_folder, check_rows
from tests.unit.images.builder import radiograph, written

PLUGIN = Path(check.__file__).parents[2]


def row(number: int, split: str, **columns: Any) -> dict[str, Any]:
    return {"file": f"{number}.png", "split": split, "patient": f"p{number}", "group": f"g{number}", **columns}


def kinds(rows: list[dict[str, Any]]) -> set[str]:
    return {leak.kind for leak in check_rows(rows).leaks}


def test_a_clean_split_has_no_leaks() -> None:
    report = check_rows([row(1, "train"), row(2, "test", patient="p2"), row(3, "test", patient="p2", group="g2")])
    assert report.leaks == ()
    assert report.images == {"train": 1, "test": 2}
    assert report.compared == {"group": 2, "patient": 2}
    assert "pixels" in report.not_compared


@pytest.mark.parametrize("column", check.IDENTITIES)
def test_each_identity_is_compared(column: str) -> None:
    shared = {column: "same"}
    assert kinds([row(1, "train", **shared), row(2, "test", **shared)]) == {column}
    assert kinds([row(1, "train", **shared), row(2, "train", **shared)]) == set()


def test_a_leak_says_where() -> None:
    (leak,) = check_rows([row(1, "train", pixels="x"), row(2, "test", pixels="x"), row(3, "test")]).leaks
    assert (leak.kind, leak.value, leak.sides, set(leak.files)) == (
        "pixels",
        "x",
        ("test", "train"),
        {"1.png", "2.png"},
    )


def test_an_empty_value_is_shared_by_nobody() -> None:
    assert kinds([row(1, "train", pixels="", study=""), row(2, "test", pixels="", study="")]) == set()


@pytest.mark.parametrize("rows", [[{"file": "a"}], [{"split": "train"}], [{"file": "a", "split": "train"}]])
def test_what_proves_nothing_is_no_proof(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(CheckError):
        check_rows(rows)


def png(values: npt.NDArray[Any], level: int = 1) -> bytes:
    return bytes(imagecodecs.png_encode(values, level=level))


def npz(values: npt.NDArray[Any], when: tuple[int, ...]) -> bytes:
    buffer, inner = io.BytesIO(), io.BytesIO()
    np.save(inner, values)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("values.npy", (*when, 0, 0, 0)), inner.getvalue())  # type: ignore[arg-type]
    return buffer.getvalue()


def dicom(values: npt.NDArray[Any], instance: str) -> bytes:
    dataset = radiograph(values, SOPInstanceUID=instance)
    stream = io.BytesIO()
    written(dataset).save_as(stream)
    return stream.getvalue()


ONE, OTHER = (np.full((4, 4), value, np.uint16) + np.arange(4, dtype=np.uint16) for value in (1, 2))


def dataset(folder: Path, files: dict[str, bytes], *, header: str = "file,split,patient") -> Path:
    lines = [header]
    for number, (name, content) in enumerate(files.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        lines.append(f"{name},{name.split('/')[0]},p{number}")
    (folder / "images.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("name", "first", "second", "third"),
    [
        ("a.png", png(ONE), png(ONE, 9), png(OTHER)),
        ("a.npz", npz(ONE, (2020, 1, 1)), npz(ONE, (2021, 1, 1)), npz(OTHER, (2020, 1, 1))),
        ("a.dcm", dicom(ONE, "1.2.3"), dicom(ONE, "1.2.4"), dicom(OTHER, "1.2.3")),
    ],
    ids=["png", "npz", "dicom"],
)
def test_the_same_picture_is_found_in_the_files(
    tmp_path: Path, name: str, first: bytes, second: bytes, third: bytes
) -> None:
    clean = check_folder(dataset(tmp_path / "clean", {f"train/{name}": first, f"test/{name}": third}))
    assert clean.leaks == ()
    assert clean.compared["content"] == 2
    (leak,) = check_folder(dataset(tmp_path / "leaky", {f"train/{name}": first, f"test/{name}": second})).leaks
    assert (leak.kind, leak.sides) == ("content", ("test", "train"))


def test_files_that_are_not_where_the_table_says(tmp_path: Path) -> None:
    folder = dataset(tmp_path, {"train/a.png": png(ONE), "test/b.png": png(OTHER)})
    (folder / "train" / "a.png").rename(folder / "test" / "a.png")
    assert {(leak.kind, leak.value) for leak in check_folder(folder).leaks} == {
        ("missing", "train/a.png"),
        ("unlisted", "test/a.png"),
    }
    table = folder / "images.csv"
    table.write_text(table.read_text().replace("train/a.png", "test/a.png"))
    assert [leak.kind for leak in check_folder(folder).leaks] == ["misplaced"]


def test_a_spoiled_file_is_compared_by_its_bytes(tmp_path: Path) -> None:
    report = check_folder(dataset(tmp_path, {"train/a.png": png(ONE)[:40], "test/b.png": png(ONE)[:40]}))
    assert [leak.kind for leak in report.leaks] == ["content"]


def test_a_folder_without_a_table_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="0 tables"):
        check_folder(tmp_path)


def test_it_runs_where_there_is_nothing_but_python(tmp_path: Path) -> None:
    dataset(tmp_path, {"train/a.png": png(ONE), "test/b.png": png(ONE)})
    command = [sys.executable, "-S", "-m", "orthanc_ai.datasets.check", str(tmp_path)]
    ended = subprocess.run(command, cwd=PLUGIN, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "on test, train: test/b.png, train/a.png" in ended.stdout

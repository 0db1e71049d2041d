"""The files that say what a dataset is, and finding an image in them."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from orthanc_ai.datasets.lookup import find_image
from orthanc_ai.datasets.manifest import MANIFEST, table_of, write_manifest, write_table


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"file": f"train/{name}", "patient": "patient-1", "split": "train", **more}


def test_an_entry_in_each_line_and_the_digest_of_all(tmp_path: Path) -> None:
    lists = {"images": [entry("a.png"), entry("b.png")], "leftOut": []}
    digest = write_manifest(tmp_path / MANIFEST, {"format": 1, "counts": {"images": 2}}, lists)
    content = (tmp_path / MANIFEST).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    assert json.loads(content) == {"format": 1, "counts": {"images": 2}, **lists}
    assert [file.name for file in tmp_path.iterdir()] == [MANIFEST]


def test_an_image_is_found_by_the_name_of_its_file(tmp_path: Path) -> None:
    images = [entry("a.png"), entry("b.png", labels={"see": "a.png"}), entry('q"uote.png'), entry("aa.png")]
    write_manifest(tmp_path / MANIFEST, {"format": 1}, {"images": images, "leftOut": [{"image": "c.png"}]})
    for one in images:
        assert find_image(tmp_path, one["file"].removeprefix("train/")) == one
    for name in ("", "c.png", "train/a.png", ".png", "train"):
        assert find_image(tmp_path, name) is None
    with pytest.raises(FileNotFoundError):
        find_image(tmp_path / "elsewhere", "a.png")


def test_scores_and_own_labels_are_columns(tmp_path: Path) -> None:
    images = [
        entry("a.png", model="m", findings={"Effusion": 0.123456789}, labels={"grade": "2", "patient": "x"}),
        entry("b.png", model="n", findings={"Effusion": 0.5}),
        entry("c.png"),
    ]
    write_table(tmp_path / "t.csv", *table_of(images))
    with (tmp_path / "t.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["m/Effusion"] for row in rows] == ["0.123456789", "", ""]
    assert [row["n/Effusion"] for row in rows] == ["", "0.5", ""]
    assert [row["grade"] for row in rows] == ["2", "", ""]
    # A column of theirs never takes the place of ours.
    assert (rows[0]["patient"], rows[0]["label/patient"]) == ("patient-1", "x")


def test_no_spreadsheet_takes_a_text_of_a_file_for_a_formula(tmp_path: Path) -> None:
    images = [
        entry("a.png", bodyPart="=1+1", modality="@CT", **{"class": "=1+1"}),
        # A label is the researcher's, and a number as like as not.
        entry(
            "b.png", labels={"Edema": "-1", "m/Effusion": "x"}, model="m", findings={"Effusion": 0.5}, **{"class": "-1"}
        ),
    ]
    write_table(tmp_path / "t.csv", *table_of(images))
    with (tmp_path / "t.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [rows[0][name] for name in ("bodyPart", "modality", "class")] == ["'=1+1", "'@CT", "'=1+1"]
    assert (rows[1]["class"], rows[1]["Edema"]) == ("-1", "-1")
    assert (rows[1]["m/Effusion"], rows[1]["label/m/Effusion"]) == ("0.5", "x")

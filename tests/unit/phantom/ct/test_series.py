import io
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import numpy as np
import pydicom
import pytest

from phantom.ct import DAMAGES, PROTOCOLS, Kind, ct_series

KINDS: tuple[Kind, ...] = get_args(Kind)


def written(image: pydicom.Dataset) -> bytes:
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_arguments_give_the_same_objects(kind: Kind) -> None:
    first, second = ct_series(kind, slices=3), ct_series(kind, slices=3)
    assert [written(image) for image in first] == [written(image) for image in second]


def test_every_object_has_its_own_uid() -> None:
    series = [
        *(ct_series(kind, matrix=8, slices=6) for kind in KINDS),
        *(
            ct_series("ccta", damage=damage, matrix=8, slices=6)
            for damage in DAMAGES
            if damage not in {"duplicate_instance", "unlabelled"}
        ),
    ]
    instances = [image.SOPInstanceUID for images in series for image in images]
    assert len(set(instances)) == len(instances)
    assert len({images[0].SeriesInstanceUID for images in series}) == len(series)
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in instances)


def test_cardiac_series_are_one_study() -> None:
    studies = {kind: ct_series(kind, slices=1)[0].StudyInstanceUID for kind in KINDS}
    assert studies["ccta"] == studies["calcium_score"] == studies["multiphase"] == studies["localizer"]
    assert len({studies["ccta"], studies["chest"], studies["head"]}) == 3
    assert ct_series("ccta", slices=1, examination="another")[0].StudyInstanceUID != studies["ccta"]


def hounsfield(image: pydicom.Dataset, x: float, y: float) -> float:
    """Mean of 3 by 3 pixels about a place in mm."""
    read = pydicom.dcmread(io.BytesIO(written(image)))
    column = round((x - float(read.ImagePositionPatient[0])) / float(read.PixelSpacing[1]))
    row = round((y - float(read.ImagePositionPatient[1])) / float(read.PixelSpacing[0]))
    hu = read.pixel_array * float(read.RescaleSlope) + float(read.RescaleIntercept)
    return float(np.mean(hu[row - 1 : row + 2, column - 1 : column + 2]))


def test_contrast_is_in_the_aorta_of_an_angiogram_only() -> None:
    descending_aorta = (26, 50)
    assert hounsfield(ct_series("ccta")[100], *descending_aorta) > 300
    assert hounsfield(ct_series("calcium_score")[20], *descending_aorta) < 80
    for damage, hu in (("faint_contrast", 140), ("without_contrast", 45)):
        assert hounsfield(ct_series("ccta", damage=damage, slices=10)[5], *descending_aorta) == pytest.approx(
            hu, abs=25
        )


@pytest.mark.parametrize("kind", KINDS)
def test_valid_dicom(kind: Kind, tmp_path: Path) -> None:
    validator = shutil.which("dciodvfy")
    assert validator, "dciodvfy (dicom3tools) is part of the box"
    series = ct_series(kind, slices=min(2, PROTOCOLS[kind].slices))
    (tmp_path / "a.dcm").write_bytes(written(series[-1]))
    answer = subprocess.run([validator, str(tmp_path / "a.dcm")], capture_output=True, text=True, check=False)
    assert "CTImage" in answer.stderr
    assert "Error" not in answer.stderr

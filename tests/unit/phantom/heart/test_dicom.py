import io
import json
import shutil
import subprocess
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from orthanc_ai.cardiac.contrast import Seen, blood_in, judge_blood
from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.roles import Role
from phantom.heart import (
    SMALL_ANGIOGRAM,
    SMALL_CALCIUM_SCAN,
    WITHOUT_CONTRAST,
    Grid,
    Heart,
    Scan,
    Volume,
    draw_heart,
    heart_series,
    render,
    truth_of,
    write_heart,
)
from phantom.heart.__main__ import main

THIN = Grid.about((5, 0, 0), (110, 24, 24), (0.9, 8, 8))
THICK = Grid.about((5, 0, 0), (34, 24, 24), (3, 8, 8))


@pytest.fixture(scope="module")
def heart() -> Heart:
    return draw_heart(7)


def written(images: list[pydicom.Dataset]) -> list[bytes]:
    answer = []
    for image in images:
        file = io.BytesIO()
        image.save_as(file, enforce_file_format=True)
        answer.append(file.getvalue())
    return answer


def test_the_same_seed_gives_the_same_bytes(heart: Heart) -> None:
    first = written(heart_series(render(heart, THIN), "ccta", name="7"))
    assert first == written(heart_series(render(draw_heart(7), THIN), "ccta", name="7"))
    assert first != written(heart_series(render(draw_heart(8), THIN), "ccta", name="8"))


def test_series_are_judged_for_what_they_are(heart: Heart) -> None:
    for grid, scan, kind, role in (
        (THIN, Scan(), "ccta", Role.CCTA),
        (THICK, WITHOUT_CONTRAST, "calcium_score", Role.CAC),
    ):
        series = heart_series(render(heart, grid, scan), kind, name="7")  # type: ignore[arg-type]
        assert judge_series([Header.from_dataset(image) for image in series]).role is role


def test_small_scans_hold_the_heart() -> None:
    for grid in (SMALL_ANGIOGRAM, SMALL_CALCIUM_SCAN):
        for vessel in draw_heart(7).vessels.values():
            index = grid.index(vessel.points)
            assert np.all(index > 2)
            assert np.all(index < np.array(grid.shape) - 3)


def test_places_of_the_truth_are_places_in_dicom(heart: Heart) -> None:
    """Through DICOM and back: the affine of the files finds the bright lumen where the truth says it is."""
    lad = heart.vessels["LAD"]
    middle = lad.points[30]
    grid = Grid.about(middle, (40, 60, 50), (0.5, 0.4, 0.4))
    scan = Scan(noise_hu=0)
    series = heart_series(render(heart, grid, scan), "ccta", name="7")
    read = [pydicom.dcmread(io.BytesIO(data)) for data in written(series)]
    volume = highdicom.get_volume_from_series(read)
    places = np.array(truth_of(heart, scan)["vessels"][1]["points"][15:45])
    index = volume.map_reference_to_indices(places)
    # highdicom may count the slices from the other end; the same voxels are meant
    hu = volume.array[tuple(np.rint(index).astype(int).T)]
    assert np.all(hu > 330)
    same = np.rint(grid.index(places)).astype(int)
    np.testing.assert_array_equal(hu, render(heart, grid, scan).hu[tuple(same.T)])


def test_truth_is_json_and_agrees_with_the_heart(heart: Heart) -> None:
    scan = Scan(aorta_hu=350)
    volume = Volume(np.zeros(THIN.shape, dtype=np.int16), THIN)
    truth = json.loads(json.dumps(truth_of(heart, scan, volume)))
    assert truth["aorta"]["ascending"]["hu"] == 350
    assert truth["image"]["grid"]["slicesRowsColumns"] == [110, 24, 24]
    assert [vessel["name"] for vessel in truth["vessels"]] == ["LM", "LAD", "LCX", "RCA", "D1", "OM1"]
    assert sum(len(vessel["lesions"]) for vessel in truth["vessels"]) == 4
    for vessel in truth["vessels"]:
        np.testing.assert_allclose(vessel["points"], heart.vessels[vessel["name"]].points, atol=6e-4)
        for lesion in vessel["lesions"]:
            narrow, healthy = lesion["minimumDiameterMm"], lesion["healthyDiameterMm"]
            assert 100 * (1 - narrow / healthy) == pytest.approx(lesion["stenosisPercent"], abs=0.05)
            assert vessel["points"][lesion["index"]] == lesion["centreMm"]
            assert lesion["third"] == min(2, int(3 * lesion["atMm"] / vessel["lengthMm"]))


def test_written_files(heart: Heart, tmp_path: Path) -> None:
    scans = [(scan, render(heart, grid, scan)) for scan, grid in ((Scan(), THIN), (WITHOUT_CONTRAST, THICK))]
    folders = write_heart(tmp_path, heart, scans)
    assert [folder.name for folder in folders] == ["angiogram", "calcium-scan"]
    angiogram, native = ([pydicom.dcmread(file) for file in sorted(folder.glob("*.dcm"))] for folder in folders)
    assert (len(angiogram), len(native)) == (110, 34)
    assert angiogram[0].StudyInstanceUID == native[0].StudyInstanceUID
    assert angiogram[0].FrameOfReferenceUID == native[0].FrameOfReferenceUID
    assert angiogram[0].SeriesInstanceUID != native[0].SeriesInstanceUID
    truth = json.loads((folders[1] / "truth.json").read_text())
    assert truth["image"]["contrast"] is False
    validator = shutil.which("dciodvfy")
    assert validator, "dciodvfy (dicom3tools) is part of the box"
    for folder in folders:
        answer = subprocess.run([validator, str(folder / "0001.dcm")], capture_output=True, text=True, check=False)
        assert "Error" not in answer.stderr


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phantom.heart.__main__.SMALL_ANGIOGRAM", THIN)
    monkeypatch.setattr("phantom.heart.__main__.SMALL_CALCIUM_SCAN", THICK)
    main([str(tmp_path), "--seed", "3", "--lesions", "2", "--small", "--elsewhere"])
    printed = capsys.readouterr().out.split()
    assert printed == [str(tmp_path / "heart-0000003" / part) for part in ("angiogram", "calcium-scan")]
    truth = json.loads((tmp_path / "heart-0000003" / "angiogram" / "truth.json").read_text())
    assert {one["place"] for one in truth["calcium"]} >= {"aortic wall", "mitral annulus"}


@pytest.mark.parametrize(
    ("aorta_hu", "seen"), [(400.0, Seen.YES), (250.0, Seen.YES), (130.0, Seen.UNCERTAIN), (None, Seen.NO)]
)
def test_contrast_is_seen_in_a_heart(heart: Heart, aorta_hu: float | None, seen: Seen) -> None:
    volume = render(heart, Grid.about((5, 0, -5), (15, 128, 128), (8, 1.6, 1.6)), Scan(aorta_hu=aorta_hu))
    headers = [Header.from_dataset(image) for image in heart_series(volume, "ccta", name="7")]
    found, blood_hu = judge_blood(
        [blood_in(hu.astype(np.float32), h) for hu, h in zip(volume.hu, headers, strict=True)]
    )
    assert found is seen
    assert blood_hu == pytest.approx(aorta_hu or 60, abs=35)

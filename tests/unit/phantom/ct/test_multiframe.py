import io
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from orthanc_ai.cardiac.header import Header
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.multiframe import frames_of
from orthanc_ai.codes import Code
from phantom.ct import Kind, ct_series, vendor_series
from phantom.ct.multiframe import enhanced, legacy_converted

Make = Callable[[Sequence[Dataset]], Dataset]

NOT_AN_ERROR = "Error - ReferencedSeriesSequence present but Instance does not reference Instances"
"""dciodvfy overlooks Conversion Source Attributes Sequence, whose references this sequence must repeat (PS3.3 C.12.2)."""


def written(image: Dataset) -> bytes:
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.mark.parametrize("make", [enhanced, legacy_converted])
@pytest.mark.parametrize("kind", ["ccta", "multiphase", "calcium_score", "chest"])
def test_valid_and_always_the_same(make: Make, kind: Kind, tmp_path: Path) -> None:
    validator = shutil.which("dciodvfy")
    assert validator, "dciodvfy (dicom3tools) is part of the box"
    series = ct_series(kind, matrix=8, slices=3)
    first = written(make(series))
    assert first == written(make(ct_series(kind, matrix=8, slices=3)))
    (tmp_path / "a.dcm").write_bytes(first)
    answer = subprocess.run([validator, str(tmp_path / "a.dcm")], capture_output=True, text=True, check=False)
    assert "EnhancedCTImage" in answer.stderr
    assert not [line for line in answer.stderr.splitlines() if "Error" in line and not line.startswith(NOT_AN_ERROR)]


@pytest.mark.parametrize("make", [enhanced, legacy_converted])
def test_the_volume_is_that_of_the_single_frames(make: Make) -> None:
    series = ct_series("ccta", matrix=16, slices=12)
    single = highdicom.get_volume_from_series(series)
    multi = highdicom.Image.from_dataset(pydicom.dcmread(io.BytesIO(written(make(series))))).get_volume()
    np.testing.assert_allclose(multi.affine, single.affine, atol=1e-6)
    np.testing.assert_array_equal(multi.array, single.array)


def test_phases_of_an_enhanced_object() -> None:
    """As Canon's scanners write them: the time after the R wave in each frame."""
    series = vendor_series("canon", "functional", matrix=8, slices=4)
    multi = enhanced(series)
    groups = [frame.CardiacSynchronizationSequence[0] for frame in multi.PerFrameFunctionalGroupsSequence]
    assert [round(group.NominalPercentageOfCardiacPhase) for group in groups[::4]] == list(range(0, 100, 10))
    assert groups[-1].NominalCardiacTriggerDelayTime == pytest.approx(0.9 * 968, abs=2)
    # dimensions: stack, phase, place
    indices = [list(f.FrameContentSequence[0].DimensionIndexValues) for f in multi.PerFrameFunctionalGroupsSequence]
    assert indices[0] == [1, 1, 1]
    assert indices[-1] == [1, 10, 4]
    assert len({tuple(index) for index in indices}) == len(series)


def codes_of(headers: list[Header]) -> set[Code]:
    return set(judge_series(headers).codes)


@pytest.mark.parametrize("make", [enhanced, legacy_converted])
@pytest.mark.parametrize(
    "damage",
    [
        "missing_slice",
        "duplicate_position",
        "variable_spacing",
        "shear",
        "gantry_tilt_tag",
        "every_third",
        "mixed_rescale",
    ],
)
def test_a_damaged_series_is_a_damaged_object(make: Make, damage: str) -> None:
    series = ct_series("ccta", damage=damage, matrix=4)
    frames = frames_of(pydicom.dcmread(io.BytesIO(written(make(series)))))
    assert codes_of(frames) == codes_of([Header.from_dataset(image) for image in series])

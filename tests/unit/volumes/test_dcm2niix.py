"""The same voxels at the same places, with the same Hounsfield units, as dcm2niix writes them."""

import subprocess
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from nibabel.affines import apply_affine
from pydicom import Dataset
from scipy.ndimage import map_coordinates  # type: ignore[import-untyped]
from SimpleITK import GetArrayFromImage, ReadImage

from orthanc_ai.codes import Code
from orthanc_ai.volumes.errors import VolumeError
from orthanc_ai.volumes.formats import write_nifti
from orthanc_ai.volumes.read import Series
from orthanc_ai.volumes.volume import Volume
from phantom.ct import ct_series

STRAIGHT = (
    "ct_thorax_lidc0314_every3rd/*.dcm",
    "ct_upper_abdomen_ts/*.dcm",
    "ct_geometry_dcm_qa/Philips_axial_5mm/*",
    "ct_3slice_dcmqi/*.dcm",
)
TILTED = "ct_bad_geometry/gantrytilting*"
TILTED_AND_UNEVEN = "ct_geometry_dcm_qa/GE_tilt_variable_spacing/*.dcm"

MOST_FILES = 40

PLACE_MM = 0.01
"""NIfTI holds single precision, and dcm2niix computes in it."""


def convert(files: list[Path], folder: Path) -> list[Path]:
    """What dcm2niix makes of some files."""
    source, output = folder / "source", folder / "output"
    source.mkdir()
    output.mkdir()
    for file in files:
        (source / file.name).symlink_to(file)
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "volume", "-o", str(output), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return sorted(output.iterdir())


def volume_of(files: list[Path]) -> Volume:
    series = Series(files)
    [stack] = series.plan.stacks
    return series.read(stack).volume


def save(datasets: list[Dataset], folder: Path) -> list[Path]:
    files = []
    for number, dataset in enumerate(datasets):
        files.append(folder / f"{number}.dcm")
        dataset.save_as(files[-1], enforce_file_format=True)
    return files


def in_our_axes(theirs: nibabel.Nifti1Image, affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values of another NIfTI image with its axes flipped to ours; the places must agree."""
    values = np.asanyarray(theirs.dataobj)
    between = np.linalg.inv(theirs.affine) @ affine
    signs = np.rint(np.diag(between)[:3])
    np.testing.assert_array_equal(np.abs(signs), 1)
    for axis in np.flatnonzero(signs < 0):
        values = np.flip(values, axis)
    for corner in np.ndindex(2, 2, 2):
        ours = np.array(corner) * (np.array(values.shape) - 1)
        flipped = np.where(signs < 0, np.array(values.shape) - 1 - ours, ours)
        place = apply_affine(affine, ours)
        np.testing.assert_allclose(apply_affine(theirs.affine, flipped), place, atol=PLACE_MM)
    return np.asarray(values)


def agree(files: list[Path], folder: Path) -> None:
    """Our file, read by nibabel and by ITK, and that of dcm2niix are one volume."""
    file = folder / "ours.nii.gz"
    write_nifti(volume_of(files), file)
    ours = nibabel.load(file)
    [converted] = convert(files, folder)
    theirs = in_our_axes(nibabel.load(converted), ours.affine)
    np.testing.assert_array_equal(np.asanyarray(ours.dataobj), theirs)
    image = ReadImage(str(file))
    np.testing.assert_array_equal(GetArrayFromImage(image).T, theirs)
    for corner in np.ndindex(2, 2, 2):
        index = [int(one) for one in np.array(corner) * (np.array(theirs.shape) - 1)]
        place = np.multiply(image.TransformIndexToPhysicalPoint(index), (-1, -1, 1))
        np.testing.assert_allclose(place, apply_affine(ours.affine, index), atol=PLACE_MM)


@pytest.mark.parametrize("pattern", STRAIGHT)
def test_real_series(pattern: str, data: Path, tmp_path: Path) -> None:
    # As many as are quickly read: of the chest every third.
    files = sorted(data.glob(pattern))
    agree(files[:: 1 + len(files) // MOST_FILES], tmp_path)


@pytest.mark.parametrize("kind", ["ccta", "calcium_score", "chest"])
def test_phantoms(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "phantom"
    folder.mkdir()
    agree(save(ct_series(kind, slices=24), folder), tmp_path)  # type: ignore[arg-type]


def test_a_real_tilted_series(data: Path, tmp_path: Path) -> None:
    """dcm2niix straightens it by moving its rows; at the places of its voxels, ours has its values."""
    files = sorted(data.glob(TILTED))
    volume = volume_of(files)
    assert volume.shear_deg == pytest.approx(14, abs=0.01)
    write_nifti(volume, tmp_path / "ours.nii.gz")
    ours = nibabel.load(tmp_path / "ours.nii.gz")
    [converted] = [file for file in convert(files, tmp_path) if "Tilt" in file.name]
    theirs = nibabel.load(converted)
    indices = np.stack(np.meshgrid(*map(np.arange, theirs.shape), indexing="ij"))
    places = np.moveaxis(apply_affine(theirs.affine, np.moveaxis(indices, 0, -1)), -1, 0)
    in_ours = np.moveaxis(apply_affine(np.linalg.inv(ours.affine), np.moveaxis(places, 0, -1)), -1, 0)
    # To a whole slice, as it has to be: only rows were moved.
    in_ours[2] = np.rint(in_ours[2])
    inside = (in_ours[1] >= 0) & (in_ours[1] <= volume.values.shape[1] - 1)
    assert inside.mean() > 0.9
    sampled = map_coordinates(ours.get_fdata(), in_ours[:, inside], order=1, mode="nearest")
    assert np.abs(sampled - theirs.get_fdata()[inside]).max() <= 1


def test_a_real_series_that_is_no_grid(data: Path) -> None:
    """dcm2niix makes new slices in between; nothing that was not measured is written here."""
    with pytest.raises(VolumeError) as error:
        volume_of(sorted(data.glob(TILTED_AND_UNEVEN)))
    assert error.value.code is Code.NONUNIFORM_SPACING

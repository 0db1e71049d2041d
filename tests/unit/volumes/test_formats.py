"""What is written is read by others as it was meant: nibabel, ITK, numpy."""

import hashlib
import math
from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from SimpleITK import GetArrayFromImage, ReadImage

from orthanc_ai.volumes.formats import WRITERS, write_nifti, write_npz, write_nrrd
from orthanc_ai.volumes.orders import WINDOWS, Window
from orthanc_ai.volumes.slices import shown, write_slices
from orthanc_ai.volumes.volume import Matrix, Volume

from .images import rotations

SHAPE = (4, 5, 6)
CORNERS = list(product(*((0, length - 1) for length in SHAPE)))
RAS = np.array([-1.0, -1.0, 1.0])


def a_volume(dtype: str = "int16", rotation: Matrix | None = None, shear: float = 0) -> Volume:
    """Values that differ everywhere, 4 slices of 5 rows and 6 columns, turned and far from the origin."""
    values = (np.arange(math.prod(SHAPE)).reshape(SHAPE) * 17 - 1000).astype(dtype)
    affine = np.eye(4)
    axes = np.eye(3) if rotation is None else rotation
    affine[:3, :3] = axes[:, ::-1] * (0.75, 0.5, 0.4)
    affine[:3, 0] += shear * affine[:3, 1]
    affine[:3, 3] = (-123.4375, 87.25, -1204.5)
    return Volume(values, affine, "1.2.3")


def agrees_with_nibabel(volume: Volume, file: Path) -> None:
    image = nibabel.load(file)
    data = np.asanyarray(image.dataobj)
    assert data.dtype == volume.values.dtype
    np.testing.assert_array_equal(data, volume.values.T)
    for index in CORNERS:
        world = apply_affine(image.affine, index[::-1])
        np.testing.assert_allclose(world * RAS, volume.place(index), atol=1e-3)


def agrees_with_itk(volume: Volume, file: Path) -> None:
    image = ReadImage(str(file))
    data = GetArrayFromImage(image)
    assert data.dtype == volume.values.dtype
    np.testing.assert_array_equal(data, volume.values)
    for index in CORNERS:
        place = image.TransformIndexToPhysicalPoint([int(one) for one in index[::-1]])
        np.testing.assert_allclose(place, volume.place(index), atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(rotations(180), st.sampled_from(["int16", "float32"]))
def test_nifti_and_nrrd_mean_the_same_to_everybody(
    tmp_path_factory: pytest.TempPathFactory, rotation: Matrix, dtype: str
) -> None:
    folder = tmp_path_factory.mktemp("volume")
    volume = a_volume(dtype, rotation)
    write_nifti(volume, folder / "volume.nii.gz")
    write_nrrd(volume, folder / "volume.nrrd")
    agrees_with_nibabel(volume, folder / "volume.nii.gz")
    agrees_with_itk(volume, folder / "volume.nii.gz")
    agrees_with_itk(volume, folder / "volume.nrrd")


def test_a_sheared_volume_is_right_or_refused(tmp_path: Path) -> None:
    """ITK reads no sheared NIfTI file; what must not happen is that it reads one wrongly."""
    volume = a_volume(shear=math.tan(math.radians(18)))
    write_nifti(volume, tmp_path / "volume.nii.gz")
    write_nrrd(volume, tmp_path / "volume.nrrd")
    agrees_with_nibabel(volume, tmp_path / "volume.nii.gz")
    with pytest.raises(RuntimeError, match="orthonormal"):
        ReadImage(str(tmp_path / "volume.nii.gz"))
    agrees_with_itk(volume, tmp_path / "volume.nrrd")


@pytest.mark.parametrize("shear", [1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3])
def test_a_little_shear_is_never_read_wrongly(tmp_path: Path, shear: float) -> None:
    volume = a_volume(shear=shear)
    write_nifti(volume, tmp_path / "volume.nii.gz")
    agrees_with_nibabel(volume, tmp_path / "volume.nii.gz")
    try:
        ReadImage(str(tmp_path / "volume.nii.gz"))
    except RuntimeError:
        assert shear > 1e-5
    else:
        agrees_with_itk(volume, tmp_path / "volume.nii.gz")


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_npz_is_the_volume(tmp_path: Path, dtype: str) -> None:
    volume = a_volume(dtype)
    write_npz(volume, tmp_path / "volume.npz")
    with np.load(tmp_path / "volume.npz") as stored:
        assert set(stored) == {"hu", "affine"}
        assert stored["hu"].dtype == volume.values.dtype
        np.testing.assert_array_equal(stored["hu"], volume.values)
        np.testing.assert_array_equal(stored["affine"], volume.affine)


@pytest.mark.parametrize("name", WRITERS)
def test_files_are_compressed_and_always_the_same(tmp_path: Path, name: str) -> None:
    ending, write = WRITERS[name]  # type: ignore[index]
    volume = Volume(np.zeros((40, 64, 64), np.int16), np.eye(4))
    digests = set()
    for attempt in ("one", "other"):
        file = tmp_path / f"{attempt}{ending}"
        write(volume, file)
        assert file.stat().st_size < volume.values.nbytes / 20
        digests.add(hashlib.sha256(file.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_windows_map_as_dicom_says() -> None:
    """PS3.3 section C.11.2.1.2.1 has this example: center 2048, width 4096 maps 0 to 4095 onto all shades."""
    window = Window("all", 2048, 4096)
    values = np.array([[-5, 0, 4095, 5000]], np.int16)
    assert shown(values, window).tolist() == [[0, 0, 255, 255]]
    assert shown(np.array([[300]], np.int16), WINDOWS["cta"]).tolist() == [[128]]
    assert shown(np.array([[-100, 700]], np.int16), WINDOWS["cta"]).tolist() == [[0, 255]]


def test_slices_are_pictures_by_their_index(tmp_path: Path) -> None:
    volume = a_volume()
    files = write_slices(volume, [WINDOWS["cta"], WINDOWS["lung"]], tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        f"{window}/{index:04d}.png" for window in ("cta", "lung") for index in range(4)
    ]
    picture = GetArrayFromImage(ReadImage(str(tmp_path / "cta" / "0002.png")))
    np.testing.assert_array_equal(picture, shown(volume.values[2], WINDOWS["cta"]))

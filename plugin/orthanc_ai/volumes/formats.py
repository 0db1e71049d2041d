"""Volumes as files: NIfTI, NRRD and NPZ, each slice by slice, so that none of them copies the volume."""

import gzip
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from numpy.lib.format import write_array

from .orders import Format
from .volume import Volume

COMPRESSION_LEVEL = 1
"""Of zlib: the noise of CT hardly compresses further with more work (nibabel has the same default)."""

SHEAR_LIMIT_DEG = 0.005
"""A smaller shear is rounding. ITK calls axes perpendicular if no cosine is beyond 0.0001 of it, that is 0.006 degrees."""

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT of nifti1.h
_UNKNOWN = 0  # NIFTI_XFORM_UNKNOWN

# Types of NRRD, section 5 of its definition.
_NRRD_TYPES = {"int16": "int16", "float32": "float"}


def write_nifti(volume: Volume, file: Path) -> None:
    """Write ``.nii.gz`` (NIfTI-1): Hounsfield units as they are, axes column, row, slice; its world is RAS, in mm.

    A sheared volume has the sform alone, since a qform cannot be sheared: ITK then refuses the file, where it would
    otherwise put the voxels into wrong places without a word.
    """
    image = nibabel.Nifti1Image(volume.values.T, volume.affine_ras)
    image.header.set_xyzt_units("mm")
    image.set_sform(volume.affine_ras, _SCANNER)
    sheared = volume.shear_deg > SHEAR_LIMIT_DEG
    image.set_qform(volume.affine_ras, _UNKNOWN if sheared else _SCANNER, strip_shears=True)
    # Readers then have the values of the file, not values times a slope of NaN.
    image.header.set_slope_inter(1, 0)
    # Without the name of the file and the time, the same volume is the same file.
    with file.open("wb") as raw, gzip.GzipFile("", "wb", COMPRESSION_LEVEL, raw, mtime=0) as packed:
        image.to_stream(packed)


def write_nrrd(volume: Volume, file: Path) -> None:
    """Write ``.nrrd``: Hounsfield units, axes column, row, slice; its space is DICOM's (LPS), in mm."""
    affine = volume.affine_xyz
    slices, rows, columns = volume.values.shape
    header = {
        "type": _NRRD_TYPES[volume.values.dtype.name],
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": f"{columns} {rows} {slices}",
        "space directions": " ".join(_vector(affine[:3, axis]) for axis in range(3)),
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "gzip",
        "space units": '"mm" "mm" "mm"',
        "space origin": _vector(affine[:3, 3]),
    }
    with file.open("wb") as raw:
        raw.write("".join(["NRRD0004\n", *(f"{name}: {text}\n" for name, text in header.items()), "\n"]).encode())
        with gzip.GzipFile("", "wb", COMPRESSION_LEVEL, raw, mtime=0) as packed:
            for one in volume.values:
                packed.write(one.astype(one.dtype.newbyteorder("<"), copy=False).tobytes())


def write_npz(volume: Volume, file: Path) -> None:
    """Write ``.npz`` for `numpy.load`: ``hu`` (slices, rows, columns) and ``affine``, see `Volume`."""
    arrays = {"affine": volume.affine, "hu": volume.values}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL) as packed:
        for name, array in arrays.items():
            # By its name alone, an entry gets the time of no clock; an array may be larger than 4 GiB.
            with packed.open(f"{name}.npy", "w", force_zip64=True) as entry:
                write_array(entry, array, allow_pickle=False)  # type: ignore[no-untyped-call]  # numpy has no annotations there


WRITERS: Mapping[Format, tuple[str, Callable[[Volume, Path], None]]] = {
    "nifti": (".nii.gz", write_nifti),
    "nrrd": (".nrrd", write_nrrd),
    "npz": (".npz", write_npz),
}
"""Ending and writer of each format that holds a whole volume."""


def _vector(vector: npt.NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(number)) for number in vector) + ")"

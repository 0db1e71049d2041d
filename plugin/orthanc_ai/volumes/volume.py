"""`Volume`: Hounsfield units on a grid, and where the grid lies in the patient."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Values = npt.NDArray[np.int16] | npt.NDArray[np.float32]
type Matrix = npt.NDArray[np.float64]

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_REVERSED = np.eye(4)[[2, 1, 0, 3]]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A CT volume.

    Attributes
    ----------
    values
        Hounsfield units, shape ``(slices, rows, columns)``; int16 if they are whole numbers of that range, else float32.
        Slices are ordered along the normal of the images (row direction x column direction), so that the three axes,
        taken as (column, row, slice), are right-handed; of axial images of a patient lying straight, from feet to head.
    affine
        From an index ``(slice, row, column, 1)`` to the place of the voxel's centre in DICOM's patient coordinates (LPS,
        mm), shape ``(4, 4)``; PS3.3 section C.7.6.2.1.1.
    frame_of_reference_uid
        Of the images; empty if they name none, or each its own.
    deviation_mm
        By how much Image Position (Patient) of a slice differs from the place that the affine gives it, at most.
    """

    values: Values
    affine: Matrix
    frame_of_reference_uid: str = ""
    deviation_mm: float = 0.0

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distances between neighbouring slices, rows and columns, each along its axis."""
        slices, rows, columns = (float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))
        return slices, rows, columns

    @property
    def shear_deg(self) -> float:
        """Angle between the axis of the slices and their normal; 0 unless the gantry was tilted."""
        step, column, row = self.affine[:3, :3].T
        normal = np.cross(row, column)
        return math.degrees(math.atan2(float(np.linalg.norm(np.cross(step, normal))), float(step @ normal)))

    @property
    def affine_xyz(self) -> Matrix:
        """The affine for an index ``(column, row, slice, 1)``, the order of NIfTI and ITK."""
        return self.affine @ _REVERSED

    @property
    def affine_ras(self) -> Matrix:
        """`affine_xyz` to coordinates that point to the right, the front and the head, as NIfTI has them."""
        return _LPS_TO_RAS @ self.affine_xyz

    def place(self, index: npt.ArrayLike) -> Matrix:
        """Places of voxels in patient coordinates (LPS, mm).

        Parameters
        ----------
        index
            Indices (slice, row, column), whole or not; shape ``(..., 3)``.

        Returns
        -------
        Shape ``(..., 3)``.
        """
        return np.asarray(np.asarray(index, np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def index(self, place: npt.ArrayLike) -> Matrix:
        """Indices (slice, row, column), not rounded, of places in patient coordinates (LPS, mm).

        Parameters
        ----------
        place
            Shape ``(..., 3)``.

        Returns
        -------
        Shape ``(..., 3)``.
        """
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(place, np.float64) @ inverse[:3, :3].T + inverse[:3, 3])

"""The coarse anatomy of the CT phantoms: Hounsfield units of slices of a chest and a head, out of ellipses.

Coordinates in mm, x to the patient's left, y to the back, as in DICOM's patient coordinate system.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Hounsfield units, rounded values of radiology textbooks.
AIR, LUNG, FAT, SOFT, BLOOD, BONE = -1000.0, -850.0, -90.0, 40.0, 45.0, 500.0
CONTRAST = 380.0
RIGHT_SHARE = 0.8
"""Of blood on the right side of the heart, from where some contrast has gone."""
CALCIUM = 700.0
BRAIN, FLUID, SKULL = 35.0, 8.0, 1000.0
NOISE = 20.0


def _ellipse(x: Array, y: Array, centre: tuple[float, float], radii: tuple[float, float]) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 <= 1
    return inside


def thorax(x: Array, y: Array, height: float, blood: float, phase: float | None, *, calcified: bool) -> Array:
    """One slice of a chest.

    Parameters
    ----------
    x, y
        Coordinates of the pixels, mm.
    height
        0 at the diaphragm to 1 at the aortic arch.
    blood
        Hounsfield units in chambers and great vessels.
    phase
        Percent of the R-R interval, ``None`` for a heart at rest.
    calcified
        With a calcification of the left anterior descending artery.
    """
    hu = np.full(x.shape, AIR)
    hu[_ellipse(x, y, (0, 0), (175, 115))] = FAT
    hu[_ellipse(x, y, (0, 0), (160, 102))] = SOFT
    for side in (-1, 1):
        hu[_ellipse(x, y, (side * 85, -2), (62, 82))] = LUNG
        for rib in range(5):
            angle = np.pi * (0.15 + 0.17 * rib + 0.1 * height)
            hu[_ellipse(x, y, (side * 152 * np.sin(angle), 95 * np.cos(angle)), (9, 6))] = BONE
    hu[_ellipse(x, y, (0, -96), (16, 6))] = BONE  # sternum
    hu[_ellipse(x, y, (0, 72), (20, 18))] = BONE  # vertebral body
    swell = np.sin(np.pi * min(1.0, height * 1.15))  # the heart is widest below its middle
    if swell > 0.5:
        # The ventricle is smallest at end systole, near 35 percent of the R-R interval.
        pump = 1.0 if phase is None else 1.0 - 0.3 * float(np.exp(-(((phase - 35) / 18) ** 2)))
        hu[_ellipse(x, y, (24, -25), (62 * swell, 52 * swell))] = SOFT + 10
        hu[_ellipse(x, y, (46, -18), (24 * swell * pump, 28 * swell * pump))] = blood
        hu[_ellipse(x, y, (4, -48), (26 * swell, 18 * swell))] = blood * RIGHT_SHARE
        hu[_ellipse(x, y, (8, 14), (30 * swell, 16 * swell))] = blood
    if height > 0.5:
        hu[_ellipse(x, y, (-6, -24), (16, 16))] = blood  # ascending aorta
    hu[_ellipse(x, y, (26, 50), (12, 12))] = blood  # descending aorta
    if calcified and 0.6 < height < 0.8:
        hu[_ellipse(x, y, (34, -52), (3, 3))] = CALCIUM  # left anterior descending artery
    return hu


def head(x: Array, y: Array, height: float) -> Array:
    """One slice of a head, `height` from 0 at the base of the skull to 1 at its top."""
    taper = np.sqrt(max(0.05, 1 - (1.1 * height - 0.1) ** 2))
    hu = np.full(x.shape, AIR)
    hu[_ellipse(x, y, (0, 0), (78 * taper, 98 * taper))] = SOFT
    hu[_ellipse(x, y, (0, 0), (74 * taper, 94 * taper))] = SKULL
    hu[_ellipse(x, y, (0, 0), (67 * taper, 87 * taper))] = BRAIN
    if 0.4 < height < 0.7:
        for side in (-1, 1):
            hu[_ellipse(x, y, (side * 9, 5), (6, 28))] = FLUID
    return hu


def projection(x: Array, y: Array) -> Array:
    """A radiograph-like localizer of the chest; its numbers are no Hounsfield units, as in real ones."""
    hu = np.full(x.shape, AIR)
    hu[_ellipse(x, y, (0, 0), (175, 240))] = 0
    for side in (-1, 1):
        hu[_ellipse(x, y, (side * 85, 10), (62, 120))] = -400
    hu[_ellipse(x, y, (25, 60), (60, 55))] = 100
    hu[_ellipse(x, y, (0, 0), (18, 240))] = 250
    return hu


def page(matrix: int) -> Array:
    """Lines of text, as on a dose sheet: words are white bars of many lengths on black."""
    row, column = np.mgrid[:matrix, :matrix] / matrix
    line, word = np.floor(row * 16), np.floor(column * 24)
    inked = (row * 16 % 1 > 0.4) & (np.sin(line * 12.9898 + word * 78.233) > -0.4) & (np.abs(column - 0.5) < 0.4)
    white, black = 1000.0, -1024.0
    return np.where(inked & (line > 0) & (line % 5 > 0), white, black)

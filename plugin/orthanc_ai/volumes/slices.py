"""Slices of a volume as PNG, through a window."""

from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt

from .orders import Window
from .volume import Volume

_WHITE = 255
_COMPRESSION_LEVEL = 1


def shown(values: npt.NDArray[np.int16 | np.float32], window: Window) -> npt.NDArray[np.uint8]:
    """Gray values, 0 (black) to 255, of Hounsfield units."""
    fraction = (values.astype(np.float32) - (window.center - 0.5)) / (window.width - 1) + 0.5
    return np.rint(np.clip(fraction, 0, 1) * _WHITE).astype(np.uint8)


def write_slices(volume: Volume, windows: Sequence[Window], folder: Path) -> list[Path]:
    """Write every slice through every window.

    Slice ``k`` of the volume becomes ``WINDOW/k.png``, with four digits. Pixels that are not square are left so.

    Returns
    -------
    The files, below `folder`.
    """
    files = []
    for window in windows:
        (folder / window.name).mkdir(parents=True)
        for index, values in enumerate(volume.values):
            file = folder / window.name / f"{index:04d}.png"
            file.write_bytes(imagecodecs.png_encode(shown(values, window), level=_COMPRESSION_LEVEL))
            files.append(file)
    return files

"""Any number of chest films for the price of a few: rendered phantoms whose pixels and identifiers are changed."""

import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np

from phantom.dicom import chest_dx, phantom_uid
from phantom.progress import progress

RENDERED = 3
"""Phantoms that are rendered, 6 s each at 2500 x 2048; all films are made from them."""

NOISE_ROWS = 32
"""Rows of a film whose two lowest bits are drawn anew, so that no two films have the same pixels."""


class Films:
    """Chest films of one size: DX, 12 of 16 bits, uncompressed, each of its own patient and study.

    Parameters
    ----------
    rows, columns
        Size of the images.
    seed
        The same films for the same seed.
    """

    def __init__(self, rows: int, columns: int, seed: int = 0) -> None:
        self.rows, self.columns = rows, columns
        self._seed = seed
        what = f"rendering {columns} x {rows}"
        self._rendered = [chest_dx(seed + k, rows, columns) for k in progress(range(RENDERED), RENDERED, what)]
        self._pixels = [np.frombuffer(film.PixelData, np.uint16) for film in self._rendered]

    def film(self, number: int) -> bytes:
        """Film of a number as a DICOM file; the same number makes the same film."""
        film = self._rendered[number % RENDERED]
        pixels = self._pixels[number % RENDERED].copy()
        draw = np.random.default_rng((self._seed, number))
        first = int(draw.integers(0, self.rows - NOISE_ROWS)) * self.columns
        pixels[first : first + NOISE_ROWS * self.columns] ^= draw.integers(0, 4, NOISE_ROWS * self.columns, np.uint16)
        film.PixelData = pixels.tobytes()
        film.PatientID = f"BENCH-{self._seed}-{number}"
        names = ("Study", "Series", "SOP")
        study, series, instance = (phantom_uid("bench", self.rows, self._seed, number, name) for name in names)
        film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = study, series, instance
        film.file_meta.MediaStorageSOPInstanceUID = instance
        buffer = BytesIO()
        film.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()

    def write(self, folder: Path, numbers: Iterable[int]) -> list[Path]:
        """Films as files."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number in numbers:
            path = folder / f"{self.columns}x{self.rows}-{number}.dcm"
            path.write_bytes(self.film(number))
            paths.append(path)
        print(f"{len(paths)} films of {self.columns} x {self.rows} written", file=sys.stderr)
        return paths

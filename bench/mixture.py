"""Films as hospitals send them: 2,000 to 3,000 pixels square, raw, JPEG lossless or JPEG 2000, 8 to 16 bits.

One phantom is rendered at 3,000 x 3,000 and cut to each size; each kind of film is encoded once. Films differ in their
identifiers: nobody who stores or reads one looks at the pixels of another.
"""

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1

from bench.archive import orthanc_id
from phantom.chest.findings import draw_chest
from phantom.chest.radiograph import DETECTOR_MM, Radiograph, render
from phantom.dicom import PHANTOM_BITS, Encoding, phantom_uid, to_dicom
from phantom.progress import progress

DCMCJPEG = "dcmcjpeg"
"""DCMTK's encoder for JPEG lossless, process 14, selection value 1: its default."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Films of one size and encoding.

    Attributes
    ----------
    bits
        Bits Stored. Beyond the 12 of the phantom, the lowest bits are drawn: to an encoder they are a detector's noise.
    """

    name: str
    rows: int
    columns: int
    bits: int
    transfer_syntax: UID = ExplicitVRLittleEndian


RAW = Kind("raw 2048 x 2500, 12 bits", 2500, 2048, 12)
"""What a detector of 43 x 35 cm with pixels of 0.17 mm sends."""

MIXTURE = (
    RAW,
    Kind("raw 3000 x 3000, 16 bits", 3000, 3000, 16),
    Kind("JPEG lossless 2048 x 2500, 12 bits", 2500, 2048, 12, JPEGLosslessSV1),
    Kind("JPEG lossless 2048 x 2048, 8 bits", 2048, 2048, 8, JPEGLosslessSV1),
    Kind("JPEG 2000 2048 x 2500, 12 bits", 2500, 2048, 12, JPEG2000Lossless),
    Kind("JPEG 2000 2500 x 3000, 14 bits", 3000, 2500, 14, JPEG2000Lossless),
)
"""As many films of each kind."""


@dataclass(frozen=True, slots=True)
class Film:
    """A film in a file.

    Attributes
    ----------
    instance, study
        Orthanc's identifiers.
    study_uid
        Study Instance UID.
    """

    path: Path
    kind: Kind
    instance: str
    study: str
    study_uid: str


class Mixture:
    """Films of several kinds in turn, each of its own patient and study.

    Parameters
    ----------
    kinds
        Film number n is of the kind n modulo their number.
    seed
        The same films for the same seed.
    """

    def __init__(self, kinds: Sequence[Kind] = MIXTURE, seed: int = 0) -> None:
        self.kinds = tuple(kinds)
        self._seed = seed
        side = max(max(kind.rows, kind.columns) for kind in self.kinds)
        (whole,) = progress(
            (render(draw_chest(seed), side, side, DETECTOR_MM) for _ in range(1)), 1, f"rendering {side} x {side}"
        )
        self._films = [
            encode(whole, kind, seed) for kind in progress(self.kinds, len(self.kinds), "encoding kinds of films")
        ]

    def dataset(self, number: int) -> Dataset:
        """Film of a number; the same object for all films of its kind, so use it before the next one is asked for."""
        film = self._films[number % len(self._films)]
        film.PatientID = f"BENCH-{self._seed}-{number}"
        names = ("Study", "Series", "SOP")
        study, series, instance = (phantom_uid("bench", self._seed, number, name) for name in names)
        film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = study, series, instance
        film.file_meta.MediaStorageSOPInstanceUID = instance
        return film

    def write(self, folder: Path, numbers: Iterable[int]) -> list[Film]:
        """Films as files."""
        folder.mkdir(parents=True, exist_ok=True)
        films = []
        for number in numbers:
            dataset = self.dataset(number)
            path = folder / f"{self._seed}-{number}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            names = dataset.PatientID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID
            kind = self.kinds[number % len(self.kinds)]
            films.append(Film(path, kind, orthanc_id(*names), orthanc_id(*names[:2]), names[1]))
        return films


def encode(whole: Radiograph, kind: Kind, seed: int) -> Dataset:
    """The middle of a radiograph as a film of a kind."""
    rows, columns = whole.pixels.shape
    top, left = (rows - kind.rows) // 2, (columns - kind.columns) // 2
    middle = np.ascontiguousarray(whole.pixels[top : top + kind.rows, left : left + kind.columns])
    film = to_dicom(replace(whole, pixels=middle), Encoding(bits_stored=kind.bits))
    if kind.bits > PHANTOM_BITS:
        noise = np.random.default_rng((seed, kind.bits)).integers(0, 1 << kind.bits - PHANTOM_BITS, middle.shape)
        pixels = np.frombuffer(film.PixelData, np.uint16).reshape(middle.shape) ^ noise.astype(np.uint16)
        film.PixelData = pixels.tobytes()
    if kind.transfer_syntax == JPEGLosslessSV1:
        return _jpeg_lossless(film)
    if kind.transfer_syntax != ExplicitVRLittleEndian:
        film.compress(kind.transfer_syntax, generate_instance_uid=False)
    return film


def _jpeg_lossless(film: Dataset) -> Dataset:
    with tempfile.TemporaryDirectory() as folder:
        raw, compressed = Path(folder) / "raw.dcm", Path(folder) / "compressed.dcm"
        film.save_as(raw, enforce_file_format=True)
        subprocess.run([DCMCJPEG, raw, compressed], check=True)
        return dcmread(BytesIO(compressed.read_bytes()))

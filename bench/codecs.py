"""What each codec's decoding costs, beside the other decoders that Python can call, and its share of a worker's time.

A phantom film of 2048 x 2500 pixels in each transfer syntax and depth. Rounds alternate: each decodes the film once
with each decoder, in turn from either end. Processor time of this process, all its threads.
"""

import argparse
import contextlib
import copy
import functools
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import encapsulate, get_frame

from bench.answers import FOLDER, machine, table, write_json
from bench.decoders import Compressed, Decoder, Pixels, installed
from orthanc_ai.codes import Code
from orthanc_ai.images.decode import decode
from phantom.dicom import chest_dx
from phantom.progress import progress

QUESTION = "Processor time of decoding, for each transfer syntax, beside the other decoders that Python can call"

REQUIRED = 1.1
"""Most that decoding of JPEG 2000 and of lossless JPEG may take, of the fastest decoder with the same pixels."""

ROWS, COLUMNS = 2500, 2048

OURS = "ours"

Encode = Callable[[Path, Path], object]
"""Compresses an uncompressed file into another one."""


def _dcmcjpeg(*options: str) -> Encode:
    return lambda raw, into: subprocess.run(["dcmcjpeg", *options, raw, into], check=True, stderr=subprocess.DEVNULL)


def _pydicom(syntax: uid.UID, **options: Any) -> Encode:
    def encode(raw: Path, into: Path) -> None:
        film = dcmread(raw)
        film.compress(syntax, generate_instance_uid=False, **options)
        film.save_as(into)

    return encode


def _htj2k(raw: Path, into: Path) -> None:
    film = dcmread(raw)
    frame = imagecodecs.htj2k_encode(film.pixel_array, bitspersample=film.BitsStored, reversible=True)
    film.PixelData = encapsulate([bytes(frame)])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = uid.HTJ2KLossless
    film.save_as(into)


SYNTAXES: dict[str, tuple[Encode | None, Sequence[int], bool]] = {
    "uncompressed": (None, (8, 12, 16), False),
    "JPEG baseline, quality 90": (_dcmcjpeg("+eb", "+q", "90"), (8,), False),
    "JPEG extended, quality 90": (_dcmcjpeg("+ee", "+q", "90"), (12,), False),
    "JPEG lossless": (_dcmcjpeg("+el"), (8, 12, 16), True),
    "JPEG lossless SV1": (_dcmcjpeg("+e1"), (8, 12, 16), True),
    "JPEG-LS": (_pydicom(uid.JPEGLSLossless), (8, 12, 16), False),
    "JPEG-LS, error 2": (_pydicom(uid.JPEGLSNearLossless, jls_error=2), (12,), False),
    "JPEG 2000 lossless": (_pydicom(uid.JPEG2000Lossless), (8, 12, 16), True),
    "JPEG 2000, a tenth": (_pydicom(uid.JPEG2000, j2k_cr=[10]), (8, 12, 16), True),
    "HTJ2K lossless": (_htj2k, (8, 12, 16), True),
    "RLE": (_pydicom(uid.RLELossless), (8, 12, 16), False),
}
"""How a film is compressed, with how many bits, and whether what is required concerns it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One transfer syntax with one depth.

    Attributes
    ----------
    megabytes
        Of the pixel data.
    worker_ms
        Processor time of all that a worker does for the film.
    decoders_ms
        Processor time of each decoder that gives the same pixels; `OURS` among them.
    differ
        Decoders that give other pixels: by how many levels of grey at most.
    """

    name: str
    bits: int
    required: bool
    megabytes: float
    worker_ms: float
    decoders_ms: dict[str, float]
    differ: dict[str, int]

    @property
    def share(self) -> float:
        """Of the worker's time."""
        return self.decoders_ms[OURS] / self.worker_ms

    @property
    def fastest(self) -> tuple[str, float]:
        """The fastest of all with the same pixels, and its time."""
        return min(self.decoders_ms.items(), key=lambda item: item[1])


def films(folder: Path) -> list[tuple[str, int, bool, Path]]:
    """Make the films; name, bits, whether something is required, file."""
    phantom = chest_dx(1, ROWS, COLUMNS)
    made: list[tuple[str, int, bool, Path]] = []
    for name, (encode, depths, required) in progress(SYNTAXES.items(), len(SYNTAXES), "compressing"):
        for bits in depths:
            raw, path = folder / f"raw-{bits}.dcm", folder / f"{len(made)}.dcm"
            if not raw.exists():
                with_depth(phantom, bits).save_as(raw, enforce_file_format=True)
            if encode is not None:
                encode(raw, path)
            made.append((name, bits, required, raw if encode is None else path))
    return made


def with_depth(phantom: Dataset, bits: int) -> Dataset:
    """The phantom with fewer bits, or with more of them, drawn at random below its own."""
    film = copy.deepcopy(phantom)
    pixels, more = np.frombuffer(phantom.PixelData, np.uint16).astype(np.uint32), bits - phantom.BitsStored
    if more > 0:
        pixels = (pixels << more) + np.random.default_rng(0).integers(0, 2**more, len(pixels), np.uint32)
    film.PixelData = (pixels >> max(0, -more)).astype(np.uint8 if bits == 8 else np.uint16).tobytes()
    film["PixelData"].VR = "OB" if bits == 8 else "OW"
    film.BitsAllocated, film.BitsStored, film.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    film.WindowCenter, film.WindowWidth = 2 ** (bits - 1), 2**bits
    return film


def measure(name: str, bits: int, required: bool, path: Path, others: dict[str, Decoder], rounds: int) -> Case:
    """Time the decoders of one film."""
    # Imported here: it brings torch along, which the other benchmarks are better without.
    from tests.unit.xray.reader import read

    dataset = dcmread(path)
    compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1) if compressed else dataset.PixelData
    film = Compressed(path, dataset, frame)
    wanted = decode(dataset).copy()
    timed: dict[str, Callable[[], object]] = {OURS: lambda: decode(dataset)}
    differ: dict[str, int] = {}
    for other, decoder in others.items() if compressed else ():
        with contextlib.suppress(Exception):  # the decoder does not know this codec
            pixels = np.asarray(decoder(film))
            if pixels.shape == wanted.shape:
                apart = _apart(pixels, wanted)
                if apart:
                    differ[other] = apart
                else:
                    timed[other] = functools.partial(decoder, film)
    content = path.read_bytes()
    # Loads the model, too.
    if (outcome := read(content).outcome).code is not Code.REPORTED:
        raise RuntimeError(f"{name} of {bits} bits ends with {outcome.code}: {outcome.detail}")
    taken: dict[str, list[float]] = {one: [] for one in timed}
    whole: list[float] = []
    for k in range(rounds):
        for one in list(timed)[:: 1 if k % 2 else -1]:
            taken[one].append(_cpu_ms(timed[one]))
        whole.append(_cpu_ms(lambda: read(content)))
    medians = {one: statistics.median(times) for one, times in taken.items()}
    return Case(name, bits, required, len(frame) / 1e6, statistics.median(whole), medians, differ)


def _apart(pixels: Pixels, wanted: Pixels) -> int:
    return int(np.abs(pixels.astype(np.int64) - wanted).max())


def _cpu_ms(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return 1000 * (time.process_time() - started)


def show(cases: Sequence[Case]) -> str:
    """The answer as a table."""
    header = ("", "bits", "MB", "ms", "of worker", "fastest", "ms", "ratio", "next")
    rows = []
    for case in cases:
        ours, (name, best) = case.decoders_ms[OURS], case.fastest
        others = sorted((ms, other) for other, ms in case.decoders_ms.items() if other not in (OURS, name))
        following = "; ".join(f"{other} {ms:.0f}" for ms, other in others[:3])
        rows.append(
            (
                *(case.name, str(case.bits), f"{case.megabytes:.1f}", f"{ours:.1f}", f"{case.share:.0%}"),
                *(name, f"{best:.1f}", f"{ours / best:.2f}", following),
            )
        )
    return table(header, rows)


def main(arguments: list[str]) -> int:
    """Run it; 0 if JPEG 2000 and lossless JPEG are decoded as fast as is required."""
    parser = argparse.ArgumentParser(prog="bench codecs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="only transfer syntaxes whose name has this in it")
    parser.add_argument("--folder", type=Path, default=FOLDER / "codecs.tmp", help="for the films")
    parser.add_argument("--name", default="codecs", help="of the file that is written")
    options = parser.parse_args(arguments)

    about = machine()
    warnings.simplefilter("ignore")
    others, missing = installed()
    options.folder.mkdir(parents=True, exist_ok=True)
    made = [film for film in films(options.folder) if options.only in film[0]]
    cases = []
    for name, bits, required, path in progress(made, len(made), "decoding"):
        cases.append(measure(name, bits, required, path, others, options.rounds))
        print(f"  {name}, {bits} bits: {cases[-1].decoders_ms[OURS]:.1f} ms", file=sys.stderr)
    for path in options.folder.iterdir():
        path.unlink()
    options.folder.rmdir()
    print(show(cases))
    for case in cases:
        if case.differ:
            print(f"other pixels, {case.name} of {case.bits} bits: {case.differ}")
    if missing:
        print(f"not installed, so not compared: {', '.join(missing)}")
    answer = {"question": QUESTION, "machine": about, "required": REQUIRED, "missing": missing}
    print(write_json(options.name, {**answer, "cases": [asdict(case) for case in cases]}))
    return 0 if all(case.decoders_ms[OURS] <= REQUIRED * case.fastest[1] for case in cases if case.required) else 1

"""The decoders that Python can call, as far as they are installed, each as it is meant to be called.

None of them is a dependency of the project for this: install what is to be compared into an environment of your own.
"""

import importlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder

Pixels = npt.NDArray[np.integer]

_RAW: dict[str, Any] = {"raw": True, "correct_unused_bits": False}


@dataclass(frozen=True, slots=True)
class Compressed:
    """A film, compressed: as a file, as a dataset, and its one frame."""

    path: Path
    dataset: Dataset
    frame: bytes


Decoder = Callable[[Compressed], Any]
"""Returns the pixels, or raises whatever it likes."""


def _imagecodecs(function: str, **options: Any) -> Callable[[Any], Decoder]:
    return lambda module: lambda film: getattr(module, function)(film.frame, **options)


def _dicom_rle(module: Any) -> Decoder:
    def decode(film: Compressed) -> Pixels:
        cell = np.dtype(f"<u{film.dataset.BitsAllocated // 8}")
        decoded = module.dicomrle_decode(film.frame, dtype=cell)
        return np.frombuffer(decoded, cell).reshape(film.dataset.Rows, film.dataset.Columns)

    return decode


def _pydicom(plugin: str) -> Callable[[Any], Decoder]:
    def decode(film: Compressed) -> Pixels:
        decoder = get_decoder(film.dataset.file_meta.TransferSyntaxUID)
        if plugin not in decoder.available_plugins:
            raise LookupError(f"pydicom has no decoder {plugin} for {film.dataset.file_meta.TransferSyntaxUID.name}")
        return decoder.as_array(film.dataset, index=0, decoding_plugin=plugin, **_RAW)[0]

    return lambda module: decode


def _opencv(module: Any) -> Decoder:
    return lambda film: module.imdecode(np.frombuffer(film.frame, np.uint8), module.IMREAD_UNCHANGED)


def _pillow(module: Any) -> Decoder:
    module.MAX_IMAGE_PIXELS = None
    return lambda film: np.asarray(module.open(io.BytesIO(film.frame)))


def _glymur(module: Any) -> Decoder:
    def decode(film: Compressed) -> Any:
        film.path.with_suffix(".j2k").write_bytes(film.frame)
        return module.Jp2k(film.path.with_suffix(".j2k"))[:]

    return decode


DECODERS: dict[str, tuple[str, Callable[[Any], Decoder]]] = {
    "imagecodecs, libjpeg-turbo": ("imagecodecs", _imagecodecs("jpeg8_decode")),
    "imagecodecs, liblj92": ("imagecodecs", _imagecodecs("ljpeg_decode")),
    "imagecodecs, jpegsof3": ("imagecodecs", _imagecodecs("jpegsof3_decode")),
    "imagecodecs, OpenJPEG": ("imagecodecs", _imagecodecs("jpeg2k_decode", numthreads=1)),
    "imagecodecs, OpenJPH": ("imagecodecs", _imagecodecs("htj2k_decode")),
    "imagecodecs, CharLS": ("imagecodecs", _imagecodecs("jpegls_decode")),
    "imagecodecs, RLE": ("imagecodecs", _dicom_rle),
    "pylibjpeg": ("pylibjpeg", _pydicom("pylibjpeg")),
    "pyjpegls": ("jpeg_ls", _pydicom("pyjpegls")),
    "python-gdcm": ("gdcm", _pydicom("gdcm")),
    "pydicom's own RLE": ("pydicom", _pydicom("pydicom")),
    "Pillow": ("PIL.Image", _pillow),
    "opencv-python-headless": ("cv2", _opencv),
    "simplejpeg": ("simplejpeg", lambda module: lambda film: module.decode_jpeg(film.frame, colorspace="GRAY")[..., 0]),
    "dicomsdl": ("dicomsdl", lambda module: lambda film: module.open(str(film.path)).pixelData(storedvalue=True)),
    "SimpleITK": (
        "SimpleITK",
        lambda module: lambda film: module.GetArrayFromImage(module.ReadImage(str(film.path)))[0],
    ),
    "glymur": ("glymur", _glymur),
}
"""Name, the module it needs, and what makes a decoder of that module."""


def installed() -> tuple[dict[str, Decoder], list[str]]:
    """The decoders that are there, and the modules that are missing."""
    os.environ["OPENCV_LOG_LEVEL"] = "OFF"  # it warns of every grey image
    found: dict[str, Decoder] = {}
    missing: list[str] = []
    for name, (module, make) in DECODERS.items():
        try:
            found[name] = make(importlib.import_module(module))
        except ImportError:
            missing.append(module)
    return found, sorted(set(missing))

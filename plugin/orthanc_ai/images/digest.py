"""A digest of the picture that a DICOM file holds, the same by whichever way the file came."""

import hashlib

import numpy as np
from pydicom import Dataset
from pydicom.encaps import generate_frames

from ..attributes import LONGEST_VALUE, MalformedError, attribute, items
from ..codes import Code
from .errors import ImageError
from .grayscale import LONGEST_LUT

# Attributes that say how the stored bytes become a picture (PS3.3 sections C.7.6.3, C.7.5.1.1.2, C.11.1, C.11.2).
# The same bytes under another Photometric Interpretation are another picture.
_DESCRIPTION = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
)
_LUTS = ("ModalityLUTSequence", "VOILUTSequence")


def pixel_digest(dataset: Dataset) -> str:
    """SHA-256 (hex) of the pixel data and of the attributes that turn them into a picture.

    Of compressed pixel data the frames count, without what may change when they are sent on: Basic Offset Table,
    division into fragments, padding. Of native pixel data the little-endian bytes count, without padding. So the
    digest is the same after C-STORE, upload and STOW-RS in the same or in any uncompressed transfer syntax.

    Raises
    ------
    ImageError
        ``NO_PIXELS``, or ``PIXELS_UNREADABLE`` if the pixel data are not framed as the transfer syntax demands.
    """
    if "PixelData" not in dataset:
        raise ImageError(Code.NO_PIXELS, "there is no Pixel Data (7FE0,0010)")
    digest = hashlib.sha256()
    for part in (*_description(dataset), *_frames(dataset)):
        # Each part is preceded by its length, so that no two lists of parts look the same.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _description(dataset: Dataset) -> list[bytes]:
    parts = [f"{keyword}={_text(dataset, keyword)}".encode() for keyword in _DESCRIPTION]
    for keyword in _LUTS:
        for item in _items(dataset, keyword):
            descriptor, data = _text(item, "LUTDescriptor"), _text(item, "LUTData", LONGEST_LUT)
            parts.append(f"{keyword}={descriptor} {data}".encode())
    return parts


# A malformed value: nothing can be read from it, so it is the same as none.


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    try:
        return items(dataset, keyword)
    except MalformedError:
        return []


def _text(dataset: Dataset, keyword: str, longest: int = LONGEST_VALUE) -> str:
    try:
        value = attribute(dataset, keyword, longest)
        return "" if value is None else str(value)
    except (MalformedError, ValueError):
        return ""


def _frames(dataset: Dataset) -> list[bytes | memoryview]:
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        if syntax.is_encapsulated:
            count = int(dataset.get("NumberOfFrames") or 1)
            frames = generate_frames(dataset.PixelData, number_of_frames=count)
            return [frame.rstrip(b"\0") for frame in frames]
        length = _native_length(dataset)
        data = memoryview(dataset.PixelData)[:length]
        if not syntax.is_little_endian and (dataset["PixelData"].VR == "OW" or dataset.BitsAllocated > 8):
            return [np.frombuffer(data[: length // 2 * 2], ">u2").astype("<u2").tobytes()]
        return [data]
    except Exception as error:
        raise ImageError(Code.PIXELS_UNREADABLE, f"the pixel data are malformed: {error}") from error


def _native_length(dataset: Dataset) -> int:
    """Bytes that the image takes; what follows is padding to an even length (PS3.5 section 8.1.1)."""
    samples = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    frames = int(dataset.get("NumberOfFrames") or 1)
    return (samples * frames * int(dataset.BitsAllocated) + 7) // 8

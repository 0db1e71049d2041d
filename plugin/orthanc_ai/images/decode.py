"""Stored values out of Pixel Data: which decoder reads which transfer syntax, and what no decoder gets to see.

docs/codecs.md says what each of them costs beside the others that there are.
"""

import warnings
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, uid
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import get_j2k_parameters

from ..codes import Code
from .codestream import FrameHeader, is_complete, read_frame_header
from .errors import ImageError
from .rle import decode_rle

# pydicom's plug-in for each compressed transfer syntax that it decodes: with none named it tries all that are installed,
# one after the other, which differ in speed and here and there in a pixel.
_PLUGINS = {
    uid.JPEGBaseline8Bit: "pylibjpeg",
    uid.JPEGExtended12Bit: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
}

# Of a HTJ2K codestream that may be lossy, two decoders give values that differ by rounding; OpenJPEG's are the reference's.
_OPENJPEG = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2K)
_OPENJPH = (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL)
_LIBJPEG_TURBO = (uid.JPEGLossless, uid.JPEGLosslessSV1)
_DIRECT = (*_OPENJPEG, *_OPENJPH, *_LIBJPEG_TURBO, uid.RLELossless)

# Cells as they are: what lies beside a value's own bits may be part of it, see cells.py.
_OPTIONS: dict[str, Any] = {"raw": True, "view_only": True, "correct_unused_bits": False}

type Cells = npt.NDArray[np.integer]


def decode(dataset: Dataset, index: int = 0, frames: int = 1) -> Cells:
    """Cells of one frame of a dataset, as they are stored.

    Parameters
    ----------
    dataset
        A whole DICOM file whose Image Pixel attributes have been checked.
    index
        Which frame, from 0.
    frames
        How many the file has.

    Returns
    -------
    Shape (rows, columns), one or two bytes each in the machine's order; int or uint by Pixel Representation.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE``, ``TRANSFER_SYNTAX_UNSUPPORTED`` or ``PIXELS_UNREADABLE``.
    """
    syntax = transfer_syntax(dataset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if syntax.is_encapsulated:
                stored = _decode_frame(dataset, syntax, _frame(dataset, index, frames), index)
            else:
                stored = _by_pydicom(dataset, syntax, index)
    except (ImageError, MemoryError):
        raise
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # codecs raise whatever they like; those in Rust "panic", which is no Exception
        raise ImageError(Code.PIXELS_UNREADABLE, f"{syntax.name}: {error}") from error
    if stored.shape != (dataset.Rows, dataset.Columns) or stored.itemsize > 2:
        message = f"decoded to {stored.shape} of {stored.dtype}, not to what the header says"
        raise ImageError(Code.PIXELS_UNREADABLE, message)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def transfer_syntax(dataset: Dataset) -> uid.UID:
    """The transfer syntax of a file, if it is one that is decoded.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE`` or ``TRANSFER_SYNTAX_UNSUPPORTED``.
    """
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if not isinstance(syntax, str):
        raise ImageError(Code.HEADER_UNREADABLE, "there is no Transfer Syntax UID (0002,0010), or several")
    if syntax not in (*uid.UncompressedTransferSyntaxes, *_PLUGINS, *_DIRECT):
        raise ImageError(Code.TRANSFER_SYNTAX_UNSUPPORTED, f"{uid.UID(syntax).name} is not supported")
    return uid.UID(syntax)


def _frame(dataset: Dataset, index: int, frames: int) -> bytes:
    extended = None
    if frames > 1 and "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        extended = dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths
    return get_frame(dataset.PixelData, index, number_of_frames=frames, extended_offsets=extended)


def _decode_frame(dataset: Dataset, syntax: uid.UID, frame: bytes, index: int) -> Cells:
    if syntax == uid.RLELossless:
        return decode_rle(frame, dataset.Rows, dataset.Columns, _cell(dataset))
    _check_frame(dataset, frame)
    if syntax in _LIBJPEG_TURBO:
        values: Cells = imagecodecs.jpeg8_decode(frame)
        # JPEG does not know of signs: the cells are what was coded.
        return _of_size(values, dataset).view(_cell(dataset))
    if syntax in _OPENJPH:
        return _signed_as_stated(imagecodecs.htj2k_decode(frame), dataset, frame)
    if syntax in _OPENJPEG:
        return _signed_as_stated(imagecodecs.jpeg2k_decode(frame, numthreads=1), dataset, frame)
    return _by_pydicom(dataset, syntax, index)


def _by_pydicom(dataset: Dataset, syntax: uid.UID, index: int) -> Cells:
    plugin = _PLUGINS.get(syntax, "")
    stored: Cells = get_decoder(syntax).as_array(dataset, index=index, decoding_plugin=plugin, **_OPTIONS)[0]
    return stored


def _cell(dataset: Dataset) -> np.dtype[np.integer]:
    """How the header says that a cell is stored."""
    return np.dtype(f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")


def _of_size(values: Cells, dataset: Dataset) -> Cells:
    if 8 * values.itemsize != dataset.BitsAllocated:
        message = f"values of {values.dtype} in a compressed frame, Bits Allocated {dataset.BitsAllocated}"
        raise ImageError(Code.PIXELS_UNREADABLE, message)
    return values


def _signed_as_stated(values: Cells, dataset: Dataset, frame: bytes) -> Cells:
    """Values of a JPEG 2000 codestream, which says by itself whether they have signs, as the header has it."""
    cell = _cell(dataset)
    if values.itemsize > cell.itemsize:
        _of_size(values, dataset)
    cells = values.astype(cell, copy=False)
    if values.dtype.kind != cell.kind:
        # Only the bits that were coded count; the highest of them is the sign or is none.
        spare = dataset.BitsAllocated - get_j2k_parameters(frame)["precision"]
        cells = (cells << spare) >> spare
    return cells


def _check_frame(dataset: Dataset, frame: bytes) -> None:
    """Refuse a JPEG, JPEG-LS or JPEG 2000 frame that is cut, or of another size than the header says."""
    stated, expected = read_frame_header(frame), FrameHeader(dataset.Rows, dataset.Columns)
    if stated != expected:
        raise ImageError(Code.PIXELS_UNREADABLE, f"the compressed frame states {stated}, the header {expected}")
    if not is_complete(frame):
        raise ImageError(Code.PIXELS_UNREADABLE, "the compressed frame has no end")

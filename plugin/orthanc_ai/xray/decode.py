"""Stored values out of Pixel Data: which decoder reads which transfer syntax, and what no decoder gets to see.

docs/codecs.md says what each of them costs beside the others that there are.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, uid
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import Decoder, get_decoder

from ..codes import Code
from .codestream import FrameHeader, is_complete, read_frame_header, rle_lengths
from .errors import ImageError

# pydicom's plug-in for each compressed transfer syntax: with none named it tries all that are installed, one after the
# other, which differ in speed and here and there in a pixel.
_PLUGINS = {
    uid.JPEGBaseline8Bit: "pylibjpeg",
    uid.JPEGExtended12Bit: "pylibjpeg",
    uid.JPEGLossless: "pylibjpeg",
    uid.JPEGLosslessSV1: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.RLELossless: "pylibjpeg",
}

# Cells as they are: what lies beside a value's own bits may be part of it, see cells.py.
_OPTIONS: dict[str, Any] = {"raw": True, "view_only": True, "correct_unused_bits": False}

_CODESTREAMS = (*uid.JPEGTransferSyntaxes, *uid.JPEGLSTransferSyntaxes, *uid.JPEG2000TransferSyntaxes)


def decode(dataset: Dataset) -> npt.NDArray[np.integer]:
    """Cells of the only frame of a dataset, as they are stored.

    Parameters
    ----------
    dataset
        A whole DICOM file whose Image Pixel attributes have been checked.

    Returns
    -------
    Shape (rows, columns), one or two bytes each in the machine's order; int or uint by Pixel Representation.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE``, ``TRANSFER_SYNTAX_UNSUPPORTED`` or ``PIXELS_UNREADABLE``.
    """
    decoder = _decoder(dataset)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if decoder.UID.is_encapsulated:
                _check_frame(dataset, get_frame(dataset.PixelData, 0, number_of_frames=1))
            stored: npt.NDArray[np.integer] = decoder.as_array(
                dataset, index=0, decoding_plugin=_PLUGINS.get(decoder.UID, ""), **_OPTIONS
            )[0]
    except (ImageError, MemoryError):
        raise
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # codecs raise whatever they like; those in Rust "panic", which is no Exception
        raise ImageError(Code.PIXELS_UNREADABLE, f"{decoder.UID.name}: {error}") from error
    if stored.shape != (dataset.Rows, dataset.Columns) or stored.itemsize > 2:
        message = f"decoded to {stored.shape} of {stored.dtype}, not to what the header says"
        raise ImageError(Code.PIXELS_UNREADABLE, message)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _decoder(dataset: Dataset) -> Decoder:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:
        raise ImageError(Code.HEADER_UNREADABLE, "there is no Transfer Syntax UID (0002,0010)")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise ImageError(Code.TRANSFER_SYNTAX_UNSUPPORTED, f"{syntax.name} is not supported") from error
    if decoder.UID.is_encapsulated and _PLUGINS.get(decoder.UID) not in decoder.available_plugins:
        raise ImageError(Code.TRANSFER_SYNTAX_UNSUPPORTED, f"no decoder for {syntax.name} is installed")
    return decoder


def _check_frame(dataset: Dataset, frame: bytes) -> None:
    """Refuse a compressed frame that is cut, or of another size than the header says."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == uid.RLELossless:
        wanted = dataset.Rows * dataset.Columns
        found = rle_lengths(frame, wanted + 1)
        # The byte that pads a segment to an even length may decode to one more.
        if len(found) != dataset.BitsAllocated // 8 or not all(wanted <= length <= wanted + 1 for length in found):
            raise ImageError(Code.PIXELS_UNREADABLE, f"the segments hold {found} bytes, not {wanted} each")
    elif syntax in _CODESTREAMS:
        stated, expected = read_frame_header(frame), FrameHeader(dataset.Rows, dataset.Columns)
        if stated != expected:
            raise ImageError(Code.PIXELS_UNREADABLE, f"the compressed frame states {stated}, the header {expected}")
        if not is_complete(frame):
            raise ImageError(Code.PIXELS_UNREADABLE, "the compressed frame has no end")

"""What a header must say for its pixels to be read, found out before any memory is spent on them."""

from pydicom import Dataset

from ..attributes import MalformedError, attribute
from ..codes import Code
from .errors import ImageError

# A 43 x 43 cm detector with pixels of 68 micrometres.
MAXIMUM_PIXELS = 40_000_000


def check_present(dataset: Dataset) -> None:
    """Refuse a file without pixel data: ``NO_PIXELS``."""
    if "PixelData" not in dataset:
        raise ImageError(Code.NO_PIXELS, "there is no Pixel Data (7FE0,0010)")


def check_monochrome(dataset: Dataset) -> None:
    """Refuse what is no grayscale image: ``PHOTOMETRIC_UNSUPPORTED``, or ``HEADER_UNREADABLE``."""
    try:
        value = attribute(dataset, "PhotometricInterpretation")
    except MalformedError as error:
        raise ImageError(Code.HEADER_UNREADABLE, str(error)) from error
    photometric = None if value is None else str(value)
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or integer(dataset, "SamplesPerPixel", 1) != 1:
        raise ImageError(Code.PHOTOMETRIC_UNSUPPORTED, f"Photometric Interpretation is {photometric}")


def size_of(dataset: Dataset) -> tuple[int, int]:
    """Rows and columns.

    Raises
    ------
    ImageError
        ``IMAGE_TOO_LARGE`` or ``HEADER_UNREADABLE``.
    """
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    if rows * columns > MAXIMUM_PIXELS:
        raise ImageError(Code.IMAGE_TOO_LARGE, f"{columns} x {rows} pixels, at most {MAXIMUM_PIXELS} are read")
    return rows, columns


def check_cells(dataset: Dataset, least: int) -> None:
    """Refuse cells that are not read: ``PIXELS_UNREADABLE`` or ``HEADER_UNREADABLE``.

    Parameters
    ----------
    least
        Bits that a value must have.
    """
    allocated, stored = integer(dataset, "BitsAllocated"), integer(dataset, "BitsStored")
    if allocated not in (8, 16) or not least <= stored <= allocated:
        message = f"Bits Allocated {allocated} with Bits Stored {stored}; 8 or 16 with {least} to as many are read"
        raise ImageError(Code.PIXELS_UNREADABLE, message)
    if integer(dataset, "PixelRepresentation") not in (0, 1):
        raise ImageError(Code.HEADER_UNREADABLE, f"Pixel Representation is {dataset.PixelRepresentation}")


def integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """A whole number of a header.

    Raises
    ------
    ImageError
        ``HEADER_UNREADABLE`` if it is malformed, or missing without a default.
    """
    try:
        value = attribute(dataset, keyword)
        return default if value is None and default is not None else int(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ImageError(Code.HEADER_UNREADABLE, f"{keyword} is missing or malformed") from error

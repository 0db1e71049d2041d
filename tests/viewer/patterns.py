"""Test patterns that use every value of a pixel kind, one image per pixel kind and function: what a renderer is held to.

Small images made by code. MR Image Storage allows what the patterns need: both photometric interpretations, signed
pixels and a rescale (PS3.3 C.8.3.1); the server's models do not read it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from phantom.dicom import IMPLEMENTATION_UID, phantom_uid

SIDE = 64
"""Rows and columns; 256 where there are 65,536 values."""

OVERLAY_BIT = 13

ALIKE = "all pixels alike"

BESIDE = "VOI LUT beside, scaling `viewer`"
"""Remark on images that have a window and a VOI LUT: alternatives of which the viewer takes the window."""

LUT_ENTRIES = 1024
"""Of the VOI LUTs; they begin inside the values, so that both ends are held as well."""


@dataclass(frozen=True)
class Kind:
    """A kind of pixels.

    Attributes
    ----------
    name : str
        As the table of docs/display.md has it.
    bits : int
        Bits stored, 8 to 16.
    signed : bool
        Two's complement.
    slope, intercept : str
        Of the rescale, as DICOM writes decimal strings; both empty: no rescale in the header.
    padding : bool
        A frame around the image holds the Pixel Padding Value, below all others.
    overlay : bool
        An overlay lies in a bit above those stored, as it was done once (PS3.3 section C.9.2 of 2004).
    table : bool
        A Modality LUT Sequence instead of a rescale.
    """

    name: str
    bits: int
    signed: bool = False
    slope: str = ""
    intercept: str = ""
    padding: bool = False
    overlay: bool = False
    table: bool = False

    @property
    def lowest(self) -> int:
        """The lowest stored value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """The highest stored value."""
        return self.lowest + (1 << self.bits) - 1

    def stored(self) -> NDArray[np.int32]:
        """Every value of the kind, all over the image.

        Returns
        -------
        numpy.ndarray
            Rows by columns, int32, stored values.
        """
        side = 256 if self.bits == 16 else SIDE
        values = np.arange(side * side) % (1 << self.bits)
        # A step that is odd meets each value once; neighbours are far apart, so an image that is moved, mirrored or
        # interpolated cannot pass for the right one.
        mixed = (values * 40503 + 1) % (1 << self.bits)
        return (mixed + self.lowest).astype(np.int32).reshape(side, side)

    @property
    def fractional(self) -> bool:
        """Whether values after the rescale are no whole numbers."""
        return not float(self.slope or 1).is_integer() or not float(self.intercept or 0).is_integer()

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value after the modality transformation."""
        if self.table:
            return 0.0, 65535.0
        first, last = (
            stored * float(self.slope or 1) + float(self.intercept or 0) for stored in (self.lowest, self.highest)
        )
        return min(first, last), max(first, last)


KINDS = (
    Kind("8 bits", 8),
    Kind("12 bits", 12),
    Kind("16 bits", 16),
    Kind("12 bits, signed", 12, signed=True),
    Kind("16 bits, signed", 16, signed=True),
    Kind("12 bits, rescaled", 12, slope="1", intercept="-1024"),
    Kind("16 bits, signed, rescaled beyond 16 bits", 16, signed=True, slope="2", intercept="-1024"),
    Kind("12 bits, padded", 12, padding=True),
    Kind("12 bits, rescaled by a fraction", 12, slope="0.3125", intercept="-17.5"),
    Kind("12 bits, rescaled by a negative number", 12, slope="-1", intercept="4095"),
    Kind("12 bits, modality LUT", 12, table=True),
    Kind("12 bits, overlay in a spare bit", 12, overlay=True),
)

FUNCTIONS = ("linear", "linear exact", "sigmoid", "VOI LUT", "no window")
PHOTOMETRIC = ("MONOCHROME1", "MONOCHROME2")


@dataclass(frozen=True)
class Pattern:
    """One image.

    Attributes
    ----------
    kind : Kind
    function : str
        One of `FUNCTIONS`.
    photometric : str
        Photometric Interpretation.
    remark : str
        What else is special, or nothing.
    dataset : pydicom.Dataset
        The image, as a file has it.
    scaling : str
        The kind of scaling that is compared.
    """

    kind: Kind
    function: str
    photometric: str
    remark: str
    dataset: Dataset
    scaling: str = "header"


def pattern(number: int, kind: Kind, function: str, photometric: str, remark: str = "", **elements: Any) -> Pattern:
    """One image.

    Parameters
    ----------
    number
        Instance Number.
    kind, function, photometric, remark
        As in `Pattern`.
    **elements
        Data elements by keyword, instead of those that follow from the function.
    """
    stored = kind.stored()
    image = _image(number, photometric)
    if remark == ALIKE:
        stored[:] = 1000
    if kind.padding:
        image.PixelPaddingValue = kind.lowest
        stored = np.maximum(stored, kind.lowest + 500)
        stored[:4], stored[-4:] = kind.lowest, kind.lowest
    if kind.table:
        image.ModalityLUTSequence = Sequence([_table(0, np.square(np.linspace(0, 1, 4096)) * 65535, 16)])
        image.ModalityLUTSequence[0].ModalityLUTType = "US"
    if kind.slope:
        image.RescaleSlope, image.RescaleIntercept, image.RescaleType = kind.slope, kind.intercept, "US"
    image.Rows, image.Columns = stored.shape
    image.BitsAllocated = 8 if kind.bits == 8 else 16
    image.BitsStored, image.HighBit, image.PixelRepresentation = kind.bits, kind.bits - 1, int(kind.signed)
    # Bits above those stored are zero, as they are in most files; the sign is in the highest bit stored.
    cells = stored & ((1 << kind.bits) - 1)
    if kind.overlay:
        image.add_new(0x60000010, "US", stored.shape[0])
        image.add_new(0x60000011, "US", stored.shape[1])
        image.add_new(0x60000040, "CS", "G")
        image.add_new(0x60000050, "SS", [1, 1])
        image.add_new(0x60000100, "US", 16)
        image.add_new(0x60000102, "US", OVERLAY_BIT)
        cells[20:40, 20:40] |= 1 << OVERLAY_BIT
    image.PixelData = cells.astype("<u1" if kind.bits == 8 else "<u2").tobytes()
    for keyword, value in (elements or _voi(kind, function)).items():
        setattr(image, keyword, value)
    return Pattern(kind, function, photometric, remark, image, "viewer" if remark == BESIDE else "header")


def patterns(*, every: bool = True) -> list[Pattern]:
    """Every kind of pixels with every function, and windows of special widths.

    Parameters
    ----------
    every
        Each in both photometric interpretations; otherwise they take turns.
    """
    numbers = itertools.count(1)
    wanted: list[tuple[Kind, str, str, dict[str, Any]]] = [
        (kind, function, "", {}) for kind, function in itertools.product(KINDS, FUNCTIONS)
    ]
    wanted += [(KINDS[1], function, remark, elements) for remark, function, elements in _special()]
    return [
        pattern(next(numbers), kind, function, photometric, remark, **elements)
        for place, (kind, function, remark, elements) in enumerate(wanted)
        for turn, photometric in enumerate(PHOTOMETRIC)
        if every or place % 2 == turn
    ]


def _special() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Remark, function and elements of what is special about a window."""
    yield "several windows", "linear", {"WindowCenter": ["1500", "2500"], "WindowWidth": ["800", "100"]}
    named = {"WindowCenter": "1500", "WindowWidth": "800", "VOILUTFunction": "LINEAR"}
    yield "function named", "linear", named
    yield "fractions", "linear", {"WindowCenter": "2047.75", "WindowWidth": "1023.5"}
    # 255 levels for 256 values: each is met once. With 511, every other value falls between two levels.
    yield "a value a level", "linear", {"WindowCenter": "2048", "WindowWidth": "256"}
    yield "two values a level", "linear", {"WindowCenter": "2048", "WindowWidth": "511"}
    yield "width 2", "linear", {"WindowCenter": "2048", "WindowWidth": "2"}
    yield "width 1", "linear", {"WindowCenter": "2048.25", "WindowWidth": "1"}
    yield "wider than the values", "linear", {"WindowCenter": "2048", "WindowWidth": "10000"}
    yield BESIDE, "linear", _voi(KINDS[1], "linear") | _voi(KINDS[1], "VOI LUT")
    yield ALIKE, "no window", {"ImageComments": ALIKE}
    yield "center without width", "no window", {"WindowCenter": "2048"}


def _voi(kind: Kind, function: str) -> dict[str, Any]:
    """The elements of a function, with a window over the middle half of the values."""
    low, high = kind.ends
    window: dict[str, Any] = {"WindowCenter": f"{(low + high) / 2 + 7:g}", "WindowWidth": f"{(high - low) / 2:g}"}
    match function:
        case "linear":
            return window
        case "linear exact":
            return window | {"VOILUTFunction": "LINEAR_EXACT"}
        case "sigmoid":
            return window | {"VOILUTFunction": "SIGMOID"}
        case "VOI LUT":
            return {"VOILUTSequence": Sequence([_lut(low, high)])}
        case _:
            return {}


def _lut(low: float, high: float) -> Dataset:
    """A table that rises from 0 to 4,095 as a square root does, over values in the middle."""
    entries = min(LUT_ENTRIES, int(high - low) // 2)
    first = round((low + high) / 2) - entries // 2
    item = _table(first, np.sqrt(np.linspace(0, 1, entries)) * 4095, 12, signed=low < 0)
    item.LUTExplanation = "Square root"
    return item


def _table(first: int, entries: NDArray[np.float64], bits: int, *, signed: bool = False) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "SS" if signed else "US", [len(entries), first, bits])
    item.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return item


def _image(number: int, photometric: str) -> Dataset:
    """Everything but pixels and window."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MRImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = phantom_uid("viewer", "image", number)
    image.StudyInstanceUID = phantom_uid("viewer", "study")
    image.SeriesInstanceUID = phantom_uid("viewer", "series")
    image.FrameOfReferenceUID = phantom_uid("viewer", "space")
    image.PatientID, image.PatientName, image.PatientBirthDate, image.PatientSex = "PATTERN", "Pattern^Test", "", "O"
    image.StudyDate, image.StudyTime, image.StudyID, image.AccessionNumber = "20250101", "120000", "1", ""
    image.ReferringPhysicianName, image.Modality, image.SeriesNumber = "", "MR", 1
    image.SeriesDescription, image.InstanceNumber = "Test patterns", number
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness = [1, 1], 1
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, photometric
    return image

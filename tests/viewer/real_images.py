"""The images of the test data that the viewer can draw at their own size, and what its renderers make of them."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit

from orthanc_ai.dicom_file import FileError, open_file
from orthanc_ai.images.frame import read_frame
from phantom.dicom import phantom_uid

from .expectation import LARGEST, Expectation
from .renderer import Renderer

LOSSY_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit)
"""Decoders may differ by rounding (ISO/IEC 10918-2), and they do: these images are compared as we decode them."""

UNDECODED = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
"""JPEG processes that were retired (PS3.5 section 8.2.1); neither side reads them."""

SETS = (
    "cxr",
    "ct_3slice_dcmqi",
    "ct_bad_geometry",
    "ct_geometry_dcm_qa",
    "ct_series_heads_nysbu",
    "ct_thorax_lidc0314_every3rd",
    "ct_transfer_syntaxes",
    "negatives",
)
"""Folders of the test data; left out are damaged files, and images without the UIDs that a server asks for."""

DEPARTURES = {
    "no spacing": "Pixel Spacing (0028,0030) is 0: the GPU renderer draws nothing.",
    "not square": "Pixels are not square: the viewer stretches the image, so that it is not drawn at its own size.",
    "steps": "The Rescale Slope is no whole number: as in the patterns.",
}


def images_of(folder: Path, most: int | None = None) -> Iterator[Dataset]:
    """The images below a folder, each SOP Instance UID once; their pixels as they are stored, lossy JPEG decoded.

    Parameters
    ----------
    most
        How many at most, evenly chosen.
    """
    found: dict[str, Dataset] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            image: Dataset = open_file(path.read_bytes())
        except FileError:
            continue
        # PET is drawn in units of uptake, which is not what its window is in.
        if image.get("PhotometricInterpretation", "").startswith("MONOCHROME") and image.Modality not in ("PT", "SEG"):
            found.setdefault(str(image.SOPInstanceUID), image)
    images = list(found.values())
    step = 1 if most is None else max(len(images) / most, 1)
    for place in range(len(images) if most is None else min(most, len(images))):
        image = images[int(place * step)]
        syntax = image.file_meta.TransferSyntaxUID
        if syntax not in UNDECODED:
            yield _decoded(image) if syntax in LOSSY_JPEG else image


def real_expectation(renderer: Renderer, image: Dataset) -> Expectation:
    """What a renderer is known to make of a real image; its departures are keys of `DEPARTURES`."""
    slope, intercept = float(image.get("RescaleSlope", 1)), float(image.get("RescaleIntercept", 0))
    rows, columns = image.get("PixelSpacing") or (1, 1)
    if not (rows and columns) and renderer is Renderer.GPU:
        return Expectation((), None, ("no spacing",))
    if rows != columns:
        return Expectation((), None, ("not square",))
    if renderer is Renderer.CPU and not (slope.is_integer() and intercept.is_integer()):
        return Expectation((), 1, ("steps",))
    return Expectation((), LARGEST[renderer])


def _decoded(image: Dataset) -> Dataset:
    """The image without compression, as an image of its own."""
    frame = read_frame(image)
    image.PixelData = frame.stored.astype(f"<{frame.stored.dtype.kind}{frame.stored.itemsize}").tobytes()
    image["PixelData"].VR = "OW"
    image["PixelData"].is_undefined_length = False
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPInstanceUID = phantom_uid("decoded", image.SOPInstanceUID)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image

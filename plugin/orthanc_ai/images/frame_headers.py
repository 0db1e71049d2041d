"""What a header says about the looks of each frame, under the keywords of single-frame images.

Enhanced multi-frame images say it in functional groups: once for all frames (Shared Functional Groups Sequence) or in
each frame's item of Per-Frame Functional Groups Sequence (PS3.3 section C.7.6.16).
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag
from pydicom.uid import (
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from ..attributes import MalformedError, attribute
from ..codes import Code
from ..dicom_file import FileError, each_item
from .errors import ImageError

READS_OF_GROUP = 10_000
"""How often pydicom may read from one functional group; see `dicom_file.MAXIMUM_READS`."""

GROUPS = {
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "FrameVOILUTSequence": (
        "WindowCenter",
        "WindowWidth",
        "WindowCenterWidthExplanation",
        "VOILUTFunction",
        "VOILUTSequence",
    ),
    "PixelMeasuresSequence": ("PixelSpacing",),
}
"""Functional groups that say how a frame looks (PS3.3 sections C.7.6.16.2.9, C.7.6.16.2.10 and C.7.6.16.2.1)."""

KEYWORDS = (
    "PhotometricInterpretation",
    "PixelRepresentation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelAspectRatio",
)
"""Attributes of the header itself that say how its frames look."""

_OVERLAYS = range(0x6000, 0x6020, 2)

_X_RAY_INTENSITY = frozenset(
    {XRayAngiographicImageStorage, XRayRadiofluoroscopicImageStorage, "1.2.840.10008.5.1.4.1.1.12.3"}
)
"""XA, XRF and the retired XA biplane. Their Modality LUT leads back to X-ray intensity and is none to be shown by (PS3.3
section C.8.7.1.1.2)."""


class FrameHeaders:
    """The headers of the frames of a file, read when asked for.

    Parameters
    ----------
    dataset
        As `dicom_file.open_file` gives it.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        tags = [tag for keyword in KEYWORDS if (tag := tag_for_keyword(keyword)) is not None]
        # An overlay may lie in the pixels' own cells: its position says so, if it has no data of its own.
        tags += [group << 16 | element for group in _OVERLAYS for element in (0x0102, 0x3000)]
        self._base = _chosen(dataset, tags)
        if _text(dataset, "SOPClassUID") in _X_RAY_INTENSITY and "ModalityLUTSequence" in self._base:
            del self._base["ModalityLUTSequence"]
        self._shared: list[Dataset] = []
        self._per_frame: list[Dataset] = []
        self._rest: Iterator[Dataset] | None = None

    def __getitem__(self, number: int) -> Dataset:
        """The header of one frame, counted from 0.

        Raises
        ------
        ImageError
            ``HEADER_UNREADABLE`` if the functional groups are malformed, or there are none for this frame.
        """
        header = Dataset(self._base)
        header.set_original_encoding(*self._dataset.original_encoding)
        header.file_meta = self._dataset.file_meta
        try:
            for groups in self._groups(number):
                for sequence, keywords in GROUPS.items():
                    group = next(each_item(groups, sequence, READS_OF_GROUP), None)
                    if group is not None:
                        header.update(_chosen(group, [tag_for_keyword(keyword) for keyword in keywords]))
        except (FileError, MalformedError) as error:
            raise ImageError(Code.HEADER_UNREADABLE, f"the functional groups are malformed: {error}") from error
        return header

    def _groups(self, number: int) -> Iterator[Dataset]:
        """The functional groups of all frames, then those of one frame."""
        if self._rest is None:
            self._shared = list(islice(each_item(self._dataset, "SharedFunctionalGroupsSequence"), 1))
            self._rest = each_item(self._dataset, "PerFrameFunctionalGroupsSequence")
        yield from self._shared
        if "PerFrameFunctionalGroupsSequence" not in self._dataset:
            return
        self._per_frame += islice(self._rest, max(0, number + 1 - len(self._per_frame)))
        if number >= len(self._per_frame):
            raise ImageError(Code.HEADER_UNREADABLE, f"there are {len(self._per_frame)} functional groups of frames")
        yield self._per_frame[number]


def _chosen(dataset: Dataset, tags: Sequence[int | None]) -> Dataset:
    """Some elements, as they were read."""
    chosen = Dataset(
        {BaseTag(tag): dataset.get_item(tag, keep_deferred=True) for tag in tags if tag is not None and tag in dataset}
    )
    chosen.set_original_encoding(*dataset.original_encoding)
    return chosen


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        return str(attribute(dataset, keyword) or "")
    except MalformedError:
        return ""

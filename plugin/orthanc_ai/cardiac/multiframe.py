"""Enhanced and legacy converted enhanced CT: one `Header` for each frame, out of the functional groups.

A functional group stands once for all frames (Shared Functional Groups Sequence) or in each frame's item of Per-Frame
Functional Groups Sequence, PS3.3 sections C.7.6.16 and C.8.15. Legacy converted objects keep in two sequences of
"unassigned" attributes what has no group.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydicom import Dataset

from ..attributes import MalformedError, attribute, items
from ..codes import Code
from ..dicom_file import FileError, each_item
from .header import NEEDED_TAGS, Header, simplified, tags_of

MAXIMUM_FRAMES = 20_000
"""Frames of one object: thirty phases of the 640 slices of the widest detector."""

READS_OF_GROUP = 10_000
"""How often pydicom may read from one functional group; see `dicom_file.MAXIMUM_READS`."""

GROUPS: Mapping[str, Mapping[str, str]] = {
    "FrameContentSequence": {
        "TemporalPositionIndex": "TemporalPositionIdentifier",
        "FrameComments": "ImageComments",
    },
    "PlanePositionSequence": {"ImagePositionPatient": "ImagePositionPatient"},
    "PlaneOrientationSequence": {"ImageOrientationPatient": "ImageOrientationPatient"},
    "PixelMeasuresSequence": {"PixelSpacing": "PixelSpacing", "SliceThickness": "SliceThickness"},
    "PixelValueTransformationSequence": {
        "RescaleSlope": "RescaleSlope",
        "RescaleIntercept": "RescaleIntercept",
        "RescaleType": "RescaleType",
    },
    "CTImageFrameTypeSequence": {"FrameType": "ImageType"},
    "CTReconstructionSequence": {
        "ConvolutionKernel": "ConvolutionKernel",
        "ReconstructionDiameter": "ReconstructionDiameter",
    },
    "CTAcquisitionDetailsSequence": {"GantryDetectorTilt": "GantryDetectorTilt"},
    "CardiacSynchronizationSequence": {
        "NominalPercentageOfCardiacPhase": "NominalPercentageOfCardiacPhase",
        "NominalCardiacTriggerDelayTime": "TriggerTime",
    },
    "FrameAnatomySequence": {"AnatomicRegionSequence": "AnatomicRegionSequence"},
    "UnassignedSharedConvertedAttributesSequence": {keyword: keyword for keyword in NEEDED_TAGS},
    "UnassignedPerFrameConvertedAttributesSequence": {keyword: keyword for keyword in NEEDED_TAGS},
}
"""Functional groups, and what of them stands for which attribute of a single-frame image."""


def frames_of(dataset: Dataset) -> list[Header]:
    """The headers of the frames of a multi-frame CT image.

    Parameters
    ----------
    dataset
        As `dicom_file.open_file` gives it; pixels are not needed.

    Raises
    ------
    FileError
        ``HEADER_UNREADABLE`` if the functional groups cannot be read, or are not as many as the frames.
    """
    try:
        count = int(attribute(dataset, "NumberOfFrames") or 0)
        shared = items(dataset, "SharedFunctionalGroupsSequence")
        agents = items(dataset, "ContrastBolusAgentSequence")
        base = tags_of(dataset)
        if agents:
            base.setdefault("ContrastBolusAgent", "\\".join(str(attribute(one, "CodeMeaning") or "") for one in agents))
        base |= _of_groups(shared[0]) if shared else {}
        frames = []
        for number, item in enumerate(each_item(dataset, "PerFrameFunctionalGroupsSequence"), start=1):
            if number > min(count, MAXIMUM_FRAMES):
                raise FileError(Code.HEADER_UNREADABLE, "more frames than are announced, or than are read")
            frames.append(replace(Header.from_tags(base | _of_groups(item)), frame_number=number))
    except (MalformedError, ValueError, TypeError, OverflowError) as error:
        raise FileError(Code.HEADER_UNREADABLE, str(error)) from error
    if not frames or len(frames) != count:
        raise FileError(Code.HEADER_UNREADABLE, f"{len(frames)} functional groups for {count} frames")
    return frames


def _of_groups(groups: Dataset) -> dict[str, Any]:
    """What the functional groups of a frame, or of all frames, say, under the keywords of single-frame images."""
    found: dict[str, Any] = {}
    for sequence, attributes in GROUPS.items():
        group = _group(groups, sequence)
        if group is None:
            continue
        for keyword, target in attributes.items():
            value = simplified(attribute(group, keyword))
            if value is not None:
                found[target] = value
    # A time in seconds, told in milliseconds: a mere number that tells the phases apart.
    group = _group(groups, "TemporalPositionSequence")
    offset = None if group is None else attribute(group, "TemporalPositionTimeOffset")
    if offset is not None:
        found.setdefault("TemporalPositionIdentifier", str(round(float(offset) * 1000)))
    return found


def _group(groups: Dataset, sequence: str) -> Dataset | None:
    """The only item of a functional group."""
    return next(each_item(groups, sequence, READS_OF_GROUP), None)

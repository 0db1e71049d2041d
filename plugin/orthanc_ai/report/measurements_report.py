"""Lengths measured in one radiograph, as an SR whose lines viewers draw over the image: PS3.16 TID 1500 and 1501.

It is a report of its own: a viewer that is handed measurements takes every group for one with coordinates, and OHIF
breaks on a group without. OHIF makes its own measurement of a line only if the tracking identifier names its tool, and
calculates the length anew then.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from highdicom.sr import (
    CoordinatesForMeasurement,
    FindingSite,
    GraphicTypeValues,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset

from ..concepts import Concept
from . import tree, vocabulary
from .charset import make_ascii
from .document import Frame, Predecessor, reference_item
from .encoding import Fragment, encode_item
from .header import inherit, instance_reference
from .images import Spacing, descriptors, image_facts, length_spacing
from .provenance import Provenance
from .uids import ReportIdentity, derive_uid, tracking_uid
from .vocabulary import coded

SERIES_NUMBER = 9002
"""Series Number of these reports: behind the images of any study."""

_TOOL: Final = "Cornerstone3DTools@^0.1.0:Length:"
"""By what OHIF knows the tool that a line is for."""

_PROBE_SOP_CLASS: Final = derive_uid("probe", "SOP class")
_PROBE_SOP_INSTANCE: Final = derive_uid("probe", "SOP instance")


@dataclass(frozen=True, slots=True)
class Length:
    """A line in an image.

    Attributes
    ----------
    label
        What is measured, e.g. ``"Cardiac width"``.
    site
        Where in the body.
    start, end
        Column and row, in pixels from the upper left corner of the image: the first pixel's middle is (0.5, 0.5).
    """

    label: str
    site: Concept
    start: tuple[float, float]
    end: tuple[float, float]


def measurements_report(
    source: Dataset,
    lengths: Sequence[Length],
    maker: Provenance,
    identity: ReportIdentity,
    content_datetime: datetime,
    predecessor: Predecessor | None = None,
) -> bytes:
    """Make the report on an image.

    Parameters
    ----------
    source
        Header of the image; pixels are not needed. Best as it was read, see `header.inherit`.
    lengths
        At least one.
    maker
        Who measured.
    identity
        See `uids.report_identity`.
    content_datetime
        When it was made, with or without a time zone.
    predecessor
        The report that this one replaces.

    Returns
    -------
    A whole DICOM file, Comprehensive 3D SR, Explicit VR Little Endian.

    Raises
    ------
    ReportError
        If the source lacks a UID.
    ValueError
        If there is no length.
    """
    if not lengths:
        raise ValueError("a report on measurements needs at least one")
    inherited = inherit(source)
    image = instance_reference(source)
    spacing = length_spacing(source)
    library = tree.Image(_PROBE_SOP_CLASS, _PROBE_SOP_INSTANCE, tuple(descriptors(image_facts(source))))
    uid = image.sop_instance_uid.decode("iso8859")
    groups = [_group(length, spacing, tracking_uid(uid, length.label)) for length in lengths]
    root = tree.lengths_tree(maker, library, groups, [*maker.statements, _in_words(spacing)])[0]
    plain = inherited.character_sets is not None
    if plain:
        make_ascii(root)
    content = Fragment.cut(
        b"".join(map(encode_item, root.ContentSequence)),
        {"image": reference_item(_PROBE_SOP_CLASS.encode(), _PROBE_SOP_INSTANCE.encode())},
    )
    named = dataclasses.replace(maker, series_description=maker.series("measurements"))
    frame = Frame.prepare(named, SERIES_NUMBER, root, [length.site for length in lengths], plain=plain)
    return frame.document(
        inherited,
        [image],
        identity,
        content_datetime,
        predecessor,
        [content.fill({"image": reference_item(image.sop_class_uid, image.sop_instance_uid)})],
    )


def _group(length: Length, spacing: Spacing | None, uid: str) -> MeasurementsAndQualitativeEvaluations:
    coordinates = CoordinatesForMeasurement(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=np.array([length.start, length.end], np.float64),
        source_image=SourceImageForRegion(_PROBE_SOP_CLASS, _PROBE_SOP_INSTANCE),
    )
    measured = Measurement(
        name=coded(vocabulary.LENGTH),
        value=round(_length(length, spacing), 1),
        unit=coded(vocabulary.PIXELS if spacing is None else vocabulary.MILLIMETER),
        referenced_coordinates=[coordinates],
    )
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid, identifier=_TOOL + length.label),
        finding_sites=[FindingSite(coded(length.site))],
        measurements=[measured],
    )
    # The name that OHIF gives its own measurement.
    group[0].ContentSequence.append(tree.text_item(vocabulary.COMMENT, length.label))
    return group


def _length(length: Length, spacing: Spacing | None) -> float:
    """In mm; in pixels if their size is not known."""
    columns, rows = (end - start for start, end in zip(length.start, length.end, strict=True))
    if spacing is None:
        return math.hypot(columns, rows)
    return math.hypot(columns * spacing.between_columns, rows * spacing.between_rows)


def _in_words(spacing: Spacing | None) -> str:
    match spacing.kind if spacing else None:
        case None:
            return "Lengths are in pixels: the header does not say how large these are."
        case "detector":
            return "Lengths are those of the shadow on the detector, which is larger than what casts it."
        case "corrected":
            return "Lengths are corrected by the magnification that the header gives."
        case "calibrated":
            return "Lengths are calibrated by an object of known size, as the header says."
        case "unstated":
            return "The header does not say at what depth its pixel spacing holds."

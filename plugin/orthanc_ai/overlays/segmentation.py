"""What was outlined in a radiograph, as a DICOM Segmentation (PS3.3 section A.51) of the image's own size.

The segmentation has no geometry of its own: each pixel of it is the pixel of the image at the same place. highdicom makes
the same object in a second and refuses what radiographs often lack; here its parts are put together without it.
"""

from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits
from pydicom.uid import SegmentationStorage
from pydicom.valuerep import DSfloat
from scipy import ndimage  # type: ignore[import-untyped]

from ..analyses import Made
from ..cardiothoracic.ratio import Mask, Outlines
from ..concepts import Concept
from ..outcomes import Result
from ..report import vocabulary
from ..report.charset import make_ascii
from ..report.document import file_of, reference_item
from ..report.encoding import element, encode_element, item, sequence
from ..report.header import InstanceReference, inherit, instance_reference, lossy_compression
from ..report.images import ImageFacts, Spacing, image_facts, length_spacing
from ..report.provenance import PRODUCT, Provenance
from ..report.uids import ReportIdentity, derive_uid, tracking_uid
from ..report.vocabulary import coded, coded_item

SERIES_NUMBER = 9003
"""Series Number of segmentations: behind the images of any study."""


class _Segment(NamedTuple):
    attribute: str
    label: str
    type: Concept
    side: Concept | None
    color: tuple[int, int, int]


_SEGMENTS: Final = (
    # The colours of Okabe and Ito, which all eyes tell apart.
    _Segment("right_lung", "Right lung", vocabulary.LUNG, vocabulary.RIGHT, (86, 180, 233)),
    _Segment("left_lung", "Left lung", vocabulary.LUNG, vocabulary.LEFT, (0, 158, 115)),
    _Segment("heart", "Heart", vocabulary.HEART, None, (213, 94, 0)),
)

_SMOOTHING: Final = 0.7
"""Standard deviation in cells of the blur that rounds the corners of cells off."""

_THICKNESS_MM: Final = 1

_REFERENCED_SEGMENT_NUMBER: Final = 0x0062000B
_SEGMENT_IDENTIFICATION_SEQUENCE: Final = 0x0062000A

_AS_STORED: Final = [1, 0, 0, 0, 1, 0]
"""Image Orientation of all radiographs in OHIF. It says nothing about the patient, since there is no Frame of
Reference."""


def segmentation(
    source: Dataset, outlines: Outlines, maker: Provenance, identity: ReportIdentity, content_datetime: datetime
) -> Made:
    """Make the segmentation of an image.

    Parameters
    ----------
    source
        Header of the image; pixels are not needed. Best as it was read, see `report.header.inherit`.
    outlines
        Of this image.
    maker
        Who outlined.
    identity
        See `report.uids.report_identity`.
    content_datetime
        When it was made, with or without a time zone.

    Returns
    -------
    A Segmentation of type BINARY, Explicit VR Little Endian, with the segments right lung, left lung, heart.

    Raises
    ------
    ReportError
        If the source lacks a UID.
    ValueError
        If the source's Rows and Columns are not those of an image that the outlines can be of.
    """
    inherited = inherit(source)
    image = instance_reference(source)
    facts = image_facts(source)
    masks = np.stack([_whole(getattr(outlines, segment.attribute), outlines.step, facts) for segment in _SEGMENTS])
    own = _attributes(image, facts, length_spacing(source), masks, maker, identity)
    own.update(lossy_compression(source))
    if inherited.character_sets is not None:
        make_ascii(own)
    elements = {int(data.tag): encode_element(data) for data in own}
    elements[0x00081115] = _referenced_series(image)
    elements[0x52009230] = sequence(0x52009230, (_frame(image, number) for number in range(1, len(masks) + 1)))
    elements[0x7FE00010] = element(0x7FE00010, "OB", pack_bits(masks.ravel()))
    dicom = file_of(str(SegmentationStorage), elements, inherited, identity, content_datetime)
    result = Result(
        sop_class_uid=str(SegmentationStorage),
        sop_instance_uid=identity.sop_instance_uid,
        series_instance_uid=identity.series_instance_uid,
        study_instance_uid=image.study_instance_uid.decode("iso8859"),
        demonstration=maker.demonstration,
    )
    return Made(dicom, result)


def enlarged(mask: Mask, step: int, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """A mask in the image's own pixels, with smooth edges in place of the cells' corners.

    Parameters
    ----------
    mask
        Shape (rows // step, columns // step).
    step
        Pixels of the image in a cell, along rows and columns.
    rows, columns
        Of the image.

    Returns
    -------
    Shape (rows, columns), 0 or 1. What no cell covers, at the right and lower edge, is 0.

    Raises
    ------
    ValueError
        If the mask has another shape.
    """
    if mask.shape != (rows // step, columns // step):
        raise ValueError(f"outlines of {mask.shape} cells of {step} pixels; the image has {rows} x {columns} pixels")
    found = np.zeros((rows, columns), np.uint8)
    inside = mask
    if step > 1:
        # The edges of the grid go on beyond it, else what touches them would be rounded off there.
        soft = ndimage.gaussian_filter(mask.astype(np.float32), _SMOOTHING, mode="nearest")
        size = step * mask.shape[1], step * mask.shape[0]
        inside = np.asarray(Image.fromarray(soft).resize(size, Image.Resampling.BILINEAR)) > 0.5
    found[: step * mask.shape[0], : step * mask.shape[1]] = inside
    return found


def _whole(mask: Mask, step: int, facts: ImageFacts) -> npt.NDArray[np.uint8]:
    if facts.rows is None or facts.columns is None:
        raise ValueError("the image has no size")
    return enlarged(mask, step, facts.rows, facts.columns)


def _attributes(
    image: InstanceReference,
    facts: ImageFacts,
    spacing: Spacing | None,
    masks: npt.NDArray[np.uint8],
    maker: Provenance,
    identity: ReportIdentity,
) -> Dataset:
    """All attributes that neither come from the source nor refer to it."""
    count, rows, columns = masks.shape
    own = Dataset()
    own.ImageType = ["DERIVED", "PRIMARY"]
    own.Modality = "SEG"
    own.Manufacturer = own.ManufacturerModelName = PRODUCT
    own.SeriesDescription = maker.series("segmentation")
    own.DeviceSerialNumber = maker.serial_number
    own.SoftwareVersions = maker.plugin_version
    own.ContributingEquipmentSequence = [maker.contributing_equipment()]
    own.SeriesNumber, own.InstanceNumber = SERIES_NUMBER, 1
    own.PatientOrientation = list(facts.orientation) if facts.orientation else None
    dimensions = derive_uid("dimensions", identity.sop_instance_uid)
    own.DimensionOrganizationSequence = [_dataset(DimensionOrganizationUID=dimensions)]
    own.DimensionIndexSequence = [
        _dataset(
            DimensionOrganizationUID=dimensions,
            DimensionIndexPointer=_REFERENCED_SEGMENT_NUMBER,
            FunctionalGroupPointer=_SEGMENT_IDENTIFICATION_SEQUENCE,
            DimensionDescriptionLabel="Segment",
        )
    ]
    own.SamplesPerPixel = 1
    own.PhotometricInterpretation = "MONOCHROME2"
    own.NumberOfFrames, own.Rows, own.Columns = count, rows, columns
    own.BitsAllocated = own.BitsStored = 1
    own.HighBit = own.PixelRepresentation = 0
    own.SegmentationType = "BINARY"
    own.SegmentsOverlap = "YES" if (masks.sum(axis=0, dtype=np.uint8) > 1).any() else "NO"
    own.SegmentSequence = [_described(segment, number, image, maker) for number, segment in enumerate(_SEGMENTS, 1)]
    own.ContentLabel = "LUNGS_HEART"
    own.ContentDescription = f"Lungs and heart.{' DEMONSTRATION.' if maker.demonstration else ''} Not for diagnosis."
    own.ImageComments = " ".join(maker.statements)
    own.ContentCreatorName = ""
    own.SharedFunctionalGroupsSequence = [
        # OHIF draws no segmentation without the two, but needs no value in the first.
        _dataset(
            PixelMeasuresSequence=[_pixel_measures(spacing)],
            PlaneOrientationSequence=[_dataset(ImageOrientationPatient=_AS_STORED)],
        )
    ]
    return own


def _pixel_measures(spacing: Spacing | None) -> Dataset:
    if spacing is None:
        return Dataset()
    sizes = spacing.between_rows, spacing.between_columns
    # A projection has no slices; highdicom reads no pixel spacing without a thickness.
    return _dataset(PixelSpacing=[DSfloat(size, auto_format=True) for size in sizes], SliceThickness=_THICKNESS_MM)


def _described(segment: _Segment, number: int, image: InstanceReference, maker: Provenance) -> Dataset:
    """Item of the Segment Sequence, PS3.3 section C.8.20.4."""
    family = vocabulary.ARTIFICIAL_INTELLIGENCE if maker.is_learned else vocabulary.EDGE_DETECTION
    described = SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=coded(vocabulary.ANATOMICAL_STRUCTURE),
        segmented_property_type=coded(segment.type),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=maker.algorithm_name, family=coded(family), version=maker.algorithm_version, source=maker.manufacturer
        ),
        tracking_uid=tracking_uid(image.sop_instance_uid.decode("iso8859"), segment.label),
        tracking_id=segment.label,
        display_color=CIELabColor.from_rgb(*segment.color),
    )
    if segment.side is not None:
        side = coded_item(segment.side)
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return described


def _dataset(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


# ---- What refers to the source, whose UIDs may be malformed ------------------------------------------------------


def _referenced_series(image: InstanceReference) -> bytes:
    return sequence(
        0x00081115,
        [
            item(
                sequence(0x0008114A, [reference_item(image.sop_class_uid, image.sop_instance_uid)]),
                element(0x0020000E, "UI", image.series_instance_uid),
            )
        ],
    )


def _frame(image: InstanceReference, number: int) -> bytes:
    """Item of the Per-Frame Functional Groups Sequence: the image, the dimension index, the segment."""
    derivation = _dataset(DerivationCodeSequence=[coded_item(vocabulary.SEGMENTATION)])
    origin = _dataset(
        SpatialLocationsPreserved="YES",
        PurposeOfReferenceCodeSequence=[coded_item(vocabulary.SOURCE_IMAGE)],
    )
    place = _dataset(
        FrameContentSequence=[_dataset(DimensionIndexValues=number)],
        SegmentIdentificationSequence=[_dataset(ReferencedSegmentNumber=number)],
    )
    reference = item(
        element(0x00081150, "UI", image.sop_class_uid),
        element(0x00081155, "UI", image.sop_instance_uid),
        *map(encode_element, origin),
    )
    return item(
        sequence(0x00089124, [item(sequence(0x00082112, [reference]), *map(encode_element, derivation))]),
        *map(encode_element, place),
    )

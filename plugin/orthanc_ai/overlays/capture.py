"""Heat maps as colour Secondary Capture images (PS3.3 section A.8.1), one for each finding at or above its threshold."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from ..analyses import XRAY, Made
from ..attributes import MalformedError, attribute
from ..concepts import Finding
from ..models.card import ModelCard
from ..outcomes import Result
from ..report import vocabulary
from ..report.charset import make_ascii
from ..report.document import file_of
from ..report.encoding import element, encode_element, item, sequence
from ..report.findings_report import percent, threshold_percent
from ..report.header import InstanceReference, inherit, instance_reference, lossy_compression
from ..report.images import image_facts
from ..report.provenance import DEMONSTRATION, PRODUCT, RESEARCH, Provenance, describe
from ..report.uids import ReportIdentity, report_identity
from ..report.vocabulary import coded_item
from ..xray.activation import Activation
from .picture import Gray, Picture, Words, draw, step_of

SERIES_NUMBER = 9004
"""Series Number of heat maps: behind the images of any study."""


def heat_map_identities(source: str, pixels: str, recipe: str, labels: Iterable[str]) -> dict[str, ReportIdentity]:
    """Identifiers of the heat maps of one image, which share a series.

    Parameters
    ----------
    source, pixels, recipe
        See `report.uids.report_identity`.
    """
    series = report_identity(source, pixels, XRAY, recipe, "heat maps").series_instance_uid
    return {
        label: ReportIdentity(
            report_identity(source, pixels, XRAY, recipe, f"heat map {label}").sop_instance_uid, series
        )
        for label in labels
    }


def shown(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that get a heat map: those whose score is at or above its threshold, in their own order."""
    return tuple(finding for finding in findings if finding.score >= finding.threshold)


def heat_maps(
    source: Dataset,
    gray: Gray,
    activations: Mapping[str, Activation],
    findings: Sequence[Finding],
    card: ModelCard,
    maker: Provenance,
    identities: Mapping[str, ReportIdentity],
    content_datetime: datetime,
) -> list[Made]:
    """Make the heat maps of one radiograph.

    Parameters
    ----------
    source
        Header of the image; pixels are not needed. Best as it was read, see `report.header.inherit`.
    gray
        Shape (rows, columns), uint8: the whole image as a viewer shows it.
    activations
        By label, at least for the findings that are `shown`.
    maker
        The model, see `report.provenance.of_model`.
    identities
        By label, see `heat_map_identities`.
    content_datetime
        When they were made, with or without a time zone.

    Returns
    -------
    One Secondary Capture, RGB, for each finding that is `shown`; Instance Number is its place among these.

    Raises
    ------
    ReportError
        If the source lacks a UID.
    """
    inherited = inherit(source)
    image = instance_reference(source)
    common = _common(source, card, maker)
    made = []
    for number, finding in enumerate(shown(findings), 1):
        activation, identity = activations[finding.label], identities[finding.label]
        picture = draw(gray, activation, _words(finding, activation, card))
        own = _of_picture(picture, finding, number, step_of(*gray.shape))
        own.update(common)
        if inherited.character_sets is not None:
            make_ascii(own)
        elements = {int(data.tag): encode_element(data) for data in own}
        elements[0x00082112] = _source_image(image)
        elements[0x7FE00010] = element(0x7FE00010, "OB", picture.tobytes())
        dicom = file_of(str(SecondaryCaptureImageStorage), elements, inherited, identity, content_datetime)
        result = Result(
            sop_class_uid=str(SecondaryCaptureImageStorage),
            sop_instance_uid=identity.sop_instance_uid,
            series_instance_uid=identity.series_instance_uid,
            study_instance_uid=image.study_instance_uid.decode("iso8859"),
            demonstration=card.demonstration,
        )
        made.append(Made(dicom, result))
    return made


def _words(finding: Finding, activation: Activation, card: ModelCard) -> Words:
    side = len(activation.grid)
    cell = activation.box.width / side
    name = finding.label.replace("_", " ")
    score = percent(finding.score, finding.threshold)
    empty = () if activation.grid.max() > 0 else ("No cell of this map speaks for the finding.",)
    return Words(
        title=name,
        score=f"score {score:.1f} %, threshold {threshold_percent(finding.threshold):g} %",
        lines=(
            *empty,
            f"Where in the image the score of {card.title}, version {card.version}, comes from. It is no outline of a lesion.",
            f"{side} x {side} cells of {cell:.0f} pixels each; gray lines in the margin: what the model saw.",
        ),
        warning=DEMONSTRATION if card.demonstration else RESEARCH,
    )


def _common(source: Dataset, card: ModelCard, maker: Provenance) -> Dataset:
    """Attributes that all heat maps of one image have, without those that refer to it."""
    facts = image_facts(source)
    own = Dataset()
    own.ImageType = ["DERIVED", "SECONDARY"]
    own.Modality = "OT"
    own.ConversionType = "WSD"  # workstation
    own.Manufacturer = own.ManufacturerModelName = PRODUCT
    own.SecondaryCaptureDeviceManufacturer = own.SecondaryCaptureDeviceManufacturerModelName = PRODUCT
    own.SeriesDescription = describe(
        "AI heat maps ", card.name, " DEMONSTRATION not for diagnosis" if card.demonstration else " not for diagnosis"
    )
    own.DeviceSerialNumber = maker.serial_number
    own.SoftwareVersions = maker.plugin_version
    own.ContributingEquipmentSequence = [maker.contributing_equipment()]
    own.SeriesNumber = SERIES_NUMBER
    own.BodyPartExamined = "CHEST"
    own.PatientOrientation = list(facts.orientation) if facts.orientation else None
    own.ImageComments = " ".join(maker.statements)
    # The radiograph is in the picture with all that is written in it.
    burned = _burned_in(source)
    if burned in ("YES", "NO"):
        own.BurnedInAnnotation = burned
    own.update(lossy_compression(source))
    return own


def _burned_in(source: Dataset) -> str:
    try:
        return str(attribute(source, "BurnedInAnnotation") or "").strip()
    except MalformedError:
        return ""


def _of_picture(picture: Picture, finding: Finding, number: int, step: int) -> Dataset:
    own = Dataset()
    own.InstanceNumber = number
    reduced = f", both reduced {step} times by means of pixels" if step > 1 else ""
    own.DerivationDescription = (
        f"Left: the source image. Right: the class activation map of {finding.label} over it{reduced}."
    )
    own.Rows, own.Columns, own.SamplesPerPixel = picture.shape
    own.PhotometricInterpretation = "RGB"
    own.PlanarConfiguration = 0
    own.BitsAllocated = own.BitsStored = 8
    own.HighBit, own.PixelRepresentation = 7, 0
    return own


def _source_image(image: InstanceReference) -> bytes:
    """Source Image Sequence, whose UIDs are as the source has them, malformed or not."""
    purpose = Dataset()
    purpose.PurposeOfReferenceCodeSequence = [coded_item(vocabulary.SOURCE_IMAGE)]
    return sequence(
        0x00082112,
        [
            item(
                element(0x00081150, "UI", image.sop_class_uid),
                element(0x00081155, "UI", image.sop_instance_uid),
                *map(encode_element, purpose),
            )
        ],
    )

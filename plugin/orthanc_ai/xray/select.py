"""Which images are X-rays, and which X-rays a model may read: a radiographer's look at the header.

docs/images.md has the table of what counts as an X-ray and the order in which the header is believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydicom import Dataset, uid
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as Coded

from ..attributes import MalformedError, attribute, items
from ..codes import Code
from ..models.card import IntendedUse
from .age import age_in_years
from .words import Part, View, names_animal, names_secondary, part_named, says_nothing, view_named

Choice = Literal["analyze", "skip"]

_PLAIN_CLASSES = frozenset(
    {
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalXRayImageStorageForProcessing,
    }
)
_BREAST_OR_TEETH_CLASSES = frozenset(
    {
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.BreastTomosynthesisImageStorage,
        uid.BreastProjectionXRayImageStorageForPresentation,
        uid.BreastProjectionXRayImageStorageForProcessing,
        uid.DigitalIntraOralXRayImageStorageForPresentation,
        uid.DigitalIntraOralXRayImageStorageForProcessing,
        uid.XRay3DCraniofacialImageStorage,
    }
)
_FLUOROSCOPY_CLASSES = frozenset(
    {
        uid.XRayAngiographicImageStorage,
        uid.EnhancedXAImageStorage,
        uid.XRayRadiofluoroscopicImageStorage,
        uid.EnhancedXRFImageStorage,
        uid.XRay3DAngiographicImageStorage,
    }
)
_XRAY_CLASSES = _PLAIN_CLASSES | _BREAST_OR_TEETH_CLASSES | _FLUOROSCOPY_CLASSES
_SECONDARY_CAPTURE_CLASSES = frozenset(
    {
        uid.SecondaryCaptureImageStorage,
        uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
    }
)

# PS3.3 section C.7.3.1.1.1; DF, DS and CF are retired names of fluoroscopy.
_PLAIN_MODALITIES = frozenset({"CR", "DX", "RG"})
_BREAST_OR_TEETH_MODALITIES = frozenset({"MG", "IO", "PX"})
_FLUOROSCOPY_MODALITIES = frozenset({"XA", "RF", "DF", "DS", "CF"})
_XRAY_MODALITIES = _PLAIN_MODALITIES | _BREAST_OR_TEETH_MODALITIES | _FLUOROSCOPY_MODALITIES
# With these the SOP class decides.
_SILENT_MODALITIES = frozenset({"", "OT"})

# PS3.16 CID 4009. 51185008 is the thorax of editions before 2020, T-D3000 in SNOMED RT.
_CHEST_REGIONS = (
    codes.SCT.Chest,
    Coded("51185008", "SCT", "Thorax"),
    codes.SCT.Lung,
    codes.SCT.ApexOfLung,
    codes.SCT.Mediastinum,
    codes.SCT.Heart,
)
_NO_REGION = (codes.SCT.EntireBody,)
# PS3.16 CID 4010.
_VIEW_CODES = (
    (codes.SCT.PosteroAnterior, View.PA),
    (codes.SCT.AnteroPosterior, View.AP),
    (codes.SCT.Frontal, View.FRONTAL),
    (codes.SCT.LeftLateral, View.LATERAL),
    (codes.SCT.RightLateral, View.LATERAL),
    (codes.SCT.LateralProjection, View.LATERAL),
    (codes.SCT.Sagittal, View.LATERAL),
    (codes.SCT.LateralMedial, View.LATERAL),
    (codes.SCT.MedioLateralProjection, View.LATERAL),
)
# View Position (0018,5101), PS3.3 section C.8.7.1.1.3 and CR's C.8.1.1.
_VIEW_POSITIONS = {
    "PA": View.PA,
    "AP": View.AP,
    "LL": View.LATERAL,
    "RL": View.LATERAL,
    "LLD": View.OTHER,
    "RLD": View.OTHER,
    "LLO": View.OTHER,
    "RLO": View.OTHER,
    "LAO": View.OTHER,
    "RAO": View.OTHER,
    "LPO": View.OTHER,
    "RPO": View.OTHER,
}
_HUMAN = (codes.SCT.HomoSapiens, Coded("30996001", "SCT", "Homo sapiens (living organism)"))
_HUMAN_WORDS = frozenset({"human", "homo sapiens"})
_SNOMED_RT_NAMES = frozenset({"SRT", "SNM3", "99SDM"})

# From what is said about this image to what is said about the whole study, which often names several images.
_TEXTS = (
    "AcquisitionDeviceProcessingDescription",
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "StudyDescription",
    "ImageComments",
)
# What is said about the image itself; a whole study is called "dose report" by none.
_IMAGE_TEXTS = ("AcquisitionDeviceProcessingDescription", "SeriesDescription")
_PROCEDURE_CODES = (
    "PerformedProtocolCodeSequence",
    "RequestedProcedureCodeSequence",
    "ProcedureCodeSequence",
)
# ConversionType (0008,0064), PS3.3 section C.8.6.1: scanned document, drawing.
_PAPER = frozenset({"SD", "DRW"})
_SCREEN_IMAGE_TYPES = frozenset({"REPORT", "FORM", "DOCUMENT"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Whether an X-ray is read.

    Attributes
    ----------
    analyze
        Whether the model reads it.
    code
        Why not; ``None`` if it does.
    notes
        What a reader of the report must know: ``BODY_PART_NOT_STATED``, ``VIEW_NOT_STATED``, ``AGE_NOT_STATED``,
        ``OUTSIDE_INTENDED_USE``.
    view
        From which side it was taken, if the header says it.
    """

    analyze: bool
    code: Code | None
    notes: tuple[Code, ...]
    view: View | None = field(default=None, compare=False)


def is_xray(modality: str, sop_class_uid: str) -> bool:
    """Whether an instance is an X-ray, and so gets a report or a reason why not. Others are only counted."""
    modality = modality.strip().upper()
    if sop_class_uid in _XRAY_CLASSES:
        return modality in _XRAY_MODALITIES or modality in _SILENT_MODALITIES
    return sop_class_uid in _SECONDARY_CAPTURE_CLASSES and modality in _XRAY_MODALITIES


def judge(
    header: Dataset,
    intended_use: IntendedUse,
    *,
    unstated_body_part: Choice = "analyze",
    outside_intended_use: Choice = "skip",
) -> Selection:
    """Judge by its header whether an X-ray shows what a model reads: a human chest, from the front.

    Parameters
    ----------
    header
        An instance for which `is_xray` is true; pixel data are not needed.
    intended_use
        The model card's views and ages.
    unstated_body_part
        What to do with an image whose header does not say which part of the body it shows.
    outside_intended_use
        What to do with a frontal chest film outside the card's views or ages; the notes say so if it is read.
    """
    part, view = _body_part(header), _view(header)
    if refusal := _refusal(header, part, view):
        return Selection(False, refusal, ())
    notes = []
    if part is None:
        if unstated_body_part == "skip":
            return Selection(False, Code.BODY_PART_NOT_STATED, ())
        notes.append(Code.BODY_PART_NOT_STATED)
    if view not in (View.PA, View.AP):
        notes.append(Code.VIEW_NOT_STATED)
    age = age_in_years(header)
    if age is None:
        notes.append(Code.AGE_NOT_STATED)
    if not _is_intended(intended_use, view, age):
        if outside_intended_use == "skip":
            return Selection(False, Code.OUTSIDE_INTENDED_USE, ())
        notes.append(Code.OUTSIDE_INTENDED_USE)
    return Selection(True, None, tuple(notes), view)


def _refusal(header: Dataset, part: Part | None, view: View | None) -> Code | None:
    """Why an X-ray is not a frontal film of a human chest; ``None`` if nothing in the header is against it."""
    modality, sop_class = _text(header, "Modality").upper(), _text(header, "SOPClassUID")
    if modality in _BREAST_OR_TEETH_MODALITIES or sop_class in _BREAST_OR_TEETH_CLASSES:
        return Code.NOT_CHEST
    if modality in _FLUOROSCOPY_MODALITIES or sop_class in _FLUOROSCOPY_CLASSES:
        return Code.NOT_PLAIN_RADIOGRAPH
    if _is_animal(header):
        return Code.NOT_HUMAN
    if _is_secondary(header):
        return Code.NOT_PRIMARY_IMAGE
    if part is Part.OTHER:
        return Code.NOT_CHEST
    # After the body part: "canine" is a tooth as well as a dog.
    if any(names_animal(text) for text in _texts(header)):
        return Code.NOT_HUMAN
    raw = sop_class == uid.DigitalXRayImageStorageForProcessing
    if raw or _text(header, "PresentationIntentType").upper() == "FOR PROCESSING":
        return Code.FOR_PROCESSING
    if view is View.LATERAL:
        return Code.LATERAL_VIEW
    return Code.VIEW_NOT_SUPPORTED if view is View.OTHER else None


def _body_part(header: Dataset) -> Part | None:
    """CHEST, OTHER, or ``None`` where the header does not say."""
    for item in _items(header, "AnatomicRegionSequence"):
        if coded := _coded(item):
            if any(coded == region for region in _CHEST_REGIONS):
                return Part.CHEST
            if not any(coded == region for region in _NO_REGION):
                return _one(part_named(coded.meaning)) or Part.OTHER
    stated = _text(header, "BodyPartExamined")
    if stated and not says_nothing(stated):
        return _one(part_named(stated)) or Part.OTHER
    for text in _texts(header):
        named = part_named(text)
        if named in (Part.CHEST, Part.OTHER):
            return named
    return None


def _one(part: Part | None) -> Part | None:
    """A body part in one word or code: the chest together with others is not a chest film."""
    return Part.OTHER if part is Part.BOTH else part


def _view(header: Dataset) -> View | None:
    for item in _items(header, "ViewCodeSequence"):
        if coded := _coded(item):
            return next((view for code, view in _VIEW_CODES if coded == code), View.OTHER)
    position = _text(header, "ViewPosition").upper()
    if view := _VIEW_POSITIONS.get(position) or view_named(position):
        return view
    for text in _texts(header):
        if view := view_named(text):
            return view
    # Rows towards the patient's left and columns towards the feet, or mirrored: seen from the front or the back.
    rows, columns = _pair(header, "PatientOrientation")
    if rows in ("L", "R") and columns.startswith("F"):
        return View.FRONTAL
    if rows in ("A", "P") and columns.startswith("F"):
        return View.LATERAL
    return None


def _is_intended(use: IntendedUse, view: View | None, age: float | None) -> bool:
    if view in (View.PA, View.AP) and view.value not in use.views:
        return False
    if age is None:
        return True
    young = use.minimum_age_years is not None and age < use.minimum_age_years
    old = use.maximum_age_years is not None and age > use.maximum_age_years
    return not young and not old


def _is_animal(header: Dataset) -> bool:
    """By the attributes that only animals have or that name the species (PS3.3 section C.7.1.1)."""
    for item in _items(header, "PatientSpeciesCodeSequence"):
        if coded := _coded(item):
            return not any(coded == human for human in _HUMAN)
    species = _text(header, "PatientSpeciesDescription").lower()
    if species and not any(species.startswith(word) for word in _HUMAN_WORDS):
        return True
    animal_only = ("PatientBreedDescription", "PatientSexNeutered", "BreedRegistrationNumber")
    if any(_text(header, keyword) for keyword in animal_only) or any(_items(header, "PatientBreedCodeSequence")):
        return True
    return _text(header, "ResponsiblePersonRole").upper() == "OWNER"


def _is_secondary(header: Dataset) -> bool:
    """Whether the header says plainly that this is not the radiograph itself. DERIVED alone only means compressed."""
    if _text(header, "ConversionType").upper() in _PAPER:
        return True
    kinds = [kind.strip().upper() for kind in _text(header, "ImageType").split("\\")]
    if any(kind in _SCREEN_IMAGE_TYPES or names_secondary(kind) for kind in kinds):
        return True
    return any(names_secondary(_text(header, keyword)) for keyword in _IMAGE_TEXTS)


def _texts(header: Dataset) -> Iterator[str]:
    """Descriptions in words, from those of the image to those of the study."""
    for keyword in _TEXTS:
        if text := _text(header, keyword):
            yield text
    for keyword in _PROCEDURE_CODES:
        for item in _items(header, keyword):
            if text := _text(item, "CodeMeaning"):
                yield text


def _text(header: Dataset, keyword: str) -> str:
    """An attribute as text, its values joined by backslashes; empty if it is missing or malformed."""
    try:
        value = attribute(header, keyword)
    except MalformedError:
        return ""
    if value is None:
        return ""
    joined = value if isinstance(value, str) or not hasattr(value, "__iter__") else "\\".join(map(str, value))
    return str(joined).strip()


def _pair(header: Dataset, keyword: str) -> tuple[str, str]:
    first, _, second = _text(header, keyword).upper().partition("\\")
    return first.strip(), second.strip()


def _items(header: Dataset, keyword: str) -> list[Dataset]:
    try:
        return items(header, keyword)
    except MalformedError:
        return []


def _coded(item: Dataset) -> Coded | None:
    value, scheme = _text(item, "CodeValue"), _text(item, "CodingSchemeDesignator")
    if not value or not scheme:
        return None
    # pydicom compares codes of SNOMED RT with those of SNOMED CT by its own table.
    return Coded(value, "SRT" if scheme in _SNOMED_RT_NAMES else scheme, _text(item, "CodeMeaning"))

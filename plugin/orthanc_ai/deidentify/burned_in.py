"""Texts about the patient that may stand in the pixels, and faces that may be made from them.

The pixels are not looked into: what the header says of an image's kind decides. It errs on the side of suspicion.
"""

from collections.abc import Iterator

from pydicom import Dataset, uid
from pydicom.multival import MultiValue

from ..attributes import MalformedError, attribute
from ..codes import Code
from .faces import may_show_face

# Kinds of objects that are photographs, drawings or scans of paper, or into which machines write texts.
_LIKELY_CLASSES = frozenset(
    {
        uid.SecondaryCaptureImageStorage,
        uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
        uid.UltrasoundImageStorage,
        uid.UltrasoundMultiFrameImageStorage,
        uid.VLEndoscopicImageStorage,
        uid.VideoEndoscopicImageStorage,
        uid.VLPhotographicImageStorage,
        uid.VideoPhotographicImageStorage,
        uid.XRayAngiographicImageStorage,
        uid.XRayRadiofluoroscopicImageStorage,
        uid.NuclearMedicineImageStorage,
    }
    | {
        uid.UID(retired)
        for retired in ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3", "1.2.840.10008.5.1.4.1.1.5")
    }
)
# PS3.3 sections C.7.3.1.1.1: documents, digitized films, screens, and what is written over by hand.
_LIKELY_MODALITIES = frozenset(
    {"SC", "OT", "DOC", "US", "IVUS", "BDUS", "ES", "XC", "GM", "DG", "HC", "FID", "ECG", "EPS", "XA", "RF"}
)
# PS3.3 section C.8.6.1: digitized films and videos, drawings, screens, scanned documents. WSD, a workstation's, may be a
# picture of its screen.
_LIKELY_CONVERSIONS = frozenset({"DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"})
# Words in Image Type (0008,0008) beside DERIVED that stand for pictures of a screen or of a form.
_LIKELY_TYPES = frozenset(
    {"SCREEN SAVE", "SCREENSAVE", "SCREENSHOT", "SCREEN", "CAPTURE", "PASTED", "FORM", "DOSE", "REPORT"}
)

# Classes whose pixels are counted, not drawn: where the attribute is missing, nothing is likely to be written into them.
_CLEAN_CLASSES = frozenset(
    {
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.PositronEmissionTomographyImageStorage,
        uid.EnhancedPETImageStorage,
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalXRayImageStorageForProcessing,
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.BreastTomosynthesisImageStorage,
        uid.XRay3DAngiographicImageStorage,
        uid.XRay3DCraniofacialImageStorage,
        uid.RTImageStorage,
    }
)


def burned_in(dataset: Dataset) -> Code | None:
    """Whether texts are burned into an image, by its header.

    Returns
    -------
    ``BURNED_IN`` if Burned In Annotation (0028,0301) says so, ``BURNED_IN_LIKELY`` if the kind of the image does, else
    ``None``. The attribute's NO counts for every image but pictures of screens and forms, whose makers copy it along.
    """
    stated = _first(dataset, "BurnedInAnnotation").upper()
    if stated == "YES":
        return Code.BURNED_IN
    if _is_picture_of_a_screen(dataset):
        return Code.BURNED_IN_LIKELY
    if stated == "NO":
        return None
    sop_class = _first(dataset, "SOPClassUID")
    likely = (
        sop_class not in _CLEAN_CLASSES
        or sop_class in _LIKELY_CLASSES
        or _first(dataset, "Modality").upper() in _LIKELY_MODALITIES
        or _first(dataset, "ConversionType").upper() in _LIKELY_CONVERSIONS
    )
    return Code.BURNED_IN_LIKELY if likely else None


def recognizable(dataset: Dataset) -> Code | None:
    """Whether a face can be made from an image: ``RECOGNIZABLE_FEATURES`` if so, or if nobody knows.

    Recognizable Visual Features (0028,0302) says it; else photographs are suspected, and volumes of the head or of what is
    not said.
    """
    stated = _first(dataset, "RecognizableVisualFeatures").upper()
    if stated in {"YES", "NO"}:
        return Code.RECOGNIZABLE_FEATURES if stated == "YES" else None
    modality = _first(dataset, "Modality").upper()
    said = (*_values(dataset, "BodyPartExamined"), *_values(dataset, "StudyDescription"))
    suspected = may_show_face(modality, (*said, *_values(dataset, "SeriesDescription")))
    return Code.RECOGNIZABLE_FEATURES if suspected else None


def _is_picture_of_a_screen(dataset: Dataset) -> bool:
    if any(value.upper() in _LIKELY_TYPES for value in _values(dataset, "ImageType")):
        return True
    return _first(dataset, "SOPClassUID") in _SECONDARY and _first(dataset, "ConversionType").upper() in {
        "",
        "WSD",
        "SD",
    }


_SECONDARY = frozenset({uid.SecondaryCaptureImageStorage, uid.MultiFrameTrueColorSecondaryCaptureImageStorage})


def _first(dataset: Dataset, keyword: str) -> str:
    return next(_values(dataset, keyword), "")


def _values(dataset: Dataset, keyword: str) -> Iterator[str]:
    try:
        value = attribute(dataset, keyword)
    except MalformedError:
        return
    if value is None:
        return
    for one in value if isinstance(value, MultiValue) else [value]:
        yield str(one).strip(" \0")

"""Image Library Entry Descriptors of a radiograph (PS3.16 TID 1602 and 1603): as many as its header gives."""

import math
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from highdicom.sr import CodeContentItem, ContentItem, NumContentItem, RelationshipTypeValues, TextContentItem
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from ..concepts import Concept
from . import tree, vocabulary
from .vocabulary import coded

_ACQUISITION_CONTEXT = RelationshipTypeValues.HAS_ACQ_CONTEXT
_MODALITIES = {entry.value: entry for entry in codes.cid29.concepts.values()}
_DIRECTION = re.compile(r"[A-Z]{1,16}")
_SMALLEST_MM, _LARGEST_MM = 1e-3, 100.0
"""Nobody has pixels that are smaller or larger; with what a broken header says, lengths would be without bounds."""


class ImageFacts(NamedTuple):
    """What the header of a radiograph says and a descriptor can repeat; ``None`` for what it does not say usably.

    Attributes
    ----------
    modality
        A value of CID 29.
    rows, columns
        Size of the pixel matrix.
    orientation
        Patient Orientation: direction of the rows, of the columns.
    spacing
        Imager Pixel Spacing in mm: between rows, between columns.
    """

    modality: str | None
    rows: int | None
    columns: int | None
    orientation: tuple[str, str] | None
    spacing: tuple[float, float] | None


class Spacing(NamedTuple):
    """Size of a radiograph's pixels.

    Attributes
    ----------
    between_rows, between_columns
        In mm.
    kind
        Where it holds: on the detector, in the patient by a magnification that the header gives, in the patient by an
        object of known size, or the header does not say.
    """

    between_rows: float
    between_columns: float
    kind: Literal["detector", "corrected", "calibrated", "unstated"]


def length_spacing(source: Dataset) -> Spacing | None:
    """The size of pixels by which lengths are measured: the same as OHIF takes, so that both say the same.

    Pixel Spacing where the header says how it was calibrated, else Imager Pixel Spacing by the magnification, else
    either as it stands (PS3.3 section 10.7.1.3). ``None`` if there is none, or if no detector could have it.
    """
    found = _stated_spacing(source)
    if found is None or not all(_SMALLEST_MM <= size < _LARGEST_MM for size in found[:2]):
        return None
    return found


def _stated_spacing(source: Dataset) -> Spacing | None:
    pixel, imager = _spacing(source, "PixelSpacing"), _spacing(source, "ImagerPixelSpacing")
    calibration = _get(source, "PixelSpacingCalibrationType")
    if pixel and calibration == "GEOMETRY":
        return Spacing(*pixel, "corrected")
    if pixel and calibration == "FIDUCIAL":
        return Spacing(*pixel, "calibrated")
    if imager:
        magnification = _magnification(source)
        if magnification is not None:
            return Spacing(imager[0] / magnification, imager[1] / magnification, "corrected")
        if pixel and pixel[0] < imager[0]:
            return Spacing(*pixel, "corrected")
        return Spacing(*(pixel or imager), "detector")
    return Spacing(*pixel, "unstated") if pixel else None


def _magnification(source: Dataset) -> float | None:
    """How many times larger than what casts it a shadow on the detector is; ``None`` if the header does not say."""
    stated = _number_of(source, "EstimatedRadiographicMagnificationFactor")
    if stated is not None and stated > 1:
        return stated
    detector = _number_of(source, "DistanceSourceToDetector")
    patient = _number_of(source, "DistanceSourceToPatient") or _number_of(source, "DistanceSourceToEntrance")
    return detector / patient if detector and patient and patient < detector else None


def image_facts(source: Dataset) -> ImageFacts:
    """Read the facts from a header, tolerating whatever it holds."""
    modality = str(_get(source, "Modality") or "").strip()
    return ImageFacts(
        modality=modality if modality in _MODALITIES else None,
        rows=_count(source, "Rows"),
        columns=_count(source, "Columns"),
        orientation=_orientation(source),
        spacing=_spacing(source, "ImagerPixelSpacing"),
    )


def descriptors(facts: ImageFacts) -> Iterator[ContentItem]:
    """Content items that state the facts, in the order of the templates."""
    if facts.modality is not None:
        yield CodeContentItem(coded(vocabulary.MODALITY), _MODALITIES[facts.modality], _ACQUISITION_CONTEXT)
    if facts.rows is not None:
        yield _number(vocabulary.PIXEL_DATA_ROWS, facts.rows, vocabulary.PIXELS)
    if facts.columns is not None:
        yield _number(vocabulary.PIXEL_DATA_COLUMNS, facts.columns, vocabulary.PIXELS)
    if facts.orientation is not None:
        row, column = facts.orientation
        yield TextContentItem(coded(vocabulary.PATIENT_ORIENTATION_ROW), row, _ACQUISITION_CONTEXT)
        yield TextContentItem(coded(vocabulary.PATIENT_ORIENTATION_COLUMN), column, _ACQUISITION_CONTEXT)
    if facts.spacing is not None:
        between_rows, between_columns = facts.spacing
        yield _number(vocabulary.HORIZONTAL_PIXEL_SPACING, between_columns, vocabulary.MILLIMETER)
        yield _number(vocabulary.VERTICAL_PIXEL_SPACING, between_rows, vocabulary.MILLIMETER)


def _number(name: Concept, value: float, unit: Concept) -> NumContentItem:
    return tree.number_item(name, value, unit, _ACQUISITION_CONTEXT)


def _count(source: Dataset, keyword: str) -> int | None:
    value = _get(source, keyword)
    return value if isinstance(value, int) and value > 0 else None


def _orientation(source: Dataset) -> tuple[str, str] | None:
    pair = _pair(source, "PatientOrientation")
    return pair if pair and all(_DIRECTION.fullmatch(direction) for direction in pair) else None


def _spacing(source: Dataset, keyword: str) -> tuple[float, float] | None:
    pair = _pair(source, keyword)
    try:
        values = (float(pair[0]), float(pair[1])) if pair else None
    except ValueError:
        return None
    return values if values and all(math.isfinite(value) and value > 0 for value in values) else None


def _number_of(source: Dataset, keyword: str) -> float | None:
    try:
        value = float(_get(source, keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _pair(source: Dataset, keyword: str) -> tuple[str, str] | None:
    try:
        first, second = map(str, _get(source, keyword))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return None
    return first, second


def _get(source: Dataset, keyword: str) -> object:
    try:
        return source.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom raises many kinds over a malformed value; it then says nothing
        return None

"""Image Library Entry Descriptors of a radiograph (PS3.16 TID 1602 and 1603): as many as its header gives."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from highdicom.sr import CodeContentItem, ContentItem, NumContentItem, RelationshipTypeValues, TextContentItem
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from ..concepts import Concept
from . import tree, vocabulary
from .vocabulary import coded

_ACQUISITION_CONTEXT = RelationshipTypeValues.HAS_ACQ_CONTEXT
_MODALITIES = {entry.value: entry for entry in codes.cid29.concepts.values()}
_DIRECTION = re.compile(r"[A-Z]{1,16}")


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


def image_facts(source: Dataset) -> ImageFacts:
    """Read the facts from a header, tolerating whatever it holds."""
    modality = str(_get(source, "Modality") or "").strip()
    return ImageFacts(
        modality=modality if modality in _MODALITIES else None,
        rows=_count(source, "Rows"),
        columns=_count(source, "Columns"),
        orientation=_orientation(source),
        spacing=_spacing(source),
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


def _spacing(source: Dataset) -> tuple[float, float] | None:
    pair = _pair(source, "ImagerPixelSpacing")
    try:
        values = (float(pair[0]), float(pair[1])) if pair else None
    except ValueError:
        return None
    return values if values and all(math.isfinite(value) and value > 0 for value in values) else None


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

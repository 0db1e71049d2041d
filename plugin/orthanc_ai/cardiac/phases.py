"""Cardiac phases: at which part of the heart cycle an image was reconstructed, and which attribute says so.

Vendors write it into different attributes, so a ladder of sources is tried, the most explicit first.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from .header import Header


class PhaseSource(StrEnum):
    """Where a phase was read from, in the order in which they are tried. All but the last are DICOM keywords."""

    NOMINAL = "NominalPercentageOfCardiacPhase"
    SCAN_OPTIONS = "ScanOptions"
    SERIES_DESCRIPTION = "SeriesDescription"
    IMAGE_COMMENTS = "ImageComments"
    TRIGGER_TIME = "TriggerTime"
    TEMPORAL_POSITION = "TemporalPositionIdentifier"
    INSTANCE_ORDER = "InstanceNumber"
    """No attribute tells the phases; positions occur several times, and the numbering runs phase by phase."""


LADDER = tuple(source for source in PhaseSource if source is not PhaseSource.INSTANCE_ORDER)
"""Sources that are attributes of one image."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A cardiac phase.

    Attributes
    ----------
    label
        For people: ``"75%"`` of the R-R interval, ``"250ms"`` after the R wave, ``"t3"`` or ``"#3"`` for a mere
        number; a range if the images of one volume differ.
    value
        The number in it, for sorting; of a range the lower end.
    source
        Which rung of the ladder fired.
    """

    label: str
    value: float
    source: PhaseSource

    @property
    def unit(self) -> Literal["%", "ms", ""]:
        """Of `value`; empty if it is a mere number."""
        return "%" if "%" in self.label else "ms" if "ms" in self.label else ""


# Siemens: ScanOptions "TP70PC1165" is 70 percent of an R-R interval of 1165 ms.
_SCAN_OPTIONS = re.compile(r"TP(\d{1,3})PC", re.IGNORECASE)
# "10 - 100 %" is the range of a functional reconstruction, not a label; in "0.6 - 75 %" the first is a thickness.
_RANGE = re.compile(r"(?<![\w.,])\d{1,3}\s*(?:%|ms)?\s*(?:-|\u2013|\.\.|to\b|bis\b)\s*\d+\s*(?:%|ms\b)", re.IGNORECASE)
_PERCENT_OR_TIME = re.compile(r"(?<![\d.,])(?:(\d{1,3}(?:\.\d)?)\s?%|(\d{1,4})\s?ms\b)", re.IGNORECASE)
# Strengths of iterative reconstruction are percentages too: "ASiR-V 50%", "50% ASIR", "AR40 30 %", "iDose4 40%".
_STRENGTH_BEFORE = re.compile(
    r"(?:asir(?:\W?v)?|idose\W?\d?|aidr\W?(?:3d)?|adaptive|stat|\b[as][rs]\W?\d\d)\W*$", re.IGNORECASE
)
_STRENGTH_AFTER = re.compile(r"\W*(?:asir(?:\W?v\b)?+|idose|aidr|iter|adaptive|stat\b)(?!\W*\d+\s?%)", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def _written(text: str) -> str | None:
    """Label in free text, ``None`` if there is none or only a range of phases."""
    if _RANGE.search(text):
        return None
    for match in _PERCENT_OR_TIME.finditer(text):
        percent, milliseconds = match.groups()
        if milliseconds:
            return f"{int(milliseconds)}ms"
        strength = _STRENGTH_BEFORE.search(text[: match.start()]) or _STRENGTH_AFTER.match(text[match.end() :])
        if float(percent) <= 100 and not strength:
            return f"{float(percent):g}%"
    return None


@functools.lru_cache(maxsize=4096)
def _in_scan_options(text: str) -> str | None:
    match = _SCAN_OPTIONS.search(text)
    return f"{int(match[1])}%" if match and int(match[1]) <= 100 else None


def phase_label(header: Header, source: PhaseSource) -> str | None:
    """What one source says about one image, e.g. ``"75%"``; ``None`` if nothing."""
    match source:
        case PhaseSource.NOMINAL:
            value = header.nominal_percentage_of_cardiac_phase
            return None if value is None or not 0 <= value <= 100 else f"{value:g}%"
        case PhaseSource.SCAN_OPTIONS:
            return _in_scan_options(header.scan_options)
        case PhaseSource.SERIES_DESCRIPTION:
            return _written(header.series_description)
        case PhaseSource.IMAGE_COMMENTS:
            return _written(header.image_comments)
        case PhaseSource.TRIGGER_TIME:
            return None if header.trigger_time is None or header.trigger_time < 0 else f"{header.trigger_time:g}ms"
        case PhaseSource.TEMPORAL_POSITION:
            index = header.temporal_position_identifier
            return None if index is None else f"t{index}"
        case PhaseSource.INSTANCE_ORDER:
            return None


def phase_of(headers: Sequence[Header]) -> Phase | None:
    """The phase of the images of one volume: the first rung of the ladder that says something about any of them."""
    for source in LADDER:
        labels = {label for header in headers if (label := phase_label(header, source))}
        if labels:
            return _joined(labels, source)
    return None


def phase(label: str, source: PhaseSource) -> Phase:
    """A phase of its label."""
    return Phase(label, float(label.strip("%ms t#")), source)


def _joined(labels: set[str], source: PhaseSource) -> Phase:
    first, *others = sorted((phase(label, source) for label in labels), key=lambda one: (one.value, one.label))
    # Times after the R wave differ a little from beat to beat within one volume.
    return Phase(f"{first.label}-{others[-1].label}", first.value, source) if others else first

"""The columns of a table, and the type of each.

Types depend on the request alone, never on what the files hold: tables of two years have the same columns and can be put
together. What does not fit its column stands in the column `UNFIT` of the same row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

MOST_TAGS = 100
MOST_WINDOWS = 16
MOST_NUMBERED = 16
"""Columns of one attribute with several values; all three together stay below the 2,000 columns that SQLite takes. Image
Orientation has 6 values, Image Type up to 10 in practice."""

DEFAULT_TAGS = (
    "Modality",
    "SOPClassUID",
    "TransferSyntaxUID",
    "StudyDate",
    "StudyDescription",
    "SeriesNumber",
    "SeriesDescription",
    "InstanceNumber",
    "ImageType",
    "PatientSex",
    "PatientAge",
    "BodyPartExamined",
    "Laterality",
    "ViewPosition",
    "PresentationIntentType",
    "BurnedInAnnotation",
    "Manufacturer",
    "ManufacturerModelName",
    "KVP",
    "ExposureTime",
    "XRayTubeCurrent",
    "ConvolutionKernel",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "WindowCenter",
    "WindowWidth",
    "LossyImageCompression",
)
"""What a table has without other wishes: what an image is of, how it was made, and how its pixels are to be read."""

KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
"""The first columns of every table; pseudonyms if it is de-identified."""

ORTHANC_ID = "orthanc_id"
FRAME = "frame"
BURNED_IN = "burned_in"
CODE = "code"
UNFIT = "unfit"

STATISTICS = ("pixel_min", "pixel_max", "pixel_mean", "pixel_std")


class Kind(StrEnum):
    """Type of a column."""

    INTEGER = "integer"
    REAL = "real"
    DATE = "date"
    TEXT = "text"


_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("IS", "SS", "SL", "SV", "US", "UL", "UV", "US or SS"), Kind.INTEGER),
    **dict.fromkeys(("DS", "FL", "FD"), Kind.REAL),
    "DA": Kind.DATE,
    **dict.fromkeys(
        ("AE", "AS", "AT", "CS", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"), Kind.TEXT
    ),
}


def kind_of(vr: str) -> Kind | None:
    """Type of the column of a value representation (PS3.5 section 6.2); ``None`` for sequences and binary data."""
    return _KINDS.get(vr)


@dataclass(frozen=True, slots=True)
class Tag:
    """A column that was asked for.

    Attributes
    ----------
    path
        Of the attribute, see `paths.Path`; the name of the column.
    tags
        Of the sequences on the way, and of the attribute.
    kind
        Of each of its values.
    several
        Whether the attribute may have several values.
    vr
        By the data dictionary; empty for private ones.
    """

    path: str
    tags: tuple[int, ...]
    kind: Kind
    several: bool
    vr: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read `to_json` back."""
        return cls(values["path"], tuple(values["tags"]), Kind(values["kind"]), values["several"], values["vr"])

    def to_json(self) -> dict[str, Any]:
        """The column in JSON types."""
        return {
            "path": self.path,
            "tags": list(self.tags),
            "kind": self.kind,
            "several": self.several,
            "vr": self.vr,
        }


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the finished table.

    Attributes
    ----------
    about
        What it holds: a tag, or a word of ours.
    tag
        Path of the tag that it is about; empty for the others.
    """

    name: str
    kind: Kind
    about: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells of a row, in their order, and the columns that they become.

    Attributes
    ----------
    tags
        What was asked for beyond the keys.
    numbered
        Whether several values of an attribute stand in columns of their own, ``PixelSpacing`` and ``PixelSpacing1``;
        otherwise in one, with backslashes between them.
    statistics
        Whether there are the columns `STATISTICS`.
    windows
        Names of the windows.
    identified
        Whether the table has Orthanc's identifiers.
    """

    tags: tuple[Tag, ...]
    numbered: bool
    statistics: bool
    windows: tuple[str, ...]
    identified: bool

    def is_split(self, tag: Tag) -> bool:
        """Whether the cell of a tag is a list, that becomes several columns."""
        return self.numbered and tag.several

    def kind(self, tag: Tag) -> Kind:
        """Type of a tag's columns."""
        return tag.kind if self.is_split(tag) or not tag.several else Kind.TEXT

    @property
    def before(self) -> tuple[Column, ...]:
        """The columns before those of the tags."""
        first = (Column(ORTHANC_ID, Kind.TEXT, "Orthanc identifier of the instance"),) if self.identified else ()
        return (
            *first,
            *(Column(key, Kind.TEXT, key) for key in KEYS),
            Column(FRAME, Kind.INTEGER, "number of the frame, from 1; empty if the row is about the whole object"),
            Column(BURNED_IN, Kind.TEXT, "whether the pixels may show a text about the patient: a code; empty if not"),
            Column(CODE, Kind.TEXT, "why something is missing; empty if nothing is"),
        )

    @property
    def after(self) -> tuple[Column, ...]:
        """The columns behind those of the tags."""
        names = STATISTICS if self.statistics else ()
        statistics = [Column(name, Kind.REAL, "values after the modality transformation, e.g. HU") for name in names]
        statistics += [Column(share_in(one), Kind.REAL, "share of the pixels, 0 to 1") for one in self.windows]
        return (*statistics, Column(UNFIT, Kind.TEXT, "what does not fit its column, as JSON: column, text"))

    def columns(self, widths: Mapping[str, int]) -> list[Column]:
        """All columns.

        Parameters
        ----------
        widths
            How many values the longest cell of a split tag has, by path.
        """
        return [*self.before, *(one for tag in self.tags for one in self._of(tag, widths)), *self.after]

    def _of(self, tag: Tag, widths: Mapping[str, int]) -> Iterable[Column]:
        about = ".".join(f"({number >> 16:04X},{number & 0xFFFF:04X})" for number in tag.tags) + f" {tag.vr}".rstrip()
        first = Column(tag.path, self.kind(tag), about, tag.path)
        count = max(1, widths.get(tag.path, 1)) if self.is_split(tag) else 1
        return [replace(first, name=tag.path + (str(number) if number else "")) for number in range(count)]


def share_in(window: str) -> str:
    """Name of the column of a window."""
    return f"in_{window}"

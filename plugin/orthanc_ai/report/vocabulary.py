"""The coded concepts of the reports: what DICOM defines, what this project had to define itself, and titles.

Public codes are taken from PS3.16 as pydicom's dictionary has it; a test looks up each one. What has no verified code
is in the private scheme `PRIVATE_SCHEME`, and a report that uses it says whose scheme that is.
"""

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as CodedEntry

from ..codes import Code
from ..concepts import Concept
from .errors import ReportError

PRIVATE_SCHEME = "99ORTHANCAI"

# Titles. A viewer that meets one of CID 7021 expects coordinates in every group; OHIF breaks on one without.
IMAGING_MEASUREMENT_REPORT = Concept("126000", "DCM", "Imaging Measurement Report")
DIAGNOSTIC_IMAGING_REPORT = Concept("18748-4", "LN", "Diagnostic Imaging Report")  # CID 7000
MEASUREMENT_REPORT_TITLES = frozenset({"126000", "126001", "126002", "126003"})  # CID 7021

# What was done, CID 100
RADIOGRAPHY = Concept("43468-8", "LN", "XR unspecified body region")
COMPUTED_TOMOGRAPHY = Concept("25045-6", "LN", "CT unspecified body region")

# Names of content items
COMMENT = Concept("121106", "DCM", "Comment")
FINDING = Concept("121071", "DCM", "Finding")
FINDING_SITE = Concept("363698007", "SCT", "Finding Site")
PROBABILITY = Concept("122157", "DCM", "Probability")
THRESHOLD_VALUE = Concept("122411", "DCM", "Threshold Value")
PRESENCE = Concept("121052", "DCM", "Presence of property")
MEASUREMENT_GROUP = Concept("125007", "DCM", "Measurement Group")
IMAGING_MEASUREMENTS = Concept("126010", "DCM", "Imaging Measurements")
IMAGE_LIBRARY = Concept("111028", "DCM", "Image Library")
IMAGE_LIBRARY_GROUP = Concept("126200", "DCM", "Image Library Group")
SOURCE = Concept("260753009", "SCT", "Source")
TRACKING_IDENTIFIER = Concept("112039", "DCM", "Tracking Identifier")
TRACKING_UNIQUE_IDENTIFIER = Concept("112040", "DCM", "Tracking Unique Identifier")
ALGORITHM_NAME = Concept("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Concept("111003", "DCM", "Algorithm Version")
MODALITY = Concept("121139", "DCM", "Modality")
PIXEL_DATA_ROWS = Concept("110910", "DCM", "Pixel Data Rows")
PIXEL_DATA_COLUMNS = Concept("110911", "DCM", "Pixel Data Columns")
PATIENT_ORIENTATION_ROW = Concept("111044", "DCM", "Patient Orientation Row")
PATIENT_ORIENTATION_COLUMN = Concept("111043", "DCM", "Patient Orientation Column")
HORIZONTAL_PIXEL_SPACING = Concept("111026", "DCM", "Horizontal Pixel Spacing")
VERTICAL_PIXEL_SPACING = Concept("111066", "DCM", "Vertical Pixel Spacing")
LENGTH = Concept("410668003", "SCT", "Length")  # CID 7470
SERIES_INSTANCE_UID = Concept("112002", "DCM", "Series Instance UID")
SOURCE_OF_MEASUREMENT = Concept("121112", "DCM", "Source of Measurement")
CLASS_ACTIVATION = Concept("130402", "DCM", "Class activation")  # CID 217
UNCERTAINTY = Concept("371884006", "SCT", "+/-, range of measurement uncertainty")  # CID 225
COMPARISON = Concept("111424", "DCM", "Comparison to previous studies")  # CID 6052
PRIOR_REPORT = Concept("122075", "DCM", "Prior report for current patient")  # CID 3407
STUDY_DATE = Concept("111060", "DCM", "Study Date")
SOURCE_REPORT = Concept("128225", "DCM", "Source report")  # CID 7013

# Their values
PRESENT = Concept("52101004", "SCT", "Present")  # CID 240
ABSENT = Concept("272519000", "SCT", "Absent")
UNDETERMINED = Concept("373068000", "SCT", "Undetermined")
ARTIFICIAL_INTELLIGENCE = Concept("123110", "DCM", "Artificial Intelligence")  # CID 7162
PROCESSING_EQUIPMENT = Concept("109102", "DCM", "Processing Equipment")  # CID 7005

EDGE_DETECTION = Concept("123103", "DCM", "Edge Detection")  # CID 7162
SEGMENTATION = Concept("113076", "DCM", "Segmentation")  # CID 7203
SOURCE_IMAGE = Concept("121322", "DCM", "Source image for image processing operation")  # CID 7202

# Anatomy
ANATOMICAL_STRUCTURE = Concept("91723000", "SCT", "Anatomical Structure")  # CID 7150
LUNG = Concept("39607008", "SCT", "Lung")
HEART = Concept("80891009", "SCT", "Heart")
CHEST = Concept("816094009", "SCT", "Chest")
RIGHT = Concept("24028007", "SCT", "Right")  # CID 244
LEFT = Concept("7771000", "SCT", "Left")

# Units
PERCENT = Concept("%", "UCUM", "Percent")
MILLIMETER = Concept("mm", "UCUM", "mm")
PIXELS = Concept("{pixels}", "UCUM", "Pixels")
RATIO = Concept("{ratio}", "UCUM", "ratio")
PERCENTAGE_POINTS = Concept("%{points}", "UCUM", "Percentage points")
"""A percentage with a remark, which UCUM ignores (section 2.2, "curly braces"): a difference of two percentages."""

# Our own, for the report on the series of a CT study
VERDICT = Concept("VERDICT", PRIVATE_SCHEME, "Verdict")
ACCEPTED = Concept("ACCEPTED", PRIVATE_SCHEME, "Accepted as cardiac CT")
NOT_ACCEPTED = Concept("NOT-ACCEPTED", PRIVATE_SCHEME, "Not accepted")
ROLE = Concept("ROLE", PRIVATE_SCHEME, "Role")
CARDIAC_PHASES = Concept("PHASES", PRIVATE_SCHEME, "Cardiac phases")
INSTANCES = Concept("INSTANCES", PRIVATE_SCHEME, "Instances")
REASON = Concept("REASON", PRIVATE_SCHEME, "Reason")
GEOMETRY = Concept("GEOMETRY", PRIVATE_SCHEME, "Geometry")
CONTRAST = Concept("CONTRAST", PRIVATE_SCHEME, "Contrast")
EVIDENCE = Concept("EVIDENCE", PRIVATE_SCHEME, "Evidence for the heart")

# Our own, for findings reports: what PS3.16 has of LOINC and SNOMED CT knows the ratio of areas and of circumferences only.
CARDIOTHORACIC_RATIO = Concept("CTR", PRIVATE_SCHEME, "Cardiothoracic ratio")
CARDIAC_WIDTH = Concept("CARDIAC-WIDTH", PRIVATE_SCHEME, "Cardiac width")
THORACIC_WIDTH = Concept("THORACIC-WIDTH", PRIVATE_SCHEME, "Thoracic width")
CHANGE = Concept("CHANGE", PRIVATE_SCHEME, "Change since prior")
"""A report's meaning of this code names the day: "Change since 2025-01-31"."""


def coded(concept: Concept) -> CodedEntry:
    """A concept in the form that highdicom takes."""
    return CodedEntry(concept.value, concept.scheme, concept.meaning)


def coded_item(concept: Concept) -> Dataset:
    """A concept as the item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = concept
    return item


def check_title(title: Concept) -> Concept:
    """Return a title that viewers show as text.

    Raises
    ------
    ReportError
        For a title of CID 7021: OHIF shows a report titled (126000, DCM) as measurements only, and shows an error
        instead of the report if a group has no coordinates. Its three siblings announce measurements too. Also for a
        title that does not fit the attributes of a code (PS3.3 section 8.8).
    """
    if title.value in MEASUREMENT_REPORT_TITLES:
        raise ReportError(
            Code.BAD_REQUEST,
            f"report title: found ({title.value}, {title.scheme}, {title.meaning!r}); allowed: any code but 126000 to "
            "126003, which announce measurements, so that viewers do not show the findings as text",
        )
    if not (0 < len(title.value) <= 16 and 0 < len(title.scheme) <= 16 and 0 < len(title.meaning) <= 64):
        raise ReportError(
            Code.BAD_REQUEST,
            f"report title: found {tuple(title)}; allowed: a code value and a scheme of 1 to 16 characters and a "
            "meaning of 1 to 64 characters",
        )
    return title
